import { describe, expect, it } from 'vitest';
import { Segmenter } from '../../../../src/lib/esp/fast/segmenter.js';
import { plainArena } from '../../plain-arena.js';
import { bytesOf, type PacketOptions, packetOf, superOf, timestamp, withVirtio } from './packets.js';
import { slowSum } from './slow-checksum.js';
import { slowSegments } from './slow-segmenter.js';

/** As many bytes as an ESP trailer with its ICV may have. */
const BEHIND = 48;

function make() {
  const arena = plainArena(1 << 18);
  const { at } = arena.reserve('read', 10 + 65_535 + BEHIND);
  return { arena, at, segmenter: new Segmenter(arena) };
}

/** The segments of what was read, taken in order as a sender does: with a trailer behind each. */
function segmentsOf(read: Uint8Array, { arena, at, segmenter } = make()): Uint8Array[] | undefined {
  arena.bytes.set(read, at);
  if (!segmenter.start(at, read.length)) {
    expect(segmenter.next()).toBe(false);
    return undefined;
  }
  const segments: Uint8Array[] = [];
  while (segmenter.next()) {
    const { offset, length } = segmenter;
    const end = offset + length;
    const covered = arena.bytes.slice(end, end + BEHIND);
    arena.bytes.fill(0xee, end, end + BEHIND);
    segments.push(arena.bytes.slice(offset, end));
    arena.bytes.set(covered, end);
  }
  expect(segmenter.next()).toBe(false);
  expect(segments.length).toBe(segmenter.count);
  expect(Math.max(...segments.map(({ length }) => length))).toBe(segmenter.largest);
  expect(arena.damaged()).toEqual([]);
  return segments;
}

const u16 = (packet: Uint8Array, at: number) => (packet[at]! << 8) | packet[at + 1]!;
const u32 = (packet: Uint8Array, at: number) => u16(packet, at) * 65536 + u16(packet, at + 2);

/** True if the sum over pseudo-header and the rest is all ones. */
function hasRightChecksum(packet: Uint8Array, network: number): boolean {
  const addresses = packet[0]! >> 4 === 4 ? packet.slice(12, 20) : packet.slice(8, 40);
  const protocol = packet[0]! >> 4 === 4 ? packet[9]! : packet[6]!;
  const transport = packet.slice(network);
  return slowSum(transport, slowSum(addresses, protocol + transport.length)) === 0xffff;
}

describe('cutting a super-segment of TCP', () => {
  const FIN_PSH_ACK_CWR = 0x99;
  const read = superOf(
    {
      payload: bytesOf(3500),
      flags: FIN_PSH_ACK_CWR,
      sequence: 0xffff_fc00,
      identification: 0xfffe,
      tcpOptions: timestamp(5),
    },
    1000,
  );
  const segments = segmentsOf(read)!;

  it('gives each as much payload as is asked for, and the last one the rest', () => {
    expect(segments.map((segment) => segment.length - 52)).toEqual([1000, 1000, 1000, 500]);
    expect(segments.flatMap((segment) => [...segment.slice(52)])).toEqual([...bytesOf(3500)]);
    expect(segments.map((segment) => u16(segment, 2))).toEqual([1052, 1052, 1052, 552]);
  });

  it('counts sequence number and identification on, beyond their ends', () => {
    expect(segments.map((segment) => u32(segment, 24))).toEqual([0xffff_fc00, 0xffff_ffe8, 976, 1976]);
    expect(segments.map((segment) => u16(segment, 4))).toEqual([0xfffe, 0xffff, 0, 1]);
  });

  it('leaves FIN and PSH to the last one, and CWR to the first one', () => {
    expect(segments.map((segment) => segment[33])).toEqual([0x90, 0x10, 0x10, 0x19]);
  });

  it('writes right checksums', () => {
    for (const segment of segments) {
      expect(slowSum(segment.slice(0, 20))).toBe(0xffff);
      expect(hasRightChecksum(segment, 20)).toBe(true);
    }
  });

  it('repeats the options', () => {
    for (const segment of segments) expect([...segment.slice(40, 52)]).toEqual([...timestamp(5)]);
  });
});

