import { KitError } from '../../core/errors.js';
import type { LocalAuth } from '../auth/types.js';
import { formatIdentity, type Identity, IdType, identityFromAddress, identityMatches } from '../identity.js';
import { findPayload } from '../wire/message.js';
import { findNotify, NotifyType, notify } from '../wire/notify.js';
import { type AuthPayload, type Payload, PayloadType } from '../wire/types.js';
import { readAnnounced } from './announce.js';
import type { Authenticated } from './auth-initiator.js';
import {
  type AuthContext,
  authOf,
  describeTypes,
  identityOf,
  PeerProofs,
  prove,
  proveWithMsk,
  verify,
  verifyMsk,
} from './proof.js';
import { exchange, type Script, task } from './script.js';

/** Longest EAP conversation, in responses of the client. */
const MAX_EAP_STEPS = 200;

/** The client failed in EAP, and this is the last EAP message for it. */
export class EapFailed extends Error {
  constructor(
    readonly reason: KitError,
    readonly eapMessage: Uint8Array,
  ) {
    super(reason.message);
  }
}

/**
 * IKE_AUTH as the responder (RFC 7296 1.2, 2.15, 2.16; several rounds: RFC 4739; EAP alone: RFC 5998).
 * @param first the first request
 * @returns who the client is; `payloads` are what the last response says about ourselves, without the child SA
 * @throws KitError when the client is not to be trusted; EapFailed when EAP said so
 */
export function* authenticateInitiator(context: AuthContext, first: Payload[]): Script<Authenticated> {
  return yield* new Responder(context, first).run();
}

class Responder {
  readonly #proofs: PeerProofs;
  /** Rounds in which this side has still to prove itself. */
  readonly #ownRounds: LocalAuth[];
  readonly #words = { local: [] as string[], remote: [] as string[] };
  readonly #localId: Identity;
  #remoteId: Identity | undefined;
  #eapIdentity: string | undefined;

  constructor(
    private readonly context: AuthContext,
    private readonly first: Payload[],
  ) {
    const { auth, localId } = context.state.policy;
    this.#proofs = new PeerProofs(auth.remote);
    this.#ownRounds = [...auth.local];
    const anonymous = auth.local.every(({ type }) => type === 'null');
    this.#localId =
      localId ??
      (anonymous
        ? { idType: IdType.NULL, data: new Uint8Array(0) }
        : identityFromAddress(context.ikeSa.path.local.address));
    context.ikeSa.localId = this.#localId;
    readAnnounced(context.ikeSa, first);
  }

  *run(): Script<Authenticated> {
    for (let request = this.first; ; ) {
      let answer: Payload[];
      const idi = findPayload(request, PayloadType.IDi);
      if (idi) {
        const identity = identityOf(idi);
        this.#takeIdentity(identity);
        const auth = authOf(request);
        if (auth) {
          yield* this.#takeProof(identity, request, auth);
          answer = this.#proveNext();
        } else {
          const confirmed = yield* this.#eap(identity);
          request = confirmed.request;
          answer = confirmed.answer;
        }
      } else {
        // RFC 4739: an empty request waits for the rounds that this side still owes.
        if (this.#ownRounds.length === 0) throw noIdentity();
        answer = this.#proveNext();
      }
      const another = findNotify(request, NotifyType.ANOTHER_AUTH_FOLLOWS);
      if (!another && this.#ownRounds.length === 0) {
        this.#proofs.assertComplete();
        return this.#done(answer);
      }
      request = yield* exchange(answer, 'authenticated in one of several rounds');
    }
  }

  #done(payloads: Payload[]): Authenticated {
    if (!this.#remoteId) throw noIdentity();
    return {
      localId: this.#localId,
      remoteId: this.#remoteId,
      localAuth: this.#words.local.join(' + '),
      remoteAuth: this.#words.remote.join(' + '),
      eapIdentity: this.#eapIdentity,
      payloads,
    };
  }

  /** The first identity is the client's; further rounds may have others of their own (RFC 4739 2.2). */
  #takeIdentity(identity: Identity): void {
    if (this.#remoteId) return;
    const { remoteId } = this.context.state.policy;
    if (!identityMatches(remoteId, identity)) {
      throw new KitError(
        'refused',
        'E_IDENTITY_MISMATCH',
        `The client says it is ${formatIdentity(identity)}, allowed is ${remoteId ? formatIdentity(remoteId) : '%any'}`,
      );
    }
    this.#remoteId = identity;
  }

  *#takeProof(identity: Identity, request: Payload[], auth: AuthPayload): Script<void> {
    const { candidates } = this.#proofs;
    const { proved, words } = yield* verify(this.context, identity, request, auth, candidates);
    this.#proofs.take(proved);
    this.#words.remote.push(words);
  }

