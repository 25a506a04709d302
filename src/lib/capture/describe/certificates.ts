import { createHash, X509Certificate } from 'node:crypto';
import { toHex } from '../../core/bytes.js';
import { printable } from '../../core/printable.js';
import { usageName } from '../../pki/oids.js';
import { signatureAlgorithmName } from './algorithm-identifiers.js';

/** What a certificate says, for people; nothing in it has been verified. */
export interface CertificateSummary {
  subject: string;
  issuer: string;
  /** As OpenSSL writes them: `DNS:gw.example`, `IP Address:192.0.2.1`. */
  subjectAltNames: string[];
  serial: string;
  /** ISO 8601, UTC. */
  notBefore: string;
  notAfter: string;
  /** `rsa`, `ec`, `ed25519` … */
  keyType: string;
  /** Bits of an RSA or DSA modulus or of the order of a curve's field. */
  keyBits?: number;
  /** Name of the curve of an EC key. */
  curve?: string;
  signatureAlgorithm?: string;
  ca: boolean;
  /** Names of the extended key usages; absent where the extension is. */
  extendedKeyUsage?: string[];
  sha256: string;
  /** SHA-1 of the public key, by which certificate requests name a CA (RFC 7296 3.7). */
  publicKeySha1?: string;
}

/** No certificate in the field comes near; parsing bigger ones would only serve an attacker. */
const MAX_BYTES = 64 * 1024;

/** Summarises a DER certificate. @returns `{ error }` for bytes that are none */
export function summarise(der: Uint8Array): CertificateSummary | { error: string } {
  if (der.length > MAX_BYTES) return { error: `a certificate of ${der.length} bytes is not parsed` };
  try {
    return summary(new X509Certificate(der), der);
  } catch (error) {
    return { error: `not an X.509 certificate: ${printable(error instanceof Error ? error.message : '')}` };
  }
}

function summary(certificate: X509Certificate, der: Uint8Array): CertificateSummary {
  const signatureAlgorithm = signatureAlgorithmName(certificateAlgorithm(der));
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    subjectAltNames: alternativeNames(certificate.subjectAltName ?? ''),
    serial: certificate.serialNumber.toLowerCase(),
    notBefore: isoDate(certificate.validFrom),
    notAfter: isoDate(certificate.validTo),
    ...keyOf(certificate),
    ...(signatureAlgorithm !== undefined && { signatureAlgorithm }),
    ca: certificate.ca,
    // Node.js calls the extended key usages so.
    ...(certificate.keyUsage && { extendedKeyUsage: certificate.keyUsage.map(usageName) }),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

const curveBits: Readonly<Record<string, number>> = {
  prime256v1: 256,
  secp384r1: 384,
  secp521r1: 521,
  ed25519: 256,
  x25519: 256,
  ed448: 456,
  x448: 448,
};

function keyOf(
  certificate: X509Certificate,
): Pick<CertificateSummary, 'keyType' | 'keyBits' | 'curve' | 'publicKeySha1'> {
  try {
    const { publicKey } = certificate;
    const { asymmetricKeyType = 'unknown', asymmetricKeyDetails } = publicKey;
    const curve = asymmetricKeyDetails?.namedCurve;
    const digits = /(\d{3})/.exec(curve ?? '')?.[1];
    const keyBits =
      asymmetricKeyDetails?.modulusLength ??
      curveBits[curve ?? asymmetricKeyType] ??
      (digits === undefined ? undefined : Number(digits));
    return {
      keyType: asymmetricKeyType,
      ...(keyBits !== undefined && { keyBits }),
      ...(curve !== undefined && { curve }),
      publicKeySha1: createHash('sha1')
        .update(publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex'),
    };
  } catch {
    return { keyType: 'unknown' };
  }
}

/** Node.js joins the names with commas and quotes those that contain one, so that no name can pose as two. */
function alternativeNames(joined: string): string[] {
  const names = joined.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  return names.map((name) => printable(name.trim()));
}

/** OpenSSL puts one attribute on a line. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').filter(Boolean).map(printable).join(', ');
}

function isoDate(value: string): string {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? printable(value) : date.toISOString();
}

/** The signatureAlgorithm of Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, … } (RFC 5280 4.1). */
function certificateAlgorithm(der: Uint8Array): Uint8Array {
  const outer = contents(der, 0);
  const tbs = outer && contents(der, outer.start);
  return tbs === undefined ? new Uint8Array(0) : der.subarray(tbs.end);
}

/** Where the value of the DER element at an offset begins and ends. */
function contents(der: Uint8Array, at: number): { start: number; end: number } | undefined {
  const first = der[at + 1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count === 0 || count > 4) return undefined;
  const length = Number.parseInt(toHex(der.subarray(at + 2, at + 2 + count)), 16);
  return { start: at + 2 + count, end: at + 2 + count + length };
}
