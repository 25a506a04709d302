import { afterEach, describe, expect, it } from 'vitest';
import { concatBytes, toHex } from '../../../../src/lib/core/bytes.js';
import { systemEntropy } from '../../../../src/lib/core/environment.js';
import { MAX_CHILD_SAS } from '../../../../src/lib/esp/fast/sa-factory.js';
import { VIRTIO_BYTES } from '../../../../src/lib/esp/fast/virtio.js';
import { bindEspSa, NextHeader, sealEsp } from '../../../../src/lib/esp/packet.js';
import type { EspSaParameters } from '../../../../src/lib/esp/sa.js';
import { ipv4, ipv6, ports, selector } from '../inner-packets.js';
import { mirror } from '../plane-sides.js';
import { oneSuiteEach, suite } from '../suites.js';
import { bytesOf, packetOf } from './packets.js';
import { PathWorld, type WorldOptions } from './path-world.js';

const open: PathWorld[] = [];
afterEach(() => {
  for (const world of open.splice(0)) {
    expect(world.path.damaged()).toEqual([]);
    world.close();
  }
});

async function world(options: Partial<WorldOptions> & { sa?: EspSaParameters } = {}): Promise<PathWorld> {
  const { sa = suite('ENCR_AES_GCM_16') } = options;
  const made = await PathWorld.open({
    inbound: { ...sa, spi: 0x1001 },
    outbound: { ...sa, spi: 0x1002 },
    ...options,
  });
  open.push(made);
  return made;
}

const out = (body: Uint8Array = ports(1000, 2000)) => ipv4({ from: '10.1.0.1', to: '10.2.0.1', body });
const back = (body: Uint8Array = ports(2000, 1000)) => ipv4({ from: '10.2.0.1', to: '10.1.0.1', body });
const out6 = () => ipv6({ from: 'fd01::1', to: 'fd02::1', body: ports(1, 2) });
const back6 = () => ipv6({ from: 'fd02::1', to: 'fd01::1', body: ports(2, 1) });
const hex = (packets: readonly Uint8Array[]): string[] => packets.map((packet) => toHex(packet));

describe.each(oneSuiteEach)('$name', ({ sa }) => {
  it.each([
    { esn: false, offload: true },
    { esn: true, offload: false },
  ])('carries packets both ways, ESN $esn, offloads $offload', async ({ esn, offload }) => {
    const w = await world({ sa: { ...sa, esn }, offload });
    w.install();
    const outgoing = [out(), out6(), out(new Uint8Array(1380)), out(ports(5, 6))];
    for (const packet of outgoing) w.fromDevice(packet);
    for (const packet of w.sent()) w.peer.receive(packet, w.remote, w.local);
    expect(hex(w.peer.delivered)).toEqual(hex(outgoing));

    const incoming = [back(), back6(), back(new Uint8Array(1380)), back(ports(6, 5))];
    for (const packet of incoming) w.peer.inject(packet);
    for (const packet of w.sealed.splice(0)) w.fromNetwork(packet);
    expect(hex(w.packets())).toEqual(hex(incoming));
    const bytes = outgoing.reduce((sum, { length }) => sum + length, 0);
    expect(w.stats()).toMatchObject({ packetsOut: 4, packetsIn: 4, bytesOut: bytes, bytesIn: bytes });
    expect(w.stats().lastInboundAt).toBeGreaterThan(0);
  });
});

