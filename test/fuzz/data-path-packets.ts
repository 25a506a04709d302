import { concatBytes } from '../../src/lib/core/bytes.js';
import { type BoundEspSa, bindEspSa, NextHeader, sealEsp } from '../../src/lib/esp/packet.js';
import type { ChildSa } from '../../src/lib/esp/sa.js';
import { type PacketOptions, packetOf } from '../unit/esp/fast/packets.js';
import type { Arrival } from './data-path-world.js';
import type { createRandom } from './mutate.js';

type Random = ReturnType<typeof createRandom>;

const FLOWS = 6;
/** The replay window and some more. */
const FAR_BACK = 1100;
/** A routing header that says nothing. */
const ROUTING = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0]);
const FRAGMENT = Uint8Array.from([0, 0, 0, 1, 0, 0, 0, 9]);
const OUTER = [0, 4, 17, 255];
/** Options of TCP with an MSS of 9,000, at even and odd places, and malformed ones. */
const MSS = [2, 4, 0x23, 0x28];
const BEGINNINGS = [
  MSS,
  [1, ...MSS, 1, 1, 1],
  [3, 3, 7, 1, ...MSS],
  [0, 1, 1, 1, ...MSS],
  [2, 0, 1, 1, ...MSS],
];

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;
const noise = (random: Random, length: number): Uint8Array => new Uint8Array(length).map(() => random(256));

/** A connection whose packets follow each other, so that there is something to merge. */
interface Flow {
  options: PacketOptions;
  sequence: number;
  identification: number;
}

/**
 * A peer that has the keys and is an enemy all the same: what it seals is right, wrong inside, or damaged afterwards,
 * and comes alone or as super-segments.
 */
export class Enemy {
  readonly #random: Random;
  readonly #pairs: readonly { bound: BoundEspSa; other: BoundEspSa }[];
  readonly #spis: readonly number[];
  readonly #sequences: number[];
  readonly #flows: Flow[];
  #before: Uint8Array = new Uint8Array(20);
  /** Changes what is sealed, trailer included. */
  #spoilPlaintext: ((plaintext: Uint8Array) => void) | undefined;

