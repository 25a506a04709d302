import { expect } from 'vitest';
import { type Guest, guestHost, guestTransfer } from './guest.js';
import type { Kit } from './kit.js';
import type { Lab } from './lab.js';
import { ping, startPing, transferTo } from './traffic.js';
import { isUp } from './tunnels.js';

/** Peers may answer IKE_AUTH before their kernel has the SAs: pings until the first answer. */
export async function settle(lab: Lab, from = lab.a.inner4, to: string = guestHost.inner4): Promise<void> {
  const waiting = startPing(lab, lab.a, from, to, { interval: 0.2 });
  await waiting.answers(1);
  await waiting.stop();
}

/**
 * Pings and a TCP transfer, the guest's n-th, through a tunnel of host a from `from`, an address of ours, by default
 * the inner one.
 */
export async function expectGuestTraffic(
  lab: Lab,
  kit: Kit,
  guest: Guest,
  { from = lab.a.inner4, nth = 1 } = {},
): Promise<void> {
  const { a } = lab;
  const { inner4 } = guestHost;
  await isUp(kit);
  await settle(lab, from);
  expect(await ping(lab, a, from, inner4, { count: 10, interval: 0.1 })).toEqual({ sent: 10, received: 10 });
  expect(await ping(lab, a, from, inner4, { size: 1200, interval: 0.1 })).toEqual({ sent: 3, received: 3 });
  await expectGuestTransfer(lab, guest, { from, to: inner4, nth });
}

/** The guest's n-th TCP transfer: both ends receive exactly what the other sent. */
export async function expectGuestTransfer(
  lab: Lab,
  guest: Guest,
  { from, to, nth }: { from: string; to: string; nth: number },
): Promise<void> {
  const [ours, theirs] = await Promise.all([
    transferTo(lab, { host: lab.a, address: from }, to, guestTransfer.port, guestTransfer.bytes),
    guest.transferred(nth),
  ]);
  expect(ours.sent.bytes).toBe(guestTransfer.bytes);
  expect(theirs.received).toEqual(ours.sent);
  expect(ours.received).toEqual(theirs.sent);
}
