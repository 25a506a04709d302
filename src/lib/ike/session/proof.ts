import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import { CertEncoding } from '../auth/cert-encoding.js';
import {
  AUTH_METHOD_NULL,
  AUTH_METHOD_PSK,
  pskAuth,
  type SignedOctets,
  signedOctets,
  verifyPskAuth,
} from '../auth/psk.js';
import { type VerifiedSignature, verifySignature } from '../auth/signature.js';
import type { CertificateTrust, LocalAuth, RemoteAuth } from '../auth/types.js';
import { formatIdentity, type Identity } from '../identity.js';
import { findPayload, findPayloads } from '../wire/message.js';
import { type AuthPayload, type IdPayload, type Payload, PayloadType } from '../wire/types.js';
import { CHANGED_ON_THE_PATH } from './failure.js';
import type { IkeSa } from './ike-sa.js';
import { type Script, task } from './script.js';
import type { SessionState } from './state.js';
import type { InitMessages } from './types.js';

/** What authenticating one IKE SA works with. */
export interface AuthContext {
  state: SessionState;
  ikeSa: IkeSa;
  messages: InitMessages;
  now: Milliseconds;
}

type Role = 'initiator' | 'responder';

/** More certificates than any chain has; a peer that sends more is refused. */
const MAX_CERTIFICATES = 16;

export const identityOf = ({ idType, data }: IdPayload): Identity => ({ idType, data: data.slice() });

/** What one side's AUTH covers: its own IKE_SA_INIT message (RFC 7296 2.15), or both where both sides said so. */
function octetsOf({ ikeSa, messages }: AuthContext, signer: Role, identity: Identity): SignedOctets {
  const { suite, keys, nonceI, nonceR } = ikeSa.secrets;
  const { request, response } = messages;
  const initiator = signer === 'initiator';
  return {
    prf: suite.prf,
    initMessage: initiator ? request : response,
    peerInitMessage: ikeSa.fullTranscript ? (initiator ? response : request) : undefined,
    peerNonce: initiator ? nonceR : nonceI,
    identity,
    skP: initiator ? keys.skPi : keys.skPr,
  };
}

/**
 * A proof that is wrong over both IKE_SA_INIT messages and right over the peer's own one: the peer is who it says, and
 * has not seen that we cover both. It cannot come about but by a change of our message on the way, or by a peer that
 * does not do what it announces.
 */
function refuseDowngrade(
  octets: SignedOctets,
  identity: Identity,
  isSound: (octets: SignedOctets) => boolean,
): void {
  if (!octets.peerInitMessage || !isSound({ ...octets, peerInitMessage: undefined })) return;
  throw new KitError(
    'refused',
    'E_DOWNGRADE',
    `${formatIdentity(identity)} proves who it is, but did not see our IKE_SA_INIT message as we sent it`,
    {
      hint: 'Somebody on the path changes messages so that weaker algorithms or fewer protections are used.',
    },
  );
}

/** Proof by a key that both sides have; without one by SK_p, as EAP methods without keys and NULL have it (RFC 7296 2.16, RFC 7619 2.1). */
function keyed(method: number, key: Secret | undefined, octets: SignedOctets): AuthPayload {
  return { type: PayloadType.AUTH, method, data: pskAuth(key ?? octets.skP, octets) };
}

/** AUTH after EAP: by its MSK, or by SK_p when the method makes none (RFC 7296 2.16). */
export function proveWithMsk(context: AuthContext, msk: Secret | undefined, identity: Identity): AuthPayload {
  return keyed(AUTH_METHOD_PSK, msk, octetsOf(context, context.ikeSa.role, identity));
}

/** @throws KitError refused `E_EAP_AUTH` when the peer's AUTH after EAP is missing or wrong */
export function verifyMsk(
  context: AuthContext,
  msk: Secret | undefined,
  identity: Identity,
  auth: AuthPayload | undefined,
): void {
  const octets = octetsOf(context, otherRole(context.ikeSa.role), identity);
  if (auth?.method === AUTH_METHOD_PSK) {
    const isSound = (covered: SignedOctets): boolean => verifyPskAuth(msk ?? octets.skP, covered, auth.data);
    if (isSound(octets)) return;
    refuseDowngrade(octets, identity, isSound);
  }
  throw new KitError(
    'refused',
    'E_EAP_AUTH',
    `EAP succeeded, but ${formatIdentity(identity)} does not prove that it took part in it (AUTH is missing or wrong)`,
    {
      hint: 'Somebody may sit between the two sides; or they disagree about the keys that the EAP method makes.',
    },
  );
}

const otherRole = (role: Role): Role => (role === 'initiator' ? 'responder' : 'initiator');

