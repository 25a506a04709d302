import { expect, test } from 'vitest';
import { expectNoDrops, finalCounters, silenceDevices } from './harness/counters.js';
import { connect, type Printed, serve } from './harness/kit.js';
import { openLab } from './harness/lab.js';
import { type RelayCount, relayCounts, startNat } from './harness/nat.js';
import { connectFlags, expectTransfer, isUp, serveFlags } from './harness/tunnels.js';

type SaCounts = Printed<'stats'>['childSas'][number];

/** Every datagram of one direction is accounted for. */
function expectAccounts(sender: SaCounts, receiver: SaCounts, relay: RelayCount, esn: boolean): void {
  const { taken, lost, doubled, late, arrivedLate, held } = relay;
  expect(taken, 'what was sent').toBe(sender.packetsOut);
  expect(sender.packetsOut - receiver.packetsIn, 'what was lost').toBe(lost + late + held);
  // What is too old for the window has, by RFC 4303 A2.2, to be taken for one of the next 2^32, whose ICV is another.
  const [replays, icvFailures] = esn ? [doubled, arrivedLate] : [doubled + arrivedLate, 0];
  expect(receiver).toMatchObject({ replays, icvFailures, malformed: 0 });
  // Each kind of fault did happen.
  expect(Math.min(lost, doubled, arrivedLate)).toBeGreaterThan(0);
}

const cases = (['simple', 'fast'] as const).flatMap((plane) => [
  { plane, esp: 'aes256gcm16', esn: false },
  { plane, esp: 'aes256gcm16-esn', esn: true },
]);

test.for(cases)('a bad path explains every drop: the $plane plane, $esp', async (given, context) => {
  const { plane, esp, esn } = given;
  const lab = await openLab(context, { hosts: 3 });
  const { a, b } = lab;
  await silenceDevices(lab);
  const relay = await startNat(lab, { loss: 1, duplicates: 1, swaps: 2, late: 0.2, seed: 42 });
  const server = await serve(lab, b, { ...serveFlags(lab), plane, esp });
  const client = connect(lab, a, lab.host(3).v4, { ...connectFlags(lab), plane, esp });
  await isUp(client);
  for (const [from, to] of [
    [a.inner4, b.inner4],
    [a.inner6, b.inner6],
  ] as const)
    await expectTransfer(lab, { host: a, address: from }, { host: b, address: to }, 5e6);

  const [ours, theirs] = await finalCounters(client, server);
  const counts = await relayCounts(relay);
  for (const { drops } of [ours, theirs]) expectNoDrops({ drops, childSas: [] });
  const [up, down] = [ours.childSas[0]!, theirs.childSas[0]!];
  expectAccounts(up, down, counts.get(up.outboundSpi)!, esn);
  expectAccounts(down, up, counts.get(up.inboundSpi)!, esn);
});
