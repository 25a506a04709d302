import { describe, expect, it } from 'vitest';
import { makeCoalescer } from './coalescing.js';
import { bytesOf, type PacketOptions, packetOf, superOf, timestamp, withVirtio } from './packets.js';
import { slowSegments } from './slow-segmenter.js';

const FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 };
const SIZE = 100;

/** Packets of one flow that go on with each other. */
function stream(count: number, options: PacketOptions = {}, size = SIZE): Uint8Array[] {
  const read = superOf({ payload: bytesOf(count * size), tcpOptions: timestamp(1), ...options }, size);
  return slowSegments(read)!;
}

describe('what a segmenter cut', () => {
  for (const [name, options, size] of [
    ['TCP over IPv4', { tcpOptions: timestamp(3) }, 1000],
    ['TCP without options', {}, 1000],
    ['TCP that is pushed', { flags: FLAG.ACK | FLAG.PSH }, 1000],
    ['TCP that ends', { flags: FLAG.ACK | FLAG.PSH | FLAG.FIN }, 1000],
    ['TCP that tells of congestion', { flags: FLAG.ACK | FLAG.ECE | FLAG.CWR }, 1000],
    ['TCP in odd pieces', { tcpOptions: timestamp(3) }, 501],
    ['TCP in pieces that are smaller than the headers', { tcpOptions: timestamp(3) }, 51],
    ['TCP over the end of sequence numbers', { sequence: 0xffff_ff00, identification: 0xffff }, 1000],
    ['TCP marked with ECN', { trafficClass: 3 }, 1000],
    ['TCP that may be fragmented', { fragmentation: 0 }, 1000],
    ['TCP over IPv6', { version: 6, tcpOptions: timestamp(3) }, 1000],
    ['TCP over IPv6 of a class', { version: 6, trafficClass: 0xb9 }, 1000],
    ['UDP over IPv4', { protocol: 'udp' }, 1000],
    ['UDP over IPv4 in small pieces', { protocol: 'udp' }, 51],
    ['UDP over IPv6', { protocol: 'udp', version: 6 }, 1000],
  ] as const satisfies [string, PacketOptions, number][]) {
    it(`is made whole again: ${name}`, () => {
      const read = superOf({ payload: bytesOf(size * 63 > 65_000 ? 3100 : size * 7 + 1), ...options }, size);
      const packets = slowSegments(read)!;
      expect(packets.length).toBeGreaterThan(3);
      expect(makeCoalescer({ udp: true }).merge(...packets)).toEqual([read]);
    });
  }

  it('is made whole again from the largest packets', () => {
    const read = superOf({ payload: bytesOf(65_535 - 52), tcpOptions: timestamp(1) }, 1348);
    expect(makeCoalescer().merge(...slowSegments(read)!)).toEqual([read]);
  });
});

