import { Guesser } from './guesser.js';
import { type AuditHash, auditHashes } from './hashes.js';
import { type AuditTarget, proves } from './material.js';

/** Longest word in bytes; no key of any gateway is longer. Longer lines are counted and passed over. */
export const LONGEST_WORD = 4096;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A key that was found. */
export interface Finding {
  /** Index of the target. */
  target: number;
  /** Line of the word, from 0, counted from where the lines begin. */
  line: number;
  word: Uint8Array;
}

/** What came of some lines. */
export interface LinesResult {
  lines: number;
  tried: number;
  /** Lines that are too long. */
  skipped: number;
  /** By line; each target once. */
  found: Finding[];
}

/** Tries each line of word lists against targets of any hashes. */
export class LineGuesser {
  readonly #benches: readonly Bench[];

  constructor(targets: readonly AuditTarget[]) {
    this.#benches = auditHashes.flatMap((hash) =>
      targets.some((target) => target.hash === hash) ? [new Bench(hash, targets)] : [],
    );
  }

  /**
   * @param bytes whole lines; the last needs no line end. Words are bytes of any encoding; CR before LF is no part of them
   * @param open indices of the targets that are still open
   */
  try(bytes: Uint8Array, open: readonly number[]): LinesResult {
    const result: LinesResult = { lines: 0, tried: 0, skipped: 0, found: [] };
    const benches = this.#benches.filter((bench) => bench.begin(bytes, open, result.found));
    for (let start = 0; start < bytes.length; result.lines++) {
      let next = start;
      while (next < bytes.length && bytes[next] !== LINE_FEED) next++;
      const end = next > start && bytes[next - 1] === CARRIAGE_RETURN ? next - 1 : next;
      if (end - start > LONGEST_WORD) result.skipped++;
      else {
        result.tried++;
        for (const bench of benches) bench.put(start, end, result.lines);
      }
      start = next + 1;
    }
    for (const bench of benches) bench.flush();
    result.found.sort((a, b) => a.line - b.line || a.target - b.target);
    return result;
  }
}

/** The targets of one hash, and the words that wait until all lanes are full. */
class Bench {
  readonly #guesser: Guesser;
  readonly #targets: readonly { target: AuditTarget; index: number }[];
  /** Start, end and line of the word in each lane. */
  readonly #words: Uint32Array;
  #filled = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  /** Positions in `#targets`. */
  #open: number[] = [];
  #found: Finding[] = [];

  constructor(hash: AuditHash, targets: readonly AuditTarget[]) {
    this.#targets = targets.flatMap((target, index) => (target.hash === hash ? [{ target, index }] : []));
    this.#guesser = new Guesser(
      hash,
      this.#targets.map(({ target }) => target),
    );
    this.#words = new Uint32Array(3 * this.#guesser.lanes);
  }

  /** @returns whether there is anything to do */
  begin(bytes: Uint8Array, open: readonly number[], found: Finding[]): boolean {
    this.#bytes = bytes;
    this.#found = found;
    this.#open = [...this.#targets.keys()].filter((at) => open.includes(this.#targets[at]!.index));
    return this.#open.length > 0;
  }

  put(start: number, end: number, line: number): void {
    this.#guesser.put(this.#filled, this.#bytes, start, end);
    const at = 3 * this.#filled++;
    this.#words[at] = start;
    this.#words[at + 1] = end;
    this.#words[at + 2] = line;
    if (this.#filled === this.#guesser.lanes) this.flush();
  }

  /** Tests the words that wait; the rest of the lanes holds old ones, which do not count. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#guesser.ready();
    const filled = (1 << this.#filled) - 1;
    this.#filled = 0;
    for (const at of this.#open) {
      const suspects = this.#guesser.test(at) & filled;
      if (suspects !== 0 && this.#confirm(at, suspects))
        this.#open = this.#open.filter((each) => each !== at);
    }
  }

  /** Only the first word of the proof was compared: one in 2^32 wrong words gets here. */
  #confirm(at: number, suspects: number): boolean {
    const { target, index } = this.#targets[at]!;
    for (let lane = 0; lane < this.#guesser.lanes; lane++) {
      if ((suspects & (1 << lane)) === 0) continue;
      const [start, end, line] = this.#words.subarray(3 * lane) as unknown as [number, number, number];
      const word = this.#bytes.slice(start, end);
      if (!proves(word, target)) continue;
      this.#found.push({ target: index, line, word });
      return true;
    }
    return false;
  }
}
