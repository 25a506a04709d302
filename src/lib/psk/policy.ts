import { KitError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import { estimatePsk } from './strength.js';

/** What a user is told about a key that is used anyway. */
export interface PskAdvice {
  /** One sentence; undefined: nothing to say. */
  warning: string | undefined;
}

/**
 * Whether a server may start with this key.
 * @param related words that an attacker would try first, such as the identities of both sides
 * @throws KitError usage E_PSK_WEAK, unless `weakOk`: then it is a warning
 */
export async function checkPskForServing(
  secret: Secret,
  { weakOk, related = [] }: { weakOk: boolean; related?: readonly string[] },
): Promise<PskAdvice> {
  const { verdict, text } = await estimatePsk(secret, related);
  if (verdict === 'strong') return { warning: undefined };
  if (verdict === 'fair' || weakOk) return { warning: text };
  throw new KitError('usage', 'E_PSK_WEAK', text, {
    hint: 'Make a good one with: ipsec-kit psk generate   (or accept this one with --weak-psk-ok)',
  });
}

/** What a client is told: nobody but the gateway's owner can change the key, so it only warns. */
export async function checkPskForConnecting(
  secret: Secret,
  { related = [] }: { related?: readonly string[] } = {},
): Promise<PskAdvice> {
  const { verdict, text } = await estimatePsk(secret, related);
  return { warning: verdict === 'weak' ? text : undefined };
}