describe('packets of one flow', () => {
  /** True when two packets come out as one, of which a segmenter would make the same two. */
  const areMerged = (first: Uint8Array, second: Uint8Array, options = { udp: true }): boolean => {
    const out = makeCoalescer(options).merge(first, second);
    expect(out.flatMap((read) => slowSegments(read)!)).toEqual([first, second]);
    if (out.length === 2) expect(out).toEqual([withVirtio(first), withVirtio(second)]);
    return out.length === 1;
  };
  const first: PacketOptions = { payload: bytesOf(SIZE), tcpOptions: timestamp(1) };
  const next: PacketOptions = { ...first, identification: 0x1235, sequence: 1000 + SIZE };
  const both = (changes: PacketOptions): boolean =>
    areMerged(packetOf({ ...first, ...changes }), packetOf({ ...next, ...changes }));
  const second = (changes: PacketOptions): boolean =>
    areMerged(packetOf(first), packetOf({ ...next, ...changes }));
  const secondIpv6 = (changes: PacketOptions): boolean =>
    areMerged(packetOf({ ...first, version: 6 }), packetOf({ ...next, version: 6, ...changes }));
  const secondUdp = (changes: PacketOptions): boolean =>
    areMerged(packetOf({ ...first, protocol: 'udp' }), packetOf({ ...next, protocol: 'udp', ...changes }));

  it('are merged when they go on with each other', () => {
    expect(second({})).toBe(true);
    expect(secondIpv6({})).toBe(true);
    expect(secondUdp({})).toBe(true);
  });

  it('are merged when the last one is shorter, and not when it is longer', () => {
    for (const [length, merged] of [
      [1, true],
      [SIZE - 1, true],
      [SIZE + 1, false],
      [0, false],
    ] as const) {
      expect(second({ payload: bytesOf(length) }), `TCP of ${length}`).toBe(merged);
      expect(secondUdp({ payload: bytesOf(length) }), `UDP of ${length}`).toBe(merged);
    }
  });

  it('are merged no further after one that is shorter, or that ends something', () => {
    const { merge } = makeCoalescer({ udp: true });
    for (const changes of [
      { payload: bytesOf(SIZE - 1) },
      { flags: FLAG.ACK | FLAG.PSH },
      { flags: FLAG.ACK | FLAG.FIN },
      { protocol: 'udp', payload: bytesOf(SIZE - 1) },
    ] as const satisfies PacketOptions[]) {
      const { length } = { ...next, ...changes }.payload!;
      const protocol = 'protocol' in changes ? ('udp' as const) : ('tcp' as const);
      const third = { ...next, protocol, identification: 0x1236, sequence: 1000 + SIZE + length };
      const packets = [{ ...first, protocol }, { ...next, protocol, ...changes }, third].map((each) =>
        packetOf(each),
      );
      const out = merge(...packets);
      expect(out.map((read) => slowSegments(read)!.length)).toEqual([2, 1]);
      expect(out.flatMap((read) => slowSegments(read)!)).toEqual(packets);
    }
  });

  it('are merged whatever the second one has to say about the end', () => {
    expect(second({ flags: FLAG.ACK | FLAG.PSH })).toBe(true);
    expect(second({ flags: FLAG.ACK | FLAG.FIN })).toBe(true);
  });

  it('are not merged when their IPv4 headers differ', () => {
    expect(second({ source: 9 })).toBe(false);
    expect(second({ destination: 9 })).toBe(false);
    expect(second({ trafficClass: 4 })).toBe(false);
    expect(second({ trafficClass: 3 })).toBe(false);
    expect(second({ hopLimit: 63 })).toBe(false);
    expect(second({ fragmentation: 0 })).toBe(false);
    expect(second({ identification: 0x1236 })).toBe(false);
    expect(second({ identification: 0x1233 })).toBe(false);
    expect(second({ version: 6 })).toBe(false);
    expect(second({ protocol: 'udp' })).toBe(false);
  });

  it('are not merged when their IPv6 headers differ', () => {
    expect(secondIpv6({ source: 9 })).toBe(false);
    expect(secondIpv6({ destination: 9 })).toBe(false);
    expect(secondIpv6({ trafficClass: 3 })).toBe(false);
    expect(secondIpv6({ flowLabel: 0x12344 })).toBe(false);
    expect(secondIpv6({ hopLimit: 63 })).toBe(false);
  });

  it('are not merged when their transport headers differ', () => {
    for (const merges of [second, secondIpv6]) {
      expect(merges({ sourcePort: 9 })).toBe(false);
      expect(merges({ destinationPort: 9 })).toBe(false);
      expect(merges({ sequence: 999 + SIZE })).toBe(false);
      expect(merges({ sequence: 1001 + SIZE })).toBe(false);
      expect(merges({ sequence: 1000 })).toBe(false);
      expect(merges({ acknowledgment: 78 })).toBe(false);
      expect(merges({ window: 501 })).toBe(false);
      expect(merges({ urgent: 1 })).toBe(false);
      expect(merges({ tcpOptions: timestamp(2) })).toBe(false);
      expect(merges({ tcpOptions: timestamp(1).slice(0, 8) })).toBe(false);
      expect(merges({ tcpOptions: Uint8Array.from([...timestamp(1), 1, 1, 1, 0]) })).toBe(false);
      expect(merges({ flags: FLAG.ACK | FLAG.ECE })).toBe(false);
      expect(merges({ flags: FLAG.ACK | FLAG.CWR })).toBe(false);
    }
    expect(secondUdp({ sourcePort: 9 })).toBe(false);
    expect(secondUdp({ destinationPort: 9 })).toBe(false);
  });

  it('are not merged when nothing may be merged that is like them', () => {
    expect(both({})).toBe(true);
    expect(both({ flags: FLAG.ACK | FLAG.SYN })).toBe(false);
    expect(both({ flags: FLAG.ACK | FLAG.RST })).toBe(false);
    expect(both({ flags: FLAG.ACK | FLAG.URG, urgent: 1 })).toBe(false);
    expect(both({ flags: FLAG.ACK | FLAG.PSH })).toBe(false);
    expect(both({ flags: 0 })).toBe(false);
    expect(both({ reserved: 1 })).toBe(false);
    expect(both({ ipOptions: Uint8Array.from([0x94, 4, 0, 0]) })).toBe(false);
    expect(both({ fragmentation: 0x2000 })).toBe(false);
    expect(both({ fragmentation: 1 })).toBe(false);
    expect(both({ fragmentation: 0x8000 })).toBe(false);
    const extensions = { first: 60, bytes: Uint8Array.from([6, 0, 1, 4, 0, 0, 0, 0]) };
    expect(both({ version: 6 })).toBe(true);
    expect(both({ version: 6, extensions })).toBe(false);
    const fragment = { first: 44, bytes: Uint8Array.from([6, 0, 0, 1, 0, 0, 0, 9]) };
    expect(both({ version: 6, extensions: fragment })).toBe(false);
  });

  it('are merged where the identification of what is never fragmented stays', () => {
    const { merge } = makeCoalescer();
    const same = stream(3).map((_, i) => packetOf({ ...first, sequence: 1000 + i * SIZE }));
    expect(merge(...same)).toHaveLength(1);
    const fragmentable = same.map((_, i) =>
      packetOf({ ...first, sequence: 1000 + i * SIZE, fragmentation: 0 }),
    );
    expect(merge(...fragmentable)).toHaveLength(3);
    expect(merge(same[0]!, same[1]!, packetOf({ ...next, sequence: 1000 + 2 * SIZE }))).toHaveLength(2);
    const third = { ...next, sequence: 1000 + 2 * SIZE };
    expect(merge(packetOf(first), packetOf(next), packetOf(third))).toHaveLength(2);
  });

  it('are not merged when a checksum is wrong, and go on as they are', () => {
    for (const options of [{}, { version: 6 }, { protocol: 'udp' }] as const) {
      const [a, b, c] = stream(3, options) as [Uint8Array, Uint8Array, Uint8Array];
      const { merge } = makeCoalescer({ udp: true });
      expect(merge(a, b, c)).toHaveLength(1);
      for (let at = 0; at < b.length; at++) {
        const wrong = b.slice();
        wrong[at]! ^= 0x11;
        const out = merge(a, wrong, c).flatMap((read) => slowSegments(read)!);
        const whole = out.filter((packet) => [a.join(), c.join()].includes(packet.join()));
        expect(whole, `byte ${at}`).toEqual([a, c]);
        // What has another version or is longer than it is is no packet, what is shorter is cut off.
        if (at !== 0 && (at < 2 || at > 5)) expect(out, `byte ${at}`).toContainEqual(wrong);
      }
    }
  });

  it('are not merged as UDP without a checksum or with a length of their own', () => {
    const [a, b] = stream(2, { protocol: 'udp' }) as [Uint8Array, Uint8Array];
    const { merge } = makeCoalescer({ udp: true });
    const view = new DataView(b.buffer);
    expect(merge(a, b)).toHaveLength(1);

    // The payload makes up for it, so that the sum over all is right.
    const sum = view.getUint16(26) + view.getUint16(28);
    const none = b.slice();
    new DataView(none.buffer).setUint16(26, 0);
    new DataView(none.buffer).setUint16(28, sum > 0xffff ? sum - 0xffff : sum);
    expect(merge(a, none)).toEqual([withVirtio(a), withVirtio(none)]);

    const long = b.slice();
    new DataView(long.buffer).setUint16(24, view.getUint16(24) + 1);
    new DataView(long.buffer).setUint16(28, view.getUint16(28) - 1);
    expect(merge(a, long)).toEqual([withVirtio(a), withVirtio(long)]);
  });

  it('are not merged as UDP when nobody asked for it', () => {
    const packets = stream(3, { protocol: 'udp' });
    expect(makeCoalescer().merge(...packets)).toEqual(packets.map((packet) => withVirtio(packet)));
  });

  it('are merged 64 at a time', () => {
    const out = makeCoalescer().merge(...stream(130));
    expect(out.map((read) => slowSegments(read)!.length)).toEqual([64, 64, 2]);
  });

  it('are merged to no more than 65,535 bytes', () => {
    for (const version of [4, 6] as const) {
      const packets = [0, 20, 40].flatMap((sent) =>
        stream(20, { version, sequence: sent * 3000, identification: sent }, 3000),
      );
      const out = makeCoalescer().merge(...packets);
      expect(out.map((read) => slowSegments(read)!.length)).toEqual([21, 21, 18]);
      expect(out.flatMap((read) => slowSegments(read)!)).toEqual(packets);
    }
  });
});

