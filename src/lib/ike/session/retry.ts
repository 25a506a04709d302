import type { Milliseconds } from '../../core/environment.js';
import type { SessionState } from './state.js';

/** RFC 7296 2.25: never at once, and not for longer than several minutes. */
const RETRY_AFTER: Milliseconds = 2_000;
const RETRY_SPREAD: Milliseconds = 3_000;
const MAX_RETRIES = 40;
/** When to try a refused rekey again. */
const NEXT_REKEY: Milliseconds = 60_000;

/** Counts the retries of one exchange and says when the next may start. */
export class Retries {
  #count = 0;

  constructor(private readonly state: SessionState) {}

  /** @returns the moment of the next try, or undefined when several minutes of tries are used up */
  next(now: Milliseconds): Milliseconds | undefined {
    this.#count += 1;
    if (this.#count > MAX_RETRIES) return undefined;
    return now + RETRY_AFTER + RETRY_SPREAD * this.state.random();
  }
}

/** When a rekey that the peer refused is tried again. */
export function rekeyLater(state: SessionState, now: Milliseconds): Milliseconds {
  return now + NEXT_REKEY * (1 + state.random());
}
