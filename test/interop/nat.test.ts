import { describe, expect, test } from 'vitest';
import { connect, serve } from './harness/kit.js';
import { openLab } from './harness/lab.js';
import { startNat } from './harness/nat.js';
import { startPing } from './harness/traffic.js';
import {
  connectFlags,
  expectTraffic,
  isUp,
  serveFlags,
  startInitiator,
  startResponder,
} from './harness/tunnels.js';

describe('through a NAT', () => {
  test('connect to strongSwan', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs: ['strongswan'] });
    await startNat(lab);
    const peer = await startResponder(lab);
    const kit = connect(lab, lab.a, lab.host(3).v4, connectFlags(lab));
    await isUp(kit);
    await expectTraffic(lab);
    expect(await peer.listSas()).toMatchObject([{ 'remote-host': lab.host(3).v4 }]);
  });

  test('serve follows a strongSwan client whose mapping changes', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs: ['strongswan'] });
    const { a, b } = lab;
    const nat = await startNat(lab);
    const kit = await serve(lab, b, serveFlags(lab));
    const peer = await startInitiator(lab, { remote: lab.host(3).v4 });
    await peer.initiate();
    await expectTraffic(lab);
    const running = startPing(lab, a, a.inner4, b.inner4, { interval: 0.05 });
    await running.answers(5);
    nat.signal('SIGHUP');
    await nat.wait('the new mapping', () => nat.stdout.includes('moved') || undefined);
    const moved = await kit.waitFor('peer-moved');
    expect(moved.peer).toMatch(/^10\.77\.0\.3:/);
    expect(moved.peer).not.toBe(kit.all('ike-sa-established')[0]?.peer);
    await running.answers(20);
    await running.stop();
    await expectTraffic(lab);
    expect(kit.all('peer-moved')).toHaveLength(1);
    await peer.rekey('ike');
    await kit.waitFor('ike-sa-rekeyed');
  });
});

describe('with every fifth datagram lost', () => {
  test('connect comes up and rekeys with strongSwan', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs: ['strongswan'] });
    await startNat(lab, { loss: 20 });
    const peer = await startResponder(lab);
    const kit = connect(lab, lab.a, lab.host(3).v4, connectFlags(lab));
    await kit.waitFor('device-up', 1, 40_000);
    for (const what of ['child', 'ike', 'child'] as const) await peer.rekey(what);
    await kit.waitFor('child-sa-rekeyed', 2, 60_000);
    await kit.waitFor('ike-sa-rekeyed');
    expect(kit.all('error')).toEqual([]);
    const running = startPing(lab, lab.a, lab.a.inner4, lab.b.inner4);
    await running.answers(20);
    await running.stop();
  });
});
