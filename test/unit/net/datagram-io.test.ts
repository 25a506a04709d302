import { afterEach, describe, expect, it } from 'vitest';
import { Arena } from '../../../src/lib/core/arena.js';
import type { Endpoint } from '../../../src/lib/core/endpoint.js';
import { DatagramReceiver, DatagramSender, PathDiscovery } from '../../../src/lib/net/datagram-io.js';
import { loadLibc } from '../../../src/lib/net/libc.js';
import { loadNativeIo, type NativeIo } from '../../../src/lib/net/native-io.js';
import { endpointOf, socketAddress } from '../../../src/lib/net/socket-address.js';
import { openUdpDescriptor, prepareForBatches } from '../../../src/lib/net/udp-descriptor.js';
import { freePorts } from './free-ports.js';

const io = await loadNativeIo();
const libc = await loadLibc();
const open: number[] = [];
afterEach(() => {
  for (const fd of open.splice(0)) libc.close(fd);
});

/** A socket at a known port, because a descriptor does not tell which it got. */
async function socketAt(endpoint: Endpoint): Promise<number> {
  const fd = await openUdpDescriptor(endpoint);
  open.push(fd);
  return fd;
}

/** A system that cannot cut super-segments: a device without checksums says EIO. */
const EIO = 5;
const withoutSegments: NativeIo = { ...io, sendmsg: () => -1, errno: () => EIO };

function socketOption(arena: Arena, fd: number, [level, option]: readonly [number, number]): number {
  const { at } = arena.reserve('option', 8);
  arena.view.setInt32(at + 4, 4, true);
  expect(io.getsockopt(fd, level, option, arena.address(at, 4), arena.address(at + 4, 4))).toBe(0);
  return arena.view.getInt32(at, true);
}

async function world(address: string, sending: NativeIo = io) {
  const [port, otherPort] = (await freePorts(2)) as [number, number];
  const arena = new Arena(16 << 20, io.addressOf);
  const receiver = new DatagramReceiver(io, arena, 32, 65_536);
  let refusals = 0;
  const sender = new DatagramSender(sending, arena, () => {
    refusals += 1;
  });
  const data = arena.reserve('data', 65_536);
  const name = arena.reserve('name', 32);
  const there = { address, port };
  const here = { address, port: otherPort };
  const [from, to] = [await socketAt(here), await socketAt(there)];
  const batches = await prepareForBatches(to, address.includes(':'));
  const target = socketAddress(there);
  arena.bytes.set(target, name.at);
  for (let i = 0; i < data.length; i++) arena.bytes[data.at + i] = (i * 31) ^ (i >> 8);
  const socket = { fd: from, segments: true };
  const send = (
    length: number,
    size: number,
    trafficClass = 0,
    discovery: PathDiscovery = PathDiscovery.DO,
  ) => sender.send(socket, data.at, length, size, name.at, target.length, trafficClass, discovery);
  /** All that came, cut into datagrams. */
  const receive = () => {
    const datagrams: Uint8Array[] = [];
    const classes: number[] = [];
    const names: (Endpoint | undefined)[] = [];
    for (let count = receiver.receive(to); count > 0; count = receiver.receive(to)) {
      for (let i = 0; i < count; i++) {
        const [at, length] = [receiver.at(i), receiver.length(i)];
        const size = receiver.segmentSize(i) || length;
        for (let done = 0; done < length; done += size) {
          datagrams.push(arena.bytes.slice(at + done, at + Math.min(done + size, length)));
        }
        classes.push(receiver.trafficClass(i));
        const nameAt = receiver.nameAt(i);
        names.push(endpointOf(arena.bytes.subarray(nameAt, nameAt + 28)));
      }
    }
    return { datagrams, classes, names };
  };
  const sent = (length: number, size: number) =>
    Array.from({ length: Math.ceil(length / size) }, (_, i) =>
      arena.bytes.slice(data.at + i * size, data.at + Math.min((i + 1) * size, length)),
    );
  return {
    refusals: () => refusals,
    arena,
    sender,
    socket,
    receiver,
    send,
    receive,
    sent,
    here,
    from,
    batches,
    to,
    name,
    data,
  };
}

describe.each([{ address: '127.0.0.1' }, { address: '::1' }])('datagrams over $address', ({ address }) => {
  it('come as they were sent, many with one call', async () => {
    const { arena, sender, socket, send, receive, sent, here } = await world(address);
    for (const [length, size] of [
      [1400, 1400],
      [14_000, 1400],
      [14_001, 1400],
      [64_000, 1000],
      [65_487, 65_487],
      [1, 1],
    ] as const) {
      const before = sender.calls;
      expect(send(length, size)).toBe('ok');
      expect(sender.sent).toBe(Math.ceil(length / size));
      if (socket.segments) expect(sender.calls).toBe(before + 1);
      const { datagrams, names } = receive();
      expect(datagrams).toEqual(sent(length, size));
      for (const name of names) expect(name).toEqual(here);
    }
    expect(arena.damaged()).toEqual([]);
  });

  it('are cut by us where the system does not, which is told once', async () => {
    const { arena, sender, send, receive, sent, refusals } = await world(address, withoutSegments);
    for (let i = 0; i < 3; i++) {
      expect(send(14_001, 1400)).toBe('ok');
      expect(sender.sent).toBe(11);
      expect(receive().datagrams).toEqual(sent(14_001, 1400));
      expect(refusals()).toBe(1);
    }
    expect(arena.damaged()).toEqual([]);
  });

  it('carry their traffic class', async () => {
    const { send, receive } = await world(address);
    send(100, 100, 0xb8);
    expect(receive().classes).toEqual([0xb8]);
    send(200, 100, 0x03);
    expect(new Set(receive().classes)).toEqual(new Set([0x03]));
  });
});

