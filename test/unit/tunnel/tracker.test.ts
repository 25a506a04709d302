import { describe, expect, it } from 'vitest';
import { silent } from '../../../src/lib/core/log.js';
import type { ChildSaStats, Plane } from '../../../src/lib/esp/plane/plane.js';
import { selectorFromCidr } from '../../../src/lib/ike/traffic-selectors.js';
import { SaTracker, toChildSa } from '../../../src/lib/tunnel/tracker.js';
import { childSaInfo, ikeSaInfo, path } from './fixtures.js';

function setUp() {
  const calls: unknown[][] = [];
  const seen = new Map<string, number>();
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      calls.push([name, ...args.map((arg) => (arg as { id?: string }).id ?? arg)]);
    };
  const plane = {
    mtu: 1400,
    deviceName: undefined,
    install: note('install'),
    replace: note('replace'),
    movePeer: note('movePeer'),
    remove: note('remove'),
    stats: (id: string) => ({ packetsIn: 5, lastInboundAt: seen.get(id) }) as ChildSaStats,
  } as unknown as Plane;
  const tracker = new SaTracker(undefined, silent);
  tracker.plane = plane;
  tracker.apply(1, { type: 'ike-sa-established', ikeSa: ikeSaInfo() });
  return { tracker, calls, seen };
}

