import { methodWords } from '../story.js';
import type { CertificateReport, IdentityReport, IkeSaReport, MessageReport } from '../types.js';
import { enumerate, hasNotify } from '../words.js';
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
  'eap-failed': {
    severity: 'high',
    summary: 'EAP ended with Failure: user name or password were wrong, or the method was not accepted.',
    advice:
      'Check the user name (with or without domain) and password, the EAP method of both sides, and the log of the RADIUS server if there is one.',
  },
  'identity-differs': {
    severity: 'medium',
    summary: 'The responder gave another identity than the initiator asked for.',
    advice:
      'Make them agree (initiator: strongSwan remote.id, libreswan rightid; responder: local.id, leftid). Many initiators refuse the connection otherwise.',
  },
  'identity-not-in-certificate': {
    severity: 'medium',
    summary:
      'An identity is not among the subject alternative names of the certificate that should prove it.',
    advice:
      'Issue the certificate with the identity as subject alternative name, or use a name the certificate has as identity. A client that dials a name needs the name, one that dials an address needs the address (Windows: as DNS name, too).',
  },
  'certificate-expired': {
    severity: 'high',
    summary: 'A certificate was used before or after its validity.',
    advice: 'Renew the certificate; if it should be valid, check the clocks of both sides.',
  },
  'certificate-weak': {
    severity: 'medium',
    summary: 'A certificate has a short key or a broken signature algorithm.',
    advice:
      'Issue one with ECDSA P-256 or better, or RSA of at least 2048 bits, signed with SHA-256 or better (RFC 8247 section 3.1).',
  },
} as const;

type Id = keyof typeof kinds;

/** Who the peers are, and whether the other believes it. */
export const authentication = findingGroup('authentication', kinds, ({ report }, emit) => {
  for (const sa of report.ikeSas) {
    if (sa.version === 2) {
      findFailure(sa, emit);
      findShortAnswer(sa, emit);
      findEapFailure(sa, emit);
      findOtherIdentity(sa, emit);
    }
    findCertificates(sa, emit);
  }
});

function findFailure(sa: IkeSaReport, emit: Emit<Id>): void {
  const refused = messagesIn(sa).find(({ message }) => hasNotify(message, 'AUTHENTICATION_FAILED'));
  if (refused === undefined) return;
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
  const method = sa.authMethods.initiator ?? sa.authMethods.responder;
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
      : undefined,
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

function findEapFailure(sa: IkeSaReport, emit: Emit<Id>): void {
  const auth = exchangesNamed(sa, 'IKE_AUTH');
  const failed = auth.find(({ response }) => response?.eap?.code === 'Failure');
  if (failed === undefined) return;
  const messages = auth.flatMap(({ request, response }) => [request?.eap, response?.eap]);
  const identity = messages.find((eap) => eap?.identity !== undefined)?.identity;
  const method = messages.findLast((eap) => eap?.type !== undefined && eap.type !== 'Identity')?.type;
  emit(
    'eap-failed',
    [framesOf(failed)],
    `${answerer(failed)} ended ${method ?? 'EAP'} with Failure${identity === undefined ? '' : ` for the user '${identity}'`}.`,
  );
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

function findCertificates(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const { message, exchange } of messagesIn(sa)) {
    const [own] = message.certificates ?? [];
    const identity = message === exchange.response ? message.idR : (message.idI ?? message.idR);
    if (own !== undefined && identity !== undefined) checkIdentity(message, identity, own, emit);
    for (const certificate of message.certificates ?? []) {
      checkValidity(message, certificate, emit);
      checkStrength(message, certificate, emit);
    }
  }
}

const nameKinds: Readonly<Record<string, string>> = {
  ID_FQDN: 'DNS',
  ID_RFC822_ADDR: 'email',
  ID_USER_FQDN: 'email',
  ID_IPV4_ADDR: 'IP Address',
  ID_IPV6_ADDR: 'IP Address',
};

/** A distinguished name is compared with the subject by implementations themselves, in too many ways to second-guess. */
function checkIdentity(
  message: MessageReport,
  identity: IdentityReport,
  own: CertificateReport,
  emit: Emit<Id>,
): void {
  const kind = nameKinds[identity.type];
  if (kind === undefined) return;
  const wanted = bare(identity.value);
  if (own.names.some((name) => covers(name, kind, wanted))) return;
  const names = own.names.length === 0 ? 'it has none' : `it has ${enumerate(own.names)}`;
  emit(
    'identity-not-in-certificate',
    [message.frames],
    `The identity '${identity.value}' of ${message.src} is not among the subject alternative names of its certificate (${own.subject ?? 'no subject'}): ${names}.`,
  );
}

/** Without the marks of strongSwan's notation. */
function bare(value: string): string {
  return value.replace(/^(fqdn:|email:|ipv[46]:)?@{0,2}/, '').toLowerCase();
}

function covers(name: string, kind: string, wanted: string): boolean {
  const [nameKind = '', ...rest] = name.split(':');
  const value = rest.join(':').trim().toLowerCase();
  if (nameKind !== kind) return false;
  if (kind === 'IP Address') return value === wanted || expand(value) === expand(wanted);
  if (kind === 'DNS' && value.startsWith('*.')) return wanted.slice(wanted.indexOf('.')) === value.slice(1);
  return value === wanted;
}

/** OpenSSL writes IPv6 addresses without `::`. */
function expand(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = (text: string | undefined) => (text ? text.split(':') : []);
  const [front, back] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  return [...front, ...Array<string>(zeros).fill('0'), ...back]
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

function checkValidity(
  message: MessageReport,
  { subject, notBefore, notAfter }: CertificateReport,
  emit: Emit<Id>,
): void {
  const when = Date.parse(`${message.time.slice(0, 19)}Z`);
  const whose = `The certificate '${subject ?? ''}' of ${message.src}`;
  if (notAfter !== undefined && Date.parse(notAfter) < when) {
    emit('certificate-expired', [message.frames], `${whose} expired on ${notAfter}.`);
  } else if (notBefore !== undefined && Date.parse(notBefore) > when) {
    emit('certificate-expired', [message.frames], `${whose} is valid only from ${notBefore} on.`);
  }
}

function checkStrength(
  message: MessageReport,
  { subject, key, signature }: CertificateReport,
  emit: Emit<Id>,
): void {
  const bits = /^rsa\S* (\d+)$/i.exec(key ?? '')?.[1];
  const short = bits !== undefined && Number(bits) < 2048;
  const broken = /md5|md2|sha-?1(?!\d)/i.test(signature ?? '');
  if (!short && !broken) return;
  const reasons = [short ? `an RSA key of ${bits} bits` : '', broken ? `a signature with ${signature}` : ''];
  emit(
    'certificate-weak',
    [message.frames],
    `The certificate '${subject ?? ''}' of ${message.src} has ${enumerate(reasons.filter(Boolean))}.`,
  );
}
