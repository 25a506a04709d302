import type { DescribedPayload } from '../types.js';
import type { NatHashes } from './nat.js';
import { list, record, text } from './reading.js';
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
export const LIMITS = { payloads: 64, proposals: 32, transforms: 64, items: 32, certificates: 8 };

/** Takes one payload into the content. The first payload of its kind counts where there should be one. */
export type PayloadReader = (content: MessageContent, payload: DescribedPayload) => void;

/** Reads the payloads that could be parsed, by their type's reader. */
export function readPayloads(
  payloads: readonly DescribedPayload[],
  readers: Readonly<Record<string, PayloadReader>>,
): MessageContent {
  const content: MessageContent = { payloads: [] };
  for (const payload of payloads) {
    if (content.payloads.length < LIMITS.payloads) content.payloads.push(payload.type);
    if (payload.error === undefined) readers[payload.type]?.(content, payload);
  }
  return content;
}

/** Adds to a bounded list, which may not exist yet. */
export function added<T>(items: T[] | undefined, item: T, most: number = LIMITS.items): T[] {
  if (items === undefined) return [item];
  if (items.length < most) items.push(item);
  return items;
}

/** The names of vendor ids, or their beginnings in hexadecimal. */
export const readVendor: PayloadReader = (content, { fields }) => {
  content.vendorIds = added(content.vendorIds, text(fields.name) || text(fields.data));
};

export function identityOf({ fields }: DescribedPayload): IdentityReport {
  return { type: text(fields.idType), value: text(fields.identity) };
}

export const readCertificate: PayloadReader = (content, { fields }) => {
  addCertificate(content, fields.certificate);
};

/** Takes the summary of a certificate; nothing for bytes that are none. */
export function addCertificate(content: MessageContent, value: unknown): void {
  const summary = record(value);
  if (summary.subject === undefined) return;
  const { extendedKeyUsage, publicKeySha1 } = summary;
  const certificate: CertificateReport = {
    subject: text(summary.subject),
    issuer: text(summary.issuer),
    names: list(summary.subjectAltNames, LIMITS.items).map(text),
    notBefore: text(summary.notBefore),
    notAfter: text(summary.notAfter),
    key: [summary.keyType, summary.curve ?? summary.keyBits].filter(Boolean).map(text).join(' '),
    ca: summary.ca === true,
    ...(extendedKeyUsage !== undefined && {
      extendedKeyUsage: list(extendedKeyUsage, LIMITS.items).map(text),
    }),
    ...(publicKeySha1 !== undefined && { publicKeySha1: text(publicKeySha1) }),
  };
  if (summary.signatureAlgorithm !== undefined) certificate.signature = text(summary.signatureAlgorithm);
  content.certificates = added(content.certificates, certificate, LIMITS.certificates);
}

/** A Configuration payload of either version. */
export const readConfiguration: PayloadReader = (content, { fields }) => {
  const attributes = list(fields.attributes, LIMITS.items).map((attribute) => {
    const { type, value } = record(attribute);
    return typeof value === 'string' || typeof value === 'number'
      ? `${text(type)} ${text(value)}`
      : text(type);
  });
  content.configuration ??= { type: text(fields.cfgType), attributes };
};
