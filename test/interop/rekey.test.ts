import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Capture, clearNotifies } from './harness/capture.js';
import { connect, type Flags, serve } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { until } from './harness/process.js';
import { installedChildren, type StrongSwan } from './harness/strongswan.js';
import { ping, startPing } from './harness/traffic.js';
import {
  connectFlags,
  connectToStrongSwan,
  expectTraffic,
  isUp,
  serveFlags,
  serveStrongSwan,
  startInitiator,
  startResponder,
  type Tunnel,
} from './harness/tunnels.js';

/** Notify message types (IANA) that travel unencrypted in IKE_SA_INIT. */
const INVALID_KE_PAYLOAD = 17;
const COOKIE = 16390;

const roles = [
  ['connect', connectToStrongSwan],
  ['serve', serveStrongSwan],
] as const;

/** With a group for perfect forward secrecy. */
const esp = 'aes256gcm16-x25519';

const rekeyed = { child: 'child-sa-rekeyed', ike: 'ike-sa-rekeyed' } as const;

/** Runs `work` while pings pass both ways, before, during and after; not one may get lost. */
async function withoutLoss(lab: Lab, work: () => Promise<unknown>): Promise<void> {
  const { a, b } = lab;
  const pings = [
    startPing(lab, a, a.inner4, b.inner4, { interval: 0.02 }),
    startPing(lab, b, b.inner6, a.inner6, { interval: 0.02 }),
  ];
  const answers = () => Promise.all(pings.map((running) => running.answers(20)));
  await answers();
  await work();
  await answers();
  for (const running of pings) expect((await running.stop()).lost).toEqual([]);
}

/** Both sides are left with exactly one IKE SA and one child SA, and it is the same. */
async function expectOnePair(kit: Tunnel['kit'], peer: StrongSwan): Promise<void> {
  const last = kit.all('child-sa-rekeyed').at(-1) ?? kit.all('child-sa-established').at(-1);
  await until('strongSwan to have one pair', async () => {
    const sas = await peer.listSas();
    const [child, ...more] = sas.flatMap(installedChildren);
    return sas.length === 1 && more.length === 0 && `0x${child?.['spi-in']}` === last?.outboundSpi;
  });
}

describe.each(roles)('%s and strongSwan', (_, tunnel) => {
  test.for(['child', 'ike'] as const)('rekeys started here: %s SA', async (what, context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const flags: Flags = { esp, [`rekey-${what}`]: '3s' };
    const { kit, peer } = await tunnel(lab, { flags, peer: { esp } });
    await withoutLoss(lab, () => kit.waitFor(rekeyed[what], 2));
    const [first, second] = kit.all(rekeyed[what]);
    expect(second?.proposal).toMatch(/x25519$/);
    const key = what === 'child' ? 'inboundSpi' : 'initiatorSpi';
    const oldKey = what === 'child' ? 'oldInboundSpi' : 'oldInitiatorSpi';
    expect(second).toHaveProperty(oldKey, first?.[key as keyof typeof first]);
    if (what === 'child') await kit.waitFor('child-sa-deleted', 2);
    await expectOnePair(kit, peer);
  });

  test.for(['child', 'ike'] as const)('rekeys started by the peer: %s SA', async (what, context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { kit, peer } = await tunnel(lab, { flags: { esp }, peer: { esp } });
    await withoutLoss(lab, async () => {
      for (const nth of [1, 2]) {
        await peer.rekey(what);
        await kit.waitFor(rekeyed[what], nth);
      }
    });
    expect(kit.all(rekeyed[what]).map(({ proposal }) => proposal)).toEqual([
      expect.stringMatching(/x25519$/),
      expect.stringMatching(/x25519$/),
    ]);
    await expectOnePair(kit, peer);
    await expectTraffic(lab);
  });

  test('a child rekey started here gets INVALID_KE_PAYLOAD', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { kit, peer } = await tunnel(lab, {
      flags: { esp: 'aes256gcm16-x25519-ecp384', 'rekey-child': '3s' },
      peer: { esp: 'aes256gcm16-ecp256-ecp384' },
    });
    await withoutLoss(lab, () => kit.waitFor('child-sa-rekeyed'));
    expect(kit.all('child-sa-rekeyed')[0]?.proposal).toBe('aes256gcm16-ecp384');
    expect(peer.log()).toMatch(/generating CREATE_CHILD_SA response \d+ \[ N\(INVAL_KE\) \]/);
    await expectOnePair(kit, peer);
  });

  test('a child rekey started by the peer is answered with INVALID_KE_PAYLOAD', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { kit, peer } = await tunnel(lab, {
      flags: { esp: 'aes256gcm16-x25519-ecp384' },
      peer: { esp: 'aes256gcm16-ecp256-ecp384' },
    });
    await withoutLoss(lab, async () => {
      await peer.rekey('child');
      await kit.waitFor('child-sa-rekeyed');
    });
    expect(kit.all('child-sa-rekeyed')[0]?.proposal).toBe('aes256gcm16-ecp384');
    expect(peer.log()).toMatch(/parsed CREATE_CHILD_SA response \d+ \[ N\(INVAL_KE\) \]/);
    await expectOnePair(kit, peer);
  });

  test.for(['child', 'ike'] as const)('both start to rekey at once: %s SA', async (what, context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const flags: Flags = { esp, [`rekey-${what}`]: '3s' };
    const { kit, peer } = await tunnel(lab, { flags, peer: { esp } });
    // Stopped until its own rekey is due as well: then it sends its request before it reads the peer's.
    kit.child.signal('SIGSTOP');
    await peer.rekey(what);
    await sleep(3200);
    kit.child.signal('SIGCONT');
    await until('a collision', () => /collision/.test(peer.log()));
    await kit.waitFor(rekeyed[what]);
    await expectTraffic(lab);
    await expectOnePair(kit, peer);
  });

  test('we delete the IKE SA on leaving', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { kit, peer } = await tunnel(lab);
    const { code } = await kit.stop('SIGTERM');
    expect(code).toBe(130);
    await kit.waitFor('ike-sa-deleted');
    expect(peer.log()).toMatch(/received DELETE for IKE_SA/);
    await until('strongSwan to have no SA', async () => (await peer.listSas()).length === 0);
  });
});

