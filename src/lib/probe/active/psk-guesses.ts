import type { Milliseconds } from '../../core/environment.js';
import type { Secret } from '../../core/secret.js';
import { AUTH_METHOD_PSK, pskAuth, type SignedOctets, verifyPskAuth } from '../../ike/auth/psk.js';
import { formatIdentity, type Identity } from '../../ike/identity.js';
import { NotifyType } from '../../ike/wire/notify.js';
import { PayloadType, type Transform } from '../../ike/wire/types.js';
import type { Asker } from '../asker.js';
import { type Attempt, Attempts, refusalText } from '../auth-probe/attempt.js';
import { errorOf } from '../auth-probe/conversation.js';
import { authoritiesOf } from '../auth-probe/request.js';
import type { HalfOpenSa, SaOpener } from '../oracle-sa.js';
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
    const result = resultOf(attempt, word);
    if (result !== 'right' && result !== 'wrong') {
      trouble = result.trouble;
      break;
    }
    tried += 1;
    if (result === 'right')
      return { value: { tried, foundLine: line }, packets: attempt?.reply.packets ?? [] };
  }
  if (trouble !== undefined) {
    const note = `stopped after ${tried} ${tried === 1 ? 'guess' : 'guesses'}: ${trouble}`;
    return { value: tried === 0 ? undefined : { tried, foundLine: undefined }, note, packets };
  }
  const left = guesses.length - tried;
  const note = left > 0 ? `${left} words were not tried: at most ${MOST_GUESSES} are` : undefined;
  return { value: { tried, foundLine: undefined }, ...(note !== undefined && { note }), packets };
}

/** `trouble`: why a guess says nothing. */
type Result = 'right' | 'wrong' | { trouble: string };

/**
 * A word is wrong only when the gateway says so, and right only when it proves itself with it: its AUTH is that of the
 * word (RFC 7296 2.15), which somebody who takes every key does not know.
 */
function resultOf(attempt: Attempt | undefined, word: Secret): Result {
  if (attempt === undefined) return { trouble: 'no SA could be opened' };
  const { reply, sa } = attempt;
  if (reply.outcome !== 'answered') return { trouble: refusalText(reply) };
  const { payloads } = reply;
  const auth = payloads.find(({ type }) => type === PayloadType.AUTH);
  const id = payloads.find(({ type }) => type === PayloadType.IDr);
  if (payloads.some(({ type }) => type === PayloadType.EAP)) return { trouble: 'the gateway asks for EAP' };
  if (auth?.type === PayloadType.AUTH) {
    const isProof =
      auth.method === AUTH_METHOD_PSK &&
      id?.type === PayloadType.IDr &&
      verifyPskAuth(word, signedByGateway(sa, { idType: id.idType, data: id.data }), auth.data);
    return isProof ? 'right' : { trouble: 'the gateway goes on without a proof that it has the key' };
  }
  return errorOf(payloads) === NotifyType.AUTHENTICATION_FAILED ? 'wrong' : { trouble: refusalText(reply) };
}

function signedByGateway({ suite, response, nonceI, keys }: HalfOpenSa, identity: Identity): SignedOctets {
  return { prf: suite.prf, initMessage: response, peerNonce: nonceI, identity, skP: keys.skPr };
}