  /** @param sequence number before the first packet's */
  constructor(random: Random, children: readonly ChildSa[], sequence: number) {
    this.#random = random;
    this.#spis = children.map(({ inbound }) => inbound.spi);
    this.#pairs = children.map(({ inbound }) => ({
      bound: this.#bind(inbound),
      other: this.#bind({ ...inbound, esn: !inbound.esn }),
    }));
    this.#sequences = children.map(() => sequence);
    this.#flows = Array.from({ length: FLOWS }, (_, i) => ({
      options: {
        version: i % 2 === 0 ? 4 : 6,
        protocol: i % 3 === 0 ? 'udp' : 'tcp',
        source: 2 + (i & 1),
        destination: 1,
        sourcePort: 4000 + i,
      },
      sequence: random(2 ** 32),
      identification: random(2 ** 16),
    }));
  }

  /** Datagrams, and super-segments of up to 24, of which one read brings at most 32. */
  arrivals(): Arrival[] {
    const random = this.#random;
    return Array.from({ length: 1 + random(12) }, () => {
      if (random(2) === 0) return { bytes: this.#datagram(), segmentSize: 0 };
      if (random(24) === 0) {
        return { bytes: noise(random, 1 + random(900)), segmentSize: 1 + random(90) };
      }
      return this.#superSegment();
    });
  }

  /** The same one by one, as a raw socket brings them: behind IPv4 headers, which now and then are none. */
  packets(): Arrival[] {
    const random = this.#random;
    return this.arrivals().flatMap(({ bytes, segmentSize }) => {
      const size = segmentSize || bytes.length;
      return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => {
        const words = random(8) === 0 ? random(16) : 5;
        const header = noise(random, words * 4);
        header[0] = ((random(50) === 0 ? random(16) : 4) << 4) | words;
        const packet = concatBytes(header, bytes.subarray(i * size, (i + 1) * size));
        const cut = random(50) === 0 ? 1 + random(packet.length) : packet.length;
        return { bytes: packet.subarray(0, cut), segmentSize: 0 };
      });
    });
  }

  /** Datagrams of one size, and one at the end that may be smaller. */
  #superSegment(): Arrival {
    const random = this.#random;
    const first = this.#datagram(random(5) > 0);
    const datagrams = [first];
    for (let count = random(24); count > 0; count--) {
      const next = this.#datagram(random(5) > 0);
      if (next.length > first.length) break;
      datagrams.push(next);
      if (next.length < first.length) break;
    }
    return { bytes: concatBytes(...datagrams), segmentSize: datagrams.length > 1 ? first.length : 0 };
  }

  /** @param tame one that belongs there, and as large as others of its flow */
  #datagram(tame = this.#random(3) === 0): Uint8Array {
    const sealed = tame ? this.#seal(0, this.#next(this.#flows[1]!, 40)) : this.#wild();
    const datagram = tame ? sealed : this.#spoil(sealed);
    this.#before = sealed;
    return datagram;
  }

  #wild(): Uint8Array {
    const random = this.#random;
    const child = random(4) === 0 ? 1 : 0;
    const packet = this.#inner();
    switch (random(12)) {
      case 0:
        return this.#seal(child, packet.with(random(packet.length), random(256)));
      case 1:
        return this.#seal(child, packet.subarray(0, random(packet.length)));
      case 2:
        // TFC padding.
        return this.#seal(child, concatBytes(packet, noise(random, random(100))));
      case 3:
        return this.#seal(child, packet, pick(random, OUTER));
      case 4:
        return this.#seal(child, noise(random, random(100)), NextHeader.NONE);
      case 5:
        return this.#seal(child, noise(random, random(100)));
      case 6:
        this.#spoilPlaintext = (plaintext) => {
          plaintext[Math.max(0, plaintext.length - 1 - random(20))]! ^= 1 << random(8);
        };
        return this.#seal(child, packet);
      default:
        return this.#seal(child, packet);
    }
  }

  /** A packet of a flow, or one that merging and matching has to be careful with. */
  #inner(): Uint8Array {
    const random = this.#random;
    const flow = pick(random, this.#flows);
    const { options } = flow;
    const payload = noise(random, random(60));
    switch (random(16)) {
      case 0:
        return packetOf({ ...options, version: 4, payload, ipOptions: Uint8Array.of(1, 1, 1, 0) });
      case 1:
        return packetOf({ ...options, version: 6, payload, extensions: { first: 43, bytes: ROUTING } });
      case 2:
        return packetOf({ ...options, version: 6, payload, extensions: { first: 44, bytes: FRAGMENT } });
      case 3:
        return packetOf({ ...options, version: 4, payload, fragmentation: pick(random, [0x2000, 7, 0]) });
      case 4:
        return packetOf({ ...options, payload, source: random(7), destination: random(3) });
      case 5:
        return packetOf({ ...options, payload, source: 4, sourcePort: 4000 + random(4) });
      case 6: {
        const other = packetOf({ ...options, version: 4, payload });
        other[9] = pick(random, [1, 50, 58, 132]);
        return other;
      }
      case 7:
        return packetOf({ ...options, payload, flags: random(256), urgent: random(2), reserved: random(16) });
      case 8:
        return packetOf({ ...options, payload, hopLimit: random(3), trafficClass: random(256) });
      case 9:
        return this.#next(flow, random(1400));
      case 10:
        // A connection begins: both planes lower what it says of its largest segment.
        return packetOf({
          ...options,
          protocol: 'tcp',
          flags: pick(random, [2, 2, 18, random(256)]),
          tcpOptions: Uint8Array.from(pick(random, BEGINNINGS)),
        });
      default:
        return this.#next(flow, pick(random, [40, 40, 40, 7]));
    }
  }

  #next(flow: Flow, length: number): Uint8Array {
    const { options, sequence, identification } = flow;
    const payload = noise(this.#random, length);
    flow.sequence = (sequence + length) >>> 0;
    flow.identification = (identification + 1) & 0xffff;
    return packetOf({ ...options, payload, sequence, identification });
  }

  /** Mostly with the next sequence number, now and then with one that was used, is far ahead, or is of another cycle. */
  #seal(child: number, payload: Uint8Array, nextHeader?: number): Uint8Array {
    const random = this.#random;
    const { bound, other } = this.#pairs[child]!;
    this.#sequences[child]! += random(20) === 0 ? random(3) : 1;
    if (random(2000) === 0) this.#sequences[child]! += random(3000);
    let sequence = this.#sequences[child]!;
    if (random(6) === 0) sequence -= random(random(4) === 0 ? FAR_BACK : 4);
    sequence = Math.max(0, sequence);
    const wrongCycle = random(60) === 0;
    const version = (payload[0] ?? 0) >> 4;
    return sealEsp(
      wrongCycle && !bound.esn ? other : bound,
      wrongCycle ? sequence + 2 ** 32 : sequence,
      nextHeader ?? (version === 4 ? NextHeader.IPV4 : NextHeader.IPV6),
      payload,
    );
  }

  /** What becomes of a packet on its way. */
  #spoil(packet: Uint8Array): Uint8Array {
    const random = this.#random;
    const at = random(packet.length);
    const before = this.#before;
    switch (random(20)) {
      case 0:
        return packet.with(at, packet[at]! ^ (1 << random(8)));
      case 1:
        return packet.slice(0, at + 1);
      case 2:
        return concatBytes(packet, noise(random, 1 + random(40)));
      case 3:
        return concatBytes(packet.subarray(0, at), before.subarray(random(before.length)));
      case 4:
        return before;
      case 5:
        return noise(random, 1 + random(200));
      case 6:
        return this.#word(packet, 0, pick(random, [...this.#spis, 0, random(2 ** 32)]));
      case 7:
        return this.#word(packet, 4, random(2 ** 32));
      default:
        return packet;
    }
  }

  #word(packet: Uint8Array, at: number, value: number): Uint8Array {
    const changed = packet.slice();
    new DataView(changed.buffer).setUint32(at, value);
    return changed;
  }

  /** Like {@link bindEspSa}, but what is sealed can be spoiled once. */
  #bind(sa: ChildSa['inbound']): BoundEspSa {
    const bound = bindEspSa(sa);
    const { cipher } = bound;
    return {
      ...bound,
      cipher: {
        ...cipher,
        seal: (iv, aad, plaintext) => {
          this.#spoilPlaintext?.(plaintext);
          this.#spoilPlaintext = undefined;
          return cipher.seal(iv, aad, plaintext);
        },
      },
    };
  }
}
