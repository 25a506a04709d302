import { addressOf } from '../evidence.js';
import type { IkeSaReport, MessageReport } from '../types.js';
import { enumerate, hasNotify, methodWords, plural } from '../words.js';
import { authenticationAdvice } from './authentication-advice.js';
import { endedByEap } from './eap.js';
import { type Emit, findingGroup, type Scene } from './group.js';
import {
  answerer,
  asker,
  exchangesNamed,
  framesOf,
  groupBy,
  initiatorOf,
  messagesIn,
  responderOf,
  secondsToEnd,
} from './queries.js';
import { plaintextBytes } from './sealed-size.js';

const kinds = {
  'authentication-failed': {
    severity: 'high',
    summary: 'One side refused the authentication of the other (AUTHENTICATION_FAILED).',
    advice:
      'With a pre-shared key check in this order: the identity of the initiator (strongSwan: local.id; libreswan: leftid) as the responder expects it, the identity of the responder, then the bytes of the key on both sides (spaces, quotes, encoding). With certificates: the chain up to a CA that the other side trusts, validity, the identity among the subject alternative names, and whether it was revoked. The log of the refusing side says which.',
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
  'ike-auth-probably-refused': {
    severity: 'low',
    summary:
      'IKE_AUTH was answered, but neither traffic nor another exchange followed although the capture goes on: authentication was probably refused, or the tunnel stayed unused.',
    advice:
      'Give the keys of the IKE SA (--keys) to read the answer; otherwise the logs of both sides say why, most often a wrong password, key or identity, or a certificate that is not trusted.',
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
export const authentication = findingGroup('authentication', kinds, (scene, emit) => {
  findDeadEnds(scene, emit);
  for (const sa of scene.report.ikeSas) {
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

/** Bytes that the only answer of IKE_AUTH can hold at most, when it stayed sealed. */
function onlyAnswerBytes(sa: IkeSaReport): number | undefined {
  const auth = exchangesNamed(sa, 'IKE_AUTH');
  const response = auth[0]?.response;
  if (response === undefined || response.readable || auth.length > 1) return undefined;
  const plain = plaintextBytes(response, sa.suite);
  return plain === undefined || plain < 0 || response.fragments !== undefined ? undefined : plain;
}

function findShortAnswer(sa: IkeSaReport, emit: Emit<Id>): void {
  const [first] = exchangesNamed(sa, 'IKE_AUTH');
  const plain = onlyAnswerBytes(sa);
  if (first === undefined || plain === undefined) return;
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

/** An initiator that was let in has sent something by then. */
const SILENCE_SECONDS = 5;

const OPENING: ReadonlySet<string> = new Set(['IKE_SA_INIT', 'IKE_INTERMEDIATE', 'IKE_AUTH']);

/** SAs that end with a sealed answer of IKE_AUTH, put together by their hosts. */
function findDeadEnds(scene: Scene, emit: Emit<Id>): void {
  const dead = scene.report.ikeSas.filter((sa) => isDeadEnd(scene, sa));
  const byHosts = groupBy(dead, (sa) => `${initiatorOf(sa)}|${responderOf(sa)}`);
  for (const sas of byHosts.values()) {
    const [first] = sas;
    if (first === undefined) continue;
    const often = sas.length === 1 ? '' : ` in ${plural(sas.length, 'IKE SA')}`;
    emit(
      'ike-auth-probably-refused',
      sas.map((sa) => framesOf(sa.exchanges.at(-1)!)),
      `${responderOf(first)} answered IKE_AUTH of ${initiatorOf(first)}${often}, but neither traffic nor another exchange followed: it probably refused.`,
    );
  }
}

/** Nothing came of it although there was time, or the initiator began anew. A capture that simply ends proves nothing. */
function isDeadEnd({ report, flowsOf, ikeSasOf }: Scene, sa: IkeSaReport): boolean {
  if (sa.version !== 2 || sa.state !== 'encrypted' || sa.exchangesOmitted > 0 || sa.keepalives > 0)
    return false;
  if ((onlyAnswerBytes(sa) ?? LEAST_WITH_CHILD) < LEAST_WITH_CHILD) return false;
  const { request, response } = sa.exchanges.at(-1) ?? {};
  if (response === undefined || response.icv === 'bad' || !isWhole(response)) return false;
  if (!sa.exchanges.every(({ exchange }) => OPENING.has(exchange))) return false;
  const answered = response.frames.at(-1) ?? 0;
  if (request?.retransmissionFrames.some((frame) => frame > answered)) return false;
  const next = ikeSasOf(sa.initiator, sa.responder).find(
    (other) => other.first.frame > answered && initiatorOf(other) === initiatorOf(sa),
  );
  if (next === undefined && secondsToEnd(report, response.time) < SILENCE_SECONDS) return false;
  return !flowsOf(sa.initiator, sa.responder).some(
    ({ first, last }) => last.frame > answered && (next === undefined || first.frame < next.first.frame),
  );
}

function isWhole({ fragments }: MessageReport): boolean {
  return fragments === undefined || fragments.seen.length >= fragments.total;
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
