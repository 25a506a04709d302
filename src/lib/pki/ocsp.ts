import { createHash } from 'node:crypto';
import { type AsnType, Enumerated, GeneralizedTime, ObjectIdentifier, OctetString } from 'asn1js';
import { BasicOCSPResponse, type Extension, RelativeDistinguishedNames, type SingleResponse } from 'pkijs';
import { attempt, contents, elements, encode, malformed, parseDer, rawBytes } from './asn1.js';
import { type Certificate, isSignedBy, parseCertificate, serialText, signatureBytes } from './certificate.js';
import { isCostlyKey } from './costly-key.js';
import { describeKey, keyIdentifier, keyWeakness } from './keys.js';
import { sameName } from './names.js';
import { ExtendedKeyUsage } from './oids.js';
import {
  isWeakSignature,
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  verifySignature,
} from './signatures.js';

/** What a responder says about one certificate (RFC 6960 4.2.1). */
export interface OcspEntry {
  /** node:crypto's name of the CertID's hash; undefined for one that is not known here. */
  hash: string | undefined;
  issuerNameHash: Uint8Array;
  issuerKeyHash: Uint8Array;
  /** Hexadecimal, as in {@link Certificate}. */
  serial: string;
  status: 'good' | 'revoked' | 'unknown';
  revokedAt: Date | undefined;
  thisUpdate: Date;
  nextUpdate: Date | undefined;
}

/** An OCSP response as read; nothing in it has been verified. */
export interface OcspResponse {
  der: Uint8Array;
  toBeSigned: Uint8Array;
  /** Who signed: DER of a name, or SHA-1 of a public key's bits. */
  responder: { name: Uint8Array } | { keyHash: Uint8Array };
  entries: OcspEntry[];
  signatureAlgorithm: SignatureAlgorithm;
  signature: Uint8Array;
  /** What came along to verify it with. */
  certificates: Certificate[];
}

const what = 'The OCSP response';
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';

/** No response about a certificate or two comes near. */
const MAX_RESPONSE = 64 << 10;
const MAX_ENTRIES = 32;
const MAX_CERTIFICATES = 4;

/** Hashes of CertIDs. */
const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/**
 * Reads a DER OCSPResponse with a basic response inside.
 * @throws KitError `E_CERT_FORMAT`, also for one that only says why there is no answer, and for one with critical
 *   extensions, none of which is understood here
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  if (der.length > MAX_RESPONSE) throw malformed(what);
  return attempt(what, () => {
    const block = parseDer(basicResponse(der), what);
    const [data, , , certificates] = elements(block, what);
    const structure = new BasicOCSPResponse({ schema: block });
    const { responderID, responses, responseExtensions } = structure.tbsResponseData;
    if (data === undefined || responses.length > MAX_ENTRIES) throw malformed(what);
    refuseCritical(responseExtensions);
    return {
      der: Uint8Array.from(der),
      toBeSigned: rawBytes(data),
      responder: readResponder(responderID),
      entries: responses.map(readEntry),
      signatureAlgorithm: readSignatureAlgorithm(structure.signatureAlgorithm),
      signature: signatureBytes(structure.signature),
      certificates: readCertificates(certificates),
    };
  });
}

/** OCSPResponse: the status, which has to be "successful", and [0] with the type and its bytes. */
function basicResponse(der: Uint8Array): Uint8Array {
  const [status, tagged] = elements(parseDer(der, what), what);
  if (!(status instanceof Enumerated) || status.valueBlock.valueDec !== 0) throw malformed(what);
  const [type, bytes] = elements(elements(tagged, what)[0], what);
  if (!(type instanceof ObjectIdentifier) || type.getValue() !== BASIC_RESPONSE) throw malformed(what);
  if (!(bytes instanceof OctetString)) throw malformed(what);
  return contents(bytes, what);
}

function readResponder(id: unknown): OcspResponse['responder'] {
  if (id instanceof RelativeDistinguishedNames) return { name: encode(id.toSchema()) };
  if (id instanceof OctetString) return { keyHash: contents(id, what) };
  throw malformed(what);
}

function readCertificates(tagged: AsnType | undefined): Certificate[] {
  if (tagged === undefined) return [];
  const list = elements(elements(tagged, what)[0], what);
  if (list.length > MAX_CERTIFICATES) throw malformed(what);
  return list.map(rawBytes).map(parseCertificate);
}

function readEntry(response: SingleResponse): OcspEntry {
  const { certID, certStatus, thisUpdate, nextUpdate, singleExtensions } = response;
  refuseCritical(singleExtensions);
  const tag = (certStatus as AsnType).idBlock.tagNumber;
  const [revokedAt] = tag === 1 ? elements(certStatus, what) : [];
  return {
    hash: hashes[certID.hashAlgorithm.algorithmId],
    issuerNameHash: contents(certID.issuerNameHash, what),
    issuerKeyHash: contents(certID.issuerKeyHash, what),
    serial: serialText(certID.serialNumber),
    status: tag === 0 ? 'good' : tag === 1 ? 'revoked' : 'unknown',
    revokedAt: revokedAt instanceof GeneralizedTime ? validDate(revokedAt.toDate()) : undefined,
    thisUpdate: validDate(thisUpdate),
    nextUpdate: nextUpdate && validDate(nextUpdate),
  };
}

