import { type KeyObject, randomBytes } from 'node:crypto';
import { Integer } from 'asn1js';
import {
  Certificate as CertificateStructure,
  type Extension,
  Extensions,
  PublicKeyInfo,
  RelativeDistinguishedNames,
  Time,
} from 'pkijs';
import { encode, parseDer } from './asn1.js';
import { type Certificate, type NameConstraints, parseCertificate } from './certificate.js';
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoint,
  extendedKeyUsage,
  keyUsage,
  nameConstraints,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.js';
import type { GeneralName } from './general-name.js';
import { keyIdentifier, spkiOf } from './keys.js';
import { ExtendedKeyUsage } from './oids.js';
import { signatureAlgorithmFor, signStructure } from './signatures.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** When a certificate begins and ends to be valid. */
export interface Validity {
  notBefore: Date;
  notAfter: Date;
}

/**
 * A validity of so many days in all, the first hour of it in the past, because clocks of clients differ. Whole
 * seconds: certificates know no smaller ones (RFC 5280 4.1.2.5).
 */
export function validityOf(days: number, now: number): Validity {
  const start = Math.floor((now - HOUR_MS) / 1000) * 1000;
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY_MS - 1000) };
}

/** Who signs. */
export interface Issuer {
  certificate: Certificate;
  key: KeyObject;
}

interface Common {
  /** DER of the subject's name. */
  subject: Uint8Array;
  validity: Validity;
  crlUrl?: string | undefined;
}

export interface CaRequest extends Common {
  key: KeyObject;
  /** An RSA key signs with RSASSA-PSS, as all that the CA issues will be. */
  rsaPss?: boolean | undefined;
  pathLength?: number | undefined;
  nameConstraints?: NameConstraints | undefined;
}

export interface EndEntityRequest extends Common {
  spki: Uint8Array;
  subjectAltNames: readonly GeneralName[];
  server: boolean;
  client: boolean;
}

/** Makes a root CA's certificate. */
export function selfSignedCa(request: CaRequest): Certificate {
  const spki = spkiOf(request.key);
  const signer = { key: request.key, rsaPss: request.rsaPss ?? false };
  return build(request, spki, request.subject, signer, caExtensions(request, spki, spki));
}

/** Makes an intermediate CA's certificate. */
export function intermediateCa(
  request: Omit<CaRequest, 'key' | 'rsaPss'> & { spki: Uint8Array },
  issuer: Issuer,
): Certificate {
  const extensions = caExtensions(request, request.spki, issuer.certificate.spki);
  return build(request, request.spki, issuer.certificate.subject, signerOf(issuer), extensions);
}

/** Makes the certificate of a gateway or a client. */
export function issueEndEntity(request: EndEntityRequest, issuer: Issuer): Certificate {
  const extensions = [
    basicConstraints(false),
    // RFC 4945 5.1.3.2: digitalSignature is what IKE needs, and so does TLS inside EAP since it agrees on keys by DH.
    keyUsage(['digitalSignature']),
    extendedKeyUsage(usagesOf(request)),
    subjectAltName(request.subjectAltNames, isEmptyName(request.subject)),
    ...keyExtensions(request, request.spki, issuer.certificate.spki),
  ];
  return build(request, request.spki, issuer.certificate.subject, signerOf(issuer), extensions);
}

/** What clients ask for: Windows and Apple serverAuth, old macOS and Windows servers ikeIntermediate. */
function usagesOf({ server, client }: { server: boolean; client: boolean }): string[] {
  return [
    ...(server ? [ExtendedKeyUsage.serverAuth] : []),
    ...(client ? [ExtendedKeyUsage.clientAuth] : []),
    ...(server ? [ExtendedKeyUsage.ikeIntermediate] : []),
  ];
}

function caExtensions(
  request: Omit<CaRequest, 'key'>,
  spki: Uint8Array,
  issuerSpki: Uint8Array,
): Extension[] {
  return [
    basicConstraints(true, request.pathLength),
    keyUsage(['keyCertSign', 'cRLSign']),
    ...(request.nameConstraints ? [nameConstraints(request.nameConstraints)] : []),
    ...keyExtensions(request, spki, issuerSpki),
  ];
}

function keyExtensions({ crlUrl }: Common, spki: Uint8Array, issuerSpki: Uint8Array): Extension[] {
  return [
    subjectKeyIdentifier(keyIdentifier(spki)),
    authorityKeyIdentifier(keyIdentifier(issuerSpki)),
    ...(crlUrl === undefined ? [] : [crlDistributionPoint(crlUrl)]),
  ];
}

function isEmptyName(name: Uint8Array): boolean {
  return name.length === 2;
}

/** How a CA signs: with RSASSA-PSS when it is signed so itself. */
export function signerOf({ key, certificate }: Issuer): { key: KeyObject; rsaPss: boolean } {
  return { key, rsaPss: certificate.signatureAlgorithm.family === 'rsa-pss' };
}

function build(
  { subject, validity }: Common,
  spki: Uint8Array,
  issuerName: Uint8Array,
  { key, rsaPss }: { key: KeyObject; rsaPss: boolean },
  extensions: Extension[],
): Certificate {
  const structure = new CertificateStructure({
    version: 2,
    serialNumber: new Integer({ valueHex: randomSerial() }),
    signature: signatureAlgorithmFor(key, rsaPss),
    issuer: nameStructure(issuerName),
    subject: nameStructure(subject),
    notBefore: timeOf(validity.notBefore),
    notAfter: timeOf(validity.notAfter),
    subjectPublicKeyInfo: new PublicKeyInfo({ schema: parseDer(spki, 'The public key') }),
    extensions: new Extensions({ extensions }).extensions,
  });
  return parseCertificate(signStructure(encode(structure.encodeTBS()), key, rsaPss));
}

/** 127 random bits, positive and not zero (RFC 5280 4.1.2.2 allows 20 octets; CAs must use at least 64 bits). */
export function randomSerial(): Uint8Array<ArrayBuffer> {
  const serial = Uint8Array.from(randomBytes(16));
  // A leading bit of 0 keeps it positive, the next one of 1 keeps its length.
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return serial;
}

/** RFC 5280 4.1.2.5: UTCTime up to the year 2049, GeneralizedTime from then on. */
export function timeOf(value: Date): Time {
  return new Time({ type: value.getUTCFullYear() >= 2050 ? 1 : 0, value });
}

/** A name for pkijs, byte for byte as it is. */
export function nameStructure(der: Uint8Array): RelativeDistinguishedNames {
  return new RelativeDistinguishedNames({ schema: parseDer(der, 'The name') });
}
