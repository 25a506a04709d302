import type { Milliseconds } from '../../core/environment.js';
import type { Secret } from '../../core/secret.js';
import { pskAuth } from '../../ike/auth/psk.js';
import { formatIdentity, type Identity } from '../../ike/identity.js';
import { PayloadType, type Transform } from '../../ike/wire/types.js';
import { type Attempt, Attempts, isAuthenticated, refusalText } from '../auth-probe/attempt.js';
import { authoritiesOf } from '../auth-probe/request.js';
import type { SaOpener } from '../oracle-sa.js';
import type { Asker } from '../scheduler.js';
import type { ActiveFacts, PacketNumbers } from '../types.js';

/** Guesses at one gateway: gateways lock accounts, and lists belong to offline guessing. */
export const MOST_GUESSES = 20;
const BETWEEN_GUESSES: Milliseconds = 1000;

/**
 * Tries pre-shared keys one after the other, a second apart, until one is taken.
 * @param words lines of a list; empty ones are passed over
 */
export async function guessPsk(
  asker: Asker,
  opener: SaOpener,
  transforms: readonly Transform[],
  { identity, words }: { identity: Identity; words: readonly Secret[] },
  pause: (duration: Milliseconds) => Promise<void>,
): Promise<NonNullable<ActiveFacts['pskGuesses']>> {
  const attempts = new Attempts(asker, opener);
  const packets: PacketNumbers = [];
  let tried = 0;
  let trouble: string | undefined;
  const guesses = words.map((word, at) => ({ word, line: at + 1 })).filter(({ word }) => word.length > 0);
  for (const { word, line } of guesses.slice(0, MOST_GUESSES)) {
    if (tried > 0) await pause(BETWEEN_GUESSES);
    const attempt = await attempts.run(transforms, {
      identity,
      auth: ({ suite, request, nonceR, keys }) =>
        pskAuth(word, {
          prf: suite.prf,
          initMessage: request,
          peerNonce: nonceR,
          identity,
          skP: keys.skPi,
        }),
      authorities: (sa) => authoritiesOf([], sa.payloads),
      summary: `IKE_AUTH as ${formatIdentity(identity)}, guess ${tried + 1}`,
    });
    packets.push(...(attempt?.reply.packets ?? []));
    trouble = troubleOf(attempt);
    if (trouble !== undefined) break;
    tried += 1;
    if (isTaken(attempt)) return { value: { tried, foundLine: line }, packets: attempt?.reply.packets ?? [] };
  }
  if (trouble !== undefined) {
    const note = `stopped after ${tried} ${tried === 1 ? 'guess' : 'guesses'}: ${trouble}`;
    return { value: tried === 0 ? undefined : { tried, foundLine: undefined }, note, packets };
  }
  const left = guesses.length - tried;
  const note = left > 0 ? `${left} words were not tried: at most ${MOST_GUESSES} are` : undefined;
  return { value: { tried, foundLine: undefined }, ...(note !== undefined && { note }), packets };
}

/** Why a guess says nothing. */
function troubleOf(attempt: Attempt | undefined): string | undefined {
  if (attempt === undefined) return 'no SA could be opened';
  return attempt.reply.outcome === 'answered' ? undefined : refusalText(attempt.reply);
}

/** The gateway brings its own AUTH only when ours was right; with EAP it never came to that. */
function isTaken(attempt: Attempt | undefined): boolean {
  if (attempt?.reply.outcome !== 'answered') return false;
  const { payloads } = attempt.reply;
  return isAuthenticated(payloads) && !payloads.some(({ type }) => type === PayloadType.EAP);
}