describe('outbound', () => {
  it('works over IPv6', async () => {
    const w = await world({ address: '::1' });
    w.install();
    w.fromDevice(out());
    for (const packet of w.sent()) w.peer.receive(packet, w.remote, w.local);
    expect(hex(w.peer.delivered)).toEqual([toHex(out())]);
  });

  it('drops what no child SA is for, what is no packet, and what is too big, and counts each', async () => {
    const w = await world();
    w.install();
    w.fromDevice(ipv4({ from: '10.9.0.1', to: '10.2.0.1' }));
    w.fromDevice(Uint8Array.of(0x45, 0, 0));
    w.fromDevice(out(new Uint8Array(1381)));
    w.fromDevice(out());
    expect(w.sent()).toHaveLength(1);
    expect(w.pathStats()).toMatchObject({ noChild: 1, malformed: 1, tooBig: 1, datagramsOut: 1 });
  });

  it('never uses a sequence number twice', async () => {
    const w = await world({ initialSequence: 2 ** 32 - 3 });
    w.install();
    for (let i = 0; i < 4; i++) w.fromDevice(out());
    expect(w.sent()).toHaveLength(2);
    expect(w.pathStats().exhausted).toBe(2);
    expect(w.ended).toEqual(['child-1']);
    expect(w.worn).toEqual([{ id: 'child-1', reason: 'sequence' }]);
  });

  it('asks for a rekey after so many bytes, and seals nothing after twice as many', async () => {
    const w = await world();
    w.install(w.child('child-1', { rekeyBytes: 2 * out().length }));
    w.fromDevice(out());
    expect(w.worn).toEqual([]);
    for (let i = 0; i < 5; i++) w.fromDevice(out());
    expect(w.worn).toEqual([{ id: 'child-1', reason: 'bytes' }]);
    expect(w.sent()).toHaveLength(4);
    expect(w.pathStats()).toMatchObject({ expired: 2, exhausted: 0 });
    expect(w.ended).toEqual(['child-1']);
    expect(w.stats().packetsOut).toBe(4);
  });

  it('moves to the new pair of a rekey as it is told', async () => {
    const w = await world();
    w.install();
    const second = w.child('child-2', {
      inbound: { ...w.options.inbound, spi: 0x2001 },
      outbound: { ...w.options.outbound, spi: 0x2002 },
    });
    const spi = (): number[] => w.sent().map((packet) => new DataView(packet.buffer).getUint32(0));
    w.path.replace('child-1', second, 'old', w.counters);
    w.peer.replace('child-1', mirror(second), 'new');
    w.fromDevice(out());
    expect(spi()).toEqual([0x1002]);
    // A packet on the new pair says that the peer has it.
    w.peer.inject(back());
    for (const packet of w.sealed.splice(0)) w.fromNetwork(packet);
    w.fromDevice(out());
    expect(spi()).toEqual([0x2002]);
    const third = { ...second, id: 'child-3', inbound: { ...second.inbound, spi: 0x3001 } };
    w.path.replace('child-2', { ...third, outbound: { ...third.outbound, spi: 0x3002 } }, 'new', w.counters);
    w.fromDevice(out());
    expect(spi()).toEqual([0x3002]);
    w.path.remove('child-3');
    w.fromDevice(out());
    expect(spi()).toEqual([0x2002]);
  });
});

it('has room for rekeys when there is none for another child SA', async () => {
  const w = await world();
  const pair = (number: number) => {
    const { inbound, outbound } = w.options;
    return w.child(`child-${number}`, {
      inbound: { ...inbound, spi: 0x10000 + number },
      outbound: { ...outbound, spi: 0x20000 + number },
    });
  };
  const most = MAX_CHILD_SAS / 2;
  for (let i = 0; i < most; i++) w.path.install(pair(i), w.counters);
  expect(() => w.path.install(pair(most), w.counters)).toThrow(/too many child SAs/);
  for (let i = 0; i < most; i++) w.path.replace(`child-${i}`, pair(most + i), 'new', w.counters);
  expect(() => w.path.replace('child-0', pair(2 * most), 'new', w.counters)).toThrow(/too many child SAs/);
  w.path.remove('child-0');
  w.path.replace('child-1', pair(2 * most), 'new', w.counters);
});

