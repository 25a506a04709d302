import type { Code, Local } from './assembler.js';
import type { Words } from './words.js';

/** A compression function over blocks of 16 words. */
export interface HashDesign {
  words: Words;
  /** Bytes are put together to words in this order. */
  littleEndian: boolean;
  /** The state before the first block. */
  initial: readonly bigint[];
  digestWords: number;
  /** One word for each round, added to the message's. */
  constants: readonly bigint[];
  /** Which message word a round takes. */
  wordOf(round: number): number;
  /** How a message word follows from earlier ones, for hash functions with more than the block's 16. */
  expand?: {
    /** Which: so many places before. */
    from: readonly number[];
    code(...words: Code[]): Code;
    /** The same for a block that is known beforehand; upper bits that do not fit are dropped by the caller. */
    value(...words: bigint[]): bigint;
  };
  /**
   * Runs of like rounds: `rounds` of them are code, which runs `times` times. Without loops the compiler would load all
   * message words first, and have no registers left.
   */
  runs: readonly { rounds: number; times: number }[];
  /**
   * Code of a round, which changes the state in place. Each round finds the state as the one before it left it, with the
   * last word moved to the front.
   * @param word message word plus constant
   */
  round(at: number, state: readonly Local[], word: Code): Code[];
}
