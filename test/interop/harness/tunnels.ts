import { expect } from 'vitest';
import { connect, type Flags, type Kit, type KitOptions, serve } from './kit.js';
import type { Lab } from './lab.js';
import { StrongSwan } from './strongswan.js';
import type { StrongSwanOptions } from './strongswan-config.js';
import { ping, transfer } from './traffic.js';

export interface TunnelSettings {
  flags?: Flags;
  peer?: Partial<StrongSwanOptions>;
  /** Outer addresses. */
  family?: 4 | 6;
  options?: KitOptions;
}

export interface Tunnel {
  kit: Kit;
  peer: StrongSwan;
}

/** Networks of hosts a and b as the selectors of a tunnel, seen from a; both families. */
export function selectors(lab: Lab) {
  return { localTs: [lab.a.net4, lab.a.net6], remoteTs: [lab.b.net4, lab.b.net6] };
}

/** strongSwan as responder bob.test on host b. */
export function startResponder(lab: Lab, settings: Partial<StrongSwanOptions> = {}, family: 4 | 6 = 4) {
  const { localTs, remoteTs } = selectors(lab);
  return StrongSwan.start(lab, lab.b, {
    local: family === 4 ? lab.b.v4 : lab.b.v6,
    localTs: remoteTs,
    remoteTs: localTs,
    ...settings,
  });
}

/** strongSwan as initiator alice.test on host a; it has not initiated yet. */
export function startInitiator(lab: Lab, settings: Partial<StrongSwanOptions> = {}, family: 4 | 6 = 4) {
  const address = (host: Lab['a']) => (family === 4 ? host.v4 : host.v6);
  return StrongSwan.start(lab, lab.a, {
    local: address(lab.a),
    remote: address(lab.b),
    localId: 'alice.test',
    remoteId: 'bob.test',
    ...selectors(lab),
    ...settings,
  });
}

/** The selectors of a tunnel as flags of `connect`. */
export function connectFlags(lab: Lab): Flags {
  const { localTs, remoteTs } = selectors(lab);
  return { 'local-ts': localTs, 'remote-ts': remoteTs };
}

/** The selectors of a tunnel as flags of `serve`. */
export function serveFlags(lab: Lab): Flags {
  const { localTs, remoteTs } = selectors(lab);
  return { 'local-ts': remoteTs, 'remote-ts': localTs };
}

/** `connect` on host a to strongSwan on host b, up when this resolves. */
export async function connectToStrongSwan(lab: Lab, settings: TunnelSettings = {}): Promise<Tunnel> {
  const { flags, family = 4, options } = settings;
  const peer = await startResponder(lab, settings.peer, family);
  const gateway = family === 4 ? lab.b.v4 : lab.b.v6;
  const kit = connect(lab, lab.a, gateway, { ...connectFlags(lab), ...flags }, options);
  await isUp(kit);
  return { kit, peer };
}

/** `serve` on host b for strongSwan on host a, up when this resolves. */
export async function serveStrongSwan(lab: Lab, settings: TunnelSettings = {}): Promise<Tunnel> {
  const { flags, family = 4, options } = settings;
  const kit = await serve(lab, lab.b, { ...serveFlags(lab), ...flags }, options);
  const peer = await startInitiator(lab, settings.peer, family);
  await peer.initiate();
  await kit.waitFor('child-sa-established');
  return { kit, peer };
}

/** Resolves when a `connect` carries traffic. */
export async function isUp(kit: Kit): Promise<void> {
  await kit.waitFor('child-sa-established');
  await kit.waitFor('device-up');
}

/** Pings both ways in both families and a TCP transfer both ways, all without loss. */
export async function expectTraffic(lab: Lab): Promise<void> {
  const { a, b } = lab;
  const all = { sent: 3, received: 3 };
  expect(await ping(lab, a, a.inner4, b.inner4)).toEqual(all);
  expect(await ping(lab, b, b.inner4, a.inner4)).toEqual(all);
  expect(await ping(lab, a, a.inner6, b.inner6)).toEqual(all);
  expect(await ping(lab, b, b.inner6, a.inner6)).toEqual(all);
  await expectTransfer(lab, { host: a, address: a.inner4 }, { host: b, address: b.inner4 });
}

/** One TCP connection on which both ends receive exactly what the other sent. */
export async function expectTransfer(
  lab: Lab,
  client: Parameters<typeof transfer>[1],
  server: Parameters<typeof transfer>[2],
  bytes = 1_000_000,
): Promise<void> {
  // Ten megabytes a second are little even for a busy machine.
  const ends = await transfer(lab, client, server, bytes, 60_000 + bytes / 10_000);
  expect(ends.client.sent.bytes).toBe(bytes);
  expect(ends.server.received).toEqual(ends.client.sent);
  expect(ends.server.sent.bytes).toBe(bytes);
  expect(ends.client.received).toEqual(ends.server.sent);
}