describe('a segmenter', () => {
  const base: PacketOptions = { payload: bytesOf(2999), flags: 0x19, tcpOptions: timestamp(9) };
  const ipOptions = Uint8Array.from([0x94, 4, 0, 0]);
  const extensions = { first: 0, bytes: Uint8Array.from([60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0]) };
  const endless = { first: 60, bytes: Uint8Array.from([6, 0xff, 1, 4, 0, 0, 0, 0]) };
  const udpExtensions = { first: 60, bytes: Uint8Array.from([17, 0, 1, 4, 0, 0, 0, 0]) };

  for (const [name, options, size] of [
    ['TCP over IPv4', base, 1000],
    ['TCP over IPv4 in odd pieces', base, 333],
    ['TCP over IPv4 in pieces smaller than its headers', base, 7],
    ['TCP over IPv4 in pieces of one byte', base, 1],
    ['TCP over IPv4 with options', { ...base, ipOptions }, 1000],
    ['TCP over IPv4 with ECE', { ...base, flags: 0xd8 }, 1000],
    ['TCP over IPv6', { ...base, version: 6 }, 1000],
    ['TCP over IPv6 with extension headers', { ...base, version: 6, extensions }, 1000],
    ['UDP over IPv4', { ...base, protocol: 'udp' }, 1000],
    ['UDP over IPv4 in pieces smaller than its headers', { ...base, protocol: 'udp' }, 9],
    ['UDP over IPv6', { ...base, protocol: 'udp', version: 6 }, 1000],
    [
      'UDP over IPv6 with a header',
      { ...base, protocol: 'udp', version: 6, extensions: udpExtensions },
      1000,
    ],
    ['TCP that needs no cutting', base, 2999],
    ['TCP that needs less than no cutting', base, 5000],
    ['TCP without payload', { ...base, payload: new Uint8Array(0) }, 5000],
    ['the largest packet of IPv4', { ...base, payload: bytesOf(65_535 - 52) }, 1348],
  ] as const satisfies [string, PacketOptions, number][]) {
    it(`cuts ${name} as a slow one does`, () => {
      const read = superOf(options, size);
      const segments = segmentsOf(read);
      expect(segments).toEqual(slowSegments(read));
      const network =
        options.version === 6 ? 40 + ((options as PacketOptions).extensions?.bytes.length ?? 0) : 0;
      if (network <= 40) {
        for (const segment of segments!) {
          expect(hasRightChecksum(segment, network || (segment[0]! & 15) * 4)).toBe(true);
        }
      }
    });
  }

  it('gives UDP whose checksum would be zero the other zero, as zero means none', () => {
    const payload = Uint8Array.from([0, 0, 0, 0]);
    const sum = u16(packetOf({ protocol: 'udp', payload: payload.slice(0, 2) }), 26);
    new DataView(payload.buffer).setUint16(0, sum);
    const [first] = segmentsOf(superOf({ protocol: 'udp', payload }, 2))!;
    expect(u16(first!, 26)).toBe(0xffff);
    const whole = packetOf({ protocol: 'udp', payload: payload.slice(0, 2) }, true);
    expect(u16(segmentsOf(withVirtio(whole, { flags: 1, start: 20, offset: 6 }))![0]!, 26)).toBe(0xffff);
  });

  it('passes on what is no super-segment as it is', () => {
    const packet = packetOf({ ...base, flags: 0x18 });
    expect(segmentsOf(withVirtio(packet))).toEqual([packet]);
    const icmp = packet.slice();
    icmp[9] = 1;
    expect(segmentsOf(withVirtio(icmp))).toEqual([icmp]);
    const fragment = packetOf({ ...base, fragmentation: 0x2000 });
    expect(segmentsOf(withVirtio(fragment))).toEqual([fragment]);
  });

  it('completes the checksum of what is no super-segment', () => {
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const version of [4, 6] as const) {
        const options = { ...base, protocol, version };
        const fields = { flags: 1, start: version === 4 ? 20 : 40, offset: protocol === 'tcp' ? 16 : 6 };
        expect(segmentsOf(withVirtio(packetOf(options, true), fields))).toEqual([packetOf(options)]);
      }
    }
  });

  it('completes a checksum that is the last field of a packet, and none that is not all in it', () => {
    const packet = packetOf(base);
    for (const [behind, cuts] of [
      [2, true],
      [1, false],
      [0, false],
    ] as const) {
      const read = withVirtio(packet, { flags: 1, start: 20, offset: packet.length - 20 - behind });
      expect(segmentsOf(read)).toEqual(slowSegments(read));
      expect(slowSegments(read) !== undefined).toBe(cuts);
    }
  });

  it('cuts off what the IP header does not claim', () => {
    const packet = packetOf(base);
    expect(segmentsOf(withVirtio(Uint8Array.from([...packet, 1, 2, 3])))).toEqual([packet]);
  });

  it('can be used again after each packet, whatever it was', () => {
    const made = make();
    const good = superOf(base, 1000);
    for (const read of [good, withVirtio(bytesOf(30)), superOf({ ...base, version: 6 }, 99), good]) {
      expect(segmentsOf(read, made)).toEqual(slowSegments(read));
    }
  });

  it('refuses what is malformed', () => {
    const good = superOf(base, 1000);
    const changed = (at: number, ...bytes: number[]): Uint8Array => {
      const read = good.slice();
      read.set(bytes, at);
      return read;
    };
    expect(segmentsOf(good)).toHaveLength(3);
    const short = { ...base, payload: bytesOf(3) };
    for (const [why, read] of [
      ['nothing', new Uint8Array(0)],
      ['no whole virtio header', good.slice(0, 9)],
      ['no packet', good.slice(0, 10)],
      ['no whole IPv4 header', good.slice(0, 29)],
      ['no whole packet', good.slice(0, -1)],
      ['more than the packet', Uint8Array.from([...good, 0])],
      ['another version', changed(10, 0x55)],
      ['an IP header that is too short', changed(10, 0x44)],
      ['another protocol', changed(19, 17)],
      ['a fragment', changed(16, 0x20)],
      ['a TCP header that is too short', changed(42, 0x40)],
      ['a TCP header that is too long', superOf(short, 9).fill(0xf0, 42, 43)],
      ['no checksum to complete', changed(0, 0)],
      ['UFO', changed(1, 3)],
      ['an unknown type', changed(1, 9)],
      ['the type of IPv6', changed(1, 4)],
      ['the type of UDP', changed(1, 5)],
      ['no size', changed(4, 0, 0)],
      ['a checksum elsewhere', changed(6, 21)],
      ['a checksum of UDP', changed(8, 6)],
      ['a length of zero, which a jumbogram has', changed(12, 0, 0)],
      ['no whole IPv6 header', superOf({ ...base, version: 6 }, 99).slice(0, 45)],
      ['an extension header that is too long', superOf({ ...short, version: 6, extensions: endless }, 9)],
      ['a UDP length of its own', superOf({ ...base, protocol: 'udp' }, 99).fill(0, 34, 36)],
      ['a checksum behind the end', withVirtio(packetOf(base), { flags: 1, start: 20, offset: 4000 })],
      ['a checksum of the IP header', withVirtio(packetOf(base), { flags: 1, start: 0, offset: 10 })],
    ] as const) {
      expect(segmentsOf(read), why).toBeUndefined();
      expect(slowSegments(read), why).toBeUndefined();
    }
  });

  it('reads nothing outside of the arena', () => {
    const { segmenter, arena } = make();
    const packet = withVirtio(packetOf({ payload: bytesOf(500) }));
    const end = 1 << 18;
    arena.bytes.set(packet.subarray(0, 100), end - 100);
    expect(() => segmenter.start(end - 100, packet.length)).toThrow(RangeError);
    expect(() => segmenter.start(end - 5, 100)).toThrow(RangeError);
    expect(() => segmenter.start(-1, 100)).toThrow(RangeError);
  });
});
