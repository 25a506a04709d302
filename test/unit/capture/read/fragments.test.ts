import { describe, expect, it } from 'vitest';
import { UnitExtractor } from '../../../../src/lib/capture/read/units.js';
import type { Unit } from '../../../../src/lib/capture/types.js';
import { concatBytes } from '../../../../src/lib/core/bytes.js';
import { be, espPacket, ikeMessage, ipv4, ipv6, rawFrame, udp } from './build.js';

const SECOND = 1_000_000_000n;
const ike = ikeMessage(3000);
const datagram = udp(500, 500, ike);

interface Cut {
  from: number;
  to: number;
}

const cuts: readonly Cut[] = [
  { from: 0, to: 1000 },
  { from: 1000, to: 2000 },
  { from: 2000, to: datagram.length },
];

function fragment4({ from, to }: Cut, id = 7, payload = datagram, protocol = 17): Uint8Array {
  return ipv4(protocol, payload.subarray(from, to), { id, offset: from, more: to < payload.length });
}

function fragment6({ from, to }: Cut, id = 7): Uint8Array {
  const more = to < datagram.length ? 1 : 0;
  const options = new Uint8Array(7);
  return ipv6(17, datagram.subarray(from, to), [
    [0, options],
    [44, concatBytes(be(1, 0), be(2, from | more), be(4, id))],
  ]);
}

/** Gives the packets to an extractor as frames 1, 2, 3, … */
function takeAll(packets: readonly Uint8Array[], extractor = new UnitExtractor({ ports: [] })): Unit[] {
  return packets.flatMap((packet, i) => extractor.take(rawFrame(packet, i + 1)));
}

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

describe.each([
  ['IPv4', fragment4],
  ['IPv6', fragment6],
] as const)('%s fragments', (_, fragment) => {
  it.each(orders)('are put together in the order %i %i %i', (...order) => {
    const packets = order.map((i) => fragment(cuts[i]!));
    const units = takeAll(packets);
    expect(units).toMatchObject([
      { frame: 3, frames: [1, 2, 3], kind: 'ike', data: ike, src: { port: 500 } },
    ]);
    expect(units[0]).not.toHaveProperty('offset');
  });

  it('give the packet as it was before', () => {
    const [unit] = takeAll(cuts.map((cut) => fragment(cut)));
    const whole =
      fragment === fragment4 ? ipv4(17, datagram, { id: 7 }) : ipv6(17, datagram, [[0, new Uint8Array(7)]]);
    expect(unit!.ip).toEqual(whole);
  });

  it('may come twice', () => {
    const twice = cuts.flatMap((cut) => [fragment(cut), fragment(cut)]);
    const extractor = new UnitExtractor({ ports: [] });
    expect(takeAll(twice, extractor)).toHaveLength(1);
    extractor.finish();
    expect(extractor.incomplete).toEqual([]);
  });

  it('of two datagrams may be mixed', () => {
    const mixed = cuts.flatMap((cut) => [fragment(cut, 7), fragment(cut, 8)]);
    expect(takeAll(mixed)).toHaveLength(2);
  });

  it('that overlap are not put together', () => {
    const [a, , c] = cuts as [Cut, Cut, Cut];
    const extractor = new UnitExtractor({ ports: [] });
    const packets = [fragment(a), fragment({ from: 992, to: 2000 }), fragment(cuts[1]!), fragment(c)];
    expect(takeAll(packets, extractor)).toEqual([]);
    extractor.finish();
    expect(extractor.incomplete).toMatchObject([
      { reason: 'overlap', frames: [1, 2, 3, 4], ports: { src: 500, dst: 500 } },
    ]);
  });

  it('that contradict a copy of themselves are not put together', () => {
    const forged = fragment(cuts[1]!).slice();
    forged[forged.length - 1]! ^= 1;
    expect(takeAll([fragment(cuts[0]!), fragment(cuts[1]!), forged, fragment(cuts[2]!)])).toEqual([]);
  });

  it('of which one is missing are listed with frames, addresses and ports', () => {
    const extractor = new UnitExtractor({ ports: [] });
    takeAll([fragment(cuts[0]!), fragment(cuts[2]!)], extractor);
    expect(extractor.incomplete).toEqual([]);
    extractor.finish();
    const [src, dst] = fragment === fragment4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1', '2001:db8::2'];
    expect(extractor.incomplete).toEqual([
      {
        src,
        dst,
        protocol: 17,
        ports: { src: 500, dst: 500 },
        frames: [1, 2],
        time: 0n,
        received: datagram.length - 1000,
        total: datagram.length,
        reason: 'missing',
      },
    ]);
  });

  it('without the first are listed without ports, without the last without total', () => {
    for (const [there, absent] of [
      [cuts[1]!, 'ports'],
      [cuts[0]!, 'total'],
    ] as const) {
      const extractor = new UnitExtractor({ ports: [] });
      takeAll([fragment(there)], extractor);
      extractor.finish();
      expect(extractor.incomplete).toHaveLength(1);
      expect(extractor.incomplete[0]).not.toHaveProperty(absent);
    }
  });
});

