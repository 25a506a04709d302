import { toHex, utf8 } from '../core/bytes.js';
import type { Entropy } from '../core/environment.js';
import { CertEncoding } from '../ike/auth/cert-encoding.js';
import { formatIdentity, type Identity, IdType, identityFromAddress } from '../ike/identity.js';
import { NotifyType } from '../ike/wire/notify.js';
import { type Payload, PayloadType, type Transform } from '../ike/wire/types.js';
import type { Asker } from './asker.js';
import { type Attempt, Attempts, refusalText } from './auth-probe/attempt.js';
import { errorOf, type Reply } from './auth-probe/conversation.js';
import {
  type AuthTrust,
  chainProblems,
  methodOf,
  type ProofProblem,
  readCertificates,
  signatureOf,
} from './auth-probe/proof.js';
import { authoritiesOf } from './auth-probe/request.js';
import type { HalfOpenSa, SaOpener } from './oracle-sa.js';
import type { AuthFacts, Observation, PacketNumbers } from './types.js';

export type { AuthTrust } from './auth-probe/proof.js';

export interface AuthProbeOptions {
  /** A suite that the gateway accepts. */
  transforms: readonly Transform[];
  /** IDi; undefined: our address. */
  identity: Identity | undefined;
  /** undefined: the chain is collected and not checked. */
  trust: AuthTrust | undefined;
}

/** What is read of a gateway's certificates. */
const MOST_CERTIFICATES = 16;

/**
 * Asks for EAP, as clients do, with an IKE_AUTH that has no AUTH, and reads how the gateway proves itself. Ends the
 * conversation so that nothing half-open stays. With a given identity it is compared with one that nobody has. Never
 * rejects for what the target does.
 */
export async function probeAuth(
  asker: Asker,
  opener: SaOpener,
  options: AuthProbeOptions,
): Promise<AuthFacts> {
  const attempts = new Attempts(asker, opener);
  const authorities = (sa: HalfOpenSa): Uint8Array[] =>
    authoritiesOf(options.trust?.anchors ?? [], sa.payloads);
  const run = async (
    identity: Identity,
    auth?: (sa: HalfOpenSa) => Uint8Array,
  ): Promise<Attempt | undefined> => {
    const summary = `IKE_AUTH as ${formatIdentity(identity)}, ${auth ? 'with a wrong key' : 'asking for EAP'}`;
    const once = () => attempts.run(options.transforms, { identity, auth, authorities, summary });
    const attempt = await once();
    // Gateways forget an SA with their refusal: when that is lost, repeating the request gets no other.
    return attempt !== undefined && isSilence(attempt.reply) ? ((await once()) ?? attempt) : attempt;
  };
  const identity = options.identity ?? identityFromAddress(asker.path.local.address);
  const attempt = await run(identity);
  if (attempt === undefined) return nothing('no SA could be opened to ask in', []);
  const facts = factsOf(attempt, options.trust);
  if (options.identity === undefined) return facts;
  return { ...facts, identityOracle: await compareIdentities(asker.entropy, options.identity, attempt, run) };
}

function nothing(note: string, packets: PacketNumbers, eap?: false | undefined): AuthFacts {
  const none = { value: undefined, note, packets };
  return {
    eap: { ...none, value: eap },
    responderMethod: none,
    identity: undefined,
    certificates: [],
    signature: none,
    problems: undefined,
  };
}

