import { afterEach, describe, expect, it } from 'vitest';
import { toHex } from '../../../../src/lib/core/bytes.js';
import type { Endpoint } from '../../../../src/lib/core/endpoint.js';
import type { ChildSa } from '../../../../src/lib/esp/sa.js';
import { loadLibc } from '../../../../src/lib/net/libc.js';
import { loadNativeIo, type NativeIo } from '../../../../src/lib/net/native-io.js';
import { openUdpDescriptor } from '../../../../src/lib/net/udp-descriptor.js';
import { freePorts } from '../../net/free-ports.js';
import { ipv4, ports, selector } from '../inner-packets.js';
import { suite } from '../suites.js';
import { bytesOf, superOf } from './packets.js';
import { PathWorld, type WorldOptions } from './path-world.js';

const libc = await loadLibc();
const system = await loadNativeIo();
const open: { world: PathWorld; raw: number }[] = [];
afterEach(() => {
  for (const { world, raw } of open.splice(0)) {
    expect(world.path.damaged()).toEqual([]);
    world.close();
    libc.close(raw);
  }
});

/** What an ordinary user can have instead of a raw socket: a UDP socket, into which a test puts IP headers itself. */
interface Raw {
  fd: number;
  at: Endpoint;
}

/** A data path with a pair of SAs whose ESP is not in UDP, and what it takes for a raw socket. */
async function world(options: Partial<WorldOptions> = {}, change: Partial<ChildSa> = {}) {
  const { address = '127.0.0.1' } = options;
  const sa = suite('ENCR_AES_GCM_16');
  const w = await PathWorld.open({
    inbound: { ...sa, spi: 0x1001 },
    outbound: { ...sa, spi: 0x1002 },
    ...options,
  });
  const [port] = (await freePorts(1)) as [number];
  const raw: Raw = { fd: await openUdpDescriptor({ address, port }), at: { address, port } };
  open.push({ world: w, raw: raw.fd });
  w.path.addRaw(raw.fd, address);
  w.install(w.child('child-1', { ...plain(w), ...change }));
  return { w, raw };
}

/** A raw socket needs no port; what stands in for one does. */
const plain = (w: PathWorld) => ({ local: { ...w.local, port: 0 }, encapsulation: 'none' as const });
const inUdp = (w: PathWorld) => ({ local: w.local, encapsulation: 'udp' as const });
const out = (body: Uint8Array = ports(1000, 2000)) => ipv4({ from: '10.1.0.1', to: '10.2.0.1', body });
const back = (body: Uint8Array = ports(2000, 1000)) => ipv4({ from: '10.2.0.1', to: '10.1.0.1', body });
const hex = (packets: readonly Uint8Array[]): string[] => packets.map((packet) => toHex(packet));

function sealed(w: PathWorld, packet = back()): Uint8Array {
  w.peer.inject(packet);
  return w.sealed.splice(0)[0]!;
}

/** IHL words of an IPv4 header before a packet; with more than five there are options, with fewer it is wrong. */
function behind(words: number, packet: Uint8Array, version = 4): Uint8Array {
  const header = new Uint8Array(Math.max(20, words * 4)).fill(1);
  header[0] = (version << 4) | words;
  return Uint8Array.from([...header, ...packet]);
}

