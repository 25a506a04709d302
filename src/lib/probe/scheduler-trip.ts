import type { Milliseconds } from '../core/environment.js';

/** Shortest time to wait for an answer, however fast others came: some questions are work. */
const MIN_PATIENCE: Milliseconds = 250;

/** How long answers take: smoothed round trip and its deviation (RFC 6298 2). */
export class RoundTrip {
  #known: { mean: Milliseconds; deviation: Milliseconds } | undefined;

  /** How long to wait for an answer; for ever as long as there was none. */
  get patience(): Milliseconds {
    if (this.#known === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(MIN_PATIENCE, this.#known.mean + 4 * this.#known.deviation);
  }

  measure(trip: Milliseconds): void {
    const known = this.#known;
    this.#known =
      known === undefined
        ? { mean: trip, deviation: trip / 2 }
        : {
            mean: known.mean + (trip - known.mean) / 8,
            deviation: known.deviation + (Math.abs(trip - known.mean) - known.deviation) / 4,
          };
  }

  /** Takes over what another one measured, unless something was measured here. */
  learnFrom(other: RoundTrip): void {
    this.#known ??= other.#known;
  }
}