function validDate(date: Date): Date {
  if (Number.isNaN(date.getTime())) throw malformed(what);
  return date;
}

function refuseCritical(extensions: readonly Extension[] = []): void {
  if (extensions.some(({ critical }) => critical)) throw malformed(what);
}

/** What a response says about a certificate, if it says anything at all. */
export interface OcspVerdict {
  /** `forged`: signed by nobody, or by somebody who may not answer for the CA. */
  status: 'good' | 'revoked' | 'unknown' | 'outdated' | 'forged';
  revokedAt?: Date | undefined;
  /** Whose word it is: the CA or its delegate; undefined when forged. */
  signer?: Certificate;
}

/** Without a next update newer word may come at any time (RFC 6960 4.2.2.1), so what was stapled is soon old. */
const MAX_AGE_MS = 86_400_000;

/**
 * What a response says about a certificate (RFC 6960 3.2).
 * @param issuer the CA that issued the certificate, verified as such
 * @returns undefined when it is about other certificates
 */
export function ocspVerdict(
  response: OcspResponse,
  certificate: Certificate,
  issuer: Certificate,
  { now, skewMs = 0 }: { now: number; skewMs?: number | undefined },
): OcspVerdict | undefined {
  const entry = response.entries.find((each) => isAbout(each, certificate, issuer));
  if (entry === undefined) return undefined;
  const signer = signerFor(response, issuer, now, skewMs);
  if (signer === undefined) return { status: 'forged' };
  // That it was revoked once stays true, however old the word is.
  if (entry.status === 'revoked') return { status: 'revoked', revokedAt: entry.revokedAt, signer };
  const { thisUpdate, nextUpdate } = entry;
  const end = nextUpdate?.getTime() ?? thisUpdate.getTime() + MAX_AGE_MS;
  const current = now >= thisUpdate.getTime() - skewMs && now <= end + skewMs;
  return { status: current ? entry.status : 'outdated', signer };
}

function isAbout(entry: OcspEntry, certificate: Certificate, issuer: Certificate): boolean {
  const { hash, issuerNameHash, issuerKeyHash, serial } = entry;
  if (hash === undefined || serial !== certificate.serial) return false;
  const matches = (bytes: Uint8Array, expected: Uint8Array): boolean =>
    createHash(hash).update(bytes).digest().equals(expected);
  return matches(certificate.issuer, issuerNameHash) && matches(publicKeyBits(issuer.spki), issuerKeyHash);
}

/** What a CertID's key hash covers: the key without the algorithm, and without tag and length (RFC 6960 4.1.1). */
function publicKeyBits(spki: Uint8Array): Uint8Array {
  const [, bits] = elements(parseDer(spki, what), what);
  if (bits === undefined) throw malformed(what);
  return contents(bits, what);
}

/** RFC 6960 4.2.2.2: the CA itself, or whom the CA gave a certificate for just that. */
function signerFor(
  response: OcspResponse,
  issuer: Certificate,
  now: number,
  skewMs: number,
): Certificate | undefined {
  const { signatureAlgorithm, toBeSigned, signature } = response;
  const signer = [issuer, ...response.certificates].find((each) => isResponder(response, each));
  if (signer?.publicKey === undefined || isWeakSignature(signatureAlgorithm)) return undefined;
  if (signer !== issuer && !mayAnswerFor(signer, issuer, now, skewMs)) return undefined;
  return verifySignature(signatureAlgorithm, toBeSigned, signature, signer.publicKey) ? signer : undefined;
}

function isResponder({ responder }: OcspResponse, candidate: Certificate): boolean {
  return 'name' in responder
    ? sameName(responder.name, candidate.subject)
    : Buffer.from(keyIdentifier(candidate.spki)).equals(responder.keyHash);
}

function mayAnswerFor(delegate: Certificate, issuer: Certificate, now: number, skewMs: number): boolean {
  return (
    delegate.extendedKeyUsage?.includes(ExtendedKeyUsage.ocspSigning) === true &&
    (delegate.keyUsage === undefined || delegate.keyUsage.has('digitalSignature')) &&
    delegate.unknownCritical.length === 0 &&
    delegate.publicKey !== undefined &&
    !isCostlyKey(delegate.publicKey) &&
    keyWeakness(describeKey(delegate.publicKey)) === undefined &&
    now >= delegate.notBefore.getTime() - skewMs &&
    now <= delegate.notAfter.getTime() + skewMs &&
    sameName(delegate.issuer, issuer.subject) &&
    !isWeakSignature(delegate.signatureAlgorithm) &&
    isSignedBy(delegate, issuer)
  );
}