describe('deletes by the peer', () => {
  test('connect makes a deleted child SA anew, and connects again after the IKE SA is deleted', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    const { kit, peer } = await connectToStrongSwan(lab);
    await ping(lab, a, a.inner4, b.inner4);
    await peer.terminate('child');
    const deleted = await kit.waitFor('child-sa-deleted');
    expect(deleted).toMatchObject({ reason: 'deleted-by-peer', packetsIn: 3, packetsOut: 3 });
    await kit.waitFor('child-sa-established', 2);
    await expectTraffic(lab);
    await peer.terminate('ike');
    const gone = await kit.waitFor('ike-sa-deleted', 1);
    expect(gone.reason).toBe('deleted-by-peer');
    await kit.waitFor('device-up', 2);
    await expectTraffic(lab);
  });

  test('serve reports a deleted child SA and IKE SA and takes the client again', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    const { kit, peer } = await serveStrongSwan(lab);
    await ping(lab, a, a.inner4, b.inner4);
    await peer.terminate('child');
    const deleted = await kit.waitFor('child-sa-deleted');
    expect(deleted).toMatchObject({ reason: 'deleted-by-peer', packetsIn: 3, packetsOut: 3 });
    await peer.initiate();
    await kit.waitFor('child-sa-established', 2);
    await expectTraffic(lab);
    await peer.terminate('ike');
    expect((await kit.waitFor('ike-sa-deleted')).reason).toBe('deleted-by-peer');
    await peer.initiate();
    await kit.waitFor('child-sa-established', 3);
    await expectTraffic(lab);
  });
});

describe.concurrent('dead peer detection', () => {
  test('connect gives a silent gateway up and has the tunnel again when it is back', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { kit, peer } = await connectToStrongSwan(lab, { flags: { dpd: '1s' } });
    await peer.child.stop('SIGKILL');
    const { reason } = await kit.waitFor('ike-sa-deleted', 1, 60_000);
    expect(reason).toBe('peer-dead');
    await startResponder(lab);
    await kit.waitFor('device-up', 2, 60_000);
    await expectTraffic(lab);
  });

  test('serve gives a silent client up', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { kit, peer } = await serveStrongSwan(lab, { flags: { dpd: '1s' } });
    await peer.child.stop('SIGKILL');
    const { reason } = await kit.waitFor('ike-sa-deleted', 1, 60_000);
    expect(reason).toBe('peer-dead');
  });
});

describe('IKE_SA_INIT', () => {
  test('connect retries with the group of INVALID_KE_PAYLOAD', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump', 'tshark'] });
    const capture = await Capture.start(lab, lab.a);
    const { kit } = await connectToStrongSwan(lab, {
      flags: { ike: 'aes256gcm16-prfsha256-x25519-ecp384' },
      peer: { ike: 'aes256gcm16-prfsha256-ecp384' },
    });
    await expectTraffic(lab);
    await capture.stop();
    expect(kit.all('ike-sa-established')[0]?.proposal).toBe('aes256gcm16-prfsha256-ecp384');
    expect(await clearNotifies(capture.file)).toContain(INVALID_KE_PAYLOAD);
  });

  test('serve asks for its group with INVALID_KE_PAYLOAD', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump', 'tshark'] });
    const capture = await Capture.start(lab, lab.a);
    const { kit } = await serveStrongSwan(lab, {
      flags: { ike: 'aes256gcm16-prfsha256-ecp384' },
      peer: { ike: 'aes256gcm16-prfsha256-x25519-ecp384' },
    });
    await expectTraffic(lab);
    await capture.stop();
    expect(kit.all('ike-sa-established')[0]?.proposal).toBe('aes256gcm16-prfsha256-ecp384');
    expect(await clearNotifies(capture.file)).toContain(INVALID_KE_PAYLOAD);
  });

  test('connect returns the COOKIE that strongSwan asks for', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump', 'tshark'] });
    const { a, b } = lab;
    const peer = await startResponder(lab, { charon: { cookie_threshold: 1, cookie_threshold_ip: 1 } });
    // Nobody listens on this NAT-T port: the first client stays half-open at strongSwan.
    const stuck = connect(lab, a, b.v4, { ...connectFlags(lab), 'nat-port': 4999 });
    await until('a half-open SA', async () =>
      (await peer.listSas()).some(({ state }) => state === 'CONNECTING'),
    );
    const capture = await Capture.start(lab, a);
    const kit = connect(lab, a, b.v4, connectFlags(lab));
    await isUp(kit);
    await expectTraffic(lab);
    await capture.stop();
    // The answer that asks for the cookie and the request that brings it.
    expect((await clearNotifies(capture.file)).filter((type) => type === COOKIE).length).toBeGreaterThan(1);
    await stuck.stop();
  });

  test('serve asks for a COOKIE and strongSwan returns it', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump', 'tshark'] });
    const kit = await serve(lab, lab.b, { ...serveFlags(lab), 'cookie-threshold': 0 });
    const peer = await startInitiator(lab);
    const capture = await Capture.start(lab, lab.a);
    await peer.initiate();
    await kit.waitFor('child-sa-established');
    await expectTraffic(lab);
    await capture.stop();
    expect((await clearNotifies(capture.file)).filter((type) => type === COOKIE)).toHaveLength(2);
  });
});
