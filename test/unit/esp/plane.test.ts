import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from '../../../src/lib/core/bytes.js';
import { encrTransform } from '../../../src/lib/crypto/registry.js';
import { NextHeader } from '../../../src/lib/esp/packet.js';
import type { EspSaParameters } from '../../../src/lib/esp/sa.js';
import type { TrafficSelector } from '../../../src/lib/ike/wire/types.js';
import { ipv4, ipv6, selector } from './inner-packets.js';
import {
  bothSides,
  carry,
  fromPeer,
  gcm,
  left,
  out,
  pair,
  reply,
  request,
  right,
  Side,
} from './plane-sides.js';

describe('memory plane', () => {
  it('carries packets both ways and counts them', () => {
    const { a, b, child } = bothSides();
    a.plane.inject(request);
    expect(a.sent[0]).toMatchObject({ local: left, remote: right });
    carry(a, b);
    b.plane.inject(reply);
    carry(b, a);
    expect(b.plane.delivered.map(toHex)).toEqual([toHex(request)]);
    expect(a.plane.delivered.map(toHex)).toEqual([toHex(reply)]);
    expect(a.plane.stats(child.id)).toMatchObject({
      packetsIn: 1,
      packetsOut: 1,
      bytesIn: reply.length,
      bytesOut: request.length,
      icvFailures: 0,
      replays: 0,
      malformed: 0,
    });
    expect(a.plane.stats(child.id)?.lastInboundAt).toBeTypeOf('number');
    expect(a.plane.stats('other')).toBeUndefined();
    expect(a.moved).toEqual([]);
  });

  it('carries IPv6', () => {
    const child = pair(1, {
      localSelectors: [selector('2001:db8:1::/48')],
      remoteSelectors: [selector('2001:db8:2::/48')],
    });
    const { a, b } = bothSides(child);
    const packet = ipv6({ from: '2001:db8:1::1', to: '2001:db8:2::1' });
    a.plane.inject(packet);
    carry(a, b);
    expect(b.plane.delivered.map(toHex)).toEqual([toHex(packet)]);
  });

  it('drops what has no child, is no IP packet or is too big, and says so', () => {
    const a = new Side(100);
    a.plane.install(pair(1));
    a.plane.inject(ipv4({ from: '10.1.0.1', to: '10.3.0.1' }));
    a.plane.inject(ipv4({ from: '10.3.0.1', to: '10.2.0.1' }));
    a.plane.inject(new Uint8Array(5));
    a.plane.inject(ipv4({ from: '10.1.0.1', to: '10.2.0.1', body: new Uint8Array(81) }));
    expect(a.sent).toEqual([]);
    expect(a.plane.drops).toMatchObject({ noChild: 2, malformed: 1, tooBig: 1 });
    a.plane.inject(ipv4({ from: '10.1.0.1', to: '10.2.0.1', body: new Uint8Array(80) }));
    expect(a.sent.length).toBe(1);
  });

  it('counts unknown SPIs, replays, forgeries and short packets', () => {
    const { a, child } = bothSides();
    const good = fromPeer(child, reply);
    const forged = fromPeer(child, reply, NextHeader.IPV4, 5);
    forged[20]! ^= 1;
    a.plane.receive(good, left, right);
    a.plane.receive(good, left, right);
    a.plane.receive(forged, left, right);
    a.plane.receive(good.subarray(0, 12), left, right);
    a.plane.receive(fromPeer(pair(9), reply), left, right);
    a.plane.receive(new Uint8Array(3), left, right);
    expect(a.plane.stats(child.id)).toMatchObject({ packetsIn: 1, replays: 2, icvFailures: 1 });
    expect(a.plane.drops.unknownSpi).toBe(2);
    const short = fromPeer(child, reply, NextHeader.IPV4, 9).subarray(0, 14);
    a.plane.receive(short, left, right);
    expect(a.plane.stats(child.id)).toMatchObject({ packetsIn: 1, malformed: 1 });
    expect(a.plane.delivered.length).toBe(1);
  });

  it('checks inner packets against the selectors (RFC 4301 5.2)', () => {
    const { a, child } = bothSides();
    const wrong: [Uint8Array, number][] = [
      [ipv4({ from: '10.3.0.1', to: '10.1.0.1' }), NextHeader.IPV4],
      [ipv4({ from: '10.2.0.1', to: '10.3.0.1' }), NextHeader.IPV4],
      [reply, NextHeader.IPV6],
      [reply, 6],
      [new Uint8Array(30), NextHeader.IPV4],
      [reply.subarray(0, 27), NextHeader.IPV4],
    ];
    wrong.forEach(([payload, nextHeader], i) => {
      a.plane.receive(fromPeer(child, payload, nextHeader, i), left, right);
    });
    expect(a.plane.delivered).toEqual([]);
    expect(a.plane.stats(child.id)).toMatchObject({ packetsIn: 0, malformed: wrong.length });
  });

  it('drops dummy packets quietly and trims TFC padding (RFC 4303 2.6, 2.7)', () => {
    const { a, child } = bothSides();
    a.plane.receive(fromPeer(child, new Uint8Array(40), NextHeader.NONE), left, right);
    expect(a.plane.stats(child.id)).toMatchObject({ packetsIn: 0, malformed: 0 });
    expect(a.plane.stats(child.id)?.lastInboundAt).toBeTypeOf('number');
    const padded = concatBytes(reply, new Uint8Array(300).fill(7));
    a.plane.receive(fromPeer(child, padded, NextHeader.IPV4, 1), left, right);
    expect(a.plane.delivered.map(toHex)).toEqual([toHex(reply)]);
  });

  it('keeps a bounded number of delivered packets, or hands them on', () => {
    const { a, b } = bothSides();
    const seen: Uint8Array[] = [];
    for (let i = 0; i < 4100; i++) a.plane.inject(request);
    carry(a, b);
    expect(b.plane.delivered.length).toBe(4096);
    b.plane.onDelivered = (packet) => seen.push(packet);
    a.plane.inject(request);
    carry(a, b);
    expect(seen.length).toBe(1);
    expect(b.plane.delivered.length).toBe(4096);
  });

  it('does nothing after close', async () => {
    const { a, child } = bothSides();
    await a.plane.close();
    a.plane.inject(request);
    a.plane.receive(fromPeer(child, reply), left, right);
    expect(a.sent).toEqual([]);
    expect(a.plane.delivered).toEqual([]);
    expect(a.plane.stats(child.id)).toBeDefined();
  });
});

