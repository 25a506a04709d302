import { usageName } from '../../../pki/oids.js';
import { acceptedUsages, type Purpose } from '../../../pki/usage.js';
import { addressOf } from '../evidence.js';
import type { CertificateReport, IdentityReport, IkeSaReport, MessageReport, Role } from '../types.js';
import { enumerate } from '../words.js';
import { type Emit, findingGroup } from './group.js';
import { messagesIn } from './queries.js';

const kinds = {
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
  'certificate-usage': {
    severity: 'medium',
    summary: 'The extended key usages of a certificate do not allow what it was used for.',
    advice:
      'Issue it again: a gateway with serverAuth, a client with clientAuth (ipsec-kit cert issue --server or --client), or without extended key usages.',
  },
  'certificate-without-server-auth': {
    severity: 'info',
    summary: 'The certificate of a gateway lacks the extended key usage serverAuth.',
    advice:
      'Windows and Apple ask for it: issue the certificate again with serverAuth (ipsec-kit cert issue).',
  },
} as const;

type Id = keyof typeof kinds;

/** What the certificates say that the peers showed. */
export const certificates = findingGroup('certificates', kinds, ({ report }, emit) => {
  for (const sa of report.ikeSas) findCertificates(sa, emit);
});

function findCertificates(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const { message, exchange, from } of messagesIn(sa)) {
    const [own] = message.certificates ?? [];
    const identity = message === exchange.response ? message.idR : (message.idI ?? message.idR);
    if (own !== undefined && identity !== undefined) checkIdentity(message, identity, own, emit);
    if (own !== undefined && sa.version === 2) checkUsage(message, own, from, emit);
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

const names: Readonly<Record<Role, readonly [Exclude<Purpose, 'any'>, string]>> = {
  initiator: ['client', 'a client'],
  responder: ['server', 'a gateway'],
};

/** A certificate without extended key usages is good for everything (RFC 4945 5.1.3.12). */
function checkUsage(
  message: MessageReport,
  { subject, extendedKeyUsage }: CertificateReport,
  from: Role,
  emit: Emit<Id>,
): void {
  const [purpose, who] = names[from];
  const usages = extendedKeyUsage ?? [];
  const whose = `The certificate '${subject ?? ''}' of ${addressOf(message.src)}`;
  const fits = usages.some((usage) => acceptedUsages(purpose).map(usageName).includes(usage));
  if (extendedKeyUsage !== undefined && !fits) {
    const has = usages.length === 0 ? 'there are none' : `they are ${enumerate(usages)}`;
    emit(
      'certificate-usage',
      [message.frames],
      `${whose} is not for ${who} by its extended key usages: ${has}.`,
    );
  } else if (from === 'responder' && !usages.includes('serverAuth')) {
    emit('certificate-without-server-auth', [message.frames], `${whose} has no serverAuth.`);
  }
}