describe('packets that do not go on', () => {
  const data = stream(6);
  const ack = packetOf({ payload: new Uint8Array(0), sequence: 1600, acknowledgment: 99 });
  const otherAck = packetOf({ payload: new Uint8Array(0), source: 7 });
  const split = (out: readonly Uint8Array[]): Uint8Array[] => out.flatMap((read) => slowSegments(read)!);

  it('leave after what came before them in their flow', () => {
    const { merge } = makeCoalescer();
    const out = merge(...data.slice(0, 3), ack, ...data.slice(3));
    expect(out.map((read) => slowSegments(read)!.length)).toEqual([3, 1, 3]);
    expect(split(out)).toEqual([...data.slice(0, 3), ack, ...data.slice(3)]);
  });

  it('do not end other flows', () => {
    const { merge } = makeCoalescer();
    const out = merge(...data.slice(0, 3), otherAck, ...data.slice(3));
    expect(split(out)).toEqual([otherAck, ...data]);
    expect(out).toHaveLength(2);
  });

  it('are let past by no one when they may belong to any flow', () => {
    const fragment = packetOf({ payload: bytesOf(50), fragmentation: 0x2000, source: 9 });
    const { merge } = makeCoalescer();
    const out = merge(...data.slice(0, 3), fragment, ...data.slice(3));
    expect(split(out)).toEqual([...data.slice(0, 3), fragment, ...data.slice(3)]);
  });

  it('leave no trace when they are refused', () => {
    const { receive, coalescer, written } = makeCoalescer();
    for (const packet of data) {
      receive(packet, false);
      receive(packet);
      receive(packetOf({ payload: bytesOf(3000) }), false);
    }
    coalescer.flush();
    expect(written).toHaveLength(1);
    expect(split(written)).toEqual(data);
  });

  it('are dropped when they are none', () => {
    const { receive, merge, written } = makeCoalescer();
    receive(data[0]!);
    for (const none of [
      new Uint8Array(0),
      bytesOf(19).fill(0x45, 0, 1),
      data[1]!.slice(0, -1),
      bytesOf(90).fill(0),
    ]) {
      expect(receive(none)).toBe(false);
    }
    expect(written).toEqual([]);
    expect(split(merge(...data.slice(1)))).toEqual(data);
  });

  it('lose what their IP header does not claim', () => {
    const { merge } = makeCoalescer();
    const padded = data.map((packet) => Uint8Array.from([...packet, ...bytesOf(33)]));
    const out = merge(...padded);
    expect(out).toHaveLength(1);
    expect(split(out)).toEqual(data);
    expect(merge(Uint8Array.from([...ack, 1, 2, 3]))).toEqual([withVirtio(ack)]);
  });
});

