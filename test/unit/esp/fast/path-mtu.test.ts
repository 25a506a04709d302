import { afterEach, describe, expect, it, vi } from 'vitest';
import { toHex } from '../../../../src/lib/core/bytes.js';
import { defaultPathPolicy, type PathPolicy } from '../../../../src/lib/esp/path-policy.js';
import { PathDiscovery } from '../../../../src/lib/net/datagram-io.js';
import { ipv4, ipv6, ports } from '../inner-packets.js';
import { suite } from '../suites.js';
import { NarrowSystem, numbers } from './narrow-system.js';
import { bytesOf, packetOf, superOf } from './packets.js';
import { PathWorld, type WorldOptions } from './path-world.js';

const open: PathWorld[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const world of open.splice(0)) {
    expect(world.path.damaged()).toEqual([]);
    world.close();
  }
});

async function world(
  policy: Partial<PathPolicy> = {},
  options: Partial<WorldOptions> = {},
): Promise<{ w: PathWorld; narrow: NarrowSystem }> {
  const sa = suite('ENCR_AES_GCM_16');
  const narrow = new NarrowSystem(options.address === '::1' ? 40 : 20);
  const w = await PathWorld.open({
    inbound: { ...sa, spi: 0x1001 },
    outbound: { ...sa, spi: 0x1002 },
    policy: { ...defaultPathPolicy, ...policy },
    io: narrow.io,
    ...options,
  });
  open.push(w);
  w.install();
  return { w, narrow };
}

const addresses = { from: '10.1.0.1', to: '10.2.0.1' };
const DF = 0x4000;
const four = (length: number, fragmentOffset = DF, byte = 0) =>
  ipv4({
    ...addresses,
    fragmentOffset,
    body: Uint8Array.of(...ports(1, 2), ...new Uint8Array(length - 28).fill(byte)),
  });
const six = (length: number) =>
  ipv6({
    from: 'fd01::1',
    to: 'fd02::1',
    body: Uint8Array.of(...ports(1, 2), ...new Uint8Array(length - 48)),
  });
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** The MTU that ICMP messages in what the device got name. */
function told(packets: readonly Uint8Array[]): number[] {
  return packets.map((packet) => {
    if (packet[0]! >> 4 === 6) {
      expect([packet[6], packet[40], packet[41]]).toEqual([58, 2, 0]);
      return viewOf(packet).getUint32(44);
    }
    expect([packet[9], packet[20], packet[21]]).toEqual([1, 3, 4]);
    return viewOf(packet).getUint16(26);
  });
}

/** What arrives at the peer, opened. */
function arrived(w: PathWorld): Uint8Array[] {
  for (const packet of w.sent()) w.peer.receive(packet, w.remote, w.local);
  return w.peer.delivered.splice(0);
}

describe('DF outside', () => {
  it.each([
    { df: 'copy' as const, expected: [PathDiscovery.DO, PathDiscovery.DONT, PathDiscovery.DO] },
    { df: 'set' as const, expected: [PathDiscovery.DO, PathDiscovery.DO, PathDiscovery.DO] },
    { df: 'clear' as const, expected: [PathDiscovery.DONT, PathDiscovery.DONT, PathDiscovery.DONT] },
  ])('is $df of that inside; IPv6 counts as DF', async ({ df, expected }) => {
    const { w, narrow } = await world({ df });
    const seen = [four(100), four(100, 0), six(100)].map((packet) => {
      w.fromDevice(packet);
      return narrow.discovery;
    });
    expect(seen).toEqual(expected);
    expect(arrived(w)).toHaveLength(3);
  });

  it('is that of each packet, also when they come at the same time', async () => {
    const { w, narrow } = await world();
    for (const fragmentation of [DF, DF, 0, DF]) w.queue(four(100, fragmentation));
    w.path.turn(0);
    expect(narrow.sends).toEqual([PathDiscovery.DO, PathDiscovery.DONT, PathDiscovery.DO]);
    expect(arrived(w)).toHaveLength(4);
  });

  it('is not that of IKE messages, which may be larger than the path', async () => {
    const { w, narrow } = await world();
    w.fromDevice(four(100));
    w.path.sendIke(w.local, w.remote, Uint8Array.of(0, 0, 0, 0, 1));
    expect(narrow.discovery).toBe(PathDiscovery.WANT);
    w.fromDevice(four(100));
    expect(narrow.discovery).toBe(PathDiscovery.DO);
    expect(w.sent()).toHaveLength(3);
  });
});

