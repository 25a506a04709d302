import { describe, expect, it } from 'vitest';
import { KitError } from '../../src/lib/core/errors.js';
import { parseMaterial } from '../../src/lib/psk/audit/material.js';
import { parseState } from '../../src/lib/psk/audit/state.js';
import { ikev1Line, ikev2Line } from '../unit/psk/audit/material.js';
import { createRandom, mutate } from './mutate.js';

const targets = parseMaterial(ikev1Line('md5', 'x'));
const samples = [ikev1Line('sha1', 'x', { group: 8, nonce: 8 }), ikev2Line('sha256', 'x', 20)].map(
  (line) => new Uint8Array(Buffer.from(`${line}\n`)),
);

describe('mutated files of hashes', () => {
  it('are read or refused, and nothing else', () => {
    const random = createRandom(20);
    let [read, refused] = [0, 0];
    for (let round = 0; round < 3000; round++) {
      const text = Buffer.from(mutate(samples, random)).toString('utf8');
      try {
        for (const { salt, proof } of parseMaterial(text)) {
          expect(salt.length).toBeGreaterThan(0);
          expect([16, 20, 32, 48, 64]).toContain(proof.length);
        }
        read++;
      } catch (error) {
        expect(error).toBeInstanceOf(KitError);
        refused++;
      }
      expect(() => parseState(text, targets)).toThrow(KitError);
    }
    expect(read).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(500);
  });
});
