import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from '../../src/lib/core/bytes.js';
import { bindEspSa, openEsp, sealEsp } from '../../src/lib/esp/packet.js';
import { CipherLab, evp, padded } from '../unit/esp/fast/cipher-lab.js';
import { oneSuiteEach } from '../unit/esp/suites.js';
import { createRandom } from './mutate.js';

type Random = ReturnType<typeof createRandom>;

const bytesOf = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random(256));

/** A packet as a network, or an enemy, may hand it over; sometimes unchanged. */
function spoil(packet: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const at = random(packet.length);
  switch (random(7)) {
    case 0:
      return packet.with(at, packet[at]! ^ (1 << random(8)));
    case 1:
      return packet.slice(0, at);
    case 2:
      return concatBytes(packet, bytesOf(random, random(40)));
    case 3:
      return concatBytes(packet.subarray(0, at), other.subarray(random(other.length)));
    case 4:
      return concatBytes(packet.subarray(0, at), packet.subarray(random(packet.length)));
    case 5:
      return bytesOf(random, random(200));
    default:
      return packet;
  }
}

describe.skipIf(evp === undefined)('fuzzed packets', () => {
  it.each(oneSuiteEach)('are opened and refused as the reference does: $name', ({ sa: parameters }) => {
    const random = createRandom(parameters.encr.id);
    const lab = new CipherLab();
    let opened = 0;
    for (const esn of [false, true]) {
      const sa = { ...parameters, esn };
      const bound = bindEspSa(sa);
      const opening = lab.create(sa, 'open');
      for (let round = 0; round < 1500; round++) {
        const sequence = random(2 ** 32 - 2) + (esn ? random(8) * 2 ** 32 : 0);
        const payload = bytesOf(random, random(300));
        const nextHeader = random(256);
        const packet = sealEsp(bound, sequence, nextHeader, payload);
        const other = sealEsp(bound, sequence + 1, nextHeader, bytesOf(random, random(300)));
        const spoiled = spoil(packet, other, random);
        const reference = openEsp(bound, spoiled, sequence);
        const plaintext = lab.open(opening, spoiled, sequence, random(2) === 0);
        expect(plaintext !== undefined, `round ${round}: ${toHex(spoiled)}`).toBe(reference.verdict === 'ok');
        if (reference.verdict !== 'ok') continue;
        opened += 1;
        const wanted = padded(reference.payload, reference.nextHeader, bound.alignment);
        expect(toHex(plaintext!)).toBe(toHex(wanted));
      }
    }
    expect(opened).toBeGreaterThan(200);
    expect(opened).toBeLessThan(2000);
    expect(lab.arena.damaged()).toEqual([]);
  });

  it.each(oneSuiteEach)('never make a cipher write elsewhere, whatever its arguments: $name', ({ sa }) => {
    const random = createRandom(1000 + sa.encr.id);
    const lab = new CipherLab();
    const { bytes } = lab.arena;
    const sealing = lab.create(sa, 'seal');
    const opening = lab.create(sa, 'open');
    const marked = lab.arena.reserve('marked', 20_000);
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      bytes.fill(round, marked.at, marked.at + marked.length);
      const [a, b] = [random(marked.length), random(marked.length)].map((at) => marked.at + at) as [
        number,
        number,
      ];
      const length = random(4) === 0 ? random(100) : 16 * random(200);
      const seal = random(2) === 0;
      const overhead = 8 + sealing.ivBytes + sealing.icvBytes;
      const [at, written] = seal ? [a, length + overhead] : [b, Math.max(length - overhead, 0)];
      // Only what stays among the marked bytes is let through: the rest of the arena is not ours to spoil here.
      if (Math.max(a, b) + length + overhead > marked.at + marked.length) continue;
      try {
        if (seal) sealing.seal(a, b, length, round + 1);
        else opening.open(a, length, b, round);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        refused += 1;
      }
      for (let i = marked.at; i < marked.at + marked.length; i++) {
        if (bytes[i] !== (round & 0xff) && (i < at || i >= at + written)) {
          expect.fail(`round ${round}: a byte ${i - at} from the place of ${written} was written`);
        }
      }
    }
    expect(refused).toBeGreaterThan(5);
    expect(lab.arena.damaged()).toEqual([]);
  });
});