/** The payloads by which this side proves an identity in one round: certificates, if any, and AUTH. */
export function prove(
  context: AuthContext,
  auth: Exclude<LocalAuth, { type: 'eap' | 'eap-only' }>,
  identity: Identity,
): { payloads: Payload[]; words: string } {
  const octets = octetsOf(context, context.ikeSa.role, identity);
  switch (auth.type) {
    case 'psk':
      return { payloads: [keyed(AUTH_METHOD_PSK, auth.secret, octets)], words: 'psk' };
    case 'null':
      return { payloads: [keyed(AUTH_METHOD_NULL, undefined, octets)], words: 'null' };
    case 'signature': {
      const { signer } = auth;
      const { role, peerHashes, peerRsaScheme } = context.ikeSa;
      // Phones, which say nothing before the server has signed, often know PKCS#1 v1.5 only; some gateways PSS only.
      const rsaScheme = peerRsaScheme ?? (role === 'responder' ? 'pkcs1' : 'pss');
      const { method, data, scheme, sha1 } = signer.sign(signedOctets(octets), peerHashes, rsaScheme);
      if (sha1) warnOfSha1(context);
      const stapled = context.ikeSa.peerWantsOcsp ? signer.ocspResponse : undefined;
      return {
        payloads: [
          ...signer.certificates.map((der) => certificate(CertEncoding.X509_SIGNATURE, der)),
          ...(stapled ? [certificate(CertEncoding.OCSP, stapled)] : []),
          { type: PayloadType.AUTH, method, data },
        ],
        words: scheme,
      };
    }
  }
}

function warnOfSha1({ state }: AuthContext): void {
  state.emit({
    type: 'warning',
    code: 'W_SIGNATURE_SHA1',
    message:
      'The peer does not say which hashes it knows (RFC 7427), or somebody on the path took that out: so our signature is made over SHA-1, which is weak',
  });
}

const certificate = (encoding: number, data: Uint8Array): Payload => ({
  type: PayloadType.CERT,
  encoding,
  data,
});

/**
 * Verifies one AUTH payload of the peer.
 * @param candidates what may come in this round
 * @returns which of them it was, and how in words
 * @throws KitError refused `E_AUTH_METHOD`, `E_AUTHENTICATION_FAILED`, `E_CERT_…`, `E_SIGNATURE_…`
 */
export function* verify(
  context: AuthContext,
  identity: Identity,
  payloads: readonly Payload[],
  auth: AuthPayload,
  candidates: readonly RemoteAuth[],
): Script<{ proved: RemoteAuth; words: string }> {
  const role = otherRole(context.ikeSa.role);
  const octets = octetsOf(context, role, identity);
  const type = typeOf(auth.method);
  const expected = candidates.find((candidate) => candidate.type === type);
  if (!expected) throw unexpectedMethod(identity, auth.method, candidates);
  if (expected.type === 'signature') {
    const words = yield* verifyBySignature(context, identity, payloads, auth, expected.trust);
    return { proved: expected, words };
  }
  if (expected.type === 'psk') {
    expected.onProof?.({
      prf: octets.prf.id,
      octets: signedOctets(octets),
      auth: auth.data.slice(),
      identity,
    });
  }
  const secret = expected.type === 'psk' ? expected.secret : octets.skP;
  const isSound = (covered: SignedOctets): boolean => verifyPskAuth(secret, covered, auth.data);
  if (!isSound(octets)) {
    refuseDowngrade(octets, identity, isSound);
    if (expected.type === 'psk' && expected.onProof) throw keptProof(identity);
    const what = expected.type === 'psk' ? 'that it knows the PSK' : 'anything: its AUTH is wrong';
    throw new KitError(
      'refused',
      'E_AUTHENTICATION_FAILED',
      `The peer ${formatIdentity(identity)} does not prove ${what}`,
      {
        hint:
          expected.type === 'psk'
            ? `Compare the PSK on both sides byte for byte. If it is the same: ${CHANGED_ON_THE_PATH}.`
            : `It looks as if ${CHANGED_ON_THE_PATH}.`,
      },
    );
  }
  return { proved: expected, words: expected.type };
}

/** Who collects proofs knows no key: nothing is wrong with the client. */
function keptProof(identity: Identity): KitError {
  return new KitError(
    'refused',
    'E_AUTHENTICATION_FAILED',
    `${formatIdentity(identity)} proved its PSK and was refused, as everybody is here`,
  );
}

function typeOf(method: number): RemoteAuth['type'] {
  if (method === AUTH_METHOD_PSK) return 'psk';
  return method === AUTH_METHOD_NULL ? 'null' : 'signature';
}

const typeWords: Record<RemoteAuth['type'], string> = {
  psk: 'a PSK',
  signature: 'a certificate',
  eap: 'EAP',
  'eap-only': 'EAP alone',
  null: 'no authentication (NULL)',
};

