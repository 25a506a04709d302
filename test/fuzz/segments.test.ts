import { expect, it } from 'vitest';
import { Segmenter } from '../../src/lib/esp/fast/segmenter.js';
import { makeCoalescer } from '../unit/esp/fast/coalescing.js';
import { bytesOf, type PacketOptions, superOf, timestamp, withVirtio } from '../unit/esp/fast/packets.js';
import { slowSum } from '../unit/esp/fast/slow-checksum.js';
import { slowSegments } from '../unit/esp/fast/slow-segmenter.js';
import { plainArena } from '../unit/plain-arena.js';
import { createRandom } from './mutate.js';

const COUNT = Number(process.env.IPSEC_KIT_FUZZ_PACKETS ?? 20_000);

type Random = ReturnType<typeof createRandom>;

/** A super-segment of some kind with up to `segments` segments. */
function randomSuper(random: Random, segments: number): { read: Uint8Array; options: PacketOptions } {
  const size = 1 + random(random(2) === 0 ? 90 : 500);
  const version = random(2) === 0 ? 4 : 6;
  const protocol = random(3) === 0 ? 'udp' : 'tcp';
  const options: PacketOptions = {
    version,
    protocol,
    payload: bytesOf(Math.max(1, size * segments - random(size + 1)), random(256)),
    source: random(3),
    trafficClass: [0, 0, 0, 3, 0xb9][random(5)]!,
    fragmentation: random(3) === 0 ? 0 : 0x4000,
    identification: random(65_536),
    sequence: random(2 ** 32),
    flags: [0x10, 0x10, 0x18, 0x19, 0x50, 0x90][random(6)]!,
    ...(random(2) === 0 ? { tcpOptions: timestamp(random(100)) } : {}),
    ...(version === 4 && random(20) === 0 ? { ipOptions: Uint8Array.from([0x94, 4, 0, 0]) } : {}),
  };
  if (version === 6 && random(20) === 0) {
    const next = protocol === 'tcp' ? 6 : 17;
    options.extensions = {
      first: random(2) === 0 ? 0 : 60,
      bytes: Uint8Array.from([next, 0, 1, 4, 0, 0, 0, 0]),
    };
  }
  return { read: superOf(options, size), options };
}

/** Up to four changes, mostly where headers are; sometimes another length. */
function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const out = bytes.slice(0, random(12) === 0 ? random(bytes.length + 1) : bytes.length);
  for (let left = random(4); left >= 0 && out.length > 0; left--) {
    const at = random(Math.min(out.length, random(8) === 0 ? 2000 : 80));
    const value =
      random(3) === 0 ? [0, 1, 4, 5, 6, 17, 44, 0x40, 0x45, 0x60, 0x80, 0xff][random(12)]! : random(256);
    out[at] = random(2) === 0 ? value : out[at]! ^ (1 << random(8));
  }
  return random(16) === 0 ? Uint8Array.from([...out, ...bytesOf(random(20))]) : out;
}

it(`${COUNT} reads, most of them changed, are cut as a slow segmenter does, or refused as it does`, () => {
  const random = createRandom(1624);
  const arena = plainArena(1 << 18);
  const { at } = arena.reserve('read', 66_000);
  const segmenter = new Segmenter(arena);
  let [segments, refused] = [0, 0];
  for (let i = 0; i < COUNT; i++) {
    const { read } = randomSuper(random, 1 + random(6));
    const changed = random(4) === 0 ? read : damage(read, random);
    const wanted = slowSegments(changed);
    arena.bytes.set(changed, at);
    const started = segmenter.start(at, changed.length);
    const got: Uint8Array[] = [];
    while (segmenter.next()) {
      const { offset, length } = segmenter;
      got.push(arena.bytes.slice(offset, offset + length));
    }
    const same =
      started === (wanted !== undefined) &&
      got.length === (wanted?.length ?? 0) &&
      got.every((segment, index) => Buffer.compare(segment, wanted![index]!) === 0);
    if (!same) expect(got, `read ${i}: ${Buffer.from(changed).toString('hex')}`).toEqual(wanted);
    segments += got.length;
    if (!started) refused += 1;
  }
  expect(arena.damaged()).toEqual([]);
  expect(refused).toBeGreaterThan(COUNT / 5);
  expect(segments).toBeGreaterThan(COUNT);
}, 600_000);

