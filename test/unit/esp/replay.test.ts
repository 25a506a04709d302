import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REPLAY_WINDOW, ReplayWindow } from '../../../src/lib/esp/replay.js';

const SUBSPACE = 2n ** 32n;

/** The window as RFC 4303 3.4.3 words it: all numbers ever seen, and the highest. */
class NaiveWindow {
  readonly seen = new Set<bigint>();
  highest = 0n;

  /** The only number with these low bits between the window's bottom and 2^32 above it. */
  sequenceOf(low: number): bigint | undefined {
    const bottom = this.highest - BigInt(REPLAY_WINDOW) + 1n;
    for (let high = bottom / SUBSPACE - 2n; ; high++) {
      const sequence = high * SUBSPACE + BigInt(low);
      if (sequence >= bottom) return sequence < 0n ? undefined : sequence;
    }
  }

  isFresh(sequence: bigint): boolean {
    return sequence > 0n && sequence > this.highest - BigInt(REPLAY_WINDOW) && !this.seen.has(sequence);
  }

  accept(sequence: bigint): boolean {
    this.seen.add(sequence);
    if (sequence <= this.highest) return false;
    this.highest = sequence;
    return true;
  }
}

/** Where the next packet lies relative to the highest so far; mostly near, sometimes far. */
const step = fc.record({
  offset: fc.oneof(
    fc.integer({ min: -4, max: 8 }),
    fc.integer({ min: -REPLAY_WINDOW - 2, max: REPLAY_WINDOW + 2 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
  ),
  authentic: fc.boolean(),
});

describe('ReplayWindow', () => {
  it.each([false, true])('agrees with the naive window (ESN %s)', (esn) => {
    const start = esn
      ? fc.constantFrom(0, 5, 2 ** 32 - 600, 2 ** 32 + 300, 7 * 2 ** 32 - 1, 2 ** 52)
      : fc.constantFrom(0, 5, 2 ** 31, 2 ** 32 - 3000);
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 120 }), (highest, steps) => {
        const window = new ReplayWindow(esn);
        const naive = new NaiveWindow();
        if (highest > 0) {
          window.accept(highest);
          naive.accept(BigInt(highest));
        }
        for (const { offset, authentic } of steps) {
          const wanted = window.highest + offset;
          if (wanted < 0 || (!esn && wanted >= 2 ** 32)) continue;
          const low = wanted % 2 ** 32;
          const sequence = window.sequenceOf(low);
          const expected = esn ? naive.sequenceOf(low) : BigInt(low);
          expect(sequence).toBe(expected === undefined ? undefined : Number(expected));
          if (sequence === undefined || expected === undefined) continue;
          expect(window.isFresh(sequence)).toBe(naive.isFresh(expected));
          if (!authentic || !naive.isFresh(expected)) continue;
          expect(window.accept(sequence)).toBe(naive.accept(expected));
          expect(window.highest).toBe(Number(naive.highest));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is not moved by asking', () => {
    const window = new ReplayWindow(false);
    expect(window.isFresh(4_000_000_000)).toBe(true);
    expect(window.isFresh(1)).toBe(true);
    expect(window.highest).toBe(0);
  });

  it.each([1, REPLAY_WINDOW / 2, REPLAY_WINDOW, 10 * REPLAY_WINDOW])(
    'forgets what it leaves, moved by %d',
    (jump) => {
      const window = new ReplayWindow(false);
      for (let sequence = 1; sequence <= REPLAY_WINDOW; sequence++) window.accept(sequence);
      const highest = REPLAY_WINDOW + jump;
      window.accept(highest);
      for (let behind = 1; behind < REPLAY_WINDOW; behind++) {
        expect(window.isFresh(highest - behind)).toBe(highest - behind > REPLAY_WINDOW);
      }
      expect(window.isFresh(highest - REPLAY_WINDOW)).toBe(false);
    },
  );

  it('refuses sequence number 0 and, at the start, numbers below it', () => {
    expect(new ReplayWindow(false).isFresh(0)).toBe(false);
    expect(new ReplayWindow(true).sequenceOf(0xffffffff)).toBeUndefined();
  });

  it('accepts a low word of 0 with ESN once the high word is not', () => {
    const window = new ReplayWindow(true);
    window.accept(2 ** 32 - 1);
    const sequence = window.sequenceOf(0);
    expect(sequence).toBe(2 ** 32);
    expect(window.isFresh(sequence!)).toBe(true);
  });

  it('infers the high word on both sides of a subspace border (RFC 4303 A2.2)', () => {
    const window = new ReplayWindow(true);
    window.accept(3 * 2 ** 32 + 5);
    expect(window.sequenceOf(6)).toBe(3 * 2 ** 32 + 6);
    expect(window.sequenceOf(0xffffffff)).toBe(3 * 2 ** 32 - 1);
    expect(window.sequenceOf(2 ** 32 - (REPLAY_WINDOW - 6))).toBe(3 * 2 ** 32 - (REPLAY_WINDOW - 6));
    expect(window.sequenceOf(2 ** 32 - (REPLAY_WINDOW - 5))).toBe(4 * 2 ** 32 - (REPLAY_WINDOW - 5));
  });

  it('ends at 2^53 - 1', () => {
    const window = new ReplayWindow(true);
    window.accept(Number.MAX_SAFE_INTEGER);
    expect(window.sequenceOf(5)).toBeUndefined();
    expect(window.sequenceOf(0xfffffffe)).toBe(Number.MAX_SAFE_INTEGER - 1);
  });
});