describe('ESP without UDP', () => {
  it.each([5, 6, 11, 15])('comes behind an IPv4 header of %i words', async (words) => {
    const { w, raw } = await world();
    for (let i = 0; i < 3; i++) w.fromNetwork(behind(words, sealed(w)), w.peerSocket, raw.at);
    expect(hex(w.packets())).toEqual(hex([back(), back(), back()]));
    expect(w.stats()).toMatchObject({ packetsIn: 3, malformed: 0, icvFailures: 0 });
    expect(w.pathStats()).toMatchObject({ datagramsIn: 3, malformed: 0 });
  });

  it('comes without a header over IPv6', async () => {
    const { w, raw } = await world({ address: '::1' });
    w.fromNetwork(sealed(w), w.peerSocket, raw.at);
    expect(hex(w.packets())).toEqual(hex([back()]));
    // What would be a header of IPv4 is none here.
    w.fromNetwork(behind(5, sealed(w)), w.peerSocket, raw.at);
    expect(w.pathStats()).toMatchObject({ unknownSpi: 1, malformed: 0 });
  });

  it('is dropped and counted where the IPv4 header is not whole, or nothing follows it', async () => {
    const { w, raw } = await world();
    const packet = sealed(w);
    const wrong = [
      new Uint8Array(0),
      behind(5, packet).subarray(0, 19),
      behind(5, packet).subarray(0, 20),
      behind(5, packet).subarray(0, 28),
      behind(4, packet),
      behind(0, packet),
      behind(5, packet, 6),
      // It claims more words than there are bytes.
      Uint8Array.from([0x4f, ...new Uint8Array(40)]),
      Uint8Array.of(0xff),
    ];
    for (const each of wrong) w.fromNetwork(each, w.peerSocket, raw.at);
    expect(w.pathStats()).toMatchObject({ malformed: wrong.length, datagramsIn: wrong.length });
    // As many header bytes as it claims, and what follows is not ours.
    w.fromNetwork(behind(6, packet).fill(0x45, 0, 1), w.peerSocket, raw.at);
    expect(w.pathStats()).toMatchObject({ malformed: wrong.length, unknownSpi: 1 });
    expect(w.packets()).toEqual([]);
    w.fromNetwork(behind(5, packet), w.peerSocket, raw.at);
    expect(w.packets()).toHaveLength(1);
  });

  it('holds no IKE', async () => {
    const { w, raw } = await world();
    w.fromNetwork(behind(5, new Uint8Array(60)), w.peerSocket, raw.at);
    expect(w.ike).toEqual([]);
    expect(w.pathStats()).toMatchObject({ unknownSpi: 1 });
  });

  it('is understood in UDP too, and the other way round; neither says that the peer moved', async () => {
    const { w, raw } = await world();
    w.fromNetwork(sealed(w), raw.fd);
    expect(w.packets()).toHaveLength(1);
    w.path.movePeer('child-1', { ...inUdp(w), remote: w.remote });
    w.fromNetwork(behind(5, sealed(w)), raw.fd, raw.at);
    expect(w.packets()).toHaveLength(1);
    expect(w.moved).toEqual([]);
    w.fromNetwork(sealed(w), raw.fd);
    expect(w.moved).toEqual([{ id: 'child-1', remote: raw.at }]);
  });

  it('leaves by the raw socket, and in UDP again when a NAT has come', async () => {
    const { w, raw } = await world();
    const sender = (): Endpoint | undefined => w.senders().at(-1);
    w.fromDevice(out());
    expect(sender()).toEqual(raw.at);
    w.path.movePeer('child-1', { ...inUdp(w), remote: w.remote });
    w.fromDevice(out());
    expect(sender()).toEqual(w.local);
    w.path.movePeer('child-1', { ...plain(w), remote: w.remote });
    w.fromDevice(out());
    expect(sender()).toEqual(raw.at);
  });

  const local = { localSelectors: [selector('10.0.0.1/32')], remoteSelectors: [selector('10.0.0.2/32')] };
  const stream = () => superOf({ payload: bytesOf(13_400) }, 1340);

  it('takes one call for many packets, without super-segments', async () => {
    const { w } = await world(
      {
        io: {
          ...system,
          sendmsg: () => {
            throw new Error('one message for many packets');
          },
        },
      },
      local,
    );
    w.fromDevice(stream().slice(10), stream().slice(0, 10));
    for (const packet of w.sent()) w.peer.receive(packet, w.remote, w.local);
    expect(w.peer.delivered).toHaveLength(10);
    expect(w.pathStats()).toMatchObject({ socketWrites: 1, datagramsOut: 10 });
  });

  it('sends nothing twice where the queue of the socket fills on the way', async () => {
    const EAGAIN = 11;
    let calls = 0;
    const io: NativeIo = {
      ...system,
      sendmmsg: (fd, vector, count, flags) => {
        calls += 1;
        return calls === 2 ? -1 : system.sendmmsg(fd, vector, calls === 1 ? 4 : count, flags);
      },
      errno: () => (calls === 2 ? EAGAIN : system.errno()),
    };
    const { w } = await world({ io }, local);
    w.fromDevice(stream().slice(10), stream().slice(0, 10));
    const numbers = w.sent().map((packet) => new DataView(packet.buffer).getUint32(4));
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(w.pathStats()).toMatchObject({ datagramsOut: 10, sendQueue: 0 });
  });

  it('that waits when its pair goes is still opened', async () => {
    const { w, raw } = await world();
    for (let i = 0; i < 100; i++) w.sendTo(behind(5, sealed(w)), w.peerSocket, raw.at);
    w.path.remove('child-1');
    expect(w.packets()).toHaveLength(100);
    expect(w.pathStats().unknownSpi).toBe(0);
    w.fromNetwork(behind(5, sealed(w)), w.peerSocket, raw.at);
    expect(w.pathStats().unknownSpi).toBe(1);
  });

  it('takes a socket at the very address', async () => {
    const { w } = await world();
    const elsewhere = { ...w.child('child-2'), ...plain(w), local: { address: '127.0.0.2', port: 0 } };
    const inbound = { ...w.options.inbound, spi: 0x3001 };
    expect(() => w.path.install({ ...elsewhere, inbound }, w.counters)).toThrow(
      expect.objectContaining({ kind: 'bug', code: 'E_NO_SOCKET' }),
    );
  });
});
