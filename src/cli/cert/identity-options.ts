import type { makeRequest } from '../../lib/pki/actions/issue.js';
import type { KeyKind } from '../../lib/pki/keys.js';
import { storeFlag, storeFolder } from './input.js';
import { once, passphraseFrom } from './passphrase.js';

interface Flags {
  store?: string | undefined;
  'key-type'?: KeyKind | undefined;
  encrypt: boolean;
  'passphrase-file'?: string | undefined;
  san?: string[] | undefined;
  subject?: string | undefined;
  server: boolean;
  client: boolean;
  'ip-as-dns': boolean;
  force: boolean;
}

/** What `issue` and `csr` share: a key, names, a place. */
export function identityOptions(names: string[], flags: Flags): Parameters<typeof makeRequest>[0] {
  const file = flags['passphrase-file'];
  return {
    store: storeFolder(flags.store),
    storeFlag: storeFlag(flags.store),
    keyKind: flags['key-type'],
    force: flags.force,
    now: Date.now(),
    encrypt: flags.encrypt ? once(passphraseFrom(file, 'New passphrase for the key', true)) : undefined,
    ask: passphraseFrom(file, 'Passphrase of the key'),
    names,
    sans: flags.san ?? [],
    subject: flags.subject,
    server: flags.server,
    client: flags.client,
    ipAsDns: flags['ip-as-dns'],
  };
}
