import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Authority,
  type Identity,
  type IssueOptions,
  KitAuthority,
  PkiAuthority,
} from './identities.js';
import type { Flags } from './kit.js';
import type { Lab } from './lab.js';
import type { PeerCredentials, Round, StrongSwanOptions } from './strongswan-config.js';

/** Who makes the certificates: our `ipsec-kit cert` or strongSwan's `pki`. */
export type Maker = 'ipsec-kit' | 'pki';

/** alice.test and bob.test with certificates of one CA. */
export interface People {
  /** What both sides trust. */
  root: Authority;
  /** What issued theirs: the root, or a CA below it. */
  issuer: Authority;
  alice: Identity;
  bob: Identity;
}

export async function issuePeople(
  lab: Lab,
  {
    maker = 'ipsec-kit',
    intermediate = false,
    ...options
  }: IssueOptions & { maker?: Maker; intermediate?: boolean } = {},
): Promise<People> {
  const [root, issuer] = await (maker === 'ipsec-kit'
    ? kitCas(lab, intermediate)
    : pkiCas(lab, intermediate));
  return {
    root,
    issuer,
    alice: await issuer.issue('alice.test', options),
    bob: await issuer.issue('bob.test', options),
  };
}

async function kitCas(lab: Lab, intermediate: boolean): Promise<[Authority, Authority]> {
  const root = await KitAuthority.create(join(lab.dir, 'root'));
  return [root, intermediate ? await KitAuthority.create(join(lab.dir, 'below'), {}, root) : root];
}

async function pkiCas(lab: Lab, intermediate: boolean): Promise<[Authority, Authority]> {
  const root = await PkiAuthority.create(join(lab.dir, 'root'));
  return [root, intermediate ? await PkiAuthority.create(join(lab.dir, 'below'), {}, root) : root];
}

/** Flags of somebody with a certificate who trusts the CA of the other. */
export function certFlags({ root, issuer }: People, own: Identity): Flags {
  return { cert: [own.cert, ...issuer.chain], key: own.key, ca: root.cert };
}

/** The same for strongSwan. */
export function credentials({ root, issuer }: People, own: Identity): PeerCredentials {
  return { identities: [own], chain: issuer.chain, authorities: [root.cert] };
}

/** strongSwan with a certificate, which wants one: `auth` in swanctl's words, e.g. `ike:rsa/pss-sha256`. */
export function certPeer(people: People, own: Identity, auth = 'pubkey'): Partial<StrongSwanOptions> {
  const local: Round = { auth, cert: own };
  return { localAuth: local, remoteAuth: { auth: 'pubkey' }, credentials: credentials(people, own) };
}

/** A file that only we can read, as the command wants it for secrets. */
export function secretFile(lab: Lab, name: string, text: string): string {
  const file = join(lab.dir, name);
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  return file;
}
