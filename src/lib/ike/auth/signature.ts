import { constants, type KeyObject, type SigningOptions, sign, verify } from 'node:crypto';
import { concatBytes, toHex } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import { authMethodName, hashAlgorithmName } from '../wire/names.js';
import {
  decodeAlgorithm,
  encodeAlgorithm,
  type SignatureScheme,
  schemeName,
} from './signature-algorithms.js';
import { HashId, type SignatureHash, signatureHash, signatureHashes } from './signature-hashes.js';
import type { AuthValue, RsaScheme, Signer } from './types.js';

export { announcedHashes, readSignatureHashes, signatureHashNotifyData } from './signature-hashes.js';

/** Authentication methods that sign (RFC 7296 3.8, RFC 4754 6, RFC 7427 7). */
export const SignatureMethod = {
  RSA: 1,
  ECDSA_256: 9,
  ECDSA_384: 10,
  ECDSA_521: 11,
  DIGITAL_SIGNATURE: 14,
} as const;

const methods: ReadonlySet<number> = new Set(Object.values(SignatureMethod));

/** Whether an AUTH payload's method is one that {@link verifySignature} reads. */
export function isSignatureMethod(method: number): boolean {
  return methods.has(method);
}

/** A curve with its method of RFC 4754 and the hash that goes with its size; `bytes` of r and of s. */
interface Curve {
  name: string;
  method: number;
  hash: number;
  bytes: number;
}

/** By node:crypto's names. */
const curves: Readonly<Record<string, Curve>> = {
  prime256v1: { name: 'P-256', method: SignatureMethod.ECDSA_256, hash: HashId.SHA2_256, bytes: 32 },
  secp384r1: { name: 'P-384', method: SignatureMethod.ECDSA_384, hash: HashId.SHA2_384, bytes: 48 },
  secp521r1: { name: 'P-521', method: SignatureMethod.ECDSA_521, hash: HashId.SHA2_512, bytes: 66 },
};

function curveOf(key: KeyObject): Curve | undefined {
  return curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
}

/** Which keys make which signatures. */
const keyTypes: Readonly<Record<SignatureScheme['type'], readonly (string | undefined)[]>> = {
  pkcs1: ['rsa'],
  pss: ['rsa', 'rsa-pss'],
  ecdsa: ['ec'],
  ed25519: ['ed25519'],
  ed448: ['ed448'],
};

export interface SignerOptions {
  /** Private: RSA, RSA-PSS, ECDSA on P-256, P-384 or P-521, Ed25519 or Ed448. */
  key: KeyObject;
  /** DER, our own first. */
  certificates: readonly Uint8Array[];
  /** For RSA keys and peers that know RFC 7427; undefined: what `sign` is told, else PSS. */
  rsaScheme?: RsaScheme | undefined;
  /** DER OCSP response for our own certificate, for peers that ask for it (RFC 4806). */
  ocspResponse?: Uint8Array | undefined;
}

/**
 * What signs AUTH with a private key. The method follows the peer: RFC 7427 for one that sent
 * SIGNATURE_HASH_ALGORITHMS, else the older methods, which for RSA means SHA-1 (RFC 7296 3.8).
 * @throws KitError usage `E_KEY_KIND` for a key of another kind
 */
export function createSigner(options: SignerOptions): Signer {
  const { key, certificates, ocspResponse } = options;
  const type = key.asymmetricKeyType;
  const known = type === 'ec' ? curveOf(key) !== undefined : Object.values(keyTypes).flat().includes(type);
  if (key.type !== 'private' || !known) {
    throw new KitError('usage', 'E_KEY_KIND', 'A key of this kind cannot sign for IKE.', {
      hint: 'Use RSA, ECDSA on P-256, P-384 or P-521, Ed25519 or Ed448.',
    });
  }
  return {
    certificates,
    ocspResponse,
    sign(octets, peerHashes, rsaScheme = 'pss') {
      if (peerHashes === undefined) return signAsBefore(key, octets);
      const scheme = chooseScheme(key, peerHashes, options.rsaScheme ?? rsaScheme);
      const algorithm = encodeAlgorithm(scheme);
      const signature = signWith(key, scheme, octets);
      const data = concatBytes(Uint8Array.of(algorithm.length), algorithm, signature);
      const method = SignatureMethod.DIGITAL_SIGNATURE;
      return { method, data, scheme: schemeText(scheme, key), sha1: false };
    },
  };
}

/** The first of a key's schemes whose hash the peer knows. SHA-1 never: RFC 8247 4.2 forbids it here. */
function chooseScheme(key: KeyObject, peerHashes: readonly number[], rsaScheme: RsaScheme): SignatureScheme {
  const type = key.asymmetricKeyType;
  if (type === 'ed25519' || type === 'ed448') {
    // RFC 8420 2: only for who knows the identity "hash".
    if (peerHashes.includes(HashId.IDENTITY)) return { type };
    throw noHash(key, peerHashes);
  }
  const hash = usableHashes(key).find(({ id }) => peerHashes.includes(id));
  if (hash === undefined) throw noHash(key, peerHashes);
  if (type === 'ec') return { type: 'ecdsa', hash };
  if (type === 'rsa' && rsaScheme === 'pkcs1') return { type: 'pkcs1', hash };
  return { type: 'pss', hash, saltLength: hash.bytes };
}