describe('flows side by side', () => {
  const flows = Array.from({ length: 6 }, (_, i) =>
    stream(10, {
      source: i + 1,
      ...(i % 2 === 0 ? {} : { version: 6 }),
      ...(i < 4 ? {} : { protocol: 'udp' }),
    }),
  );
  const interleaved = (count: number): Uint8Array[] =>
    Array.from({ length: 10 }, (_, i) => flows.slice(0, count).map((flow) => flow[i]!)).flat();

  it('are merged as many as there is room for', () => {
    for (const [count, room] of [
      [2, 4],
      [4, 4],
      [6, 6],
    ] as const) {
      const out = makeCoalescer({ flows: room, udp: true }).merge(...interleaved(count));
      expect(out.map((read) => slowSegments(read))).toEqual(flows.slice(0, count));
    }
  });

  it('make room for another with the one that began first', () => {
    const [a, b, c] = flows as [Uint8Array[], Uint8Array[], Uint8Array[]];
    const out = makeCoalescer({ flows: 2 }).merge(a[0]!, b[0]!, c[0]!, b[1]!, c[1]!, a[1]!);
    expect(out.map((read) => slowSegments(read))).toEqual([[a[0]], [b[0], b[1]], [a[1]], [c[0], c[1]]]);
  });

  it('leave in order, each of them, when they are more', () => {
    for (const room of [1, 2, 5]) {
      const out = makeCoalescer({ flows: room, udp: true }).merge(...interleaved(6));
      const packets = out.flatMap((read) => slowSegments(read)!).map((packet) => packet.join());
      expect(packets.toSorted()).toEqual(
        flows
          .flat()
          .map((packet) => packet.join())
          .toSorted(),
      );
      for (const flow of flows) {
        const mine = new Set(flow.map((packet) => packet.join()));
        expect(packets.filter((packet) => mine.has(packet))).toEqual([...mine]);
      }
    }
  });
});

