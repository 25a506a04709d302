import { addressOf } from '../evidence.js';
import type { IkeSaReport } from '../types.js';
import { enumerate, hasNotify, methodWords } from '../words.js';
import { authenticationAdvice } from './authentication-advice.js';
import { endedByEap } from './eap.js';
import { type Emit, findingGroup } from './group.js';
import { answerer, asker, exchangesNamed, framesOf, messagesIn } from './queries.js';
import { plaintextBytes } from './sealed-size.js';

const kinds = {
  'authentication-failed': {
    severity: 'high',
    summary: 'One side refused the authentication of the other (AUTHENTICATION_FAILED).',
    advice:
      'With a pre-shared key check in this order: the identity of the initiator (strongSwan: local.id; libreswan: leftid) as the responder expects it, the identity of the responder, then the bytes of the key on both sides (spaces, quotes, encoding). With certificates: the chain up to a CA that the other side trusts, validity, and the identity among the subject alternative names. The log of the refusing side says which.',
  },
  'ike-auth-refused': {
    severity: 'high',
    summary:
      'IKE_AUTH was answered by a message so short that it can only hold an error: authentication was refused, most likely AUTHENTICATION_FAILED.',
    advice:
      'Give the keys of the IKE SA (--keys) to read the error. Most likely are a wrong pre-shared key or an identity that the gateway does not expect; its log says which.',
  },
  'child-refused': {
    severity: 'medium',
    summary:
      'IKE_AUTH was answered by a message too short for a child SA: authentication went through, but the child SA was refused, or EAP was begun and not continued.',
    advice:
      'Give the keys of the IKE SA (--keys) to read the answer. Most likely are traffic selectors (TS_UNACCEPTABLE) or ESP proposals (NO_PROPOSAL_CHOSEN) that do not fit; the log of the gateway says which.',
  },
  'identity-differs': {
    severity: 'medium',
    summary: 'The responder gave another identity than the initiator asked for.',
    advice:
      'Make them agree (initiator: strongSwan remote.id, libreswan rightid; responder: local.id, leftid). Many initiators refuse the connection otherwise.',
  },
  'null-authentication': {
    severity: 'medium',
    summary: 'A side did not prove who it is (NULL authentication, RFC 7619).',
    advice:
      'That is meant for opportunistic encryption and for one side that stays anonymous. Anybody can take the place of a side that proves nothing: give it a certificate, a key or EAP where that matters.',
  },
  'signature-sha1': {
    severity: 'medium',
    summary: 'AUTH is a signature over SHA-1 or MD5, both of which are broken.',
    advice:
      'Let both sides use signatures of RFC 7427 with SHA-256 or better (strongSwan: remote.auth = rsa-sha256 or ecdsa-sha256). Windows clients sign with SHA-1 when their key is RSA: give them ECDSA certificates.',
  },
} as const;

type Id = keyof typeof kinds;

/** Who the peers are, and whether the other believes it. */
export const authentication = findingGroup('authentication', kinds, ({ report }, emit) => {
  for (const sa of report.ikeSas) {
    if (sa.version === 2) {
      findFailure(sa, emit);
      findShortAnswer(sa, emit);
      findOtherIdentity(sa, emit);
      findUnproven(sa, emit);
      findWeakSignatures(sa, emit);
    }
  }
});

