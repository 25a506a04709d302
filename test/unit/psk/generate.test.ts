import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePsk } from '../../../src/cli/psk.js';
import type { Entropy } from '../../../src/lib/core/environment.js';
import { KitError } from '../../../src/lib/core/errors.js';
import type { Secret } from '../../../src/lib/core/secret.js';
import { generateCharacters, generateWords } from '../../../src/lib/psk/generate.js';
import { estimatePsk } from '../../../src/lib/psk/strength.js';

const textOf = (secret: Secret) => Buffer.from(secret.reveal()).toString('utf8');

/** Well mixed bytes, another row for each seed. */
const seeded = (seed: number): Entropy => {
  let calls = 0;
  return {
    bytes: (length) => createHash('shake256', { outputLength: length }).update(`${seed} ${calls++}`).digest(),
  };
};

/** All bytes in order, again and again: what is drawn evenly comes out equally often. */
const counting = (): Entropy => {
  let next = 0;
  return { bytes: (length) => Uint8Array.from({ length }, () => next++) };
};

function tally(text: string): Set<number> {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return new Set(counts.values());
}

describe('a generated key', () => {
  it.each([
    [128, 26, 130],
    [256, 52, 260],
    [320, 64, 320],
  ])('of %i bits has %i letters and digits', (asked, length, bits) => {
    const key = generateCharacters(asked, seeded(1));
    expect(textOf(key.secret)).toMatch(/^[a-km-np-z2-9]+$/);
    expect(key.secret.length).toBe(length);
    expect(key).toMatchObject({ bits, form: `${length} letters and digits` });
  });

  it('of words can be said, and fits into 64 characters', () => {
    for (const count of [5, 8, 10]) {
      const key = generateWords(count, seeded(2));
      expect(textOf(key.secret)).toMatch(
        /^[bdfghj-npr-tvz][aiou][bdfghj-npr-tvz][aiou][bdfghj-npr-tvz](-|$)/,
      );
      expect(
        textOf(key.secret)
          .split('-')
          .map(({ length }) => length),
      ).toEqual(Array(count).fill(5));
      expect(key.secret.length).toBeLessThanOrEqual(64);
      expect(key).toMatchObject({ bits: 16 * count, form: `${count} words` });
    }
  });

  it('favours no letter', () => {
    const entropy = counting();
    const characters = Array.from({ length: 4 }, () => textOf(generateCharacters(320, entropy).secret));
    expect(tally(characters.join(''))).toEqual(new Set([8]));
    const each = Array.from({ length: 256 }, (_, at) => {
      const constant: Entropy = { bytes: (length) => new Uint8Array(length).fill(at) };
      return textOf(generateWords(5, constant).secret);
    });
    expect(tally(each.map(([consonant]) => consonant).join(''))).toEqual(new Set([16]));
    expect(tally(each.map(([, vowel]) => vowel).join(''))).toEqual(new Set([64]));
  });

  it('is read back as it stands', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (const { secret } of [generateCharacters(256, seeded(seed)), generateWords(8, seeded(seed))]) {
          expect(decodePsk(Buffer.from(`${textOf(secret)}\n`)).equals(secret)).toBe(true);
        }
      }),
    );
  });

  it('is always strong', async () => {
    const forms = [
      (entropy: Entropy) => generateCharacters(128, entropy),
      (entropy: Entropy) => generateCharacters(256, entropy),
      (entropy: Entropy) => generateWords(5, entropy),
    ];
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom(...forms), async (seed, make) => {
        expect((await estimatePsk(make(seeded(seed)).secret)).verdict).toBe('strong');
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    [() => generateCharacters(127, seeded(3)), 'E_PSK_BITS'],
    [() => generateCharacters(321, seeded(3)), 'E_PSK_BITS'],
    [() => generateCharacters(Number.NaN, seeded(3)), 'E_PSK_BITS'],
    [() => generateWords(4, seeded(3)), 'E_PSK_WORDS'],
    [() => generateWords(11, seeded(3)), 'E_PSK_WORDS'],
  ])('outside of the bounds is a usage error (%#)', (make, code) => {
    let thrown: unknown;
    try {
      make();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(KitError);
    expect(thrown).toMatchObject({
      kind: 'usage',
      code,
      hint: expect.stringMatching(/^Ask for \d+ to \d+ /),
    });
  });
});
