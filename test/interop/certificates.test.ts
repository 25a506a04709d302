import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kit as command, type KeyType, KitAuthority, PkiAuthority } from './harness/identities.js';
import { connect, type Kit, serve } from './harness/kit.js';
import { openLab } from './harness/lab.js';
import { certFlags, certPeer, issuePeople, secretFile } from './harness/people.js';
import { ping } from './harness/traffic.js';
import {
  connectFlags,
  connectToStrongSwan,
  expectTraffic,
  expectTransfer,
  isUp,
  serveFlags,
  serveStrongSwan,
  startInitiator,
  startResponder,
} from './harness/tunnels.js';

interface Scheme {
  keyType: KeyType;
  /** What strongSwan is told to sign with, and what it calls that. */
  theirs: { auth: string; name: string };
  /** What we are told to sign with, what strongSwan calls that, and what both are in our events. */
  ours: { flag?: 'pss' | 'pkcs1'; name: string };
  event: string;
}

const schemes: Scheme[] = [
  {
    keyType: 'rsa-2048',
    theirs: { auth: 'ike:rsa/pss-sha256', name: 'RSA_EMSA_PSS_SHA2_256_SALT_32' },
    ours: { name: 'RSA_EMSA_PSS_SHA2_256_SALT_32' },
    event: 'RSA-PSS with SHA-256',
  },
  {
    keyType: 'rsa-2048',
    theirs: { auth: 'ike:rsa-sha256', name: 'RSA_EMSA_PKCS1_SHA2_256' },
    ours: { flag: 'pkcs1', name: 'RSA_EMSA_PKCS1_SHA2_256' },
    event: 'RSA (PKCS#1 v1.5) with SHA-256',
  },
  {
    keyType: 'rsa-3072',
    theirs: { auth: 'ike:rsa/pss-sha256', name: 'RSA_EMSA_PSS_SHA2_256_SALT_32' },
    ours: { name: 'RSA_EMSA_PSS_SHA2_256_SALT_32' },
    event: 'RSA-PSS with SHA-256',
  },
  {
    keyType: 'rsa-3072',
    theirs: { auth: 'ike:rsa-sha256', name: 'RSA_EMSA_PKCS1_SHA2_256' },
    ours: { flag: 'pkcs1', name: 'RSA_EMSA_PKCS1_SHA2_256' },
    event: 'RSA (PKCS#1 v1.5) with SHA-256',
  },
  ...(
    [
      ['ecdsa-p256', 'ECDSA_WITH_SHA256_DER', 'ECDSA P-256 with SHA-256'],
      ['ecdsa-p384', 'ECDSA_WITH_SHA384_DER', 'ECDSA P-384 with SHA-384'],
      ['ecdsa-p521', 'ECDSA_WITH_SHA512_DER', 'ECDSA P-521 with SHA-512'],
      ['ed25519', 'ED25519', 'Ed25519'],
      ['ed448', 'ED448', 'Ed448'],
    ] as const
  ).map(([keyType, name, event]) => ({ keyType, theirs: { auth: 'pubkey', name }, ours: { name }, event })),
];

function expectEvent(kit: Kit, role: 'initiator' | 'responder', auth: string): void {
  const remoteId = role === 'initiator' ? 'bob.test' : 'alice.test';
  expect(kit.all('ike-sa-established')).toMatchObject([
    { role, remoteId, localAuth: auth, remoteAuth: auth },
  ]);
}

