import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SequenceTracker } from '../../../../src/lib/capture/analyse/sequence.js';

function track(numbers: readonly number[]): SequenceTracker {
  const tracker = new SequenceTracker();
  for (const number of numbers) tracker.take(number % 2 ** 32);
  return tracker;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe('sequence numbers', () => {
  test('in order nothing is wrong', () => {
    const tracker = track(range(1, 100));
    expect(tracker).toMatchObject({ lowest: 1, highest: 100, lost: 0, duplicated: 0, reordered: 0 });
    expect(tracker.verdict()).toEqual({
      dropped: { 32: 0, 64: 0, 1024: 0 },
      smallestSafe: 32,
      furthestBehind: 0,
    });
  });

  test('gaps count as lost until they are filled', () => {
    const tracker = track([1, 2, 5]);
    expect(tracker.lost).toBe(2);
    expect(tracker.take(3)).toBe('reordered');
    expect(tracker.lost).toBe(1);
    expect(tracker.reordered).toBe(1);
  });

  test('the same number twice is a duplicate, near and far', () => {
    const tracker = track(range(1, 5000));
    expect(tracker.take(5000)).toBe('duplicate');
    expect(tracker.take(1)).toBe('duplicate');
    expect(tracker).toMatchObject({ duplicated: 2, lost: 0, reordered: 0 });
  });

  test.each([
    [31, { 32: 0, 64: 0, 1024: 0 }, 32],
    [32, { 32: 1, 64: 0, 1024: 0 }, 64],
    [63, { 32: 1, 64: 0, 1024: 0 }, 64],
    [64, { 32: 1, 64: 1, 1024: 0 }, 1024],
    [1023, { 32: 1, 64: 1, 1024: 0 }, 1024],
    [1024, { 32: 1, 64: 1, 1024: 1 }, undefined],
  ])('a packet %i behind the highest is judged by every window', (behind, dropped, smallestSafe) => {
    const numbers = range(1, 3000).filter((number) => number !== 2000 - behind);
    const tracker = track([...numbers.filter((number) => number <= 2000), 2000 - behind]);
    expect(tracker.verdict()).toEqual({
      dropped,
      furthestBehind: behind,
      ...(smallestSafe !== undefined && { smallestSafe }),
    });
  });

  test('numbers go on beyond 32 bits when they begin again, and back for a late packet', () => {
    const tracker = track([0xfffffffe, 0xffffffff, 0, 1]);
    expect(tracker).toMatchObject({ highest: 2 ** 32 + 1, lost: 0 });
    expect(tracker.take(0xfffffffd)).toBe('reordered');
    expect(tracker.highest).toBe(2 ** 32 + 1);
  });

  test('a confirmed high word is believed', () => {
    const tracker = new SequenceTracker();
    tracker.take(5, 3);
    tracker.take(6, 3);
    expect(tracker).toMatchObject({ lowest: 3 * 2 ** 32 + 5, highest: 3 * 2 ** 32 + 6 });
  });

  test('a jump forward forgets what was before without miscounting', () => {
    const tracker = track([1, 100_000]);
    expect(tracker.lost).toBe(99_998);
    expect(tracker.take(99_999)).toBe('reordered');
    expect(tracker.take(99_999)).toBe('duplicate');
  });

  test('agrees with a set, whatever the order', () => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(arrivals, (numbers) => {
        const tracker = track(numbers);
        const seen = new Set(numbers);
        const lost = Math.max(...numbers) - Math.min(...numbers) + 1 - seen.size;
        expect([tracker.duplicated, tracker.lost]).toEqual([numbers.length - seen.size, lost]);
      }),
    );
  });
});
