import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from '../../src/lib/core/bytes.js';
import { bindEspSa, NextHeader, sealEsp } from '../../src/lib/esp/packet.js';
import { createMemoryPlane } from '../../src/lib/esp/plane/memory.js';
import { PathWorld } from '../unit/esp/fast/path-world.js';
import { ipv4, ipv6, ports } from '../unit/esp/inner-packets.js';
import { suite } from '../unit/esp/suites.js';
import { createRandom } from './mutate.js';

/** A million by hand; each packet goes through a socket. */
const COUNT = Number(process.env.IPSEC_KIT_FUZZ_PACKETS ?? 60_000);
const BATCH = 16;

type Random = ReturnType<typeof createRandom>;

const bytesOf = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random(256));

/** What a peer that has the keys, and is an enemy all the same, may have sealed. */
function inner(random: Random): { nextHeader: number; payload: Uint8Array } {
  const body = concatBytes(ports(random(3), random(3)), bytesOf(random, random(60)));
  const from = random(4) === 0 ? '10.3.0.1' : '10.2.0.1';
  const packet =
    random(2) === 0
      ? ipv4({ from, to: '10.1.0.1', protocol: [1, 6, 17, 50][random(4)]!, body })
      : ipv6({
          from: 'fd02::1',
          to: random(4) === 0 ? 'fd09::1' : 'fd01::1',
          nextHeader: [6, 17, 44, 0][random(4)]!,
          body,
        });
  const nextHeader = packet[0]! >> 4 === 4 ? NextHeader.IPV4 : NextHeader.IPV6;
  switch (random(8)) {
    case 0:
      return { nextHeader, payload: packet.with(random(packet.length), random(256)) };
    case 1:
      return { nextHeader, payload: packet.subarray(0, random(packet.length)) };
    case 2:
      return { nextHeader, payload: concatBytes(packet, bytesOf(random, random(100))) };
    case 3:
      return { nextHeader: [NextHeader.NONE, 0, 17, 255][random(4)]!, payload: packet };
    case 4:
      return { nextHeader, payload: bytesOf(random, random(100)) };
    default:
      return { nextHeader, payload: packet };
  }
}

/** What becomes of a packet on its way. */
function spoil(packet: Uint8Array, before: Uint8Array, random: Random): Uint8Array {
  const at = random(packet.length);
  switch (random(12)) {
    case 0:
      return packet.with(at, packet[at]! ^ (1 << random(8)));
    case 1:
      return packet.slice(0, at + 1);
    case 2:
      return concatBytes(packet, bytesOf(random, random(40)));
    case 3:
      return concatBytes(packet.subarray(0, at), before.subarray(random(before.length)));
    case 4:
      return before;
    case 5:
      return concatBytes(Uint8Array.of(1), bytesOf(random, random(200)));
    default:
      return packet;
  }
}

describe('the fast and the simple plane', () => {
  it.each([
    { name: 'ENCR_AES_GCM_16', esn: true, seed: 43_000 },
    { name: 'ENCR_AES_CBC', esn: false, seed: 43_010 },
    { name: 'ENCR_CHACHA20_POLY1305', esn: false, seed: 43_020 },
  ])('deliver and drop the same packets: $name', { timeout: 600_000 }, async ({ name, esn, seed }) => {
    const random = createRandom(seed);
    const sa = { ...suite(name), esn };
    const w = await PathWorld.open({
      inbound: { ...sa, spi: 0x01020304 },
      outbound: { ...sa, spi: 0x1002 },
      offload: false,
    });
    const child = w.child();
    w.path.install(child, w.counters);
    const failed = (error: Error): never => {
      throw error;
    };
    const reference = createMemoryPlane({ name: undefined, mtu: 1400 }, () => {}, {
      peerMoved() {},
      softLifetimeReached() {},
      pathMtu() {},
      failed,
    });
    reference.install(child);
    const sealer = bindEspSa(child.inbound);
    let sequence = 0;
    let last = new Uint8Array(20);
    try {
      for (let done = 0; done < COUNT / 3; done += BATCH) {
        for (let i = 0; i < BATCH; i++) {
          const { nextHeader, payload } = inner(random);
          sequence += random(20) === 0 ? random(3) : 1;
          const sealed = sealEsp(sealer, Math.max(1, sequence - random(3)), nextHeader, payload);
          const packet = spoil(sealed, last, random);
          last = sealed.slice();
          reference.receive(packet, w.local, w.remote);
          w.sendTo(packet);
        }
        while (w.pathStats().datagramsIn < done + BATCH) w.path.turn(100);
        const expected = reference.delivered.splice(0).map((packet) => toHex(packet));
        expect(w.packets().map((packet) => toHex(packet))).toEqual(expected);
        const { lastInboundAt: _, ...stats } = w.stats();
        expect(reference.stats(child.id)).toMatchObject(stats);
        expect(w.path.damaged()).toEqual([]);
      }
      const stats = w.stats();
      for (const counted of [stats.packetsIn, stats.icvFailures, stats.replays, stats.malformed]) {
        expect(counted).toBeGreaterThan(COUNT / 200);
      }
    } finally {
      w.close();
    }
  });
});