describe('SaTracker', () => {
  it('keeps the plane in step with a rekey', () => {
    const { tracker, calls } = setUp();
    const [first, second] = [childSaInfo(), childSaInfo('aes256gcm16', { id: 'child-2', inboundSpi: 5 })];
    tracker.apply(1, { type: 'child-sa-established', child: first });
    const [told] = tracker.apply(1, {
      type: 'child-sa-rekeyed',
      oldId: 'child-1',
      child: second,
      sendOn: 'old',
    });
    expect(told).toMatchObject({ oldInboundSpi: '0x0000c0de', inboundSpi: '0x00000005' });
    const [gone] = tracker.apply(1, { type: 'child-sa-deleted', child: first, reason: 'rekeyed' });
    expect(gone).toMatchObject({ event: 'child-sa-deleted', packetsIn: 5 });
    expect(calls).toEqual([
      ['install', 'child-1'],
      ['replace', 'child-1', 'child-2', 'old'],
      ['remove', 'child-1'],
    ]);
    expect(tracker.childrenOf(1).map(({ id }) => id)).toEqual(['child-2']);
    expect(tracker.ownerOf('child-2')).toBe(1);
    expect(tracker.ownerOf('child-1')).toBeUndefined();
  });

  it('moves every child of a session with its peer, and reports later ones from there', () => {
    const { tracker, calls } = setUp();
    tracker.apply(1, { type: 'child-sa-established', child: childSaInfo() });
    const moved = { ...path, remote: { address: '203.0.113.1', port: 99 } };
    tracker.apply(1, { type: 'peer-moved', path: moved, encapsulation: 'udp' });
    const { local, remote } = moved;
    expect(calls.at(-1)).toEqual(['movePeer', 'child-1', { local, remote, encapsulation: 'udp' }]);
    expect(tracker.pathOf(1)).toEqual(moved);
    // A NAT that is gone: ESP goes on without UDP, which has no ports.
    tracker.apply(1, { type: 'peer-moved', path: moved, encapsulation: 'none' });
    const bare = { local: { ...local, port: 0 }, remote: { ...remote, port: 0 } };
    expect(calls.at(-1)).toEqual(['movePeer', 'child-1', { ...bare, encapsulation: 'none' }]);
    expect(tracker.childrenOf(1)).toMatchObject([{ path: moved, encapsulation: 'none' }]);
  });

  it('finds who has what another claims, until the last child SA of it is gone', () => {
    const { tracker } = setUp();
    const rivals = (remoteTs: string, localTs = '10.1.0.0/16', session = 9) => {
      const claim = { remoteTs: [selectorFromCidr(remoteTs)], localTs: [selectorFromCidr(localTs)] };
      return tracker.rivalsOf(session, childSaInfo(undefined, claim));
    };
    const has = (id: string, network: string) =>
      childSaInfo(undefined, { id, remoteTs: [selectorFromCidr(network)] });
    const [first, second] = [has('child-1', '10.9.0.1/32'), has('child-2', '10.9.0.0/24')];
    tracker.apply(2, { type: 'ike-sa-established', ikeSa: ikeSaInfo() });
    tracker.apply(2, { type: 'child-sa-established', child: second });
    tracker.apply(1, { type: 'child-sa-established', child: first });
    expect(rivals('10.9.0.1/32')).toEqual([1, 2]);
    expect(rivals('10.9.0.2/32')).toEqual([2]);
    expect(rivals('10.0.0.0/8')).toEqual([1, 2]);
    expect(rivals('10.9.1.1/32')).toEqual([]);
    expect(rivals('10.9.0.1/32[tcp]')).toEqual([1, 2]);
    expect(rivals('10.9.0.1/32', '10.2.0.0/16')).toEqual([]);
    expect(rivals('10.9.0.1/32', '10.1.0.0/16', 1)).toEqual([2]);
    const successor = has('child-3', '10.9.0.1/32');
    tracker.apply(1, { type: 'child-sa-rekeyed', oldId: 'child-1', child: successor, sendOn: 'new' });
    tracker.apply(1, { type: 'peer-moved', path, encapsulation: 'udp' });
    tracker.apply(1, { type: 'child-sa-deleted', child: first, reason: 'rekeyed' });
    expect(rivals('10.9.0.1/32')).toEqual([1, 2]);
    tracker.drop(2, 'failed');
    expect(rivals('10.0.0.0/8')).toEqual([1]);
    tracker.apply(1, { type: 'child-sa-deleted', child: successor, reason: 'deleted-by-peer' });
    expect(rivals('0.0.0.0/0')).toEqual([]);
  });

  it('knows whose traffic an address is, whatever protocols are carried', () => {
    const { tracker } = setUp();
    const remoteTs = [{ ...selectorFromCidr('10.9.0.0/24'), ipProtocol: 6 }];
    const child = childSaInfo(undefined, { remoteTs });
    tracker.apply(1, { type: 'child-sa-established', child });
    expect(tracker.sessionsReaching('10.9.0.7')).toEqual([1]);
    expect(tracker.sessionsReaching('10.9.1.7')).toEqual([]);
    expect(tracker.sessionsReaching('fd09::7')).toEqual([]);
    tracker.apply(1, { type: 'child-sa-deleted', child, reason: 'deleted-by-peer' });
    expect(tracker.sessionsReaching('10.9.0.7')).toEqual([]);
  });

  it('leaves nothing in the plane when an IKE SA ends without a word about its children', () => {
    const { tracker, calls } = setUp();
    tracker.apply(1, { type: 'child-sa-established', child: childSaInfo() });
    const told = tracker.drop(1, 'failed');
    expect(told.map(({ event }) => event)).toEqual(['child-sa-deleted', 'ike-sa-deleted']);
    expect(calls.at(-1)).toEqual(['remove', 'child-1']);
    expect(tracker.sessions).toEqual([]);
    expect(tracker.drop(1, 'failed')).toEqual([]);
  });

  it('does not announce the end of what was never announced', () => {
    const { tracker, calls } = setUp();
    expect(tracker.apply(1, { type: 'child-sa-deleted', child: childSaInfo(), reason: 'failed' })).toEqual(
      [],
    );
    expect(calls).toEqual([]);
  });

  it('remembers nothing of half-open sessions', () => {
    const { tracker } = setUp();
    const summary = { exchange: 'IKE_SA_INIT', initiatedByUs: false, messageId: 0, purpose: '' } as const;
    expect(tracker.apply(2, { type: 'exchange', summary }, path)).toMatchObject([
      { peer: '198.51.100.7:61000' },
    ]);
    expect(tracker.sessions).toEqual([1]);
  });

  it('finds a session by the SPIs of its present IKE SA', () => {
    const { tracker } = setUp();
    const next = ikeSaInfo('aes256gcm16-prfsha256-x25519', { initiatorSpi: 1n, responderSpi: 2n });
    tracker.apply(1, { type: 'ike-sa-rekeyed', old: ikeSaInfo(), ikeSa: next });
    expect(tracker.sessionOf(1n, 2n)).toBe(1);
    expect(tracker.sessionOf(ikeSaInfo().initiatorSpi, ikeSaInfo().responderSpi)).toBeUndefined();
  });

  it('knows when a session was last heard on any of its children', () => {
    const { tracker, seen } = setUp();
    expect(tracker.inboundSeenAt(1)).toBeUndefined();
    for (const id of ['child-1', 'child-2']) {
      tracker.apply(1, { type: 'child-sa-established', child: childSaInfo('aes256gcm16', { id }) });
    }
    expect(tracker.inboundSeenAt(1)).toBeUndefined();
    seen.set('child-1', 500).set('child-2', 400);
    expect(tracker.inboundSeenAt(1)).toBe(500);
  });
});

describe('toChildSa', () => {
  it('gives each direction its half of KEYMAT, by the role in the exchange', () => {
    const asResponder = toChildSa(childSaInfo('aes256-sha256'));
    const asInitiator = toChildSa(childSaInfo('aes256-sha256', { role: 'initiator' }));
    expect(asResponder.inbound.encrKey.reveal()[0]).toBe(0x50);
    expect(asResponder.inbound.integKey.reveal()[0]).toBe(0x60);
    expect(asResponder.outbound.encrKey.reveal()[0]).toBe(0x70);
    expect(asResponder.outbound.integKey.reveal()[0]).toBe(0x80);
    expect(asInitiator.outbound.encrKey.reveal()[0]).toBe(0x50);
    expect(asInitiator.inbound.integKey.reveal()[0]).toBe(0x80);
    expect(asResponder).toMatchObject({ inbound: { spi: 0xc0de }, outbound: { spi: 0xdeadbeef } });
  });
});