describe('outbound choice', () => {
  it('goes to the narrowest selectors, the newest among equals', () => {
    const to = (cidr: string, limits = {}): { remoteSelectors: TrafficSelector[] } => ({
      remoteSelectors: [selector(cidr, limits)],
    });
    const a = new Side();
    a.plane.install(pair(1, to('10.2.0.1/32')));
    a.plane.install(pair(2, to('0.0.0.0/0')));
    a.plane.install(pair(3, to('10.2.0.0/16')));
    a.plane.install(pair(4, to('10.2.0.0/16')));
    a.plane.install(pair(5, to('10.2.0.1/32', { protocol: 6 })));
    const send = (address: string, protocol = 17) =>
      a.plane.inject(ipv4({ from: '10.1.0.1', to: address, protocol }));
    send('10.2.0.1');
    send('10.2.0.1', 6);
    send('10.2.0.2');
    send('8.8.8.8');
    expect(a.spis()).toEqual([1, 5, 4, 2].map(out));
    a.plane.remove('child-4');
    send('10.2.0.2');
    expect(a.spis()).toEqual([out(3)]);
  });

  it('prefers the narrower source among equal destinations', () => {
    const a = new Side();
    a.plane.install(pair(1, { localSelectors: [selector('10.1.0.1/32')] }));
    a.plane.install(pair(2));
    a.plane.inject(request);
    expect(a.spis()).toEqual([out(1)]);
  });
});

