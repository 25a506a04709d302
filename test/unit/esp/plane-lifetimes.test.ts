import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Endpoint } from '../../../src/lib/core/endpoint.js';
import { NextHeader } from '../../../src/lib/esp/packet.js';
import { UserspacePlane } from '../../../src/lib/esp/plane/userspace.js';
import { bothSides, fromPeer, left, out, pair, reply, request, right } from './plane-sides.js';

describe('peer addresses', () => {
  const elsewhere: Endpoint = { address: '198.51.100.9', port: 60000 };

  it('are reported once when an authenticated, newest packet comes from elsewhere', () => {
    const { a, child } = bothSides();
    const forged = fromPeer(child, reply, NextHeader.IPV4, 50);
    forged[9]! ^= 1;
    a.plane.receive(forged, left, elsewhere);
    expect(a.moved).toEqual([]);
    const packets = [0, 1, 2, 3].map((n) => fromPeer(child, reply, NextHeader.IPV4, n));
    a.plane.receive(packets[1]!, left, elsewhere);
    a.plane.receive(packets[2]!, left, elsewhere);
    expect(a.moved).toEqual([{ id: child.id, remote: elsewhere }]);
    a.plane.receive(packets[0]!, left, elsewhere);
    a.plane.receive(packets[3]!, left, right);
    expect(a.moved.length).toBe(1);
  });

  it('are reported now and then however often they change, as anybody on the way can bring about', () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { a, child } = bothSides();
    for (let i = 0; i < 1000; i++) {
      vi.advanceTimersByTime(1);
      const remote = { ...elsewhere, port: 1024 + i };
      a.plane.receive(fromPeer(child, reply, NextHeader.IPV4, i), left, remote);
    }
    expect(a.moved.length).toBe(4);
  });

  it('of a pair that was replaced are old news', () => {
    const { a, child } = bothSides();
    const withheld = fromPeer(child, reply, NextHeader.IPV4, 7);
    const successor = pair(2);
    a.plane.replace(child.id, successor, 'old');
    a.plane.receive(fromPeer(successor, reply), left, right);
    a.plane.receive(withheld, left, elsewhere);
    expect(a.moved).toEqual([]);
    a.plane.receive(fromPeer(successor, reply, NextHeader.IPV4, 1), left, elsewhere);
    expect(a.moved).toEqual([{ id: successor.id, remote: elsewhere }]);
  });

  it('are left and reached as movePeer says', () => {
    const { a, child } = bothSides();
    const newLocal = { address: '203.0.113.1', port: 4501 };
    a.plane.inject(request);
    a.plane.movePeer(child.id, { local: newLocal, remote: elsewhere, encapsulation: 'udp' });
    a.plane.inject(request);
    expect(a.sent.map(({ local, remote }) => [local, remote])).toEqual([
      [left, right],
      [newLocal, elsewhere],
    ]);
    a.plane.receive(fromPeer(child, reply), left, elsewhere);
    expect(a.moved).toEqual([]);
  });
});

describe('lifetimes by bytes', () => {
  const rekeyBytes = 2 * request.length;

  it('are told once, and end what a pair seals', () => {
    const { a } = bothSides(pair(1, { rekeyBytes }));
    a.plane.inject(request);
    expect(a.worn).toEqual([]);
    for (let i = 0; i < 5; i++) a.plane.inject(request);
    expect(a.worn).toEqual([{ id: 'child-1', reason: 'bytes' }]);
    expect(a.sent.length).toBe(4);
    expect(a.plane.drops.expired).toBe(2);
    expect(a.ended).toEqual(['child-1']);
    expect(a.plane.drops.exhausted).toBe(0);
    a.plane.replace('child-1', pair(2, { rekeyBytes }), 'new');
    a.plane.inject(request);
    expect(a.spis().at(-1)).toBe(out(2));
  });

  it('are told once, and end what a pair opens', () => {
    const { a, child } = bothSides(pair(1, { rekeyBytes: 2 * reply.length }));
    const receive = (n: number) => a.plane.receive(fromPeer(child, reply, NextHeader.IPV4, n), left, right);
    receive(0);
    expect(a.worn).toEqual([]);
    for (let n = 1; n < 6; n++) receive(n);
    expect(a.worn).toEqual([{ id: 'child-1', reason: 'bytes' }]);
    expect(a.plane.stats(child.id)).toMatchObject({ packetsIn: 4, replays: 0 });
    expect(a.plane.drops.expired).toBe(2);
    expect(a.ended).toEqual(['child-1']);
    a.plane.inject(request);
    expect(a.sent.length).toBe(1);
  });
});

describe('sequence numbers', () => {
  function planeAt(initialSequence: number, esn: boolean) {
    const warned: string[] = [];
    let sent = 0;
    const plane = new UserspacePlane({
      mtu: 1400,
      deviceName: undefined,
      initialSequence,
      send: () => {
        sent += 1;
      },
      deliver: () => true,
      release: async () => {},
      events: {
        peerMoved: () => {},
        pathMtu: () => {},
        refused: () => {},
        failed: () => {},
        softLifetimeReached: (id, reason) => warned.push(`${id} ${reason}`),
        hardLifetimeReached: (id) => warned.push(`${id} ended`),
      },
    });
    const child = pair(1);
    plane.install({ ...child, outbound: { ...child.outbound, esn } });
    return { plane, warned, sent: () => sent };
  }

  it('warn once at three quarters and stop at the end', () => {
    const early = planeAt(3 * 2 ** 30 - 4, false);
    for (let i = 0; i < 2; i++) early.plane.transmit(request);
    expect(early.warned).toEqual([]);
    for (let i = 0; i < 5; i++) early.plane.transmit(request);
    expect(early.warned).toEqual(['child-1 sequence']);
    const late = planeAt(2 ** 32 - 3, false);
    for (let i = 0; i < 5; i++) late.plane.transmit(request);
    expect(late.sent()).toBe(2);
    expect(late.plane.drops.exhausted).toBe(3);
    expect(late.warned).toEqual(['child-1 sequence', 'child-1 ended']);
  });

  it('go on past 32 bits with ESN', () => {
    const { plane, warned, sent } = planeAt(2 ** 32 - 3, true);
    for (let i = 0; i < 5; i++) plane.transmit(request);
    expect(sent()).toBe(5);
    expect(warned).toEqual([]);
  });
});
