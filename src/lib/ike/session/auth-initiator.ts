import { KitError } from '../../core/errors.js';
import type { EapPeer, LocalAuth } from '../auth/types.js';
import { formatIdentity, type Identity, IdType, identityFromAddress, identityMatches } from '../identity.js';
import { findPayload } from '../wire/message.js';
import { findNotify, NotifyType, notify, notifyName } from '../wire/notify.js';
import { type Payload, PayloadType } from '../wire/types.js';
import { certificateRequests, multipleAuth } from './announce.js';
import { authRefusal, errorNotify, refusal } from './failure.js';
import type { FirstChild } from './first-child.js';
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

/** Longest EAP conversation, in requests of the server: certificates in small fragments need many. */
const MAX_EAP_STEPS = 200;

/** The peer said no: nothing has to be told to it. */
export class RefusedByPeer extends Error {
  constructor(
    readonly reason: KitError,
    /** For timelines. */
    readonly story: string,
  ) {
    super(reason.message);
  }
}

/** What authentication ended with. */
export interface Authenticated {
  localId: Identity;
  remoteId: Identity;
  localAuth: string;
  remoteAuth: string;
  eapIdentity: string | undefined;
  /** The message that carries what was agreed for the first child SA. */
  payloads: Payload[];
}

/**
 * IKE_AUTH as the initiator (RFC 7296 1.2, 2.15, 2.16; several rounds: RFC 4739; EAP alone: RFC 5998).
 * @throws KitError when the peer is not to be trusted; RefusedByPeer when it does not trust us
 */
export function* authenticateToResponder(context: AuthContext, child: FirstChild): Script<Authenticated> {
  return yield* new Initiator(context, child).run();
}

class Initiator {
  readonly #proofs: PeerProofs;
  readonly #words = { local: [] as string[], remote: [] as string[] };
  #remoteId: Identity | undefined;
  #eapIdentity: string | undefined;
  /** What EAP will fail with, once the peer has said its last word. */
  #doomed: KitError | undefined;
  /** The round this side is in. */
  #own: LocalAuth;

  constructor(
    private readonly context: AuthContext,
    private readonly child: FirstChild,
  ) {
    const { auth } = context.state.policy;
    this.#proofs = new PeerProofs(auth.remote);
    this.#own = auth.local[0]!;
  }

  *run(): Script<Authenticated> {
    const { ikeSa, state } = this.context;
    const { local } = state.policy.auth;
    if (local.length > 1 && !ikeSa.peerMultipleAuth) {
      throw new KitError('refused', 'E_MULTIPLE_AUTH', 'The peer knows no authentication in several rounds', {
        hint: 'RFC 4739 has to be supported and enabled there; or use one method with --auth.',
      });
    }
    const localId = this.#localId();
    ikeSa.localId = localId;
    let response: Payload[] = [];
    for (const [round, own] of local.entries()) {
      this.#own = own;
      const another = round < local.length - 1 ? [notify(NotifyType.ANOTHER_AUTH_FOLLOWS)] : [];
      const opening: Payload[] = [
        { type: PayloadType.IDi, ...localId },
        ...(round === 0 ? this.#firstNotifies() : []),
      ];
      if (own.type === 'eap') {
        response = yield* this.#send([...opening, ...this.#demands(round)], 'asked for EAP');
        response = yield* this.#eap(own.createPeer(), localId, response, another);
      } else {
        if (own.type === 'eap-only')
          throw new Error('an initiator cannot be authenticated by its own EAP alone');
        const { payloads, words } = prove(this.context, own, localId);
        this.#words.local.push(words);
        const request = [...opening, ...payloads, ...another, ...this.#demands(round)];
        response = yield* this.#send(request, 'authenticated both sides and made the first child SA');
      }
    }
    // RFC 4739: we are done, the peer is not.
    while (findNotify(response, NotifyType.ANOTHER_AUTH_FOLLOWS)) {
      response = yield* this.#send([], 'let the peer authenticate once more');
    }
    this.#proofs.assertComplete();
    if (!this.#remoteId) throw new Error('a peer that proved something has an identity');
    return {
      localId,
      remoteId: this.#remoteId,
      localAuth: this.#words.local.join(' + '),
      remoteAuth: this.#words.remote.join(' + '),
      eapIdentity: this.#eapIdentity,
      payloads: response,
    };
  }

  #localId(): Identity {
    const { state, ikeSa } = this.context;
    if (state.policy.localId) return state.policy.localId;
    // RFC 7619 2.2: who does not authenticate need not say who it is.
    const anonymous = state.policy.auth.local.every(({ type }) => type === 'null');
    if (anonymous) return { idType: IdType.NULL, data: new Uint8Array(0) };
    return identityFromAddress(ikeSa.path.local.address);
  }

  #firstNotifies(): Payload[] {
    const { auth } = this.context.state.policy;
    const eapOnly = auth.remote.some((rounds) => rounds[0]?.type === 'eap-only');
    return [
      notify(NotifyType.INITIAL_CONTACT),
      ...multipleAuth(auth),
      ...(eapOnly ? [notify(NotifyType.EAP_ONLY_AUTHENTICATION)] : []),
    ];
  }

  /** What the first request asks for. */
  #demands(round: number): Payload[] {
    if (round > 0) return [];
    const { auth, remoteId } = this.context.state.policy;
    return [
      ...certificateRequests(auth, 'ample'),
      ...(remoteId ? [{ type: PayloadType.IDr, ...remoteId } as const] : []),
      ...this.child.request(),
    ];
  }

