import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  type AuthorityOptions,
  type Identity,
  PkiAuthority,
  type PkiIssueOptions,
} from './harness/identities.js';
import { connect, type Flags, type Kit, type KitOptions, serve, verdict } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { certFlags, certPeer, credentials, issuePeople } from './harness/people.js';
import { connectFlags, isUp, serveFlags, startInitiator, startResponder } from './harness/tunnels.js';

const needs = ['strongswan', 'pki'] as const;
const liar: KitOptions = { preload: fileURLToPath(new URL('harness/lying-signer.mjs', import.meta.url)) };

/** A certificate that must be refused, with what its owner sends beside it. */
interface Bad {
  identity: Identity;
  chain: readonly string[];
}

/** A root, its revocation list, and how to make certificates for one name below it, each wrong in its own way. */
interface Rogues {
  root: PkiAuthority;
  crl: string;
  make(fault: Fault): Promise<Bad>;
}

const faults = {
  expired: { code: 'E_CERT_EXPIRED', sentence: /expired on \d{4}-/ },
  'not yet valid': { code: 'E_CERT_NOT_YET_VALID', sentence: /valid from \d{4}-.*not yet/ },
  'of another CA': { code: 'E_CERT_UNTRUSTED', sentence: /CN=pki other|trusted/ },
  'without a fitting usage': { code: 'E_CERT_EKU', sentence: /usage/ },
  revoked: { code: 'E_CERT_REVOKED', sentence: /revoked/ },
  'below too many CAs': { code: 'E_CERT_PATH_LENGTH', sentence: /below|path/ },
  'outside its name constraint': { code: 'E_CERT_NAME_CONSTRAINT', sentence: /other\.test|may not/ },
  'with a weak key': { code: 'E_CERT_WEAK_KEY', sentence: /1024/ },
  'with a forged signature': { code: 'E_CERT_SIGNATURE', sentence: /signature/ },
} as const;

type Fault = keyof typeof faults;

async function prepareRogues(lab: Lab, name: string): Promise<Rogues> {
  const at = (folder: string) => join(lab.dir, 'pki', folder);
  const root = await PkiAuthority.create(at('root'));
  /** Each in a folder of its own, since all bear one name. */
  const issue = async (folder: string, ca: PkiAuthority, options: PkiIssueOptions = {}): Promise<Bad> => {
    const identity = await ca.issue(name, { ...options, folder: at(folder) });
    return { identity, chain: ca.chain };
  };
  const revoked = await issue('revoked', root);
  const below = (options: AuthorityOptions, issuer: PkiAuthority, folder: string) =>
    PkiAuthority.create(at(folder), options, issuer);
  const making: Record<Fault, () => Promise<Bad>> = {
    expired: () => issue('expired', root, { from: -30, to: -2 }),
    'not yet valid': () => issue('early', root, { from: 2 }),
    'of another CA': async () => issue('stranger', await PkiAuthority.create(at('other'))),
    'without a fitting usage': () => issue('usage', root, { usages: ['ocspSigning'] }),
    revoked: async () => revoked,
    'below too many CAs': async () =>
      issue('deep', await below({}, await below({ pathLength: 0 }, root, 'short'), 'below')),
    'outside its name constraint': async () =>
      issue('outside', await below({ permit: 'other.test' }, root, 'narrow')),
    'with a weak key': () => issue('weak', root, { keyType: 'rsa-1024' }),
    'with a forged signature': async () => forged(await issue('forged', root)),
  };
  return { root, crl: await root.revoke(revoked.identity), make: (fault) => making[fault]() };
}

/** Changes a bit of the signature at the end of a certificate. */
function forged(bad: Bad): Bad {
  const { cert } = bad.identity;
  const der = Buffer.from(readFileSync(cert, 'utf8').replace(/-----[^-]+-----/g, ''), 'base64');
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  writeFileSync(cert, `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`);
  return bad;
}

/** The end of a `connect` that refuses or was refused. */
async function refused(kit: Kit) {
  const { code: exit } = await kit.ended();
  expect(kit.all('child-sa-established')).toEqual([]);
  const { code, sentence, hint, event } = verdict(kit);
  expect(event).toMatchObject({ code, ...(hint && { hint }) });
  expect(event?.message.replace(/\.$/, '')).toBe(sentence);
  return { exit, code, sentence };
}

const trust = ({ root, crl }: Rogues): Flags => ({ ca: root.cert, crl });
const own = ({ identity, chain }: Bad): Flags => ({ cert: [identity.cert, ...chain], key: identity.key });
const entries = Object.entries(faults) as [Fault, (typeof faults)[Fault]][];