describe.each(schemes)('$keyType, $event', ({ keyType, theirs, ours, event }) => {
  test('connect to strongSwan, certificates of ours', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab, { maker: 'ipsec-kit', keyType });
    const { kit, peer } = await connectToStrongSwan(lab, {
      flags: { ...certFlags(people, people.alice), 'rsa-signature': ours.flag },
      peer: certPeer(people, people.bob, theirs.auth),
    });
    expectEvent(kit, 'initiator', event);
    expect(peer.log()).toContain(`authentication of 'alice.test' with ${ours.name} successful`);
    expect(peer.log()).toContain(`authentication of 'bob.test' (myself) with ${theirs.name} successful`);
    await expectTraffic(lab);
  });

  test('serve for strongSwan, certificates of pki', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'pki'] });
    const people = await issuePeople(lab, { maker: 'pki', keyType });
    const { kit, peer } = await serveStrongSwan(lab, {
      flags: { ...certFlags(people, people.bob), 'rsa-signature': ours.flag },
      peer: certPeer(people, people.alice, theirs.auth),
    });
    expectEvent(kit, 'responder', event);
    expect(peer.log()).toContain(`authentication of 'bob.test' with ${ours.name} successful`);
    expect(peer.log()).toContain(`authentication of 'alice.test' (myself) with ${theirs.name} successful`);
    await expectTraffic(lab);
  });
});

describe('a chain with a CA in between, which only its owner has', () => {
  test('connect to strongSwan', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'pki'] });
    const people = await issuePeople(lab, { maker: 'pki', intermediate: true });
    await connectToStrongSwan(lab, {
      flags: certFlags(people, people.alice),
      peer: certPeer(people, people.bob),
    });
    await expectTraffic(lab);
  });

  test('serve for strongSwan, addresses from a pool', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    const people = await issuePeople(lab, { maker: 'ipsec-kit', intermediate: true });
    const { kit } = await serveStrongSwan(lab, {
      flags: { ...certFlags(people, people.bob), 'remote-ts': undefined, pool: '10.88.0.0/24' },
      peer: { ...certPeer(people, people.alice), virtualIps: ['0.0.0.0'], localTs: undefined },
    });
    expect(kit.all('addresses-assigned')).toMatchObject([{ addresses: ['10.88.0.1'] }]);
    expect(await ping(lab, a, '10.88.0.1', b.inner4)).toEqual({ sent: 3, received: 3 });
    await expectTransfer(lab, { host: a, address: '10.88.0.1' }, { host: b, address: b.inner4 });
  });
});

describe('a strongSwan that knows no SIGNATURE_HASH_ALGORITHMS', () => {
  const charon = { signature_authentication: 'no' };

  test.for([
    { keyType: 'ecdsa-p256', auth: 'ECDSA P-256 with SHA-256', says: 'ECDSA-256 signature' },
    { keyType: 'ecdsa-p384', auth: 'ECDSA P-384 with SHA-384', says: 'ECDSA-384 signature' },
    { keyType: 'ecdsa-p521', auth: 'ECDSA P-521 with SHA-512', says: 'ECDSA-521 signature' },
  ] as const)('connect and serve with $keyType (RFC 4754)', async ({ keyType, auth, says }, context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab, { keyType });
    const { kit, peer } = await connectToStrongSwan(lab, {
      flags: certFlags(people, people.alice),
      peer: { ...certPeer(people, people.bob), charon },
    });
    expectEvent(kit, 'initiator', auth);
    expect(peer.log()).toContain(`authentication of 'alice.test' with ${says} successful`);
    expect(await ping(lab, lab.a, lab.a.inner4, lab.b.inner4)).toEqual({ sent: 3, received: 3 });
    await kit.stop();
    await peer.stop();

    const back = await serveStrongSwan(lab, {
      flags: certFlags(people, people.bob),
      peer: { ...certPeer(people, people.alice), charon },
    });
    expectEvent(back.kit, 'responder', auth);
    expect(back.peer.log()).toContain(`authentication of 'bob.test' with ${says} successful`);
    expect(await ping(lab, lab.a, lab.a.inner4, lab.b.inner4)).toEqual({ sent: 3, received: 3 });
  });

  test.for(['connect', 'serve'] as const)(
    '%s with RSA: SHA-1 only when allowed, and a warning',
    async (role, context) => {
      const lab = await openLab(context, { needs: ['strongswan'] });
      const people = await issuePeople(lab, { keyType: 'rsa-2048' });
      const [own, other] = role === 'connect' ? [people.alice, people.bob] : [people.bob, people.alice];
      const { kit, peer } = await (role === 'connect' ? connectToStrongSwan : serveStrongSwan)(lab, {
        flags: { ...certFlags(people, own), 'allow-sha1': true },
        peer: { ...certPeer(people, other), charon },
      });
      expect(peer.log()).toContain(`authentication of '${own.name}' with RSA signature successful`);
      expect(kit.all('warning').map(({ code }) => code)).toContain('W_SIGNATURE_SHA1');
      expect(await ping(lab, lab.a, lab.a.inner4, lab.b.inner4)).toEqual({ sent: 3, received: 3 });
    },
  );
});