  /** Sends a request, and takes what the response proves. */
  *#send(request: Payload[], story: string): Script<Payload[]> {
    const response = yield* exchange(request, story);
    const auth = authOf(response);
    const idr = findPayload(response, PayloadType.IDr);
    const refused = errorNotify(response);
    if (refused && !(auth && idr)) {
      // Once both sides are authenticated a refusal is about the child SA alone.
      if (this.#proofs.complete && refused.notifyType !== NotifyType.AUTHENTICATION_FAILED) return response;
      throw this.#refused(refused.notifyType);
    }
    if (idr) yield* this.#takeIdentity(identityOf(idr), response);
    else if (!this.#remoteId) {
      throw new RefusedByPeer(
        new KitError('protocol', 'E_IKE_AUTH', 'The peer answered IKE_AUTH without identity or AUTH'),
        'was answered without an identity',
      );
    }
    return response;
  }

  *#takeIdentity(identity: Identity, response: Payload[]): Script<void> {
    const { policy } = this.context.state;
    if (!this.#remoteId && !identityMatches(policy.remoteId, identity)) {
      throw new KitError(
        'refused',
        'E_IDENTITY_MISMATCH',
        `The peer says it is ${formatIdentity(identity)}, expected is ${policy.remoteId ? formatIdentity(policy.remoteId) : '%any'}`,
        { hint: 'If that is the right gateway, give its identity with --remote-id.' },
      );
    }
    this.#remoteId ??= identity;
    const auth = authOf(response);
    if (!auth) return this.#withoutAuth(identity, response);
    const { candidates } = this.#proofs;
    const { proved, words } = yield* verify(this.context, identity, response, auth, candidates);
    this.#proofs.take(proved);
    this.#words.remote.push(words);
  }

  /** RFC 5998: only a peer that was allowed to prove itself inside EAP may leave AUTH away. */
  #withoutAuth(identity: Identity, response: Payload[]): void {
    const { candidates } = this.#proofs;
    const inEap =
      findPayload(response, PayloadType.EAP) && candidates.some(({ type }) => type === 'eap-only');
    if (inEap) return;
    throw new KitError(
      'refused',
      'E_AUTH_METHOD',
      `The peer ${formatIdentity(identity)} does not authenticate itself, expected is ${describeTypes(candidates)}`,
      { hint: 'A gateway that proves itself inside EAP alone is accepted with --server-auth eap-only.' },
    );
  }

  /** EAP until its Success, then AUTH both ways (RFC 7296 2.16). @returns the response to our AUTH */
  *#eap(peer: EapPeer, localId: Identity, first: Payload[], another: Payload[]): Script<Payload[]> {
    const inEapAlone =
      !this.#proofs.complete && this.#proofs.candidates.some(({ type }) => type === 'eap-only');
    try {
      if (inEapAlone && !peer.mutual) {
        throw new KitError('refused', 'E_EAP_ONLY', 'This EAP method does not prove who the gateway is', {
          hint: 'Let the gateway authenticate by certificate (--ca), or use --auth eap-tls.',
        });
      }
      let response = first;
      for (let steps = 0; steps < MAX_EAP_STEPS; steps++) {
        const eap = findPayload(response, PayloadType.EAP);
        if (!eap) throw this.#noEap(response);
        const step = yield* task(() => peer.step(eap.message));
        if (step.type === 'failure') throw new RefusedByPeer(step.error, 'failed in EAP');
        if (step.type === 'success') {
          return yield* this.#confirmEap(step, localId, inEapAlone, another);
        }
        this.#doomed = step.failed;
        response = yield* this.#send([{ type: PayloadType.EAP, message: step.message }], 'went on with EAP');
      }
      throw new KitError(
        'protocol',
        'E_EAP_LENGTH',
        `EAP has not come to an end after ${MAX_EAP_STEPS} messages`,
      );
    } finally {
      peer.close();
    }
  }

  *#confirmEap(
    { msk, identity, method }: { msk: Parameters<typeof proveWithMsk>[1]; identity: string; method: string },
    localId: Identity,
    inEapAlone: boolean,
    another: Payload[],
  ): Script<Payload[]> {
    if (inEapAlone && !msk) {
      throw new KitError(
        'refused',
        'E_EAP_ONLY',
        'This EAP method makes no key that could prove the gateway',
      );
    }
    this.#eapIdentity = identity;
    this.#words.local.push(method);
    const request = [proveWithMsk(this.context, msk, localId), ...another];
    const story = 'authenticated both sides and made the first child SA';
    const response = yield* exchange(request, story);
    const refused = errorNotify(response);
    const auth = authOf(response);
    if (refused && !auth) throw this.#refused(refused.notifyType);
    verifyMsk(this.context, msk, this.#remoteId!, auth);
    if (inEapAlone) {
      this.#proofs.take({ type: 'eap-only' });
      this.#words.remote.push(`${method} (mutual)`);
    }
    return response;
  }

  #noEap(response: Payload[]): Error {
    const refused = errorNotify(response);
    if (refused) return this.#refused(refused.notifyType);
    return new KitError('refused', 'E_EAP_METHOD', 'The peer does not answer with EAP', {
      hint: 'The gateway wants another method: try --auth psk or --auth cert.',
    });
  }

  #refused(notifyType: number): RefusedByPeer {
    const reason =
      notifyType === NotifyType.AUTHENTICATION_FAILED
        ? (this.#doomed ?? authRefusal(this.#own.type))
        : refusal(notifyType, this.child.asked());
    return new RefusedByPeer(reason, `was refused with ${notifyName(notifyType)}`);
  }
}
