import type { ReplayVerdict } from './types.js';

const SUBSPACE = 2 ** 32;
/** Numbers behind the highest one of which it is remembered whether they came. */
const MEMORY = 8192;
const WINDOWS = [32, 64, 1024] as const;

/**
 * What the sequence numbers of one SA say about the path: loss, duplicates, reordering, and what receivers with small
 * replay windows would have dropped (RFC 4303 3.4.3). It sees packets where the capture was made.
 */
export class SequenceTracker {
  lowest = 0;
  highest = 0;
  duplicated = 0;
  reordered = 0;
  furthestBehind = 0;
  #distinct = 0;
  readonly #dropped = { 32: 0, 64: 0, 1024: 0 };
  /** Made with the second packet, so that many flows of one packet cost little. */
  #seen: Uint32Array | undefined;

  /**
   * @param low the 32 bits in the packet
   * @param high the high word, when the ICV confirmed it; otherwise the nearest number that fits is taken
   * @returns what the packet was
   */
  take(low: number, high?: number): 'new' | 'duplicate' | 'late' | 'reordered' {
    if (this.#distinct === 0) {
      this.lowest = this.highest = (high ?? 0) * SUBSPACE + low;
      this.#distinct = 1;
      return 'new';
    }
    const sequence = high === undefined ? this.#nearest(low) : high * SUBSPACE + low;
    this.#seen ??= this.#memory();
    if (sequence > this.highest) {
      this.#advance(this.#seen, sequence);
      this.#distinct++;
      return 'new';
    }
    const behind = this.highest - sequence;
    if (behind < MEMORY && !mark(this.#seen, sequence)) {
      this.duplicated++;
      return 'duplicate';
    }
    this.#distinct++;
    this.reordered++;
    this.lowest = Math.min(this.lowest, sequence);
    this.furthestBehind = Math.max(this.furthestBehind, behind);
    for (const window of WINDOWS) {
      if (behind >= window) this.#dropped[window]++;
    }
    return behind >= WINDOWS[0] ? 'late' : 'reordered';
  }

  /** Numbers between the lowest and the highest that never came. */
  get lost(): number {
    return this.#distinct === 0 ? 0 : Math.max(0, this.highest - this.lowest + 1 - this.#distinct);
  }

  verdict(): ReplayVerdict {
    const dropped = { ...this.#dropped };
    const smallestSafe = WINDOWS.find((window) => dropped[window] === 0);
    return {
      dropped,
      ...(smallestSafe !== undefined && { smallestSafe }),
      furthestBehind: this.furthestBehind,
    };
  }

  #memory(): Uint32Array {
    const seen = new Uint32Array(MEMORY / 32);
    mark(seen, this.highest);
    return seen;
  }

  /** The 64-bit number nearest to the highest one: extended numbers go on where 32 bits begin again. */
  #nearest(low: number): number {
    const high = Math.floor(this.highest / SUBSPACE);
    const guess = high * SUBSPACE + low;
    if (guess < this.highest - SUBSPACE / 2) return guess + SUBSPACE;
    return guess > this.highest + SUBSPACE / 2 && high > 0 ? guess - SUBSPACE : guess;
  }

  #advance(seen: Uint32Array, sequence: number): void {
    if (sequence - this.highest >= MEMORY) seen.fill(0);
    else for (let skipped = this.highest + 1; skipped < sequence; skipped++) clear(seen, skipped);
    this.highest = sequence;
    clear(seen, sequence);
    mark(seen, sequence);
  }
}

/** @returns false when it was marked before */
function mark(seen: Uint32Array, sequence: number): boolean {
  const bit = placeOf(sequence);
  const mask = 1 << (bit & 31);
  const before = seen[bit >>> 5]!;
  seen[bit >>> 5] = before | mask;
  return (before & mask) === 0;
}

function clear(seen: Uint32Array, sequence: number): void {
  const bit = placeOf(sequence);
  seen[bit >>> 5]! &= ~(1 << (bit & 31));
}

/** The remainder by {@link MEMORY}, a power of two: the bitwise operator takes numbers of 53 bits modulo 2^32 first. */
function placeOf(sequence: number): number {
  return sequence & (MEMORY - 1);
}