describe.concurrent('connect refuses a strongSwan gateway whose certificate is', () => {
  test.for(entries)('%s', async ([fault, { code, sentence }], context) => {
    const lab = await openLab(context, { needs });
    const rogues = await prepareRogues(lab, 'bob.test');
    const { identity, chain } = await rogues.make(fault);
    await startResponder(lab, {
      localAuth: { auth: 'pubkey', cert: identity },
      credentials: { identities: [identity], chain },
    });
    const kit = connect(lab, lab.a, lab.b.v4, {
      ...connectFlags(lab),
      ...trust(rogues),
      auth: 'psk',
    });
    expect(await refused(kit)).toEqual({ exit: 6, code, sentence: expect.stringMatching(sentence) });
  });
});

describe.concurrent('connect refuses', () => {
  test('a gateway that is not the one that was dialled', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab);
    await startResponder(lab, certPeer(people, people.bob));
    const flags = { ...connectFlags(lab), ...certFlags(people, people.alice), 'remote-id': undefined };
    expect(await refused(connect(lab, lab.a, lab.b.v4, flags))).toEqual({
      exit: 6,
      code: 'E_CERT_NAME',
      sentence: expect.stringMatching(/10\.77\.0\.2.*bob\.test/),
    });
  });

  test('a gateway that shows a key where a certificate is required', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab);
    await startResponder(lab, {
      localAuth: { auth: 'psk' },
      remoteAuth: { auth: 'pubkey' },
      credentials: credentials(people, people.bob),
    });
    const flags = { ...connectFlags(lab), ...certFlags(people, people.alice) };
    expect(await refused(connect(lab, lab.a, lab.b.v4, flags))).toEqual({
      exit: 6,
      code: 'E_AUTH_METHOD',
      sentence: expect.stringMatching(/bob\.test.*(psk|pre-shared key).*certificate/i),
    });
  });

  test('a gateway that signs with SHA-1', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab, { keyType: 'rsa-2048' });
    await startResponder(lab, {
      ...certPeer(people, people.bob),
      charon: { signature_authentication: 'no' },
    });
    const flags = { ...connectFlags(lab), ...certFlags(people, people.alice) };
    expect(await refused(connect(lab, lab.a, lab.b.v4, flags))).toEqual({
      exit: 6,
      code: 'E_SIGNATURE_SHA1',
      sentence: expect.stringMatching(/SHA-1/),
    });
  });

  test('a gateway that nothing says of whether it was revoked, when that is asked for', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab);
    await startResponder(lab, certPeer(people, people.bob));
    const flags = { ...connectFlags(lab), ...certFlags(people, people.alice), 'crl-policy': 'hard' };
    expect(await refused(connect(lab, lab.a, lab.b.v4, flags))).toEqual({
      exit: 6,
      code: 'E_CRL_MISSING',
      sentence: expect.stringMatching(/revo/),
    });
  });

  test('a gateway whose certificate inside EAP-TLS is of another CA', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab);
    const other = await PkiAuthority.create(join(lab.dir, 'other'));
    const bob = await other.issue('bob.test');
    await startResponder(lab, {
      localAuth: { auth: 'eap-tls', cert: bob },
      remoteAuth: { auth: 'eap-tls', eap_id: '%any' },
      credentials: { identities: [bob], authorities: [people.root.cert] },
    });
    const kit = connect(lab, lab.a, lab.b.v4, {
      ...connectFlags(lab),
      ...certFlags(people, people.alice),
      auth: 'eap-tls',
      'server-auth': 'eap-only',
    });
    expect(await refused(kit)).toEqual({
      exit: 6,
      code: 'E_EAP_SERVER',
      sentence: expect.stringMatching(/certificate/),
    });
  });

  test('a serve whose signature does not verify', async (context) => {
    const lab = await openLab(context);
    const people = await issuePeople(lab);
    await serve(lab, lab.b, { ...serveFlags(lab), ...certFlags(people, people.bob) }, liar);
    const flags = { ...connectFlags(lab), ...certFlags(people, people.alice) };
    expect(await refused(connect(lab, lab.a, lab.b.v4, flags))).toEqual({
      exit: 6,
      code: 'E_SIGNATURE_INVALID',
      sentence: expect.stringMatching(/signature/),
    });
  });
});

