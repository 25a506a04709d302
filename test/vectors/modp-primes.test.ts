import { checkPrimeSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { modpGroups } from '../../src/lib/crypto/modp-groups.js';
import { power } from './second-opinion.js';

/** Bits and the constant c of p = 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + c): RFC 2409 6, RFC 3526. */
const formulas: Readonly<Record<number, readonly [bits: number, c: number]>> = {
  1: [768, 149686],
  2: [1024, 129093],
  5: [1536, 741804],
  14: [2048, 124476],
  15: [3072, 1690314],
  16: [4096, 240904],
  17: [6144, 929484],
  18: [8192, 4743158],
};

/** [2^bits * arctan(1/x)], with guard bits of the caller's. */
function arctanInverse(x: bigint, bits: bigint): bigint {
  let term = (1n << bits) / x;
  let sum = 0n;
  for (let n = 1n; term !== 0n; n += 2n) {
    sum += n % 4n === 1n ? term / n : -(term / n);
    term /= x * x;
  }
  return sum;
}

/** [2^bits * pi] by Machin's formula. */
function scaledPi(bits: bigint): bigint {
  const guard = 64n;
  const pi = 16n * arctanInverse(5n, bits + guard) - 4n * arctanInverse(239n, bits + guard);
  return pi >> guard;
}

describe('MODP constants', () => {
  it.each(Object.entries(formulas))('group %s follows the published formula', (id, [bits, c]) => {
    const n = BigInt(bits);
    const p = (1n << n) - (1n << (n - 64n)) - 1n + ((scaledPi(n - 130n) + BigInt(c)) << 64n);
    expect(modpGroups[Number(id)]!.prime).toBe(p.toString(16));
    expect(BigInt(`0x${modpGroups[Number(id)]!.generator}`)).toBe(2n);
  });

  it.each(['22', '23', '24'])('group %s has a generator of the stated prime order', (id) => {
    const { prime, generator, order } = modpGroups[Number(id)]!;
    const [p, g, q] = [prime, generator, order!].map((hex) => BigInt(`0x${hex}`)) as [bigint, bigint, bigint];
    expect(checkPrimeSync(p)).toBe(true);
    expect(checkPrimeSync(q)).toBe(true);
    expect((p - 1n) % q).toBe(0n);
    expect(g).toBeGreaterThan(1n);
    expect(power(g, q, p)).toBe(1n);
  });

  it('knows no other group', () => {
    expect(Object.keys(modpGroups).sort()).toEqual([...Object.keys(formulas), '22', '23', '24'].sort());
  });
});
