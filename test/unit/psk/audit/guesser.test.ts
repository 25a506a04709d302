import { describe, expect, it } from 'vitest';
import { Guesser } from '../../../../src/lib/psk/audit/guesser.js';
import { parseMaterial } from '../../../../src/lib/psk/audit/material.js';
import { auditHashes, bytes, ikev1Line, ikev2Line } from './material.js';

/** Puts a word into one lane and others into the rest. */
function fill(guesser: Guesser, lane: number, word: Uint8Array): void {
  for (let other = 0; other < guesser.lanes; other++) {
    const candidate = other === lane ? word : bytes(1 + ((other * 31) % 90), 200 + other);
    guesser.put(other, candidate, 0, candidate.length);
  }
  guesser.ready();
}

describe.each(auditHashes)('HMAC with %s in lanes, against node:crypto', (hash) => {
  const lengths = [0, 1, 7, 8, 31, 32, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 300];

  it.each(lengths)('knows a key of %i bytes in whichever lane it is, and nothing else', (length) => {
    const key = bytes(length, 77);
    const guesser = new Guesser(hash, parseMaterial(ikev1Line(hash, key)));
    for (let lane = 0; lane < guesser.lanes; lane++) {
      fill(guesser, lane, key);
      expect(guesser.test(0)).toBe(1 << lane);
    }
    const almost = length === 0 ? Uint8Array.of(1) : key.with(length - 1, key[length - 1]! ^ 1);
    fill(guesser, 0, almost);
    expect(guesser.test(0)).toBe(0);
  });

  it.each([8, 20, 23, 24, 27, 28, 31, 32, 55, 56, 59, 60, 64, 128, 256])(
    'takes nonces of %i bytes',
    (nonce) => {
      const guesser = new Guesser(hash, parseMaterial(ikev1Line(hash, 'secret', { nonce })));
      fill(guesser, 1, Buffer.from('secret'));
      expect(guesser.test(0)).toBe(2);
    },
  );

  it('takes messages that end anywhere in a block', () => {
    for (let length = 0; length < 260; length++) {
      const guesser = new Guesser(hash, parseMaterial(ikev2Line(hash, 'secret', length)), 1);
      fill(guesser, 0, Buffer.from('secret'));
      expect(guesser.test(0), `${length} bytes`).toBe(1);
    }
  });

  it('leaves nothing of longer words behind', () => {
    const guesser = new Guesser(hash, parseMaterial(ikev1Line(hash, 'ab')));
    for (const before of ['a'.repeat(128), 'abc', '']) {
      fill(guesser, 0, Buffer.from(before));
      fill(guesser, 0, Buffer.from('ab'));
      expect(guesser.test(0)).toBe(1);
    }
  });

  it('tests several targets after making ready once, in any order', () => {
    const keys = ['one', 'two', 'three'];
    const text = [
      ikev1Line(hash, 'one', { group: 256 }),
      ikev2Line(hash, 'two'),
      ikev1Line(hash, 'three', { seed: 40, nonce: 32 }),
    ].join('\n');
    const guesser = new Guesser(hash, parseMaterial(text), 2);
    const lanes = Math.min(guesser.lanes, keys.length);
    for (let lane = 0; lane < guesser.lanes; lane++) {
      const word = Buffer.from(keys[lane] ?? 'none');
      guesser.put(lane, word, 0, word.length);
    }
    guesser.ready();
    for (const target of [2, 0, 1, 2]) expect(guesser.test(target)).toBe(target < lanes ? 1 << target : 0);
  });
});