/**
 * Best first: for ECDSA the one of the curve's size, then the stronger ones, for RSA SHA-256. A key that its owner
 * restricted to RSA-PSS may be restricted to a hash and to a shortest salt, too (RFC 4055 1.2).
 */
function usableHashes(key: KeyObject): SignatureHash[] {
  const sha2 = signatureHashes.filter(({ id }) => id !== HashId.SHA1);
  const fit = curveOf(key)?.hash ?? HashId.SHA2_256;
  const ordered = [...sha2.filter(({ id }) => id >= fit), ...sha2.filter(({ id }) => id < fit).reverse()];
  const { hashAlgorithm, mgf1HashAlgorithm, saltLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== 'rsa-pss' || hashAlgorithm === undefined) return ordered;
  return ordered.filter(
    ({ digest, bytes }) => digest === hashAlgorithm && digest === mgf1HashAlgorithm && saltLength <= bytes,
  );
}

function noHash(key: KeyObject, peerHashes: readonly number[]): KitError {
  const list = peerHashes.map(hashAlgorithmName).join(', ') || 'none';
  return new KitError(
    'refused',
    'E_SIGNATURE_HASH',
    `The peer takes no signature that a key of the kind ${keyName(key)} makes: its hashes are ${list}.`,
    { hint: 'Use a certificate with another kind of key, or let the peer announce SHA-256.' },
  );
}

/** For peers without RFC 7427: RFC 7296 3.8 for RSA, RFC 4754 for ECDSA with r and s side by side. */
function signAsBefore(key: KeyObject, octets: Uint8Array): ReturnType<Signer['sign']> {
  const curve = curveOf(key);
  if (curve !== undefined) {
    const hash = signatureHash(curve.hash);
    const data = new Uint8Array(sign(hash.digest, octets, { key, dsaEncoding: 'ieee-p1363' }));
    const scheme = schemeText({ type: 'ecdsa', hash }, key);
    return { method: curve.method, data, scheme, sha1: false };
  }
  if (key.asymmetricKeyType === 'rsa') {
    const scheme: SignatureScheme = { type: 'pkcs1', hash: signatureHash(HashId.SHA1) };
    const data = signWith(key, scheme, octets);
    return { method: SignatureMethod.RSA, data, scheme: schemeName(scheme), sha1: true };
  }
  throw new KitError(
    'refused',
    'E_SIGNATURE_HASH',
    `The peer sent no SIGNATURE_HASH_ALGORITHMS, and without RFC 7427 a key of the kind ${keyName(key)} cannot sign.`,
    { hint: 'Use a certificate with an ECDSA or RSA key.' },
  );
}

function signWith(key: KeyObject, scheme: SignatureScheme, octets: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(sign(digestOf(scheme), octets, { key, ...paddingOf(scheme) }));
  } catch (cause) {
    // Only a modulus too short for the hash and its salt comes here.
    const message = `A key of the kind ${keyName(key)} is too short for ${schemeName(scheme)}.`;
    throw new KitError('refused', 'E_SIGNATURE_HASH', message, { cause });
  }
}

/** node:crypto's name of the hash; null where the algorithm has its own. */
function digestOf(scheme: SignatureScheme): string | null {
  return 'hash' in scheme ? scheme.hash.digest : null;
}

/** RFC 7427 3: signatures have the form that PKIX gives them, for ECDSA the DER of r and s. */
function paddingOf(scheme: SignatureScheme): SigningOptions {
  if (scheme.type === 'pkcs1') return { padding: constants.RSA_PKCS1_PADDING };
  if (scheme.type === 'ecdsa') return { dsaEncoding: 'der' };
  if (scheme.type !== 'pss') return {};
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.saltLength };
}

export interface SignatureCheck {
  /** The peer's public key. */
  key: KeyObject;
  /** Its AUTH payload. */
  value: AuthValue;
  /** What RFC 7296 2.15 says is signed. */
  octets: Uint8Array;
  allowSha1: boolean;
}

/** How a verified signature was made. */
export interface VerifiedSignature {
  /** For people: `RSA-PSS with SHA-256`. */
  scheme: string;
  /** Of an RSA signature: what the peer knows for certain. */
  rsaScheme?: RsaScheme;
}

/**
 * Verifies a peer's signature.
 * @throws KitError refused `E_SIGNATURE_ALGORITHM` (unknown, malformed, or not for this key), `E_SIGNATURE_SHA1`,
 *   `E_SIGNATURE_INVALID` (it does not verify)
 */
export function verifySignature(check: SignatureCheck): VerifiedSignature {
  const { method } = check.value;
  switch (method) {
    case SignatureMethod.RSA:
      return verifyRsa(check);
    case SignatureMethod.ECDSA_256:
    case SignatureMethod.ECDSA_384:
    case SignatureMethod.ECDSA_521:
      return verifyRawEcdsa(check);
    case SignatureMethod.DIGITAL_SIGNATURE:
      return verifyDigitalSignature(check);
    default:
      throw badAlgorithm(
        `The peer authenticates with ${authMethodName(method)}, which is no signature that is known here.`,
      );
  }
}

