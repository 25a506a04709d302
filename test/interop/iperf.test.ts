import { describe, expect, test } from 'vitest';
import { counters, expectNoDrops, finalCounters, silenceDevices } from './harness/counters.js';
import { Guest, guestHost } from './harness/guest.js';
import { libreswanScript, strongswanScript } from './harness/guest-peers.js';
import { settle } from './harness/guest-traffic.js';
import { iperf, startIperf } from './harness/iperf.js';
import { connect, type Flags, type Kit, serve } from './harness/kit.js';
import { type Host, type Lab, openLab } from './harness/lab.js';
import { connectFlags, connectToStrongSwan, expectTransfer, isUp, serveFlags } from './harness/tunnels.js';

const families = [4, 6] as const;
type Inner = Pick<Host, 'inner4' | 'inner6'>;

/** TCP and datagrams, up and down: what is sent arrives. */
async function expectStreams(lab: Lab, to: Inner, family: 4 | 6): Promise<void> {
  const { a } = lab;
  const addressOf = (host: Inner) => (family === 4 ? host.inner4 : host.inner6);
  for (const protocol of ['tcp', 'udp'] as const) {
    for (const reverse of [false, true]) {
      const client = { host: a, address: addressOf(a) };
      const { bytes } = await iperf(lab, client, addressOf(to), { protocol, reverse });
      // A second of the datagrams' 10 Mbit/s; of TCP as much as comes.
      expect(bytes, `${protocol} over IPv${family}`).toBeGreaterThan(500_000);
    }
  }
}

async function connectToServe(lab: Lab, flags: Flags = {}): Promise<{ client: Kit; server: Kit }> {
  const server = await serve(lab, lab.b, { ...serveFlags(lab), ...flags });
  const client = connect(lab, lab.a, lab.b.v4, { ...connectFlags(lab), ...flags });
  await isUp(client);
  return { client, server };
}

/** What one side sealed the other side opened. */
async function expectAllArrived(client: Kit, server: Kit): Promise<void> {
  const [ours, theirs] = await finalCounters(client, server);
  expectNoDrops(ours);
  expectNoDrops(theirs);
  const [up, down] = [ours.childSas[0]!, theirs.childSas[0]!];
  expect({ packets: down.packetsIn, bytes: down.bytesIn }).toEqual({
    packets: up.packetsOut,
    bytes: up.bytesOut,
  });
  expect({ packets: up.packetsIn, bytes: up.bytesIn }).toEqual({
    packets: down.packetsOut,
    bytes: down.bytesOut,
  });
}

describe('iperf3', () => {
  test.for(['simple', 'fast'] as const)('connect and serve, the %s plane', async (plane, context) => {
    const lab = await openLab(context, { needs: ['iperf3'] });
    await silenceDevices(lab);
    await startIperf(lab, lab.b);
    const { client, server } = await connectToServe(lab, { plane });
    for (const family of families) await expectStreams(lab, lab.b, family);
    await expectAllArrived(client, server);
  });

  test('connect and strongSwan', async (context) => {
    const lab = await openLab(context, { needs: ['iperf3', 'strongswan'] });
    await silenceDevices(lab);
    await startIperf(lab, lab.b);
    const { kit } = await connectToStrongSwan(lab);
    for (const family of families) await expectStreams(lab, lab.b, family);
    expectNoDrops(await counters(kit));
  });

  test.for([
    { name: 'strongswan', script: strongswanScript, esp: 'aes256gcm16' },
    { name: 'libreswan', script: libreswanScript, esp: 'aes_gcm256' },
  ] as const)('connect and $name with the ESP of a kernel', async ({ name, script, esp }, context) => {
    const lab = await openLab(context, { hosts: 1, needs: ['iperf3', 'uml', name] });
    const { a } = lab;
    await silenceDevices(lab);
    await Guest.start(lab, script({ esp, remoteTs: a.net4, remoteTs6: a.net6 }));
    for (const family of families) {
      const [ours, theirs, from, to] =
        family === 4
          ? [a.net4, guestHost.net4, a.inner4, guestHost.inner4]
          : [a.net6, guestHost.net6, a.inner6, guestHost.inner6];
      const kit = connect(lab, a, guestHost.v4, {
        'local-ts': [ours],
        'remote-ts': [theirs],
        esp: 'aes256gcm16',
      });
      await isUp(kit);
      await settle(lab, from, to);
      await expectStreams(lab, guestHost, family);
      expectNoDrops(await counters(kit));
      await kit.stop();
    }
  });
});

describe('a transfer with equal checksums', () => {
  const ends = (lab: Lab) =>
    [
      { host: lab.a, address: lab.a.inner4 },
      { host: lab.b, address: lab.b.inner4 },
    ] as const;

  test('1 GB each way, connect and serve', { timeout: 240_000 }, async (context) => {
    const lab = await openLab(context);
    await silenceDevices(lab);
    const { client, server } = await connectToServe(lab);
    await expectTransfer(lab, ...ends(lab), 1e9);
    await expectAllArrived(client, server);
  });

  test('100 MB each way, connect and strongSwan', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    await silenceDevices(lab);
    const { kit } = await connectToStrongSwan(lab);
    await expectTransfer(lab, ...ends(lab), 1e8);
    expectNoDrops(await counters(kit));
  });
});
