import type { KeyObject } from 'node:crypto';
import { toHex } from '../../core/bytes.js';
import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { AUTH_METHOD_PSK, signedOctets } from '../../ike/auth/psk.js';
import { isSignatureMethod, SignatureMethod, verifySignature } from '../../ike/auth/signature.js';
import { decodeAlgorithm, schemeName } from '../../ike/auth/signature-algorithms.js';
import type { AuthValue } from '../../ike/auth/types.js';
import type { Identity } from '../../ike/identity.js';
import { authMethodName } from '../../ike/wire/names.js';
import { type Certificate, parseCertificate } from '../../pki/certificate.js';
import { validateChain } from '../../pki/chain.js';
import type { Crl } from '../../pki/crl.js';
import type { GeneralName } from '../../pki/general-name.js';
import type { HalfOpenSa } from '../oracle-sa.js';

/** What a gateway's certificate is checked against. */
export interface AuthTrust {
  anchors: readonly Certificate[];
  intermediates?: readonly Certificate[];
  crls?: readonly Crl[];
  /** The name that was dialled, which the certificate has to cover. */
  name?: GeneralName;
  /** Milliseconds since the epoch. */
  now: Milliseconds;
}

/** A problem of a chain or of a signature. */
export interface ProofProblem {
  code: string;
  message: string;
}

/** Verifying with larger keys takes longer than any gateway is worth. */
const MOST_KEY_BITS = 8192;

/** How the gateway proves itself: `none` is NULL authentication, or no AUTH at all. */
export function methodOf(auth: AuthValue | undefined): 'certificate' | 'psk' | 'none' {
  if (auth?.method === AUTH_METHOD_PSK) return 'psk';
  return auth !== undefined && isSignatureMethod(auth.method) ? 'certificate' : 'none';
}

/**
 * How AUTH was signed, in words. Verified, because method 1 does not tell its hash; what does not verify is called by
 * what it claims.
 */
export function signatureOf(
  sa: HalfOpenSa,
  auth: AuthValue,
  identity: Identity,
  certificate: Certificate | undefined,
): { scheme: string; problem: ProofProblem | undefined } {
  const key = certificate?.publicKey;
  if (key === undefined || isTooLarge(key)) return { scheme: claimedScheme(auth), problem: undefined };
  const octets = signedOctets({
    prf: sa.suite.prf,
    initMessage: sa.response,
    peerNonce: sa.nonceI,
    identity,
    skP: sa.keys.skPr,
  });
  try {
    return { ...verifySignature({ key, value: auth, octets, allowSha1: true }), problem: undefined };
  } catch (error) {
    if (!(error instanceof KitError)) throw error;
    return { scheme: claimedScheme(auth), problem: { code: error.code, message: error.message } };
  }
}

function isTooLarge(key: KeyObject): boolean {
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) > MOST_KEY_BITS;
}

/** RFC 7427 3 names the algorithm; the older methods have theirs, and method 1 leaves its hash open. */
function claimedScheme({ method, data }: AuthValue): string {
  if (method === SignatureMethod.RSA) return 'RSA (PKCS#1 v1.5)';
  if (method !== SignatureMethod.DIGITAL_SIGNATURE) return authMethodName(method);
  const algorithm = data.subarray(1, 1 + (data[0] ?? 0));
  const scheme = decodeAlgorithm(algorithm);
  return scheme === undefined ? `unknown algorithm ${toHex(algorithm).slice(0, 80)}` : schemeName(scheme);
}

/** Reads what parses; the first is the gateway's own. */
export function readCertificates(certificates: readonly Uint8Array[]): {
  own: Certificate | undefined;
  others: Certificate[];
} {
  const [own, ...others] = certificates.map(readOne);
  return { own, others: others.filter((certificate) => certificate !== undefined) };
}

function readOne(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof KitError) return undefined;
    throw error;
  }
}

/** What is wrong with a chain, as `cert verify` finds it. */
export function chainProblems(
  { own, others }: { own: Certificate | undefined; others: readonly Certificate[] },
  trust: AuthTrust,
): ProofProblem[] {
  if (own === undefined) {
    return [
      { code: 'E_CERT_FORMAT', message: "The gateway's own certificate is missing or cannot be read." },
    ];
  }
  const { problems } = validateChain(own, {
    anchors: trust.anchors,
    intermediates: [...others, ...(trust.intermediates ?? [])],
    ...(trust.crls !== undefined && { crls: trust.crls }),
    now: trust.now,
    purpose: 'server',
    ...(trust.name !== undefined && { name: trust.name }),
  });
  return problems.map(({ code, message }) => ({ code, message }));
}
