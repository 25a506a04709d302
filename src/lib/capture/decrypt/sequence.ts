import { ReplayWindow } from '../../esp/replay.js';

/** A whole sequence number to try. */
export interface Candidate {
  /** Whether the high word counts (RFC 4303 2.2.1). */
  extended: boolean;
  value: number;
}

const SUBSPACE = 2 ** 32;
/** High words tried while none is confirmed: a capture may begin anywhere. */
const FIRST_HIGH_WORDS = 16;
/** So many guesses that proved wrong are made before a first one is right, so that a wrong key stays cheap. */
const BUDGET = 512;

/**
 * The high word of extended sequence numbers is never sent. Before the first packet with a good ICV several are tried;
 * afterwards the one of RFC 4303 A2.2, and its neighbours for a capture that jumps. With `extended` unknown, packets
 * are first read as if sequence numbers had 32 bits.
 */
export class SequenceGuess {
  readonly #window = new ReplayWindow(true);
  #extended: boolean | undefined;
  #confirmed = false;
  #budget = BUDGET;

  constructor(
    extended: boolean | undefined,
    readonly startHigh: number | undefined,
  ) {
    this.#extended = extended;
  }

  /** Whether there is something left to try out on packets that nothing opened yet. */
  mayTry(): boolean {
    this.#budget -= 1;
    return this.#budget >= 0;
  }

  /** The likeliest number. */
  first(low: number): Candidate {
    if (this.#extended !== true) return { extended: false, value: low };
    return {
      extended: true,
      value: this.#confirmed ? this.#expected(low) : (this.startHigh ?? 0) * SUBSPACE + low,
    };
  }

  /** What else it may be when the first was wrong. */
  others(low: number): Candidate[] {
    if (this.#extended === false) return [];
    const tried = this.first(low);
    const words = this.#confirmed ? around(Math.floor(tried.value / SUBSPACE)) : this.#firstWords();
    const candidates: Candidate[] = [];
    for (const word of words) {
      const value = word * SUBSPACE + low;
      if (word < 0 || value > Number.MAX_SAFE_INTEGER || (tried.extended && value === tried.value)) continue;
      if (!this.#confirmed && !this.mayTry()) break;
      candidates.push({ extended: true, value });
    }
    return candidates;
  }

  /** The ICV was right with this number. */
  confirm({ extended, value }: Candidate): void {
    this.#extended = extended;
    this.#confirmed = true;
    if (extended && value > this.#window.highest) this.#window.accept(value);
  }

  #expected(low: number): number {
    return this.#window.sequenceOf(low) ?? low;
  }

  #firstWords(): number[] {
    const near = Array.from({ length: FIRST_HIGH_WORDS }, (_, i) => i);
    return [...new Set([...around(this.startHigh ?? 0), ...near])];
  }
}

function around(word: number): number[] {
  return [word, word + 1, word - 1];
}
