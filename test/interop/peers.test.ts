import { describe, expect, test } from 'vitest';
import {
  Guest,
  guestHost,
  guestTransfer,
  libreswanScript,
  openikedScript,
  type PeerOptions,
} from './harness/guest.js';
import { connect, type Kit } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { ping, startPing, transferTo } from './harness/traffic.js';
import { isUp } from './harness/tunnels.js';

interface Peer {
  name: 'libreswan' | 'openiked';
  script: (options: PeerOptions) => string;
  case: string;
  /** In the peer's notation and in ours. */
  theirs: Omit<PeerOptions, 'remoteTs'>;
  ours: { ike: string; esp: string };
}

const peers: Peer[] = [
  {
    name: 'libreswan',
    script: libreswanScript,
    case: 'AES-GCM and X25519',
    theirs: { ike: 'aes_gcm256-sha2_256-dh31', esp: 'aes_gcm256' },
    ours: { ike: 'aes256gcm16-prfsha256-x25519', esp: 'aes256gcm16' },
  },
  {
    name: 'libreswan',
    script: libreswanScript,
    case: 'AES-CBC, MODP2048 and extended sequence numbers',
    theirs: { ike: 'aes256-sha2_512-dh14', esp: 'aes256-sha2_512', extra: 'esn=yes' },
    ours: { ike: 'aes256-sha512-prfsha512-modp2048', esp: 'aes256-sha512-esn' },
  },
  {
    name: 'openiked',
    script: openikedScript,
    case: 'AES-CBC and MODP2048',
    theirs: {
      ike: 'enc aes-256 prf hmac-sha2-256 auth hmac-sha2-256 group modp2048',
      esp: 'auth hmac-sha2-512 enc aes-256',
    },
    ours: { ike: 'aes256-sha256-prfsha256-modp2048', esp: 'aes256-sha512' },
  },
];

/** Peers may answer IKE_AUTH before their kernel has the SAs: pings until the first answer. */
async function settle(lab: Lab): Promise<void> {
  const { a } = lab;
  const waiting = startPing(lab, a, a.inner4, guestHost.inner4, { interval: 0.2 });
  await waiting.answers(1);
  await waiting.stop();
}

async function expectTunnel(lab: Lab, kit: Kit, guest: Guest): Promise<void> {
  const { a } = lab;
  await isUp(kit);
  await settle(lab);
  expect(await ping(lab, a, a.inner4, guestHost.inner4, { count: 10 })).toEqual({ sent: 10, received: 10 });
  expect(await ping(lab, a, a.inner4, guestHost.inner4, { size: 1200 })).toEqual({ sent: 3, received: 3 });
  const { address, port, bytes } = guestTransfer;
  const [ours, theirs] = await Promise.all([
    transferTo(lab, { host: a, address: a.inner4 }, address, port, bytes),
    guest.transferred(),
  ]);
  expect(ours.sent.bytes).toBe(bytes);
  expect(theirs.received).toEqual(ours.sent);
  expect(ours.received).toEqual(theirs.sent);
}

describe.each(peers)('connect to $name', ({ name, script, case: title, theirs, ours }) => {
  test(title, async (context) => {
    const lab = await openLab(context, { hosts: 1, needs: ['uml', name] });
    const { a } = lab;
    const guest = await Guest.start(lab, script({ ...theirs, remoteTs: a.net4 }));
    const kit = connect(lab, a, guestHost.v4, {
      ...ours,
      'local-ts': [a.net4],
      'remote-ts': [guestHost.net4],
    });
    await expectTunnel(lab, kit, guest);
    expect(kit.all('ike-sa-established')).toMatchObject([{ proposal: ours.ike, remoteId: 'bob.test' }]);
    expect(kit.all('child-sa-established')).toMatchObject([{ proposal: ours.esp }]);
    expect((await kit.stop()).code).toBe(130);
  });
});