function findFailure(sa: IkeSaReport, emit: Emit<Id>): void {
  const refused = messagesIn(sa).find(({ message }) => hasNotify(message, 'AUTHENTICATION_FAILED'));
  if (refused === undefined || endedByEap(sa)) return;
  const [first] = exchangesNamed(sa, 'IKE_AUTH');
  const { exchange, message } = refused;
  const refusedBy = exchange.request === message ? asker(exchange) : answerer(exchange);
  const other = exchange.request === message ? answerer(exchange) : asker(exchange);
  const { initiator, responder } = sa.identities;
  const asked = first?.request?.idR ?? responder;
  const identities = [
    initiator && `the initiator calls itself '${initiator.value}'`,
    responder ? `the responder '${responder.value}'` : asked && `it asked for the responder '${asked.value}'`,
  ].filter((words) => words !== undefined && words !== '');
  const role = refused.from === 'initiator' ? 'responder' : 'initiator';
  const method = sa.authMethods[role];
  const by = method === undefined ? '' : ` by ${methodWords(method)}`;
  const who = identities.length > 0 ? `: ${enumerate(identities as string[])}` : '';
  const wantsEap = first?.request?.readable === true && first.request.authMethod === undefined;
  const offersEap = exchangesNamed(sa, 'IKE_AUTH').some(({ response }) => response?.eap !== undefined);
  emit(
    'authentication-failed',
    [first && framesOf(first), message.frames],
    wantsEap && !offersEap
      ? `${refusedBy} refused ${other}, which wants to authenticate by EAP, and offered no EAP (AUTHENTICATION_FAILED)${who}.`
      : `${refusedBy} refused the authentication of ${other}${by} (AUTHENTICATION_FAILED)${who}.`,
    wantsEap && !offersEap
      ? 'The gateway has no connection with EAP for this client: enable it there (strongSwan: remote.auth = eap-mschapv2), or let the client use a certificate or pre-shared key.'
      : authenticationAdvice(sa, role, method),
  );
}

/** The first answer of IKE_AUTH otherwise has at least an identity and AUTH, or EAP (RFC 7296 1.2). */
const ONLY_A_NOTIFY = 16;

/** Identity 9, AUTH 24, SA 24, and two selectors of 24 bytes are the least that a granted child SA takes. */
const LEAST_WITH_CHILD = 105;

function findShortAnswer(sa: IkeSaReport, emit: Emit<Id>): void {
  const auth = exchangesNamed(sa, 'IKE_AUTH');
  const [first] = auth;
  if (first?.response === undefined || first.response.readable || auth.length > 1) return;
  const plain = plaintextBytes(first.response, sa.suite);
  if (plain === undefined || plain < 0 || first.response.fragments !== undefined) return;
  const answer = `${answerer(first)} answered IKE_AUTH with at most ${plain} bytes of content`;
  if (plain <= ONLY_A_NOTIFY) {
    emit(
      'ike-auth-refused',
      [framesOf(first)],
      `${answer}, which leaves room for an error only: it refused ${asker(first)}.`,
    );
  } else if (plain < LEAST_WITH_CHILD) {
    emit('child-refused', [framesOf(first)], `${answer}, which is too short for a child SA.`);
  }
}

function findOtherIdentity(sa: IkeSaReport, emit: Emit<Id>): void {
  const [first] = exchangesNamed(sa, 'IKE_AUTH');
  const wanted = first?.request?.idR;
  const given = first?.response?.idR;
  if (first === undefined || wanted === undefined || given === undefined) return;
  if (wanted.type === given.type && wanted.value.toLowerCase() === given.value.toLowerCase()) return;
  emit(
    'identity-differs',
    [framesOf(first)],
    `${asker(first)} wants to reach '${wanted.value}', but ${answerer(first)} says it is '${given.value}'.`,
  );
}

const NULL_AUTHENTICATION = 'NULL Authentication';

function findUnproven(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const { message } of messagesIn(sa)) {
    if (message.authMethod !== NULL_AUTHENTICATION) continue;
    const identity = (message.idI ?? message.idR)?.value;
    const as = identity === undefined || identity === '' ? '' : ` as '${identity}'`;
    emit(
      'null-authentication',
      [message.frames],
      `${addressOf(message.src)} took part${as} without any proof of who it is (NULL authentication).`,
    );
  }
}

/** IANA's name of method 1, whose hash is SHA-1 with nearly everybody (RFC 7296 3.8). */
const RSA_SIGNATURE = 'RSA Digital Signature';

function findWeakSignatures(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const { message } of messagesIn(sa)) {
    const { authMethod, authAlgorithm = '' } = message;
    const named = /md5|sha-?1(?!\d)/i.test(authAlgorithm);
    if (!named && authMethod !== RSA_SIGNATURE) continue;
    const how = named ? `with ${authAlgorithm}` : 'by method 1, RSA Digital Signature, which means SHA-1';
    emit('signature-sha1', [message.frames], `${addressOf(message.src)} signed ${how}.`);
  }
}
