import type { Code, FunctionBuilder, Local } from './assembler.js';
import type { Words } from './words.js';

/** A compression function, as code for one group of lanes. Blocks have 16 words. */
export interface HashDesign {
  words: Words;
  /** Bytes of a block are put together to words in this order. */
  littleEndian: boolean;
  /** The state before the first block. */
  initial: readonly bigint[];
  digestWords: number;
  /** One word for each round, added to the message's. */
  constants: readonly bigint[];
  /** The message word of each round, for a block that is known beforehand. */
  schedule(block: readonly bigint[]): bigint[];
  /** Rounds of one group of lanes, which may be emitted between those of other groups. */
  rounds(to: FunctionBuilder, state: readonly Local[]): Rounds;
}

export interface Rounds {
  /**
   * Emits a round.
   * @param word message word plus constant
   */
  round(at: number, word: Code): void;
  /** Emits code that makes the message word of a round from the last 16, and leaves it where it returns it. */
  message(at: number, block: MessageWords): Code;
  /** The state's words in order, when all rounds are done. */
  result(): Code[];
}

/** The message words of one group of lanes: 16, the later ones in the place of the earlier. */
export interface MessageWords {
  get(at: number): Code;
  set(at: number, value: Code): Code;
}