describe('rekey', () => {
  it('moves at once with sendOn new, and both pairs receive until the old one is removed', () => {
    const { a, child } = bothSides();
    const fresh = pair(2);
    a.plane.replace(child.id, fresh, 'new');
    a.plane.inject(request);
    expect(a.spis()).toEqual([out(2)]);
    a.plane.receive(fromPeer(child, reply), left, right);
    a.plane.receive(fromPeer(fresh, reply), left, right);
    expect(a.plane.delivered.length).toBe(2);
    a.plane.remove(child.id);
    a.plane.receive(fromPeer(child, reply, NextHeader.IPV4, 8), left, right);
    expect(a.plane.delivered.length).toBe(2);
    expect(a.plane.drops.unknownSpi).toBe(1);
    expect(a.plane.stats(child.id)).toBeUndefined();
  });

  it('moves with sendOn old when an authenticated packet comes on the new pair', () => {
    const { a, child } = bothSides();
    const fresh = pair(2);
    a.plane.replace(child.id, fresh, 'old');
    a.plane.inject(request);
    expect(a.spis()).toEqual([out(1)]);
    const forged = fromPeer(fresh, reply);
    forged[forged.length - 1]! ^= 1;
    a.plane.receive(forged, left, right);
    a.plane.receive(fromPeer(child, reply), left, right);
    a.plane.inject(request);
    expect(a.spis()).toEqual([out(1)]);
    a.plane.receive(fromPeer(fresh, reply), left, right);
    a.plane.inject(request);
    expect(a.spis()).toEqual([out(2)]);
  });

  it('moves with sendOn old when the old pair is removed', () => {
    const { a, child } = bothSides();
    a.plane.replace(child.id, pair(2), 'old');
    a.plane.remove(child.id);
    a.plane.inject(request);
    expect(a.spis()).toEqual([out(2)]);
  });

  it('goes back to the old pair when the new one is removed', () => {
    const { a, child } = bothSides();
    a.plane.replace(child.id, pair(2), 'new');
    a.plane.remove('child-2');
    a.plane.inject(request);
    expect(a.spis()).toEqual([out(1)]);
  });

  it('survives two rekeys of one pair at once, whichever is kept', () => {
    for (const kept of [2, 3]) {
      const { a, child } = bothSides();
      a.plane.replace(child.id, pair(2), 'new');
      a.plane.replace(child.id, pair(3), 'old');
      a.plane.remove(kept === 2 ? 'child-3' : 'child-2');
      a.plane.inject(request);
      expect(a.spis()).toEqual([kept === 2 ? out(2) : out(1)]);
      a.plane.remove(child.id);
      a.plane.inject(request);
      expect(a.spis()).toEqual([out(kept)]);
    }
  });

  it('does not fall back to a superseded pair when the one between is removed', () => {
    const { a, child } = bothSides();
    a.plane.replace(child.id, pair(2), 'new');
    a.plane.replace('child-2', pair(3, { remoteSelectors: [selector('10.2.7.0/24')] }), 'new');
    a.plane.remove('child-2');
    a.plane.inject(request);
    expect(a.spis()).toEqual([]);
    a.plane.inject(ipv4({ from: '10.1.0.1', to: '10.2.7.1' }));
    expect(a.spis()).toEqual([out(3)]);
  });

  it('does not let the old pair carry what the new one excludes', () => {
    const { a, child } = bothSides();
    a.plane.replace(child.id, pair(2, { remoteSelectors: [selector('10.2.7.0/24')] }), 'new');
    a.plane.inject(request);
    expect(a.sent).toEqual([]);
  });
});

describe('bad calls', () => {
  it('are bugs and throw', () => {
    const { a, child } = bothSides();
    const throwsCode = (call: () => void, code: string) =>
      expect(call).toThrow(expect.objectContaining({ kind: 'bug', code }));
    throwsCode(() => a.plane.install(child), 'E_CHILD_SA_EXISTS');
    throwsCode(() => a.plane.install({ ...pair(2), inbound: child.inbound }), 'E_CHILD_SA_EXISTS');
    throwsCode(() => a.plane.replace('nobody', pair(2), 'new'), 'E_CHILD_SA_UNKNOWN');
    throwsCode(() => a.plane.movePeer('nobody', child), 'E_CHILD_SA_UNKNOWN');
    throwsCode(() => a.plane.remove('nobody'), 'E_CHILD_SA_UNKNOWN');
    const named: EspSaParameters = { ...gcm, encr: encrTransform(1)! };
    throwsCode(() => a.plane.install({ ...pair(3), outbound: named }), 'E_ESP_SUITE');
    expect(a.plane.stats('child-3')).toBeUndefined();
  });

  it('say that ESP without UDP takes another plane, and change nothing', () => {
    const { a, child } = bothSides();
    const plain = { ...pair(2), encapsulation: 'none' } as const;
    for (const call of [
      () => a.plane.prepare(plain),
      () => a.plane.install(plain),
      () => a.plane.replace(child.id, plain, 'new'),
      () => a.plane.movePeer(child.id, plain),
    ]) {
      expect(call).toThrow(
        expect.objectContaining({
          kind: 'environment',
          code: 'E_PLAIN_ESP',
          hint: expect.stringContaining('--plane fast'),
        }),
      );
    }
    a.plane.prepare(child);
    a.plane.inject(request);
    expect(a.sent).toMatchObject([{ local: left, remote: right }]);
  });
});
