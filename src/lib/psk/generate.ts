import type { Entropy } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import { Secret } from '../core/secret.js';

/**
 * Thirty-two characters, five bits each, that every peer takes unquoted and nobody misreads: no capitals, no 0, o, 1
 * and l. Without a 0 no key starts with 0x or 0s, which would mean a coded key.
 */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const ALPHABET_BITS = 5;
/** Some gateways and phones cut or refuse longer keys. */
const LONGEST = 64;

/** A word is consonant, vowel, consonant, vowel, consonant: 4 + 2 + 4 + 2 + 4 bits, and can be said on the phone. */
const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aiou';
const WORD_BITS = 16;
const WORD_LENGTH = 5;

/** RFC 7296 2.15: as hard to guess as the strongest key negotiated; 128 bits is the weakest cipher key in use. */
export const LEAST_BITS = 128;
export const MOST_BITS = LONGEST * ALPHABET_BITS;
/** Eighty bits: strong, though less than what RFC 7296 asks for. */
export const LEAST_WORDS = 5;
/** With the hyphens between them. */
export const MOST_WORDS = Math.floor((LONGEST + 1) / (WORD_LENGTH + 1));

/** A new key and what it is made of. */
export interface GeneratedPsk {
  secret: Secret;
  /** Bits drawn at random. */
  bits: number;
  /** "52 letters and digits". */
  form: string;
}

/**
 * Draws a key of letters and digits.
 * @param bits at least so many are drawn
 * @throws KitError usage E_PSK_BITS
 */
export function generateCharacters(bits: number, entropy: Entropy): GeneratedPsk {
  requireBetween('E_PSK_BITS', 'bits', bits, LEAST_BITS, MOST_BITS);
  const length = Math.ceil(bits / ALPHABET_BITS);
  const characters = Array.from(entropy.bytes(length), (byte) => ALPHABET[byte % ALPHABET.length]);
  return {
    secret: Secret.fromText(characters.join('')),
    bits: length * ALPHABET_BITS,
    form: `${length} letters and digits`,
  };
}

/**
 * Draws a key of pronounceable words, to be typed by people.
 * @throws KitError usage E_PSK_WORDS
 */
export function generateWords(count: number, entropy: Entropy): GeneratedPsk {
  requireBetween('E_PSK_WORDS', 'words', count, LEAST_WORDS, MOST_WORDS);
  const words = Array.from({ length: count }, () => word(entropy.bytes(WORD_LENGTH)));
  return { secret: Secret.fromText(words.join('-')), bits: count * WORD_BITS, form: `${count} words` };
}

/** Both lists have a power of two of letters, so that the rest of the division favours none. */
function word(random: Uint8Array): string {
  const letters = Array.from(random, (byte, at) => {
    const list = at % 2 === 0 ? CONSONANTS : VOWELS;
    return list[byte % list.length];
  });
  return letters.join('');
}

function requireBetween(code: `E_${string}`, what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new KitError('usage', code, `A key of ${value} ${what} is not made here.`, {
    hint: `Ask for ${least} to ${most} ${what}.`,
  });
}
