import type { Secret } from '../core/secret.js';
import { guessBytes } from './bytes.js';
import type { Guesses } from './guesses.js';
import { type Hold, offlineHold, STRONG_FROM_LOG10, WEAK_BELOW_LOG10 } from './hold.js';
import { isPublished } from './known.js';
import { guessText } from './text.js';

/** - `weak`: one graphics card finds it within a month · `strong`: a hundred of them take more than a century. */
export type PskVerdict = 'weak' | 'fair' | 'strong';

/** What is known about a key; never any part of it. */
export interface PskStrength {
  verdict: PskVerdict;
  /** Logarithm, base 10, of the guesses that a well-informed attacker needs. */
  guessesLog10: number;
  /** One graphics card, and a rented cluster of a hundred. */
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
 * first such key; other keys are judged by their bytes. It knows English words and passwords of all countries; a
 * phrase in another language may pass for better than it is.
 * @param related words that an attacker would try first, such as the identities of both sides
 */
export async function estimatePsk(secret: Secret, related: readonly string[] = []): Promise<PskStrength> {
  const { log10, why } = await guess(secret.reveal(), related);
  const offline = offlineHold(log10);
  const verdict = log10 < WEAK_BELOW_LOG10 ? 'weak' : log10 < STRONG_FROM_LOG10 ? 'fair' : 'strong';
  return {
    verdict,
    guessesLog10: Math.round(log10 * 100) / 100,
    offline,
    text: `The pre-shared key is ${verdict}: guessed offline, it holds ${offline.gpu.text} against one graphics card and ${offline.cluster.text} against a hundred.`,
    why,
    suggestion:
      verdict === 'strong' ? undefined : 'Replace it on both sides with one from: ipsec-kit psk generate',
  };
}

async function guess(key: Uint8Array, related: readonly string[]): Promise<Guesses> {
  if (isPublished(key)) return { log10: 0, why: ['an example that manuals print'] };
  // Zero bytes hide nothing: text in UTF-16 has one a letter, and HMAC pads keys with them anyway.
  const bytes = key.filter((byte) => byte !== 0);
  if (bytes.length === 0) return { log10: 0, why: ['nothing but zero bytes'] };
  const text = textOf(bytes);
  return text === undefined ? guessBytes(bytes) : guessText(text, related);
}

/** The key as somebody typed it, or undefined when nobody did. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!/\p{C}/u.test(text)) return text;
  } catch {
    // Not UTF-8.
  }
  const ascii = bytes.filter((byte) => byte >= 0x20 && byte < 0x7f).length;
  return ascii >= 0.75 * bytes.length ? Buffer.from(bytes).toString('latin1') : undefined;
}