/** `a PSK or EAP` */
export function describeTypes(types: readonly RemoteAuth[]): string {
  return [...new Set(types.map(({ type }) => typeWords[type]))].join(' or ') || 'nothing further';
}

function unexpectedMethod(identity: Identity, method: number, expected: readonly RemoteAuth[]): KitError {
  const how = typeOf(method);
  return new KitError(
    'refused',
    'E_AUTH_METHOD',
    `The peer ${formatIdentity(identity)} authenticates with ${typeWords[how]} (method ${method}), expected is ${describeTypes(expected)}`,
    {
      hint: 'Change what the peer does, or what is expected of it with --server-auth (connect) or --client-auth (serve).',
    },
  );
}

function* verifyBySignature(
  context: AuthContext,
  identity: Identity,
  payloads: readonly Payload[],
  { method, data }: AuthPayload,
  trust: CertificateTrust,
): Script<string> {
  const sent = findPayloads(payloads, PayloadType.CERT);
  const certificates = sent
    .filter(({ encoding }) => encoding === CertEncoding.X509_SIGNATURE)
    .map((cert) => cert.data.slice());
  if (certificates.length === 0)
    throw noCertificate(
      identity,
      sent.map(({ encoding }) => encoding),
    );
  if (certificates.length > MAX_CERTIFICATES) {
    throw new KitError('refused', 'E_CERT_TOO_MANY', `The peer sent ${certificates.length} certificates`, {
      hint: `At most ${MAX_CERTIFICATES} are read; let it send its own and those between it and the CA.`,
    });
  }
  const ocspResponses = sent
    .filter(({ encoding }) => encoding === CertEncoding.OCSP)
    .map((cert) => cert.data.slice());
  const role = otherRole(context.ikeSa.role);
  const key = yield* task(() => trust.validate({ certificates, ocspResponses, identity, role }));
  const octets = octetsOf(context, role, identity);
  const check = (covered: SignedOctets): VerifiedSignature =>
    verifySignature({
      key,
      value: { method, data },
      octets: signedOctets(covered),
      allowSha1: trust.allowSha1,
    });
  let verified: VerifiedSignature;
  try {
    verified = check(octets);
  } catch (error) {
    refuseDowngrade(octets, identity, (covered) => verifies(() => check(covered)));
    throw error;
  }
  context.ikeSa.peerRsaScheme = verified.rsaScheme;
  return verified.scheme;
}

function verifies(check: () => VerifiedSignature): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof KitError) return false;
    throw error;
  }
}

/** RFC 7296 3.6: fetching certificates from an address that a stranger names is asking for trouble. */
function noCertificate(identity: Identity, encodings: readonly number[]): KitError {
  const byUrl = encodings.some(
    (each) => each === CertEncoding.HASH_AND_URL || each === CertEncoding.HASH_AND_URL_BUNDLE,
  );
  const who = formatIdentity(identity);
  if (byUrl) {
    return new KitError(
      'refused',
      'E_CERT_HASH_URL',
      `The peer ${who} sent the address of its certificate (hash and URL), which is not fetched`,
      { hint: 'Let the peer send the certificate itself.' },
    );
  }
  return new KitError('refused', 'E_CERT_MISSING', `The peer ${who} sent a signature and no certificate`, {
    hint: 'Let the peer send its certificate (strongSwan: send_cert = always, libreswan: leftsendcert=always).',
  });
}

/** The AUTH payload of a message. */
export const authOf = (payloads: readonly Payload[]): AuthPayload | undefined =>
  findPayload(payloads, PayloadType.AUTH);

/** Which rounds the peer has done, held against the alternatives that are accepted. */
export class PeerProofs {
  readonly #done: RemoteAuth[] = [];

  constructor(private readonly alternatives: readonly (readonly RemoteAuth[])[]) {}

  /** What may come in the next round. */
  get candidates(): RemoteAuth[] {
    const at = this.#done.length;
    return this.#open.flatMap((rounds) => rounds[at] ?? []);
  }

  /** Nothing more is demanded of the peer. */
  get complete(): boolean {
    return this.#open.some((rounds) => rounds.length === this.#done.length);
  }

  take(proved: RemoteAuth): void {
    this.#done.push(proved);
  }

  /** Alternatives that begin with what was done. */
  get #open(): (readonly RemoteAuth[])[] {
    return this.alternatives.filter((rounds) =>
      this.#done.every((each, at) => rounds[at]?.type === each.type),
    );
  }

  /** @throws KitError refused `E_AUTH_METHOD` when the peer stopped too early */
  assertComplete(): void {
    if (this.complete) return;
    throw new KitError(
      'refused',
      'E_AUTH_METHOD',
      `The peer authenticated with ${describeTypes(this.#done)} only, ${describeTypes(this.candidates)} is expected as well`,
    );
  }
}
