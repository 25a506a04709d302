/** Packets behind the highest authenticated one that are still told apart, W of RFC 4303 appendix A2. */
export const REPLAY_WINDOW = 1024;

const SUBSPACE = 2 ** 32;

/**
 * Anti-replay window of one inbound SA (RFC 4303 3.4.3 and appendix A). Sequence numbers are whole 64-bit counters
 * held in a Number: past 2^53 - 1, which no link reaches, packets are refused.
 *
 * Ask {@link sequenceOf} and {@link isFresh} before the ICV is checked, {@link accept} only after it was right.
 */
export class ReplayWindow {
  readonly #esn: boolean;
  #highest = 0;
  readonly #seen = new Uint32Array(REPLAY_WINDOW / 32);

  constructor(esn: boolean) {
    this.#esn = esn;
  }

  /** The highest authenticated sequence number; 0 before the first packet. */
  get highest(): number {
    return this.#highest;
  }

  /**
   * The whole sequence number of a packet that carries `low`: the high word is never sent with ESN and is inferred
   * as RFC 4303 A2.2 does, so that the number lies in the window or ahead of it.
   * @returns undefined when no such number exists
   */
  sequenceOf(low: number): number | undefined {
    if (!this.#esn) return low;
    const highestLow = this.#highest % SUBSPACE;
    const high = Math.floor(this.#highest / SUBSPACE);
    const bottom = highestLow - (REPLAY_WINDOW - 1);
    // Case A: the window lies within one subspace. Case B: it reaches back into the one before.
    const inferred =
      bottom >= 0 ? (low >= bottom ? high : high + 1) : low >= bottom + SUBSPACE ? high - 1 : high;
    const sequence = inferred * SUBSPACE + low;
    return inferred < 0 || sequence > Number.MAX_SAFE_INTEGER ? undefined : sequence;
  }

  /** False for a packet seen before, too old to tell, or numbered 0 (the first packet is 1, RFC 4303 2.2). */
  isFresh(sequence: number): boolean {
    if (sequence === 0) return false;
    if (sequence > this.#highest) return true;
    if (sequence <= this.#highest - REPLAY_WINDOW) return false;
    const bit = sequence % REPLAY_WINDOW;
    return (this.#seen[bit >>> 5]! & (1 << (bit & 31))) === 0;
  }

  /**
   * Marks an authenticated packet as seen.
   * @returns true when it is the newest so far, i.e. the window moved
   */
  accept(sequence: number): boolean {
    const advance = sequence - this.#highest;
    if (advance >= REPLAY_WINDOW) {
      this.#seen.fill(0);
    } else {
      for (let skipped = this.#highest + 1; skipped < sequence; skipped++) {
        const bit = skipped % REPLAY_WINDOW;
        this.#seen[bit >>> 5]! &= ~(1 << (bit & 31));
      }
    }
    if (advance > 0) this.#highest = sequence;
    const bit = sequence % REPLAY_WINDOW;
    this.#seen[bit >>> 5]! |= 1 << (bit & 31);
    return advance > 0;
  }
}
