/** What one way of looking at a key finds. */
export interface Guesses {
  /** Logarithm, base 10, of the guesses until the key is found. */
  log10: number;
  /** What the number rests on, one phrase each; never a part of the key. */
  why: string[];
}
