import { createHash, type KeyObject } from 'node:crypto';
import { KitError } from '../core/errors.js';
import { formatIdentity, type Identity, IdType } from '../ike/identity.js';
import { type Certificate, certificateName, parseCertificate } from './certificate.js';
import { validateChain } from './chain.js';
import { isCostlyKey } from './costly-key.js';
import type { Crl } from './crl.js';
import { formatGeneralName, type GeneralName } from './general-name.js';
import { matchName } from './identity.js';
import { type OcspResponse, parseOcspResponse } from './ocsp.js';
import { type Problem, problem } from './problem.js';
import { stapleProblems } from './revocation.js';
import { type Purpose, usageProblems } from './usage.js';

/** What a peer brought to prove whose key it signs with. */
export interface PeerClaim {
  /** DER, its own certificate first, the others in any order (RFC 7296 3.6). */
  certificates: readonly Uint8Array[];
  /** DER OCSP responses (RFC 4806). */
  ocspResponses?: readonly Uint8Array[] | undefined;
  /** Its ID payload: the certificate has to cover it. */
  identity: Identity;
  /** Its role in IKE_AUTH. */
  role: 'initiator' | 'responder';
  /** What the certificate has to cover besides: the name that was dialled. */
  expectedName?: GeneralName | undefined;
}

/** Whose certificates are believed, and how much is asked of them. */
export interface PeerTrust {
  anchors: readonly Certificate[];
  /** CAs that peers need not send. */
  intermediates?: readonly Certificate[] | undefined;
  crls?: readonly Crl[] | undefined;
  /** As in {@link validateChain}; a good OCSP response satisfies `hard` for its certificate. */
  crlPolicy?: 'soft' | 'hard' | undefined;
  /** `hard`: the peer's own certificate has to come with a good OCSP response; `soft`: what comes counts. */
  ocspPolicy?: 'soft' | 'hard' | undefined;
  /** Milliseconds since the epoch. */
  now: number;
  /** Difference between clocks that is forgiven, milliseconds. */
  skewMs?: number | undefined;
  /**
   * `check`: extended key usages have to fit the role where there are any (RFC 4945 5.1.3.12); `require`: there have to
   * be some; `ignore`: they do not count.
   */
  ekuPolicy?: 'check' | 'require' | 'ignore' | undefined;
}

/** What one peer may bring. Chains of the field have two or three certificates. */
export const MAX_PEER_CERTIFICATES = 16;
const MAX_BYTES = 64 << 10;
const MAX_OCSP_RESPONSES = 4;

/**
 * The key of a peer, once it is certain whose it is: a chain to an anchor that is in order (RFC 5280 6.1), usages,
 * revocation, and an identity that the certificate covers (RFC 4945 3.1).
 * @throws KitError refused `E_CERT_…`, `E_CRL_…`, `E_OCSP_…`; garbage `E_CERT_FORMAT` for what does not parse
 */
export function validatePeer(peer: PeerClaim, trust: PeerTrust): KeyObject {
  const { own, others, unreadable } = readCertificates(peer.certificates);
  const ocspResponses = readResponses(peer.ocspResponses ?? []);
  const { anchors, intermediates = [], crls, crlPolicy, now, skewMs, ekuPolicy = 'check' } = trust;
  const { chain, trusted, problems } = validateChain(own, {
    anchors,
    intermediates: [...others, ...intermediates],
    crls,
    ocspResponses,
    crlPolicy,
    now,
    skewMs,
    purpose: ekuPolicy === 'ignore' ? 'any' : purposeOf(own, peer.role),
    name: peer.expectedName,
    brief: true,
  });
  if (!trusted && unreadable > 0)
    throw garbage(`${unreadable} of the certificates between the peer and its CA`);
  const [first] = [
    ...problems,
    ...(ekuPolicy === 'require' ? missingUsage(own) : []),
    ...identityProblems(own, peer.identity),
    ...(trust.ocspPolicy === 'hard'
      ? stapleProblems(own, chain[1], { crls, ocspResponses, now, skewMs })
      : []),
  ];
  if (first !== undefined) throw refusal(first);
  return own.publicKey!;
}

