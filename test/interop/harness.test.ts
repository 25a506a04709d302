import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Capture, clearNotifies } from './harness/capture.js';
import { openLab } from './harness/lab.js';
import { leftovers, nothing, snapshot } from './harness/snapshot.js';
import { installedChildren, StrongSwan } from './harness/strongswan.js';
import { ping, transfer } from './harness/traffic.js';

describe('the harness itself', () => {
  test('two strongSwans have a tunnel, traffic both ways and a capture', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump', 'tshark'] });
    const { a, b } = lab;
    const before = await snapshot(lab, a);
    const responder = await StrongSwan.start(lab, b, {
      local: b.v4,
      localTs: [b.net4, b.net6],
      remoteTs: [a.net4, a.net6],
      ike: 'aes256gcm16-prfsha256-ecp384',
    });
    const initiator = await StrongSwan.start(lab, a, {
      local: a.v4,
      remote: b.v4,
      localId: 'alice.test',
      remoteId: 'bob.test',
      localTs: [a.net4, a.net6],
      remoteTs: [b.net4, b.net6],
      ike: 'aes256gcm16-prfsha256-x25519-ecp384',
    });
    const capture = await Capture.start(lab, a);
    await initiator.initiate();
    expect(await ping(lab, a, a.inner4, b.inner4)).toEqual({ sent: 3, received: 3 });
    expect(await ping(lab, b, b.inner6, a.inner6)).toEqual({ sent: 3, received: 3 });
    const ends = await transfer(
      lab,
      { host: a, address: a.inner4 },
      { host: b, address: b.inner4 },
      1_000_000,
    );
    expect(ends.client.sent).toEqual(ends.server.received);
    expect(ends.server.sent).toEqual(ends.client.received);
    expect(ends.client.sent.bytes).toBe(1_000_000);

    const sas = await responder.listSas();
    expect(sas).toMatchObject([{ state: 'ESTABLISHED', 'remote-id': 'alice.test', 'dh-group': 'ECP_384' }]);
    expect(sas.flatMap(installedChildren)).toHaveLength(1);
    await capture.stop();
    expect(await clearNotifies(capture.file)).toContain(17);

    await initiator.stop();
    await responder.stop();
    expect(await leftovers(lab, a, before)).toEqual(nothing);
  });

  test('the snapshot sees every kind of leftover', async (context) => {
    const lab = await openLab(context, { hosts: 1 });
    const { a } = lab;
    const before = await snapshot(lab, a);
    const sleeper = lab.spawn(a, ['sleep', '60']);
    await lab.run(a, ['ip', 'tuntap', 'add', 'tun9', 'mode', 'tun']);
    await lab.run(a, ['ip', 'addr', 'add', '10.9.9.9/32', 'dev', 'lo']);
    await lab.run(a, ['ip', 'route', 'add', '10.8.0.0/16', 'via', '10.77.0.2']);
    await lab.run(a, ['ip', '-6', 'route', 'add', 'fd88::/64', 'via', 'fd77::2', 'table', '99']);
    await lab.run(a, ['ip', 'rule', 'add', 'pref', '99', 'table', '99']);
    writeFileSync(join(lab.tmp, 'secret'), '');
    const { added } = await leftovers(lab, a, before, 0);
    for (const kind of ['link', 'addr', 'route4', 'route6', 'rule4', 'process', 'file']) {
      expect(added.join('\n')).toMatch(new RegExp(`^${kind} `, 'm'));
    }
    await sleeper.stop('SIGKILL');
  });
});