describe('the order of calls', () => {
  const packet = packetOf({ payload: bytesOf(90) });

  it('is place, then accept or refuse', () => {
    const { coalescer, arena } = makeCoalescer();
    expect(() => coalescer.accept(0, 0)).toThrow(RangeError);
    const at = coalescer.place(packet.length);
    arena.bytes.set(packet, at);
    expect(() => coalescer.place(9)).toThrow(RangeError);
    expect(() => coalescer.flush()).toThrow(RangeError);
    expect(() => coalescer.accept(at + 1, 9)).toThrow(RangeError);
    expect(() => coalescer.accept(at, packet.length + 1)).toThrow(RangeError);
    expect(() => coalescer.accept(at, -1)).toThrow(RangeError);
    expect(coalescer.accept(at, packet.length)).toBe(true);
    expect(() => coalescer.accept(at, packet.length)).toThrow(RangeError);
    coalescer.flush();
  });

  it('keeps to places that there are', () => {
    const { coalescer } = makeCoalescer();
    for (const size of [-1, Number.NaN, 66_048]) expect(() => coalescer.place(size)).toThrow(RangeError);
    coalescer.place(66_047);
    coalescer.refuse();
    expect(() => makeCoalescer({ flows: 0 })).toThrow(RangeError);
    expect(() => makeCoalescer({ flows: 99 })).toThrow(RangeError);
  });
});