function factsOf({ sa, reply }: Attempt, trust: AuthTrust | undefined): AuthFacts {
  const packets = [...sa.packets, ...reply.packets];
  if (reply.outcome !== 'answered') return nothing(refusalText(reply), packets);
  const { payloads } = reply;
  if (!hasEap(payloads)) {
    const error = errorOf(payloads);
    // Anything else is about the child SA or the configuration, which some check before they authenticate anybody.
    const isRefused = error === NotifyType.AUTHENTICATION_FAILED || error === NotifyType.AUTHORIZATION_FAILED;
    const note = isRefused ? `EAP is refused: ${refusalText(reply)}` : refusalText(reply);
    return nothing(note, packets, isRefused ? false : undefined);
  }
  const id = payloads.find((payload) => payload.type === PayloadType.IDr);
  const identity: Identity | undefined =
    id?.type === PayloadType.IDr ? { idType: id.idType, data: id.data } : undefined;
  const auth = payloads.find((payload) => payload.type === PayloadType.AUTH);
  const proof = auth?.type === PayloadType.AUTH ? auth : undefined;
  const certificates = certificatesIn(payloads);
  const method = methodOf(proof);
  const facts: AuthFacts = {
    eap: { value: true, packets },
    responderMethod: { value: method, packets },
    identity: identity && formatIdentity(identity),
    certificates,
    signature: { value: undefined, note: 'the gateway did not sign', packets },
    problems: undefined,
  };
  if (method !== 'certificate' || proof === undefined) return facts;
  const read = readCertificates(certificates);
  const problems: ProofProblem[] = trust === undefined ? [] : chainProblems(read, trust);
  if (identity === undefined) {
    facts.signature.note = 'the gateway sent no identity';
  } else {
    const { scheme, problem } = signatureOf(sa, proof, identity, read.own);
    facts.signature = { value: scheme, packets };
    if (problem !== undefined) problems.push(problem);
  }
  // Without trust nothing is known of the chain; a wrong signature is wrong all the same.
  facts.problems = trust === undefined && problems.length === 0 ? undefined : problems;
  return facts;
}

function certificatesIn(payloads: readonly Payload[]): Uint8Array[] {
  return payloads
    .flatMap((payload) =>
      payload.type === PayloadType.CERT && payload.encoding === CertEncoding.X509_SIGNATURE
        ? [payload.data]
        : [],
    )
    .slice(0, MOST_CERTIFICATES);
}

/** Whether an identity that exists is answered otherwise than one that cannot. */
async function compareIdentities(
  entropy: Entropy,
  identity: Identity,
  first: Attempt,
  run: (identity: Identity, auth?: (sa: HalfOpenSa) => Uint8Array) => Promise<Attempt | undefined>,
): Promise<Observation> {
  const stranger = strangerLike(identity, entropy);
  // Where EAP is refused at once, only an attempt with a key gets as far as the identity.
  const usesEap = first.reply.outcome === 'answered' && hasEap(first.reply.payloads);
  const wrongKey = usesEap ? undefined : (sa: HalfOpenSa) => entropy.bytes(sa.suite.prf.keyBytes);
  const known = usesEap ? first : await run(identity, wrongKey);
  const unknown = await run(stranger, wrongKey);
  const packets = [known, unknown].flatMap((attempt) => attempt?.reply.packets ?? []);
  if (known?.reply.outcome !== 'answered' || unknown?.reply.outcome !== 'answered') {
    return { value: undefined, note: 'one of the identities got no answer', packets };
  }
  const value = outlineOf(known.reply) !== outlineOf(unknown.reply);
  const note = value
    ? `${refusalOrEap(known.reply)} for the given identity, ${refusalOrEap(unknown.reply)} for one that nobody has`
    : `both identities got the same: ${refusalOrEap(known.reply)}`;
  return { value, note, packets };
}

/** It was asked to the end, and nothing came. */
function isSilence(reply: Reply): boolean {
  return reply.outcome === 'no answer' && reply.note === undefined;
}

function hasEap(payloads: readonly Payload[]): boolean {
  return payloads.some(({ type }) => type === PayloadType.EAP);
}

function refusalOrEap(reply: Reply): string {
  return reply.outcome === 'answered' && hasEap(reply.payloads) ? 'EAP' : refusalText(reply);
}

/** What an answer consists of, without what is fresh in it. */
function outlineOf(reply: Reply & { outcome: 'answered' }): string {
  return reply.payloads
    .map((payload) => {
      if (payload.type === PayloadType.NOTIFY) return `N${payload.notifyType}`;
      return payload.type === PayloadType.EAP ? `EAP${payload.message[4]}` : payload.type;
    })
    .join();
}

/** An identity of the same type that no gateway knows; `.invalid` belongs to nobody (RFC 2606 2). */
function strangerLike({ idType }: Identity, entropy: Entropy): Identity {
  const random = entropy.bytes(8);
  if (idType === IdType.KEY_ID) return { idType, data: utf8(toHex(random)) };
  if (idType === IdType.RFC822_ADDR) return { idType, data: utf8(`${toHex(random)}@nobody.invalid`) };
  return { idType: IdType.FQDN, data: utf8(`${toHex(random)}.nobody.invalid`) };
}
