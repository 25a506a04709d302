import { describe, expect, it } from 'vitest';
import { SteadyClock } from '../../src/lib/core/steady-clock.js';

describe('a steady clock', () => {
  const wall = { time: 5000, now: () => wall.time };
  let ticks = 70;
  const clock = new SteadyClock(wall, () => ticks);
  const set = (time: number, elapsed: number): void => {
    wall.time = time;
    ticks += elapsed;
  };

  it('goes as the other one goes, also when that leaps', () => {
    expect(clock.now()).toBe(5000);
    set(900_000, 10);
    expect(clock.now()).toBe(900_000);
    expect(clock.at(899_000)).toBe(899_000);
  });

  it('goes on when the other is set back, as often as that happens', () => {
    set(100, 200);
    expect(clock.now()).toBe(900_200);
    set(350, 250);
    expect(clock.now()).toBe(900_450);
    set(50, 5);
    expect(clock.now()).toBe(900_455);
    set(60, 10);
    expect(clock.now()).toBe(900_465);
  });

  it('translates moments, which are never in the future', () => {
    expect(clock.at(55)).toBe(900_460);
    expect(clock.at(60)).toBe(900_465);
    // By the clock as it was before it was set back.
    expect(clock.at(899_000)).toBe(900_465);
  });
});
