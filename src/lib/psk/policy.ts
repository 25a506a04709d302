import { KitError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import { estimatePsk } from './strength.js';

/** What a user is told about a key that is used anyway. */
export interface PskAdvice {
  /** One sentence, without a hint; undefined: nothing to say. */
  warning: string | undefined;
}

/** What to do about a guessable key. */
const REPLACE = 'Make a good one with: ipsec-kit psk generate';

/**
 * Whether a server may start with this key. A key of which nobody can say that it is strong is worth a warning.
 * @param related words that an attacker would try first, such as the identities of both sides
 * @throws KitError usage E_PSK_WEAK, unless `weakOk`: then it is a warning
 */
export async function checkPskForServing(
  secret: Secret,
  { weakOk, related = [] }: { weakOk: boolean; related?: readonly string[] },
): Promise<PskAdvice> {
  const { verdict, offline } = await estimatePsk(secret, related);
  if (verdict === 'strong') return { warning: undefined };
  const sentence =
    verdict === 'weak'
      ? `The pre-shared key is guessable: a rogue gateway that one client dials instead of this one finds it offline; it holds ${offline.gpu.text} against one graphics card.`
      : `The pre-shared key is only fair: against offline guessing by a rogue gateway it holds ${offline.gpu.text} with one graphics card and ${offline.cluster.text} with a hundred.`;
  if (verdict === 'fair' || weakOk) return { warning: sentence };
  throw new KitError('usage', 'E_PSK_WEAK', sentence, {
    hint: `${REPLACE}   (or accept this one with --weak-psk-ok)`,
  });
}

/** What a client is told. It only warns: the gateway has this key already. */
export async function checkPskForConnecting(
  secret: Secret,
  { related = [] }: { related?: readonly string[] } = {},
): Promise<PskAdvice> {
  const { verdict, offline } = await estimatePsk(secret, related);
  if (verdict !== 'weak') return { warning: undefined };
  return {
    warning: `The pre-shared key is guessable: whoever answers in the gateway's place finds it offline; it holds ${offline.gpu.text} against one graphics card. ${REPLACE}`,
  };
}
