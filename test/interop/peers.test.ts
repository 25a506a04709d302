import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Guest, guestHost } from './harness/guest.js';
import { libreswanScript, openikedScript, type PeerAuth, type PeerOptions } from './harness/guest-peers.js';
import { expectGuestTraffic } from './harness/guest-traffic.js';
import { kit as command, type KeyType } from './harness/identities.js';
import { connect } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { certFlags, issuePeople, type People, secretFile } from './harness/people.js';

interface Peer {
  name: 'libreswan' | 'openiked';
  script: (options: PeerOptions) => string;
  /** In the peer's notation and in ours. */
  theirs: Omit<PeerOptions, 'remoteTs'>;
  ours: { ike: string; esp: string };
}

const libreswan: Peer = {
  name: 'libreswan',
  script: libreswanScript,
  theirs: { ike: 'aes_gcm256-sha2_256-dh31', esp: 'aes_gcm256' },
  ours: { ike: 'aes256gcm16-prfsha256-x25519', esp: 'aes256gcm16' },
};

const openiked: Peer = {
  name: 'openiked',
  script: openikedScript,
  theirs: {
    ike: 'enc aes-256 prf hmac-sha2-256 auth hmac-sha2-256 group modp2048',
    esp: 'auth hmac-sha2-512 enc aes-256',
  },
  ours: { ike: 'aes256-sha256-prfsha256-modp2048', esp: 'aes256-sha512' },
};

interface Proof {
  peer: Peer;
  case: string;
  keyType: KeyType;
  method: string;
  /** How the peer proves itself, in our words. */
  remoteAuth: string;
}

const proofs: Proof[] = [
  { peer: libreswan, case: 'RSA', keyType: 'rsa-3072', method: 'rsasig', remoteAuth: 'RSA-PSS with SHA-256' },
  {
    peer: libreswan,
    case: 'ECDSA',
    keyType: 'ecdsa-p256',
    method: 'ecdsa',
    remoteAuth: 'ECDSA P-256 with SHA-256',
  },
  {
    peer: openiked,
    case: 'ECDSA',
    keyType: 'ecdsa-p256',
    method: 'rfc7427',
    remoteAuth: 'ECDSA P-256 with SHA-256',
  },
  {
    peer: openiked,
    case: 'RSA',
    keyType: 'rsa-2048',
    method: 'rfc7427',
    remoteAuth: 'RSA (PKCS#1 v1.5) with SHA-256',
  },
];

/** What the peer needs to be bob.test. */
async function peerAuth(lab: Lab, { root, bob }: People, method: string): Promise<PeerAuth> {
  const passphrase = 'open the box';
  const file = join(lab.dir, 'bob.p12');
  await command(
    ...['cert', 'export', bob.name, '--store', root.dir, '--p12', '--out', file],
    ...['--passphrase-file', secretFile(lab, 'passphrase', passphrase)],
  );
  return { method, ca: root.cert, cert: bob.cert, key: bob.key, p12: { file, passphrase } };
}

describe('certificates both ways', () => {
  test.for(proofs)('$peer.name, $case', async ({ peer, keyType, method, remoteAuth }, context) => {
    const lab = await openLab(context, { hosts: 1, needs: ['uml', peer.name] });
    const { a } = lab;
    const people = await issuePeople(lab, { keyType });
    const auth = await peerAuth(lab, people, method);
    const guest = await Guest.start(lab, peer.script({ ...peer.theirs, remoteTs: a.net4, auth }));
    const kit = connect(lab, a, guestHost.v4, {
      ...peer.ours,
      ...certFlags(people, people.alice),
      'local-ts': [a.net4],
      'remote-ts': [guestHost.net4],
    });
    await expectGuestTraffic(lab, kit, guest);
    expect(kit.all('ike-sa-established')).toMatchObject([{ remoteId: 'bob.test', remoteAuth }]);
  });
});

test('OpenIKED, a certificate and EAP-MSCHAPv2, addresses from its pool', async (context) => {
  const lab = await openLab(context, { hosts: 1, needs: ['uml', 'openiked'] });
  const { a } = lab;
  const people = await issuePeople(lab);
  const user = { name: 'carol', password: 'wonderland seven' };
  const auth = { ...(await peerAuth(lab, people, 'eap "mschap-v2"')), user };
  const guest = await Guest.start(
    lab,
    openikedScript({ ...openiked.theirs, remoteTs: '10.88.0.0/24', auth }),
  );
  const kit = connect(lab, a, guestHost.v4, {
    ...openiked.ours,
    ca: people.root.cert,
    'local-id': 'carol',
    'eap-user': user.name,
    'eap-password-file': secretFile(lab, 'password', user.password),
    'remote-ts': [guestHost.net4],
  });
  const { addresses } = await kit.waitFor('addresses-assigned');
  await expectGuestTraffic(lab, kit, guest, { from: addresses[0]! });
  expect(kit.all('ike-sa-established')).toMatchObject([{ localAuth: 'eap-mschapv2', remoteId: 'bob.test' }]);
});
