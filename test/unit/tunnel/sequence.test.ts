import { afterEach, describe, expect, it, vi } from 'vitest';
import { runAfter } from '../../../src/lib/tunnel/after.js';
import { Sequence } from '../../../src/lib/tunnel/sequence.js';

const unexpected = (error: unknown) => {
  throw error;
};

describe('Sequence', () => {
  it('runs at once what needs no waiting', () => {
    const sequence = new Sequence();
    let ran = false;
    const result = sequence.run(() => {
      ran = true;
    }, unexpected);
    expect([ran, result]).toEqual([true, undefined]);
  });

  it('keeps the order behind a step that waits, and runs at once again afterwards', async () => {
    const sequence = new Sequence();
    const order: number[] = [];
    let release: () => void = () => {};
    const first = sequence.run(
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }).then(() => {
          order.push(1);
        }),
      unexpected,
    );
    const second = sequence.run(() => void order.push(2), unexpected);
    expect(order).toEqual([]);
    release();
    await Promise.all([first, second]);
    await sequence.idle();
    expect(order).toEqual([1, 2]);
    expect(sequence.run(() => void order.push(3), unexpected)).toBeUndefined();
    expect(order).toEqual([1, 2, 3]);
  });

  it('goes on after a step that fails, either way', async () => {
    const sequence = new Sequence();
    const errors: unknown[] = [];
    const note = (error: unknown) => void errors.push(error);
    sequence.run(() => {
      throw 'thrown';
    }, note);
    await sequence.run(() => Promise.reject('rejected'), note);
    let ran = false;
    await sequence.run(() => {
      ran = true;
    }, note);
    expect(errors).toEqual(['thrown', 'rejected']);
    expect(ran).toBe(true);
  });
});

describe('runAfter', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('waits longer than a timer can', () => {
    vi.useFakeTimers();
    let calls = 0;
    const sixtyDays = 60 * 86_400_000;
    runAfter(sixtyDays, () => calls++);
    const cancel = runAfter(sixtyDays, () => calls++);
    vi.advanceTimersByTime(sixtyDays - 1);
    expect(calls).toBe(0);
    cancel();
    vi.advanceTimersByTime(sixtyDays);
    expect(calls).toBe(1);
  });
});