/**
 * Method 1 does not say the hash, but PKCS#1 v1.5 signs it with the value. RFC 7296 3.8 makes SHA-1 the default and
 * leaves others open, and peers from before RFC 7427 use them: so the one that verifies is taken.
 */
function verifyRsa({ key, value, octets, allowSha1 }: SignatureCheck): { scheme: string } {
  if (key.asymmetricKeyType !== 'rsa') throw wrongKey(key, 'RSA');
  for (const hash of [...signatureHashes].reverse()) {
    const scheme: SignatureScheme = { type: 'pkcs1', hash };
    if (!verifies(key, scheme, octets, value.data)) continue;
    refuseSha1(scheme, allowSha1);
    return { scheme: schemeText(scheme, key) };
  }
  throw invalid(key);
}

/** RFC 4754 7: r and s, each as long as the curve's order, so that nothing is left to read differently. */
function verifyRawEcdsa({ key, value, octets }: SignatureCheck): { scheme: string } {
  const curve = curveOf(key);
  if (curve?.method !== value.method) throw wrongKey(key, authMethodName(value.method));
  const hash = signatureHash(curve.hash);
  if (value.data.length !== 2 * curve.bytes) throw invalid(key);
  if (!succeeds(() => verify(hash.digest, octets, { key, dsaEncoding: 'ieee-p1363' }, value.data))) {
    throw invalid(key);
  }
  return { scheme: schemeText({ type: 'ecdsa', hash }, key) };
}

/** RFC 7427 3: the length of the AlgorithmIdentifier in one byte, the AlgorithmIdentifier, the signature. */
function verifyDigitalSignature({ key, value, octets, allowSha1 }: SignatureCheck): VerifiedSignature {
  const [length = 0] = value.data;
  const algorithm = value.data.subarray(1, 1 + length);
  const scheme = algorithm.length === length ? decodeAlgorithm(algorithm) : undefined;
  if (scheme === undefined) {
    const what = toHex(algorithm).slice(0, 80) || 'empty';
    throw badAlgorithm(`The peer signs with an algorithm that is not known here or not allowed (${what}).`);
  }
  const type = key.asymmetricKeyType;
  if (type === undefined || !keyTypes[scheme.type].includes(type)) throw wrongKey(key, schemeName(scheme));
  refuseSha1(scheme, allowSha1);
  if (!verifies(key, scheme, octets, value.data.subarray(1 + length))) throw invalid(key);
  const words = schemeText(scheme, key);
  if (scheme.type !== 'pss' && scheme.type !== 'pkcs1') return { scheme: words };
  return { scheme: words, rsaScheme: scheme.type };
}

function verifies(
  key: KeyObject,
  scheme: SignatureScheme,
  octets: Uint8Array,
  signature: Uint8Array,
): boolean {
  return succeeds(() => verify(digestOf(scheme), octets, { key, ...paddingOf(scheme) }, signature));
}

/** node:crypto throws where a key restricts what it is for, or is too short. */
function succeeds(attempt: () => boolean): boolean {
  try {
    return attempt();
  } catch {
    return false;
  }
}

function refuseSha1(scheme: SignatureScheme, allowSha1: boolean): void {
  if (allowSha1 || !('hash' in scheme) || scheme.hash.id !== HashId.SHA1) return;
  throw new KitError('refused', 'E_SIGNATURE_SHA1', 'The peer signs with SHA-1, which is broken.', {
    hint: 'Let the peer sign with SHA-256 (RFC 7427), or accept it with --allow-sha1.',
  });
}

function wrongKey(key: KeyObject, signature: string): KitError {
  return badAlgorithm(
    `The peer signs with ${signature}, and its certificate has a key of the kind ${keyName(key)}.`,
  );
}

function badAlgorithm(message: string): KitError {
  return new KitError('refused', 'E_SIGNATURE_ALGORITHM', message);
}

function invalid(key: KeyObject): KitError {
  return new KitError(
    'refused',
    'E_SIGNATURE_INVALID',
    `The peer's signature does not verify with the key of its certificate (${keyName(key)}).`,
    { hint: 'It does not have the private key of that certificate, or somebody changed the exchange.' },
  );
}

function schemeText(scheme: SignatureScheme, key: KeyObject): string {
  return scheme.type === 'ecdsa' ? `${keyName(key)} with ${scheme.hash.name}` : schemeName(scheme);
}

function keyName(key: KeyObject): string {
  const { modulusLength, namedCurve = 'unknown' } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      return `ECDSA ${curveOf(key)?.name ?? namedCurve}`;
    case 'rsa':
      return `RSA ${modulusLength}`;
    case 'rsa-pss':
      return `RSA-PSS ${modulusLength}`;
    case 'ed25519':
      return 'Ed25519';
    case 'ed448':
      return 'Ed448';
    default:
      return key.asymmetricKeyType ?? 'unknown';
  }
}