describe('identities', () => {
  test('a distinguished name on both sides', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'pki'] });
    const people = await issuePeople(lab, { maker: 'pki' });
    const { kit } = await connectToStrongSwan(lab, {
      flags: {
        ...certFlags(people, people.alice),
        'local-id': 'O=Interop, CN=alice.test',
        'remote-id': 'O=Interop, CN=bob.test',
      },
      peer: { ...certPeer(people, people.bob), localId: '"O=Interop, CN=bob.test"' },
    });
    expect(kit.all('ike-sa-established')).toMatchObject([
      { localId: 'O=Interop, CN=alice.test', remoteId: 'O=Interop, CN=bob.test' },
    ]);
    expect(await ping(lab, lab.a, lab.a.inner4, lab.b.inner4)).toEqual({ sent: 3, received: 3 });
  });

  test('the address that was dialled, over IPv6, nothing named, our own in PKCS#12', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    const ca = await KitAuthority.create(join(lab.dir, 'root'));
    const bob = await ca.issue('bob.test', { san: [b.v4, b.v6] });
    const alice = await ca.issue('alice@example.com');
    const passphrase = secretFile(lab, 'passphrase', 'open the box\n');
    const p12 = join(lab.dir, 'alice.p12');
    await command(
      ...['cert', 'export', alice.name, '--store', ca.dir, '--p12', '--out', p12],
      ...['--passphrase-file', passphrase],
    );
    const people = { root: ca, issuer: ca, alice, bob };
    await startResponder(lab, { ...certPeer(people, bob), localId: b.v6 }, 6);
    const kit = connect(lab, a, b.v6, {
      ...connectFlags(lab),
      'local-id': undefined,
      'remote-id': undefined,
      cert: p12,
      'passphrase-file': passphrase,
      ca: ca.cert,
    });
    await isUp(kit);
    expect(kit.all('ike-sa-established')).toMatchObject([{ localId: 'alice@example.com', remoteId: b.v6 }]);
    expect(await ping(lab, a, a.inner6, b.inner6)).toEqual({ sent: 3, received: 3 });
  });

  test('each side has a CA that the other trusts, ours one and pki the other', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'pki'] });
    const ours = await KitAuthority.create(join(lab.dir, 'ours'), { keyType: 'rsa-2048' });
    const theirs = await PkiAuthority.create(join(lab.dir, 'theirs'), { keyType: 'ed25519' });
    const alice = await theirs.issue('alice.test', { keyType: 'ecdsa-p384' });
    const bob = await ours.issue('bob.test', { keyType: 'ed25519' });
    const kit = await serve(lab, lab.b, {
      ...serveFlags(lab),
      cert: bob.cert,
      key: bob.key,
      ca: [ours.cert, theirs.cert],
    });
    const peer = await startInitiator(lab, {
      localAuth: { auth: 'pubkey', cert: alice },
      remoteAuth: { auth: 'pubkey' },
      credentials: { identities: [alice], authorities: [ours.cert] },
    });
    await peer.initiate();
    await kit.waitFor('child-sa-established');
    expect(kit.all('ike-sa-established')).toMatchObject([
      { localAuth: 'Ed25519', remoteAuth: 'ECDSA P-384 with SHA-384' },
    ]);
    await expectTraffic(lab);
  });
});