describe('inbound', () => {
  /** One packet of the peer, sealed. */
  function sealed(w: PathWorld, packet = back()): Uint8Array {
    w.peer.inject(packet);
    return w.sealed.splice(0)[0]!;
  }

  it('lets nothing pass twice', async () => {
    const w = await world();
    w.install();
    const packet = sealed(w);
    for (let i = 0; i < 3; i++) w.fromNetwork(packet);
    expect(w.packets()).toHaveLength(1);
    expect(w.stats()).toMatchObject({ packetsIn: 1, replays: 2 });
  });

  it('merges what comes in more than one batch', async () => {
    const w = await world();
    const all = [selector('10.0.0.0/8')];
    w.install(w.child('child-1', { localSelectors: all, remoteSelectors: all }));
    for (let i = 0; i < 40; i++) {
      w.sendTo(sealed(w, packetOf({ sequence: 100 * i, payload: bytesOf(100, i) })));
    }
    w.path.turn(100);
    expect(w.delivered().map(({ length }) => length)).toEqual([VIRTIO_BYTES + 40 + 40 * 100]);
    expect(w.pathStats()).toMatchObject({ datagramsIn: 40, socketReads: 2, deviceWrites: 1 });
  });

  it('asks for a rekey after so many bytes, and opens nothing after twice as many', async () => {
    const w = await world();
    w.path.install(w.child('child-1', { rekeyBytes: 2 * back().length }), w.counters);
    w.peer.install(mirror(w.child()));
    w.fromNetwork(sealed(w));
    expect(w.worn).toEqual([]);
    for (let i = 0; i < 5; i++) w.fromNetwork(sealed(w));
    expect(w.worn).toEqual([{ id: 'child-1', reason: 'bytes' }]);
    expect(w.packets()).toHaveLength(4);
    expect(w.pathStats().expired).toBe(2);
    expect(w.ended).toEqual(['child-1']);
    expect(w.stats()).toMatchObject({ packetsIn: 4, replays: 0, icvFailures: 0 });
  });

  it('lets no changed bit pass', async () => {
    const w = await world();
    w.install();
    const packet = sealed(w);
    for (let at = 8; at < packet.length; at++) {
      w.fromNetwork(packet.with(at, packet[at]! ^ (1 << (at & 7))));
    }
    w.fromNetwork(packet.with(7, 9));
    expect(w.packets()).toEqual([]);
    expect(w.stats().icvFailures).toBe(packet.length - 8 + 1);
    w.fromNetwork(packet);
    expect(w.packets()).toHaveLength(1);
  });

  it('lets in only what the selectors allow', async () => {
    const w = await world();
    w.install();
    const stranger = bindEspSa(w.options.inbound);
    const seal = (sequence: number, nextHeader: number, payload: Uint8Array) =>
      sealEsp(stranger, sequence, nextHeader, payload, systemEntropy);
    w.fromNetwork(seal(1, NextHeader.IPV4, ipv4({ from: '10.3.0.1', to: '10.1.0.1' })));
    w.fromNetwork(seal(2, NextHeader.IPV4, ipv4({ from: '10.2.0.1', to: '10.9.0.1' })));
    w.fromNetwork(seal(3, NextHeader.IPV6, back()));
    w.fromNetwork(seal(4, NextHeader.IPV4, back().subarray(0, 19)));
    w.fromNetwork(seal(5, 17, back()));
    expect(w.packets()).toEqual([]);
    expect(w.stats().malformed).toBe(5);
    // A dummy packet and TFC padding are fine (RFC 4303 2.6, 2.7).
    w.fromNetwork(seal(6, NextHeader.NONE, new Uint8Array(100)));
    w.fromNetwork(seal(7, NextHeader.IPV4, concatBytes(back(), new Uint8Array(200))));
    expect(hex(w.packets())).toEqual([toHex(back())]);
    expect(w.stats()).toMatchObject({ malformed: 5, packetsIn: 1 });
  });

  it('tells IKE, keepalives and strangers apart', async () => {
    const w = await world();
    w.install();
    w.fromNetwork(Uint8Array.from([0, 0, 0, 0, ...Array.from({ length: 28 }, (_, i) => i)]));
    w.fromNetwork(Uint8Array.of(0xff));
    w.fromNetwork(Uint8Array.of(1, 2, 3, 4, 5));
    w.fromNetwork(new Uint8Array(60).fill(7));
    expect(w.ike).toEqual([{ remote: w.remote, message: Uint8Array.from({ length: 28 }, (_, i) => i) }]);
    expect(w.pathStats()).toMatchObject({ unknownSpi: 1, malformed: 1, datagramsIn: 4 });
    w.path.sendIke(w.local, w.remote, Uint8Array.of(0, 0, 0, 0, 1, 2, 3));
    expect(hex(w.sent())).toEqual(['00000000010203']);
  });

  it('tells once where a peer moved, and by its newest packet only', async () => {
    const w = await world();
    w.install();
    const [first, second, third] = [sealed(w), sealed(w), sealed(w)];
    const elsewhere = await PathWorld.open(w.options);
    open.push(elsewhere);
    w.fromNetwork(second);
    // An old packet over another address proves nothing.
    elsewhere.peer.close();
    w.fromNetwork(first, elsewhere.peerSocket);
    expect(w.moved).toEqual([]);
    w.fromNetwork(third, elsewhere.peerSocket);
    expect(w.moved).toEqual([{ id: 'child-1', remote: elsewhere.remote }]);
    w.path.movePeer('child-1', { ...w.child(), remote: elsewhere.remote });
    w.fromDevice(out());
    expect(w.sent()).toEqual([]);
    expect(elsewhere.sent()).toHaveLength(1);
  });
});
