import { Args } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { commonFlags } from '../tunnel-flags.js';

const keyTypes = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'ed25519',
  'ed448',
] as const;

/** What every `cert` command has. */
export const certFlags = {
  format: Flags.option({
    description: 'text, or one JSON document (schema ipsec-kit/cert@1)',
    options: ['text', 'json'] as const,
    default: 'text' as const,
    helpGroup: 'OUTPUT',
  })(),
  json: Flags.boolean({ description: 'short for --format json', helpGroup: 'OUTPUT' }),
  color: commonFlags.color,
  store: Flags.string({
    description:
      'folder of the CA and what it issued; by default ipsec-kit/pki in $XDG_DATA_HOME or ~/.local/share',
    helpValue: '<folder>',
    helpGroup: 'FILES',
  }),
};

export const force = Flags.boolean({
  description: 'replace files that are there',
  helpGroup: 'FILES',
});

export const keyFlags = {
  'key-type': Flags.option({
    description:
      'kind of the new key, by default ecdsa-p256, or that of a NAME.key which is there; Windows knows RSA, P-256 and P-384 only',
    options: keyTypes,
    helpGroup: 'KEY',
  })(),
  encrypt: Flags.boolean({
    description: 'encrypt the new key with a passphrase, asked for or read from --passphrase-file',
    helpGroup: 'KEY',
  }),
};

export const passphraseFile = (description: string) =>
  Flags.string({
    description: `${description}, read from a file that only you can read; without it you are asked`,
    helpValue: '<file>',
    helpGroup: 'KEY',
  });

export const caPassphrase = {
  'ca-passphrase-file': passphraseFile("passphrase of the CA's key, if it has one"),
};

export const days = (description: string) =>
  Flags.integer({ description, helpValue: '<days>', min: 1, max: 36500, helpGroup: 'CONTENT' });

export const crlUrl = Flags.string({
  description: 'http address where peers find the revocation list',
  helpValue: '<url>',
  helpGroup: 'CONTENT',
});

/** Whom a certificate is for, and its names. */
export const nameFlags = {
  san: Flags.string({
    description:
      'one more name: gw.example.com, alice@example.com, 192.0.2.1, or with its kind in front: dns:, email:, ip:, uri:, dn:',
    helpValue: '<name>',
    multiple: true,
    helpGroup: 'CONTENT',
  }),
  subject: Flags.string({
    description:
      'distinguished name, such as "C=CH, O=Example, CN=vpn.example.com"; default: CN with the first name',
    helpValue: '<dn>',
    helpGroup: 'CONTENT',
  }),
  server: Flags.boolean({
    description: 'for a gateway: extended key usages serverAuth and ikeIntermediate',
    helpGroup: 'CONTENT',
  }),
  client: Flags.boolean({
    description:
      'for a client: extended key usage clientAuth; without --server and --client the names decide',
    helpGroup: 'CONTENT',
  }),
  'ip-as-dns': Flags.boolean({
    description: 'IP addresses also as domain names: Windows compares a dialled address with nothing else',
    helpGroup: 'CONTENT',
  }),
};

/** What `issue` and `csr` share: names, a key, where to put it. */
export const identityFlags = {
  ...certFlags,
  ...keyFlags,
  ...nameFlags,
  'passphrase-file': passphraseFile('new passphrase for --encrypt, and that of a NAME.key which is there'),
  force,
};

export const identityArgs = {
  names: Args.string({
    description: 'domain name, address or user@domain; several are allowed',
    required: true,
  }),
};

/** The flags that the parser yields for any `cert` command. */
export interface CertFlags {
  format: 'text' | 'json';
  json: boolean;
  color: boolean;
  store?: string | undefined;
}
