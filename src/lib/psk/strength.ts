import type { Secret } from '../core/secret.js';

/** - `weak`: one graphics card finds it within a month · `strong`: a cluster takes more than a century. */
export type PskVerdict = 'weak' | 'fair' | 'strong';

/** How long a key holds against one attacker who guesses offline. */
export interface Hold {
  /** Keys tried a second. */
  guessesPerSecond: number;
  /** Until the key is found, on average. */
  seconds: number;
  /** The same in words: "3 days". */
  text: string;
}

/** What is known about a key; never any part of it. */
export interface PskStrength {
  verdict: PskVerdict;
  /** Logarithm, base 10, of the guesses that a well-informed attacker needs. */
  guessesLog10: number;
  /** One graphics card, and a rented cluster of about a hundred. */
  offline: { gpu: Hold; cluster: Hold };
  /** Verdict and durations, one sentence. */
  text: string;
  /** What makes it guessable, or what the estimate rests on, one phrase each. */
  why: string[];
  /** What to do about it, one sentence; undefined when nothing needs doing. */
  suggestion: string | undefined;
}

/**
 * Estimates how many guesses a pre-shared key withstands. Text is compared with dictionaries, which are loaded at the
 * first call; other keys are judged by their bytes.
 * @param related words that an attacker would try first, such as the identities of both sides
 */
export async function estimatePsk(secret: Secret, related: readonly string[] = []): Promise<PskStrength> {
  throw new Error(`not written yet (${secret.length}, ${related.length})`);
}