describe('a path that takes less than the device', () => {
  // 1300 - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV = 1240, a multiple of 4; less 2 of trailer.
  it.each([
    { address: '127.0.0.1', largest: 1238, offload: true },
    { address: '127.0.0.1', largest: 1238, offload: false },
    { address: '::1', largest: 1218, offload: true },
  ])('is learned over $address, and told with what did not fit', async ({ address, largest, offload }) => {
    const { w, narrow } = await world({}, { address, offload });
    narrow.mtu = 1300;
    w.fromDevice(four(1400));
    expect(w.sent()).toEqual([]);
    const [message] = w.packets();
    expect(told([message!])).toEqual([largest]);
    expect(toHex(message!.subarray(28))).toBe(toHex(four(1400).subarray(0, 548)));
    expect(w.learned).toEqual([{ id: 'child-1', pathMtu: 1300, innerMtu: largest }]);
    expect(w.pathStats().tooBig).toBe(1);

    w.fromDevice(four(largest + 1));
    expect(told(w.packets())).toEqual([largest]);
    w.fromDevice(four(largest));
    expect(arrived(w)).toEqual([four(largest)]);
    expect(w.packets()).toEqual([]);
    expect(w.pathStats()).toMatchObject({ tooBig: 2, datagramsOut: 1 });
    expect(w.learned).toHaveLength(1);
    expect(narrow.questions).toBe(1);
  });

  it.each(['copy', 'set'] as const)(
    'and less than may be told carries the smallest packets in fragments, DF by %s',
    async (df) => {
      const { w, narrow } = await world({ df });
      narrow.mtu = 100;
      // Nobody knew before the first one.
      for (let i = 0; i < 5; i++) w.fromDevice(four(60));
      expect(arrived(w)).toHaveLength(4);
      expect(w.packets()).toEqual([]);
      w.fromDevice(four(69));
      expect(told(w.packets())).toEqual([68]);
      // 100 - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV - 2 of trailer.
      w.fromDevice(four(38));
      w.fromDevice(four(39));
      expect(narrow.sends.slice(-2)).toEqual([PathDiscovery.DO, PathDiscovery.DONT]);
      expect(w.pathStats().tooBig).toBe(2);
    },
  );

  it('lets what may be fragmented pass in fragments', async () => {
    const { w, narrow } = await world();
    narrow.mtu = 1300;
    w.fromDevice(four(1400));
    expect(told(w.packets())).toEqual([1238]);
    for (const packet of [four(1400, 0), four(1300, 0x2000), six(1280)]) {
      w.fromDevice(packet);
      expect(narrow.discovery).toBe(PathDiscovery.DONT);
      expect(arrived(w)).toEqual([packet]);
    }
    // IPv6 of more than that is told, and never less than every link carries.
    w.fromDevice(six(1281));
    expect(told(w.packets())).toEqual([1280]);
    expect(w.sent()).toEqual([]);
  });

  it('gets fragments and no questions where DF is to be clear', async () => {
    const { w, narrow } = await world({ df: 'clear' });
    narrow.mtu = 1300;
    for (const packet of [four(1400), six(1400)]) {
      w.fromDevice(packet);
      expect(arrived(w)).toEqual([packet]);
    }
    expect(w.packets()).toEqual([]);
    expect(narrow.questions).toBe(0);
  });

  it('keeps DF off what may be fragmented and does not fit, also where DF is to be set', async () => {
    const { w, narrow } = await world({ df: 'set' });
    narrow.mtu = 1300;
    w.fromDevice(four(1400, 0));
    expect(w.packets()).toEqual([]);
    w.fromDevice(four(1400, 0));
    expect(arrived(w)).toEqual([four(1400, 0)]);
    expect(w.packets()).toEqual([]);
  });

  it('is told once of a super-segment, quoting its first segment', async () => {
    const { w, narrow } = await world();
    narrow.mtu = 1300;
    const packet = { payload: bytesOf(9000), sequence: 777, fragmentation: DF };
    const bring = () => {
      const bytes = Uint8Array.from(superOf(packet, 1348));
      // From and to where the selectors are.
      bytes.set([10, 1, 0, 1, 10, 2, 0, 1], 10 + 12);
      w.fromDevice(bytes.subarray(10), bytes.subarray(0, 10));
    };
    for (let i = 1; i <= 2; i++) {
      bring();
      const messages = w.packets();
      expect(told(messages)).toEqual([1238]);
      const quoted = viewOf(messages[0]!.subarray(28));
      expect([quoted.getUint16(2), quoted.getUint32(24)]).toEqual([1388, 777]);
      expect(w.sent()).toEqual([]);
      expect(w.pathStats().tooBig).toBe(7 * i);
    }
  });

  it('is not told about ICMP errors, and not without end', async () => {
    const { w, narrow } = await world();
    narrow.mtu = 1300;
    const error = four(1400).with(9, 1).with(20, 3);
    for (let i = 0; i < 3; i++) w.fromDevice(error);
    expect(w.packets()).toEqual([]);
    for (let i = 0; i < 200; i++) w.fromDevice(four(1400));
    const count = w.packets().length;
    expect(count).toBeGreaterThanOrEqual(50);
    expect(count).toBeLessThan(150);
    expect(w.pathStats().tooBig).toBe(203);
  });

  it('is tried again after ten minutes, not before', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { w, narrow } = await world();
    const tells = () => {
      w.fromDevice(four(1400));
      return told(w.packets());
    };
    narrow.mtu = 1300;
    expect(tells()).toEqual([1238]);
    narrow.mtu = 65_536;
    vi.advanceTimersByTime(599_999);
    expect(tells()).toEqual([1238]);
    expect(w.sent()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(tells()).toEqual([]);
    expect(w.sent()).toHaveLength(1);
    narrow.mtu = 1200;
    expect(tells()).toEqual([1138]);
    expect(w.learned.map(({ pathMtu }) => pathMtu)).toEqual([1300, 1200]);
    expect(narrow.questions).toBe(2);
  });

  it('is forgotten where the peer moves, and inherited by the pair of a rekey', async () => {
    const { w, narrow } = await world();
    narrow.mtu = 1300;
    w.fromDevice(four(1400));
    const second = w.child('child-2', {
      inbound: { ...w.options.inbound, spi: 0x2001 },
      outbound: { ...w.options.outbound, spi: 0x2002 },
    });
    w.path.replace('child-1', second, 'new', w.counters);
    narrow.mtu = 65_536;
    w.fromDevice(four(1400));
    expect(told(w.packets())).toEqual([1238, 1238]);
    w.path.movePeer('child-2', w.child());
    w.fromDevice(four(1400));
    expect(w.sent()).toHaveLength(1);
    expect(w.learned).toHaveLength(1);
  });
});

