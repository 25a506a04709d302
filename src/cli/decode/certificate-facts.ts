import { messagesOf } from '../../lib/capture/analyse/ike-outcome.js';
import type { CertificateReport, IkeSaReport, Role } from '../../lib/capture/analyse/types.js';
import { countText } from './words.js';

/** What each side showed, its own certificate first, and which CAs it asked for. */
export function certificateFacts(sa: IkeSaReport): [string, string][] {
  const messages = sa.exchanges.flatMap(messagesOf);
  const known = new Map<string, string>();
  for (const { message } of messages) {
    for (const { publicKeySha1, subject } of message.certificates ?? []) {
      if (publicKeySha1 !== undefined && subject !== undefined) known.set(publicKeySha1, subject);
    }
  }
  return ROLES.flatMap((role) => {
    const own = messages.filter(({ from }) => from === role).map(({ message }) => message);
    const shown = own.find(({ certificates = [] }) => certificates.length > 0)?.certificates ?? [];
    const asked = own.find(({ authorities = [] }) => authorities.length > 0)?.authorities ?? [];
    const facts: [string, string][] = shown.map((certificate, at) => [
      at === 0 ? `${role === 'initiator' ? '→' : '←'} certificate` : '',
      certificateText(certificate),
    ]);
    if (asked.length === 0) return facts;
    const names = asked.map((hash) => known.get(hash)).filter((name) => name !== undefined);
    const unknown = countText(asked.length - names.length, 'CA');
    const which = [...names, ...(asked.length > names.length ? [`${unknown} not shown here`] : [])].join(
      ' and ',
    );
    facts.push([`${role === 'initiator' ? '→' : '←'} trusts`, which]);
    return facts;
  });
}

const ROLES: readonly Role[] = ['initiator', 'responder'];

function certificateText(certificate: CertificateReport): string {
  const { subject, issuer, names, key, notBefore, notAfter, ca } = certificate;
  const self = issuer !== undefined && issuer === subject;
  return [
    `${ca ? 'CA ' : ''}${subject ?? 'without subject'}`,
    ...(names.length > 0 ? [names.join(', ')] : []),
    ...(issuer === undefined ? [] : [self ? 'signed by itself' : `issued by ${issuer}`]),
    ...(key === undefined ? [] : [key]),
    ...(notBefore === undefined || notAfter === undefined
      ? []
      : [`valid ${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}`]),
  ].join('; ');
}
