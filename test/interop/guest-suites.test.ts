import { expect, test } from 'vitest';
import { Guest, guestHost } from './harness/guest.js';
import { libreswanScript, openikedScript, strongswanScript } from './harness/guest-peers.js';
import { expectGuestTraffic } from './harness/guest-traffic.js';
import { connect } from './harness/kit.js';
import { openLab } from './harness/lab.js';

/** What is offered, with what the peer has to take of it. */
const suites = (...names: string[]) =>
  names.flatMap((name) => [name, `${name}-esn`]).map((name) => ({ offered: name, taken: name }));

const aeads = ['aes256gcm16', 'chacha20poly1305'] as const;

/** Peers whose ESP is their kernel's; one start of each takes whatever of these it is asked for. */
const peers = [
  {
    name: 'strongswan',
    script: strongswanScript,
    ikes: ['aes256gcm16-prfsha256-x25519'],
    theirs: { esp: [...aeads, 'aes256-sha256'].flatMap((each) => [each, `${each}-esn`]).join() },
    cases: suites(...aeads, 'aes256-sha256'),
  },
  {
    name: 'libreswan',
    script: libreswanScript,
    ikes: ['aes256gcm16-prfsha256-x25519', 'aes256-sha512-prfsha512-modp2048'],
    theirs: {
      ike: 'aes_gcm256-sha2_256-dh31,aes256-sha2_512-dh14',
      esp: 'aes_gcm256,chacha20_poly1305,aes256-sha2_512',
      extra: 'esn=either',
    },
    cases: suites(...aeads, 'aes256-sha512'),
  },
  {
    // On Linux it speaks PF_KEY to the kernel, in which there are neither AEADs nor extended sequence numbers.
    name: 'openiked',
    script: openikedScript,
    ikes: ['aes256-sha256-prfsha256-modp2048'],
    theirs: {
      ike: 'enc aes-256 prf hmac-sha2-256 auth hmac-sha2-256 group modp2048',
      esp: ['hmac-sha2-512 enc aes-256', 'hmac-sha2-384 enc aes-192', 'hmac-sha1 enc aes-128']
        .map((each) => `auth ${each}`)
        .join(' childsa '),
    },
    cases: [
      { offered: `${aeads},aes256-sha512-esn-noesn`, taken: 'aes256-sha512' },
      { offered: 'aes192-sha384', taken: 'aes192-sha384' },
      { offered: 'aes128-sha1', taken: 'aes128-sha1' },
    ],
  },
] as const;

const planes = ['simple', 'fast'] as const;
const tests = peers.flatMap((peer) => planes.map((plane) => ({ ...peer, plane })));

test.for(tests)('$name, every suite with the $plane plane', { timeout: 240_000 }, async (peer, context) => {
  const { name, script, ikes, theirs, cases, plane } = peer;
  const lab = await openLab(context, { hosts: 1, needs: ['uml', name] });
  const { a } = lab;
  const guest = await Guest.start(lab, script({ ...theirs, remoteTs: a.net4 }));
  for (const [index, { offered, taken }] of cases.entries()) {
    const kit = connect(lab, a, guestHost.v4, {
      ike: ikes[index % ikes.length],
      esp: offered,
      plane,
      'local-ts': [a.net4],
      'remote-ts': [guestHost.net4],
    });
    await expectGuestTraffic(lab, kit, guest, { nth: index + 1 });
    expect(kit.all('child-sa-established')).toMatchObject([{ proposal: taken }]);
    kit.child.signal('SIGUSR1');
    const { childSas, plane: used } = await kit.waitFor('stats');
    expect(used).toBe(plane);
    expect(childSas).toMatchObject([{ icvFailures: 0, replays: 0, malformed: 0 }]);
    expect((await kit.stop()).code).toBe(130);
  }
});