describe('a packet larger than the device takes', () => {
  it('is answered, unless it may be fragmented', async () => {
    const { w } = await world();
    for (const packet of [four(1401), six(1401), four(1401, 0)]) w.fromDevice(packet);
    expect(told(w.packets())).toEqual([1400, 1400]);
    expect(w.sent()).toEqual([]);
    expect(w.pathStats().tooBig).toBe(3);
  });

  it('is answered by the simple plane in the same way', async () => {
    const { w } = await world();
    const back = (packet: Uint8Array) => {
      const out = packet.slice();
      const [from, length] = packet[0]! >> 4 === 4 ? [12, 4] : [8, 16];
      out.set(packet.subarray(from + length, from + 2 * length), from);
      out.set(packet.subarray(from, from + length), from + length);
      return out;
    };
    for (const packet of [four(1401), six(1401), four(1401, 0)]) w.peer.inject(back(packet));
    expect(told(w.peer.delivered)).toEqual([1400, 1400]);
    expect(w.peer.drops.tooBig).toBe(3);
  });
});

describe('the traffic class outside', () => {
  it.each([
    { dscp: 'copy' as const, expected: 0xb9 },
    { dscp: 'clear' as const, expected: 0x01 },
    { dscp: 10, expected: 0x29 },
    { dscp: 0, expected: 0x01 },
  ])('has a DSCP by policy, $dscp, and the ECN of that inside', async ({ dscp, expected }) => {
    for (const address of ['127.0.0.1', '::1']) {
      const seen: number[] = [];
      const { w, narrow } = await world({ dscp }, { address });
      const { io } = narrow;
      const { sendmsg } = io;
      Object.assign(io, {
        sendmsg: (...[fd, message, flags]: Parameters<typeof sendmsg>) => {
          const header = numbers(message, 56);
          const controls = header.getUint32(40, true);
          seen.push(numbers(Number(header.getBigUint64(32, true)), controls).getInt32(16, true));
          return sendmsg(fd, message, flags);
        },
      });
      w.fromDevice(four(100).with(1, 0xb9));
      w.fromDevice(six(100).with(0, 0x6b).with(1, 0x90));
      expect(seen).toEqual([expected, expected]);
      expect(arrived(w)[0]).toEqual(four(100).with(1, 0xb9));
    }
  });
});

describe('the MSS of a connection', () => {
  const SYN = 2;
  const tcpOptions = Uint8Array.of(2, 4, 9000 >> 8, 9000 & 0xff);
  const mssOf = (packet: Uint8Array) => viewOf(packet).getUint16(42);
  const outgoing = () => {
    const packet = packetOf({ flags: SYN, tcpOptions });
    packet.set([10, 1, 0, 1, 10, 2, 0, 1], 12);
    return packet;
  };
  const incoming = () => {
    const packet = outgoing();
    packet.set([10, 2, 0, 1, 10, 1, 0, 1], 12);
    return packet;
  };

  it.each([
    { mssClamp: 'auto' as const, before: 1360, after: 1198 },
    { mssClamp: 1100, before: 1100, after: 1100 },
    { mssClamp: 'off' as const, before: 9000, after: 9000 },
  ])('is lowered both ways by policy: $mssClamp', async ({ mssClamp, before, after }) => {
    const { w, narrow } = await world({ mssClamp });
    // The peer of these tests clamps as well, to what its device takes.
    const both = () => {
      w.fromDevice(outgoing());
      w.peer.inject(incoming());
      for (const packet of w.sealed.splice(0)) w.fromNetwork(packet);
      return [...arrived(w), ...w.packets()].map(mssOf);
    };
    const peersOwn = 1360;
    expect(both()).toEqual([Math.min(before, peersOwn), Math.min(before, peersOwn)]);
    narrow.mtu = 1300;
    w.fromDevice(four(1400));
    w.packets();
    expect(both()).toEqual([Math.min(after, peersOwn), Math.min(after, peersOwn)]);
  });
});