/** Strangers may send anything beside their own certificate, so what cannot be read there is left out. */
function readCertificates(certificates: readonly Uint8Array[]): {
  own: Certificate;
  others: Certificate[];
  unreadable: number;
} {
  const [first, ...rest] = certificates;
  if (first === undefined) {
    throw new KitError('refused', 'E_CERT_MISSING', 'The peer sent a signature and no certificate.');
  }
  const bytes = certificates.reduce((sum, { length }) => sum + length, 0);
  if (certificates.length > MAX_PEER_CERTIFICATES || bytes > MAX_BYTES) {
    const message = `The peer sent ${certificates.length} certificates of ${bytes} bytes.`;
    throw new KitError('refused', 'E_CERT_TOO_MANY', message, {
      hint: `At most ${MAX_PEER_CERTIFICATES} and 64 KiB are read: its own and those between it and the CA are enough.`,
    });
  }
  const own = readable(first);
  if (own === undefined) throw garbage("The peer's certificate");
  if (own.publicKey !== undefined && isCostlyKey(own.publicKey)) {
    const message = `The key of ${certificateName(own)} is larger than any that is verified with here.`;
    throw new KitError('refused', 'E_CERT_KEY_SIZE', message, {
      hint: 'Use RSA with at most 8192 bits, or ECDSA.',
    });
  }
  const read = rest.map(readable);
  const others = read.filter((certificate) => certificate !== undefined);
  return {
    own,
    others: others.filter(({ publicKey }) => publicKey !== undefined && !isCostlyKey(publicKey)),
    unreadable: read.length - others.length,
  };
}

function readable(der: Uint8Array): Certificate | undefined {
  return unlessMalformed(() => parseCertificate(der));
}

/** Responses that cannot be read say nothing. */
function readResponses(responses: readonly Uint8Array[]): OcspResponse[] {
  return responses
    .slice(0, MAX_OCSP_RESPONSES)
    .map((der) => unlessMalformed(() => parseOcspResponse(der)))
    .filter((response) => response !== undefined);
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KitError) return undefined;
    throw error;
  }
}

function garbage(what: string): KitError {
  return new KitError('garbage', 'E_CERT_FORMAT', `${what} cannot be read.`, {
    hint: 'It has to be X.509 in DER: look at it on the peer with openssl x509 -text.',
  });
}

function refusal({ code, message, hint }: Problem): KitError {
  return new KitError('refused', code as `E_${string}`, message, { ...(hint !== undefined && { hint }) });
}

/** Gateways dial each other with the certificates that they serve with, so either usage is fine for who dials. */
function purposeOf(own: Certificate, role: PeerClaim['role']): Purpose {
  if (role === 'responder') return 'server';
  return usageProblems(own, 'client').length > 0 && usageProblems(own, 'server').length === 0
    ? 'server'
    : 'client';
}

function missingUsage(own: Certificate): Problem[] {
  if (own.extendedKeyUsage !== undefined) return [];
  const message = `${certificateName(own)} has no extended key usage, which is required.`;
  return [problem('E_CERT_EKU', message, 'Issue it again with --server or --client.')];
}

function identityProblems(own: Certificate, identity: Identity): Problem[] {
  const name = nameOfIdentity(identity);
  const who = formatIdentity(identity);
  if (name === undefined) {
    return [
      problem(
        'E_CERT_NAME',
        `The peer calls itself ${who}, which no certificate can prove.`,
        'Let it use a domain name, a mail address, an IP address or the subject of its certificate as its identity.',
      ),
    ];
  }
  const { matches, explanation } = matchName(own, name);
  if (matches) return [];
  return [
    problem(
      'E_CERT_NAME',
      `The peer calls itself ${who}, and its certificate ${certificateName(own)} does not cover ${formatGeneralName(name)}: ${explanation}.`,
      'Let it use an identity that its certificate covers, or issue that again with the name (--san).',
    ),
  ];
}

/** RFC 4945 3.1: which name of a certificate an identity has to be. undefined for identities that none is. */
function nameOfIdentity({ idType, data }: Identity): GeneralName | undefined {
  const text = Buffer.from(data).toString('latin1');
  // Nothing that is no plain text is compared: others could read it differently.
  const plain = /^[!-~]+$/.test(text);
  switch (idType) {
    case IdType.IPV4_ADDR:
      return data.length === 4 ? { kind: 'ip', bytes: data } : undefined;
    case IdType.IPV6_ADDR:
      return data.length === 16 ? { kind: 'ip', bytes: data } : undefined;
    case IdType.FQDN:
      return plain ? { kind: 'dns', value: text } : undefined;
    case IdType.RFC822_ADDR:
      return plain ? { kind: 'email', value: text } : undefined;
    case IdType.DER_ASN1_DN:
      // An empty name is everybody's whose certificate has its names elsewhere.
      return data.length > 2 ? { kind: 'dn', der: data } : undefined;
    default:
      return undefined;
  }
}

/** What CERTREQ names a CA by: SHA-1 of its SubjectPublicKeyInfo, 20 bytes (RFC 7296 3.7). */
export function caKeyHash({ spki }: Certificate): Uint8Array {
  return new Uint8Array(createHash('sha1').update(spki).digest());
}
