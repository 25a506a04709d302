import { expect, test } from 'vitest';
import { connect, serve } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { urgently } from './harness/process.js';
import { stream } from './harness/stream.js';
import { startPing } from './harness/traffic.js';
import { connectFlags, connectToStrongSwan, isUp, serveFlags } from './harness/tunnels.js';

const esp = 'aes256gcm16-x25519';
const flags = { esp, 'rekey-child': '3s', 'rekey-ike': '3s' };

async function connectToServe(lab: Lab) {
  const server = await serve(lab, lab.b, { ...serveFlags(lab), esp }, { wrapper: urgently });
  const kit = connect(lab, lab.a, lab.b.v4, { ...connectFlags(lab), ...flags }, { wrapper: urgently });
  await isUp(kit);
  return { kit, peer: server };
}

const connectToPeer = (lab: Lab) =>
  connectToStrongSwan(lab, { flags, peer: { esp, wrapper: urgently }, options: { wrapper: urgently } });

const peers = [
  { name: 'serve', needs: [], open: connectToServe, pace: 262_144 },
  // About 6 Mbit/s. Its socket holds so little that with more a pause of its own costs packets.
  { name: 'strongSwan', needs: ['strongswan'], open: connectToPeer, pace: 4096 },
] as const;

test.for(peers)('rekeys of both kinds every 3 s in a stream to $name', async (given, context) => {
  const { needs, open, pace } = given;
  const lab = await openLab(context, { needs });
  const { a, b } = lab;
  const { kit, peer } = await open(lab);
  const pings = [
    startPing(lab, a, a.inner4, b.inner4, { interval: 0.02 }),
    startPing(lab, b, b.inner6, a.inner6, { interval: 0.02 }),
  ];
  const answers = () => Promise.all(pings.map((running) => running.answers(20)));
  await answers();
  const carriers = [kit.child, peer.child];
  const { bytes, gap, stall } = await stream(lab, { seconds: 30, pace, carriers });
  await answers();
  for (const running of pings) expect((await running.stop()).lost).toEqual([]);
  expect(kit.all('child-sa-rekeyed').length).toBeGreaterThanOrEqual(8);
  expect(kit.all('ike-sa-rekeyed').length).toBeGreaterThanOrEqual(8);
  // A third of what the pace allows.
  expect(bytes).toBeGreaterThan((pace * 200 * 30) / 3);
  expect(stall, `the longest gap was ${gap} ms`).toBeLessThanOrEqual(200);
});
