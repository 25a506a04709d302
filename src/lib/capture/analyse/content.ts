import type { DescribedPayload } from '../types.js';
import type { NatHashes } from './nat.js';
import { list, noNothing, record, text } from './reading.js';
import type { CertificateReport, IdentityReport, MessageReport } from './types.js';

/** What a message says, without its transmissions. */
export type MessageContent = Omit<
  MessageReport,
  | 'frames'
  | 'time'
  | 'src'
  | 'dst'
  | 'length'
  | 'readable'
  | 'icv'
  | 'retransmissions'
  | 'retransmissionFrames'
  | 'fragments'
> & { natHashes?: NatHashes };

/** What is kept of one message. A message of 64 KiB can say more; nobody reads it. */
export const LIMITS = { payloads: 64, proposals: 32, transforms: 64, items: 32, text: 512 };

/** The payloads of a type that could be parsed, so many as are kept. */
export function of(payloads: readonly DescribedPayload[], type: string): DescribedPayload[] {
  const found: DescribedPayload[] = [];
  for (const payload of payloads) {
    if (payload.type === type && payload.error === undefined) found.push(payload);
    if (found.length === LIMITS.items) break;
  }
  return found;
}

export function one(payloads: readonly DescribedPayload[], type: string): DescribedPayload | undefined {
  return payloads.find((payload) => payload.type === type && payload.error === undefined);
}

export function identityOf(id: DescribedPayload | undefined): IdentityReport | undefined {
  return id && { type: text(id.fields.idType), value: text(id.fields.identity) };
}

export function certificatesOf(payloads: readonly DescribedPayload[]): CertificateReport[] | undefined {
  const found = of(payloads, 'CERT')
    .map(({ fields }) => record(fields.certificate))
    .filter((certificate) => certificate.subject !== undefined)
    .slice(0, 8)
    .map((certificate) =>
      noNothing({
        subject: text(certificate.subject),
        names: list(certificate.subjectAltNames, LIMITS.items).map(text),
        notBefore: text(certificate.notBefore),
        notAfter: text(certificate.notAfter),
        key: [certificate.keyType, certificate.curve ?? certificate.keyBits]
          .filter(Boolean)
          .map(text)
          .join(' '),
        signature:
          certificate.signatureAlgorithm === undefined ? undefined : text(certificate.signatureAlgorithm),
      }),
    );
  return found.length > 0 ? found : undefined;
}

/** Of a Configuration payload of either version. */
export function configurationOf(cp: DescribedPayload | undefined): MessageReport['configuration'] {
  if (cp === undefined) return undefined;
  const attributes = list(cp.fields.attributes, LIMITS.items).map((attribute) => {
    const { type, value } = record(attribute);
    return typeof value === 'string' || typeof value === 'number' ? `${text(type)} ${value}` : text(type);
  });
  return { type: text(cp.fields.cfgType), attributes };
}