describe('sending', () => {
  it('refuses what is no batch, before any call', async () => {
    const { send } = await world('127.0.0.1');
    for (const [length, size] of [
      [65_488, 1400],
      [65_000, 1000],
      [100, 0],
      [100, -1],
    ] as const) {
      expect(() => send(length, size)).toThrow(RangeError);
    }
  });

  it('says when the path takes less, and when there is nobody', async () => {
    const { sender, name, data } = await world('127.0.0.1');
    const closed = { fd: 1_000_000, segments: true };
    expect(sender.send(closed, data.at, 10, 10, name.at, 16, 0, PathDiscovery.DONT)).toBe('failed');
    expect(sender.sent).toBe(0);
  });
});

it('leave one by one where the system forbids to send many at once', async () => {
  const ENOSYS = 38;
  let errno = EIO;
  const old: NativeIo = {
    ...io,
    sendmsg(fd, message, flags) {
      const isFirst = errno === EIO;
      return isFirst ? -1 : io.sendmsg(fd, message, flags);
    },
    sendmmsg() {
      errno = ENOSYS;
      return -1;
    },
    errno: () => errno,
  };
  const { send, receive, sender, sent } = await world('127.0.0.1', old);
  expect(send(14_001, 1400)).toBe('ok');
  expect(sender.sent).toBe(11);
  expect(receive().datagrams).toEqual(sent(14_001, 1400));
});

describe('fragmentation', () => {
  const IP_MTU_DISCOVER = 10;
  const IPV6_MTU_DISCOVER = 23;

  it.each([
    { address: '127.0.0.1', expected: [0, IP_MTU_DISCOVER] },
    { address: '::1', expected: [41, IPV6_MTU_DISCOVER] },
  ])(
    'is asked of the system when the wish changes, and not else: $address',
    async ({ address, expected }) => {
      const asked: number[][] = [];
      const watching: NativeIo = {
        ...io,
        setsockopt(fd, level, option, value, length) {
          asked.push([level, option]);
          return io.setsockopt(fd, level, option, value, length);
        },
      };
      const { arena, send, from } = await world(address, watching);
      const { DO, DONT, WANT } = PathDiscovery;
      const seen = [DO, DO, DONT, DONT, WANT, DO].map((discovery) => {
        expect(send(100, 100, 0, discovery)).toBe('ok');
        return socketOption(arena, from, expected as [number, number]);
      });
      expect(seen).toEqual([DO, DO, DONT, DONT, WANT, DO]);
      expect(asked).toEqual(Array.from({ length: 4 }, () => expected));
    },
  );

  /** A path that takes datagrams of 1,000 bytes: what systems say of super-segments differs. */
  const narrow = (errno: number): NativeIo => ({
    ...io,
    sendmsg: () => -1,
    sendmmsg: (fd, vector, count, flags) => (fragments ? io.sendmmsg(fd, vector, count, flags) : -1),
    setsockopt(fd, level, option, value, length) {
      const result = io.setsockopt(fd, level, option, value, length);
      fragments = !fragments;
      return result;
    },
    errno: () => (fragments ? errno : EMSGSIZE),
  });
  let fragments = false;
  const EINVAL = 22;
  const EMSGSIZE = 90;

  it.each([EINVAL, EMSGSIZE])('is no reason to do without super-segments (errno %i)', async (errno) => {
    fragments = true;
    const { socket, send, receive, sent, refusals } = await world('127.0.0.1', narrow(errno));
    expect(send(3000, 1400, 0, PathDiscovery.DO)).toBe('tooBig');
    expect(send(3000, 1400, 0, PathDiscovery.DONT)).toBe('ok');
    expect(receive().datagrams).toEqual(sent(3000, 1400));
    expect(socket.segments).toBe(true);
    expect(refusals()).toBe(0);
  });

  it('is told from a system that cuts nothing', async () => {
    const old: NativeIo = { ...io, sendmsg: () => -1, errno: () => EINVAL };
    const { socket, send, receive, sent, refusals } = await world('127.0.0.1', old);
    expect(send(3000, 1400, 0, PathDiscovery.DO)).toBe('ok');
    expect(receive().datagrams).toEqual(sent(3000, 1400));
    expect([socket.segments, refusals()]).toEqual([false, 1]);
  });
});

describe('receiving', () => {
  it('brings nothing when nothing came, and the reason when it cannot', async () => {
    const { receiver, to } = await world('127.0.0.1');
    expect(receiver.receive(to)).toBe(0);
    const EBADF = 9;
    expect(receiver.receive(1_000_000)).toBe(-EBADF);
  });
});
