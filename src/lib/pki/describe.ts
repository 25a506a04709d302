import { printable } from '../core/printable.js';
import {
  CERT_SCHEMA,
  type CertAction,
  type CertificateReport,
  type CertReport,
  type CrlReport,
  type RequestReport,
} from '../report/cert.schema.js';
import { type Certificate, certificateName, fingerprint, nameText } from './certificate.js';
import { APPLE_DAYS } from './clients.js';
import type { Crl } from './crl.js';
import { formatGeneralName } from './general-name.js';
import { describeKey, keyWeakness } from './keys.js';
import { sameName } from './names.js';
import { ExtendedKeyUsage, usageName } from './oids.js';
import { dateText, daysBetween, type Problem, problem } from './problem.js';
import type { SigningRequest } from './request.js';
import { isWeakSignature } from './signatures.js';

/** A report with nothing in it yet. */
export function emptyReport(command: CertAction): CertReport {
  return {
    schema: CERT_SCHEMA,
    command,
    ok: true,
    certificates: [],
    requests: [],
    crls: [],
    keys: [],
    files: [],
    problems: [],
    warnings: [],
    next: [],
  };
}

export function describeCertificate(certificate: Certificate): CertificateReport {
  const { nameConstraints, pathLength } = certificate;
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    serial: certificate.serial,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    names: certificate.subjectAltNames.map(formatGeneralName),
    key: certificate.publicKey ? describeKey(certificate.publicKey).text : 'unknown',
    signatureAlgorithm: certificate.signatureAlgorithm.name,
    ca: certificate.ca,
    selfSigned: sameName(certificate.subject, certificate.issuer),
    ...(pathLength !== undefined && { pathLength }),
    permitted: nameConstraints?.permitted.map(formatGeneralName) ?? [],
    excluded: nameConstraints?.excluded.map(formatGeneralName) ?? [],
    keyUsage: [...(certificate.keyUsage ?? [])],
    extendedKeyUsage: (certificate.extendedKeyUsage ?? []).map(usageName),
    crlUrls: certificate.crlUrls.map(printable),
    sha256: fingerprint(certificate),
  };
}

export function describeRequest(request: SigningRequest): RequestReport {
  return {
    subject: nameText(request.subject),
    names: request.subjectAltNames.map(formatGeneralName),
    key: describeKey(request.publicKey).text,
    extendedKeyUsage: (request.extendedKeyUsage ?? []).map(usageName),
  };
}

export function describeCrl({ issuer, number, thisUpdate, nextUpdate, revoked }: Crl): CrlReport {
  return {
    issuer: nameText(issuer),
    ...(number !== undefined && { number }),
    thisUpdate: thisUpdate.toISOString(),
    ...(nextUpdate !== undefined && { nextUpdate: nextUpdate.toISOString() }),
    revoked: [...revoked.values()].map(({ serial, date, reason }) => ({
      serial,
      date: date.toISOString(),
      reason,
    })),
  };
}

/** Days before its end from which on a certificate is said to end soon. */
const SOON_DAYS = 30;

/** What is worth saying about a certificate whoever uses it: lengths, ends, weaknesses. */
export function certificateWarnings(certificate: Certificate, now: number): Problem[] {
  const { notBefore, notAfter, publicKey, signatureAlgorithm, ca } = certificate;
  const name = certificateName(certificate);
  const weakness = publicKey && keyWeakness(describeKey(publicKey));
  const server = certificate.extendedKeyUsage?.includes(ExtendedKeyUsage.serverAuth) ?? false;
  const left = daysBetween(now, notAfter);
  const length = Math.ceil((Number(notAfter) - Number(notBefore)) / 86_400_000);
  return [
    ...(now > notAfter.getTime() ? [problem('W_EXPIRED', `${name} expired on ${dateText(notAfter)}.`)] : []),
    ...(now < notBefore.getTime()
      ? [problem('W_NOT_YET_VALID', `${name} is valid from ${dateText(notBefore)} on, not yet.`)]
      : []),
    ...(now <= notAfter.getTime() && left < SOON_DAYS && left < length / 3
      ? [problem('W_EXPIRES_SOON', `${name} expires on ${dateText(notAfter)}.`)]
      : []),
    ...(server && !ca && length > APPLE_DAYS
      ? [
          problem(
            'W_TOO_LONG_FOR_APPLE',
            `${name} is valid for ${length} days; Apple's systems refuse gateways with more than ${APPLE_DAYS}.`,
          ),
        ]
      : []),
    ...(weakness === undefined ? [] : [problem('W_WEAK_KEY', `The key of ${name} is weak: ${weakness}.`)]),
    ...(isWeakSignature(signatureAlgorithm)
      ? [
          problem(
            'W_WEAK_SIGNATURE',
            `${name} is signed with ${signatureAlgorithm.name}, whose hash is broken.`,
          ),
        ]
      : []),
    ...(!ca && certificate.subjectAltNames.length === 0
      ? [problem('W_NO_SAN', `${name} has no subjectAltName; most clients compare nothing else.`)]
      : []),
  ];
}
