import type { IkeSaReport, Role } from '../types.js';
import { SHARED_KEY } from '../words.js';
import { messagesIn } from './queries.js';

const SHARED_KEY_ADVICE =
  'Check in this order: the identity of the initiator (strongSwan: local.id; libreswan: leftid) as the responder expects it, the identity of the responder, then the bytes of the key on both sides (spaces, quotes, encoding).';
const CERTIFICATE_ADVICE =
  'Check the chain up to a CA that the refusing side trusts, with the CAs between sent along or installed there, the validity, and the identity among the subject alternative names (ipsec-kit cert show CAPTURE, ipsec-kit cert verify).';
const LOG_ADVICE = 'The log of the refusing side says which.';

/**
 * What to look at after AUTHENTICATION_FAILED.
 * @param refused whose proof was refused
 * @param method of that proof; undefined when it is not known
 */
export function authenticationAdvice(sa: IkeSaReport, refused: Role, method: string | undefined): string {
  if (method === undefined) {
    return `With a pre-shared key: ${lower(SHARED_KEY_ADVICE)} With certificates: ${lower(CERTIFICATE_ADVICE)} ${LOG_ADVICE}`;
  }
  if (method === SHARED_KEY) {
    const wanted = authoritiesOf(sa, refused === 'initiator' ? 'responder' : 'initiator').length > 0;
    const hint = wanted
      ? ' The refusing side asked for certificates: it may want one in place of a key.'
      : '';
    return `${SHARED_KEY_ADVICE}${hint} ${LOG_ADVICE}`;
  }
  return `${trustDifference(sa)}${CERTIFICATE_ADVICE} ${LOG_ADVICE}`;
}

/** Both sides name the CAs they trust; mostly one of them issued the certificate of the side itself. */
function trustDifference(sa: IkeSaReport): string {
  const [ours, theirs] = [authoritiesOf(sa, 'initiator'), authoritiesOf(sa, 'responder')];
  if (ours.length === 0 || theirs.length === 0 || ours.some((hash) => theirs.includes(hash))) return '';
  return 'The two sides trust different CAs: their certificate requests have none in common. Give each the CA that issued the certificate of the other. ';
}

function authoritiesOf(sa: IkeSaReport, role: Role): readonly string[] {
  return messagesIn(sa).flatMap(({ from, message }) => (from === role ? (message.authorities ?? []) : []));
}

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