describe.concurrent('strongSwan refuses connect, which says so', () => {
  test('a signature that does not verify', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab);
    const peer = await startResponder(lab, certPeer(people, people.bob));
    const flags = { ...connectFlags(lab), ...certFlags(people, people.alice) };
    expect(await refused(connect(lab, lab.a, lab.b.v4, flags, liar))).toMatchObject({
      exit: 6,
      code: 'E_AUTHENTICATION_FAILED',
    });
    expect(peer.log()).toMatch(/signature validation failed/);
  });

  test('a certificate that our CA revoked', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab);
    const carol = await people.root.issue('carol.test');
    const crl = await people.root.revoke(people.alice);
    const peer = await startResponder(lab, {
      ...certPeer(people, people.bob),
      remoteAuth: { auth: 'pubkey', revocation: 'strict' },
      credentials: { ...credentials(people, people.bob), crls: [crl] },
    });
    const flags = { ...connectFlags(lab), ...certFlags(people, people.alice) };
    expect(await refused(connect(lab, lab.a, lab.b.v4, flags))).toMatchObject({
      exit: 6,
      code: 'E_AUTHENTICATION_FAILED',
    });
    expect(peer.log()).toMatch(/certificate was revoked/);
    await isUp(
      connect(lab, lab.a, lab.b.v4, {
        ...connectFlags(lab),
        ...certFlags(people, carol),
        'local-id': 'carol.test',
      }),
    );
  });
});

describe('serve refuses clients, each for its own reason, and goes on', () => {
  test('certificates', async (context) => {
    const lab = await openLab(context, { needs });
    const { a, b } = lab;
    const rogues = await prepareRogues(lab, 'alice.test');
    const { root } = rogues;
    const bob = await root.issue('bob.test');
    const kit = await serve(lab, b, {
      ...serveFlags(lab),
      ...trust(rogues),
      cert: bob.cert,
      key: bob.key,
      'client-auth': ['cert', 'eap-tls'],
    });
    const attempt = (flags: Flags, options?: KitOptions) =>
      connect(lab, a, b.v4, { ...connectFlags(lab), ...trust(rogues), ...flags }, options);
    const good = own({ identity: await root.issue('alice.test'), chain: [] });

    interface Attempt {
      fault: string;
      code: string;
      sentence: RegExp;
      flags: Flags;
      options?: KitOptions;
      /** What the client learns of it. */
      client?: string;
    }
    const attempts: Attempt[] = [
      ...(await Promise.all(
        entries.map(async ([fault, expected]) => ({
          fault,
          ...expected,
          flags: own(await rogues.make(fault)),
        })),
      )),
      { fault: 'lying', code: 'E_SIGNATURE_INVALID', sentence: /signature/, flags: good, options: liar },
      { fault: 'key', code: 'E_AUTH_METHOD', sentence: /certificate/, flags: { auth: 'psk' } },
      {
        fault: 'another name in EAP-TLS',
        code: 'E_EAP_CLIENT',
        sentence: /mallory\.test/,
        flags: { ...good, auth: 'eap-tls', 'eap-user': 'mallory.test' },
        client: 'E_EAP_FAILED',
      },
    ];
    for (const [index, { fault, code, sentence, flags, options, client }] of attempts.entries()) {
      const outcome = await refused(attempt(flags, options));
      expect(outcome, fault).toMatchObject({ exit: 6, code: client ?? 'E_AUTHENTICATION_FAILED' });
      const error = await kit.waitFor('error', index + 1);
      expect(error, fault).toMatchObject({ code, message: expect.stringMatching(sentence) });
      expect(error.peer, fault).toMatch(/^10\.77\.0\.1:/);
    }
    await isUp(attempt(good));
    expect(kit.all('ike-sa-established')).toHaveLength(1);
    expect(kit.all('error')).toHaveLength(attempts.length);
  });

  test('strongSwan with a revoked certificate, with none for its name in EAP-TLS, and with a key', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab);
    const carol = await people.root.issue('carol.test');
    const crl = await people.root.revoke(carol);
    const kit = await serve(lab, lab.b, {
      ...serveFlags(lab),
      ...certFlags(people, people.bob),
      crl,
      'client-auth': ['cert', 'eap-tls'],
    });
    const attempts = [
      { peer: { ...certPeer(people, carol), localId: 'carol.test' }, code: 'E_CERT_REVOKED', says: /carol/ },
      {
        peer: {
          ...certPeer(people, people.alice),
          localAuth: { auth: 'eap-tls', eap_id: 'mallory.test', cert: people.alice },
        },
        code: 'E_EAP_CLIENT',
        says: /no certificate/,
      },
      {
        peer: { ...certPeer(people, people.alice), localAuth: { auth: 'psk' } },
        code: 'E_AUTH_METHOD',
        says: /alice/,
      },
    ];
    for (const [index, { peer, code, says }] of attempts.entries()) {
      const client = await startInitiator(lab, peer);
      await expect(client.initiate()).rejects.toThrow();
      expect(client.log()).toMatch(/AUTHENTICATION_FAILED|EAP_FAILURE|method failed/);
      const error = await kit.waitFor('error', index + 1);
      expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
      await client.stop();
    }
    const good = await startInitiator(lab, certPeer(people, people.alice));
    await good.initiate();
    await kit.waitFor('child-sa-established');
  });
});