describe('fragments', () => {
  it('of ESP are put together', () => {
    const esp = espPacket(1, 1, 1600);
    const packets = [
      { from: 0, to: 800 },
      { from: 800, to: 1600 },
    ].map((cut) => fragment4(cut, 1, esp, 50));
    expect(takeAll(packets)).toMatchObject([{ kind: 'esp', data: esp, frames: [1, 2] }]);
  });

  it('of other ports and protocols are not listed', () => {
    const extractor = new UnitExtractor({ ports: [8000] });
    const dns = udp(53, 40_000, ike);
    const other = udp(8000, 40_000, ike);
    takeAll(
      [fragment4(cuts[0]!, 1, dns), fragment4(cuts[0]!, 2, dns, 6), fragment4(cuts[0]!, 3, other)],
      extractor,
    );
    extractor.finish();
    expect(extractor.incomplete.map((datagram) => datagram.ports?.src)).toEqual([8000]);
    expect(extractor.incompleteCount).toBe(1);
  });

  it('are given up after 60 seconds of the capture', () => {
    const extractor = new UnitExtractor({ ports: [] });
    extractor.take(rawFrame(fragment4(cuts[0]!, 1), 1, 0n));
    extractor.take(rawFrame(fragment4(cuts[0]!, 2), 2, 59n * SECOND));
    expect(extractor.incomplete).toEqual([]);
    extractor.take(rawFrame(fragment4(cuts[1]!, 1), 3, 60n * SECOND));
    expect(extractor.incomplete).toMatchObject([{ frames: [1], reason: 'missing' }]);
  });

  it('with the identification of a finished datagram begin another, later', () => {
    const extractor = new UnitExtractor({ ports: [] });
    for (const start of [0n, 5n * SECOND]) {
      const units = cuts.flatMap((cut, i) => extractor.take(rawFrame(fragment4(cut), i, start + BigInt(i))));
      expect(units).toHaveLength(1);
    }
  });

  it('cut by the capture are told from missing ones; a first one is shown as far as it goes', () => {
    const extractor = new UnitExtractor({ ports: [] });
    const [first, second] = cuts.map((cut) => fragment4(cut).subarray(0, 100));
    expect(takeAll([first!, second!], extractor)).toMatchObject([{ kind: 'ike', data: ike.subarray(0, 72) }]);
    extractor.finish();
    expect(extractor.incomplete).toMatchObject([{ reason: 'cut', frames: [2] }]);
  });

  it('beyond the longest datagram, or of an odd length before the last, are given up', () => {
    for (const odd of [
      ipv4(17, new Uint8Array(1000), { offset: 65_528 }),
      ipv4(17, new Uint8Array(1001), { offset: 0, more: true }),
      ipv4(17, new Uint8Array(0), { offset: 8, more: true }),
    ]) {
      const extractor = new UnitExtractor({ ports: [] });
      extractor.take(rawFrame(odd));
      extractor.finish();
      expect(extractor.incomplete).toMatchObject([{ reason: 'abandoned' }]);
    }
  });

  it('that put the end in two places are given up', () => {
    const ends = [ipv4(17, new Uint8Array(8), { offset: 800 }), ipv4(17, new Uint8Array(8), { offset: 400 })];
    const beyond = [
      ipv4(17, new Uint8Array(8), { offset: 400 }),
      ipv4(17, new Uint8Array(8), { offset: 800, more: true }),
    ];
    for (const packets of [ends, ends.toReversed(), beyond, beyond.toReversed()]) {
      const extractor = new UnitExtractor({ ports: [] });
      takeAll(packets, extractor);
      extractor.finish();
      expect(extractor.incomplete).toMatchObject([{ reason: 'overlap' }]);
    }
  });

  it('in a flood neither fill the memory nor the list', () => {
    const extractor = new UnitExtractor({ ports: [] });
    const payload = new Uint8Array(64_000);
    const packet = ipv4(17, payload, { offset: 8, more: true });
    const memory = () => process.memoryUsage().arrayBuffers;
    const before = memory();
    for (let i = 0; i < 5000; i++) {
      new DataView(packet.buffer).setUint16(4, i);
      extractor.take(rawFrame(packet, i + 1));
    }
    expect(memory() - before).toBeLessThan(200 << 20);
    extractor.finish();
    expect(extractor.incomplete).toHaveLength(1000);
    expect(extractor.incompleteCount).toBe(5000);
  });

  it('of eight bytes each end at a bound', () => {
    const extractor = new UnitExtractor({ ports: [] });
    for (let i = 0; i < 3000; i++)
      extractor.take(rawFrame(ipv4(17, new Uint8Array(8), { offset: 8 * (i + 1), more: true }), i));
    extractor.finish();
    expect(extractor.incomplete).toMatchObject([{ reason: 'abandoned', frames: { length: 1024 } }]);
  });

  it('inside a tunnel are put together', () => {
    const packets = cuts.map((cut) => ipv4(4, fragment4(cut)));
    expect(takeAll(packets)).toMatchObject([{ kind: 'ike', data: ike, frames: [1, 2, 3] }]);
  });

  it('of fragments of fragments end somewhere', () => {
    let packets = [ipv4(50, espPacket(1, 1, 64))];
    for (let depth = 0; depth < 8; depth++) {
      packets = packets.flatMap((inner, i) => [
        ipv4(4, inner.subarray(0, 32), { id: depth * 1000 + i, more: true }),
        ipv4(4, inner.subarray(32), { id: depth * 1000 + i, offset: 32 }),
      ]);
    }
    expect(takeAll(packets)).toEqual([]);
  });
});
