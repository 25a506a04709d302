import type { Clock, Milliseconds } from './environment.js';

/**
 * A clock that goes on when another is set back, as NTP and people do: what is due in ten seconds is not to wait for a
 * day. When the other leaps forward, as after a suspension, this one does too: that time has passed.
 */
export class SteadyClock implements Clock {
  readonly #clock: Clock;
  readonly #elapsed: () => number;
  #now: Milliseconds;
  /** What the two sources said then. */
  #wall: Milliseconds;
  #ticks: number;

  /** @param elapsed milliseconds since some moment; nobody sets it, and it may stand still while the system sleeps */
  constructor(clock: Clock, elapsed = () => performance.now()) {
    this.#clock = clock;
    this.#elapsed = elapsed;
    this.#wall = clock.now();
    this.#ticks = elapsed();
    this.#now = this.#wall;
  }

  now(): Milliseconds {
    const wall = this.#clock.now();
    const ticks = this.#elapsed();
    this.#now += wall >= this.#wall ? wall - this.#wall : ticks - this.#ticks;
    this.#wall = wall;
    this.#ticks = ticks;
    return this.#now;
  }

  /** When something was, by this clock, that was at `moment` by the other; not later than now. */
  at(moment: Milliseconds): Milliseconds {
    const now = this.now();
    return Math.min(moment - this.#wall + now, now);
  }
}