/** Bytes as text, to compare; without the identification of what is never fragmented, which means nothing. */
function textOf(packet: Uint8Array): string {
  const atomic = packet.length >= 20 && packet[0] === 0x45 && packet[6] === 0x40 && packet[7] === 0;
  if (!atomic || slowSum(packet.slice(0, 20)) !== 0xffff) return Buffer.from(packet).toString('latin1');
  return Buffer.from(packet.slice().fill(0, 4, 6).fill(0, 10, 12)).toString('latin1');
}

/** What must not overtake each other has the same name; undefined for what may not be overtaken at all. */
function flowOf(packet: Uint8Array): string | undefined {
  const version = packet[0]! >> 4;
  const network = version === 4 ? 20 : 40;
  const protocol = version === 4 ? packet[9]! : packet[6]!;
  if (version === 4 && packet[0] !== 0x45) return undefined;
  if (version === 6 && [0, 43, 44, 60].includes(protocol)) return undefined;
  if (protocol !== 6 && protocol !== 17) return 'other';
  if (version === 4 && ((packet[6]! & 0x3f) !== 0 || packet[7] !== 0)) return undefined;
  const left = packet.length - network;
  const header = protocol === 17 ? 8 : left < 20 ? 20 : (packet[network + 12]! >> 4) * 4;
  if (left < header || header < (protocol === 17 ? 8 : 20)) return undefined;
  const addresses = packet.slice(version === 4 ? 12 : 8, network + 4);
  return `${version} ${protocol} ${Buffer.from(addresses).toString('hex')}`;
}

/** Packets of a few flows, mixed, some of them changed. */
function* randomPackets(random: Random): Generator<Uint8Array> {
  for (;;) {
    const flows = Array.from({ length: 1 + random(4) }, () => {
      const { read, options } = randomSuper(random, 2 + random(12));
      const packets = slowSegments(read)!;
      if (options.version !== 4 || random(4) > 0 || options.ipOptions !== undefined) return packets;
      return packets.map((packet) => withSameIdentification(packet));
    });
    while (flows.length > 0) {
      const flow = flows[random(flows.length)]!;
      for (let i = 1 + random(8); i > 0 && flow.length > 0; i--) {
        const packet = flow.shift()!;
        if (random(30) === 0) yield damage(packet, random);
        yield random(60) === 0 ? damage(packet, random) : packet;
      }
      if (flow.length === 0) flows.splice(flows.indexOf(flow), 1);
    }
  }
}

function withSameIdentification(packet: Uint8Array): Uint8Array {
  const out = packet.slice();
  const view = new DataView(out.buffer);
  view.setUint16(4, 0);
  view.setUint16(6, 0x4000);
  view.setUint16(10, 0);
  view.setUint16(10, ~slowSum(out.slice(0, 20)));
  return out;
}

/** The packet without what its IP header does not claim; undefined when it is none. */
function wholePacket(packet: Uint8Array): Uint8Array | undefined {
  return slowSegments(withVirtio(packet))?.[0];
}

it(`${COUNT} packets of mixed flows leave a coalescer whole, each of them, in order`, () => {
  const random = createRandom(4303);
  const source = randomPackets(random);
  let [packets, writes] = [0, 0];
  while (packets < COUNT) {
    const { receive, coalescer, written, arena } = makeCoalescer({
      flows: 1 + random(4),
      udp: random(3) > 0,
    });
    for (let batches = 0; batches < 40; batches++) {
      const wanted: Uint8Array[] = [];
      for (let i = random(60); i >= 0; i--) {
        const packet = source.next().value as Uint8Array;
        if (random(25) === 0) receive(packet, false);
        const whole = wholePacket(packet);
        expect(receive(packet)).toBe(whole !== undefined);
        if (whole !== undefined) wanted.push(whole);
      }
      coalescer.flush();
      const got = written.flatMap((read) => slowSegments(read)!);
      expectSameInOrder(got, wanted);
      expect(arena.damaged()).toEqual([]);
      packets += wanted.length;
      writes += written.splice(0).length;
    }
  }
  expect(packets / writes, 'packets a write').toBeGreaterThan(2);
}, 600_000);

function expectSameInOrder(got: readonly Uint8Array[], wanted: readonly Uint8Array[]): void {
  const byFlow = (packets: readonly Uint8Array[]): Record<string, string[]> => {
    const flows: Record<string, string[]> = {};
    let barriers = 0;
    for (const packet of packets) {
      const flow = flowOf(packet);
      if (flow === undefined) barriers += 1;
      const name = `${barriers} ${flow ?? 'any'}`;
      flows[name] = [...(flows[name] ?? []), textOf(packet)];
    }
    return flows;
  };
  expect(byFlow(got)).toEqual(byFlow(wanted));
}