  /** Identity, certificates and AUTH of our next round; nothing when there is none. */
  #proveNext(inEap = false): Payload[] {
    const own = this.#ownRounds.shift();
    if (!own) return [];
    const idr: Payload = { type: PayloadType.IDr, ...this.#localId };
    if (own.type === 'eap') throw new Error('a responder does not authenticate with EAP');
    if (own.type === 'eap-only') {
      if (!inEap || !findNotify(this.first, NotifyType.EAP_ONLY_AUTHENTICATION)) throw notEapOnly();
      return [idr];
    }
    const { payloads, words } = prove(this.context, own, this.#localId);
    this.#words.local.push(words);
    const another = this.#ownRounds.length > 0 ? [notify(NotifyType.ANOTHER_AUTH_FOLLOWS)] : [];
    return [idr, ...payloads, ...another];
  }

  /** This side proves itself first, then the client in EAP (RFC 7296 2.16). @returns the request with AUTH and its answer */
  *#eap(identity: Identity): Script<{ request: Payload[]; answer: Payload[] }> {
    const method = this.#proofs.candidates.find((candidate) => candidate.type === 'eap');
    if (method?.type !== 'eap') {
      const { candidates } = this.#proofs;
      throw new KitError(
        'refused',
        'E_AUTH_METHOD',
        `The client ${formatIdentity(identity)} wants EAP, expected is ${describeTypes(candidates)}`,
        { hint: 'Allow EAP with --client-auth eap-mschapv2 and --users.' },
      );
    }
    const inEapAlone = this.#ownRounds[0]?.type === 'eap-only';
    const opening = this.#proveNext(true);
    const authenticator = method.createAuthenticator();
    const { state, ikeSa } = this.context;
    try {
      let step = yield* task(() => authenticator.start(ikeSa.path.remote.address, formatIdentity(identity)));
      let said = opening;
      for (let steps = 0; steps < MAX_EAP_STEPS; steps++) {
        if (step.type === 'failure') throw new EapFailed(step.error, step.message);
        if (step.type === 'send') state.doomed = step.failed;
        const message: Payload = { type: PayloadType.EAP, message: step.message };
        const request = yield* exchange([...said, message], 'went on with EAP');
        said = [];
        if (step.type === 'success') {
          const { msk } = step;
          if (inEapAlone && !msk) throw notEapOnly();
          verifyMsk(this.context, msk, identity, authOf(request));
          this.#proofs.take(method);
          this.#words.remote.push(step.method);
          this.#eapIdentity = step.identity;
          if (inEapAlone) this.#words.local.push(`${step.method} (mutual)`);
          return { request, answer: [proveWithMsk(this.context, msk, this.#localId)] };
        }
        const eap = findPayload(request, PayloadType.EAP);
        if (!eap) throw gaveUp(identity);
        step = yield* task(() => authenticator.step(eap.message));
      }
      throw new KitError(
        'protocol',
        'E_EAP_LENGTH',
        `EAP has not come to an end after ${MAX_EAP_STEPS} messages`,
      );
    } finally {
      authenticator.close();
    }
  }
}

const noIdentity = (): KitError =>
  new KitError('protocol', 'E_INVALID_SYNTAX', 'The client sent an IKE_AUTH request without an identity');

const gaveUp = (identity: Identity): KitError =>
  new KitError('refused', 'E_EAP_FAILED', `The client ${formatIdentity(identity)} left EAP before its end`);

const notEapOnly = (): KitError =>
  new KitError(
    'refused',
    'E_EAP_ONLY',
    'This side proves itself inside EAP alone, and the client does not agree or its EAP method makes no key (RFC 5998)',
    { hint: 'Give this side a certificate with --cert and --key.' },
  );
