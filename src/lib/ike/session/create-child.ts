import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { type KeyExchange, TransformType } from '../../crypto/transform.js';
import { proposalsToOffer } from '../negotiate.js';
import type { ProposalTemplate } from '../proposals.js';
import { findPayload } from '../wire/message.js';
import { findNotify, NotifyType, notify, notifyName } from '../wire/notify.js';
import {
  ExchangeType,
  type NotifyPayload,
  type Payload,
  PayloadType,
  type Proposal,
  ProtocolId,
  type TrafficSelector,
} from '../wire/types.js';
import { answerChild, reportRefusal, spiBytes } from './child.js';
import { acceptChild } from './child-answer.js';
import type { Child } from './child-sa.js';
import { losesCollision } from './collision.js';
import { errorNotify, refusal } from './failure.js';
import type { IkeSa, InitiatedExchange } from './ike-sa.js';
import { DeleteChild, DeleteUninstalled } from './informational.js';
import { generateKe, groupsOf } from './key-exchange.js';
import { Retries, rekeyLater } from './retry.js';
import { validNonce } from './sa-init.js';
import type { SessionState } from './state.js';

/** More children than a tunnel has a use for: the bound on what one peer can make us keep. */
const MAX_CHILDREN = 64;
/** How long a replaced child waits for the peer to delete it. */
const REPLACED_LINGER: Milliseconds = 60_000;

const groupIds = ({ transforms }: ProposalTemplate): number[] =>
  transforms.filter((t) => t.type === TransformType.KE).map((t) => t.id);

/** With PFS first, where templates name groups; then without, where they allow that (no group, or NONE). */
function attempts(templates: readonly ProposalTemplate[]): ProposalTemplate[][] {
  const withPfs = templates
    .filter((template) => groupIds(template).some((id) => id !== 0))
    .map(({ protocolId, transforms }) => ({
      protocolId,
      transforms: transforms.filter((t) => t.type !== TransformType.KE || t.id !== 0),
    }));
  const without = templates
    .filter((template) => groupIds(template).every((id) => id === 0) || groupIds(template).includes(0))
    .map(({ protocolId, transforms }) => ({
      protocolId,
      transforms: transforms.filter((t) => t.type !== TransformType.KE),
    }));
  return [withPfs, without].filter((some) => some.length > 0);
}

/** CREATE_CHILD_SA as the initiator: a further child (RFC 7296 1.3.1), or the successor of `old` (1.3.3). */
export class MakeChild implements InitiatedExchange {
  readonly type = ExchangeType.CREATE_CHILD_SA;
  readonly concerns = 'child-sa';
  readonly #attempts: ProposalTemplate[][];
  readonly #retries: Retries;
  #group: number | undefined;
  readonly #triedGroups = new Set<number>();
  /** Name of the notify that the last request was refused with. */
  #refusal: string | undefined;
  #sent:
    | { nonce: Uint8Array; inboundSpi: number; offered: Proposal[]; exchange: KeyExchange | undefined }
    | undefined;

  constructor(
    private readonly state: SessionState,
    private readonly localTs: readonly TrafficSelector[],
    private readonly remoteTs: readonly TrafficSelector[],
    private readonly old?: Child,
  ) {
    const all = attempts(state.policy.espProposals);
    this.#attempts = state.peerHasNoPfs && all.length > 1 ? all.slice(1) : all;
    this.#retries = new Retries(state);
    this.#chooseGroup();
  }

  /** The exchange that replaces `child` with the same selectors. */
  static successorOf(state: SessionState, child: Child): MakeChild {
    return new MakeChild(state, child.localTs, child.remoteTs, child);
  }

  get purpose(): string {
    const pfs = this.#sent?.exchange ? 'with' : 'without';
    if (this.#refusal !== undefined) {
      return `asked to ${this.old ? 'rekey a' : 'make a further'} child SA and was answered ${this.#refusal}`;
    }
    return this.old ? `rekeyed a child SA ${pfs} PFS` : `made a further child SA ${pfs} PFS`;
  }

  request(): Payload[] | undefined {
    const { state, old } = this;
    this.#refusal = undefined;
    if (old) {
      if (!state.children.has(old.id) || old.stage !== 'installed') return undefined;
      old.stage = 'rekeying';
    }
    const inboundSpi = state.hooks.claimSpi();
    const exchange = this.#group === undefined ? undefined : generateKe(this.#group);
    const offered = proposalsToOffer(this.#attempts[0] ?? [], {
      spi: spiBytes(inboundSpi),
      withKe: exchange !== undefined,
      ...(this.#group !== undefined && { firstKe: this.#group }),
    });
    const nonce = state.newNonce();
    this.#sent = { nonce, inboundSpi, offered, exchange };
    return [
      ...(old ? [notify(NotifyType.REKEY_SA, undefined, ProtocolId.ESP, spiBytes(old.inboundSpi))] : []),
      { type: PayloadType.SA, proposals: offered },
      { type: PayloadType.NONCE, data: nonce },
      ...(exchange && this.#group !== undefined
        ? [{ type: PayloadType.KE, group: this.#group, data: exchange.publicValue }]
        : []),
      { type: PayloadType.TSi, selectors: [...this.localTs] },
      { type: PayloadType.TSr, selectors: [...this.remoteTs] },
    ];
  }

  response(ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void {
    const sent = this.#sent;
    if (!sent) return;
    const refused = findPayload(payloads, PayloadType.SA) ? undefined : errorNotify(payloads);
    if (refused) {
      this.#refusal = notifyName(refused.notifyType);
      this.state.hooks.releaseSpi(sent.inboundSpi);
      this.#refused(ikeSa, refused, now);
      return;
    }
    try {
      this.#accepted(ikeSa, payloads, now);
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      // The peer believes the pair is up: take it back.
      this.state.enqueue(ikeSa, new DeleteUninstalled(this.state, sent.inboundSpi), now);
      this.#failed(error, now);
    }
  }

  #chooseGroup(): void {
    this.#group = groupsOf(this.#attempts[0] ?? [])[0];
  }

  #accepted(ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void {
    const { state, old } = this;
    const sent = this.#sent!;
    const nonceR = findPayload(payloads, PayloadType.NONCE)?.data;
    if (!nonceR || !validNonce(nonceR)) {
      throw new KitError('protocol', 'E_NONCE', 'The peer answered without a nonce of a permitted size');
    }
    const rival = old?.peerRekey;
    if (old && rival && losesCollision([sent.nonce, nonceR], rival.nonces)) {
      this.#replaced(old, now);
      state.enqueue(ikeSa, new DeleteUninstalled(state, sent.inboundSpi), now);
      return;
    }
    const child = acceptChild(
      state,
      {
        ikeSa,
        payloads,
        offered: sent.offered,
        inboundSpi: sent.inboundSpi,
        nonceI: sent.nonce,
        nonceR,
        ke: sent.exchange && { group: this.#group!, exchange: sent.exchange },
        localOffer: this.localTs,
        remoteOffer: this.remoteTs,
      },
      now,
    );
    const rivalChild = rival && state.children.get(rival.child.id);
    const predecessor = rivalChild ?? (old && state.children.get(old.id));
    if (!predecessor) {
      state.emit({ type: 'child-sa-established', child: child.info() });
      return;
    }
    state.emit({ type: 'child-sa-rekeyed', oldId: predecessor.id, child: child.info(), sendOn: 'new' });
    if (rivalChild) this.#replaced(rivalChild, now);
    if (old && state.children.has(old.id)) {
      old.stage = 'rekeyed';
      state.enqueue(ikeSa, new DeleteChild(state, old, 'rekeyed'), now);
    }
  }

  /** It is the peer's turn to delete `child`. */
  #replaced(child: Child, now: Milliseconds): void {
    child.stage = 'rekeyed';
    child.rekeyAt = undefined;
    child.deleteAt = now + REPLACED_LINGER;
  }

  #refused(ikeSa: IkeSa, refused: NotifyPayload, now: Milliseconds): void {
    const { old, state } = this;
    if (old?.stage === 'rekeying') old.stage = 'installed';
    if (old?.peerRekey) {
      // The peer's own rekey did what ours was for.
      this.#replaced(old, now);
      return;
    }
    if (refused.notifyType === NotifyType.TEMPORARY_FAILURE) {
      const next = this.#retries.next(now);
      if (next !== undefined) state.enqueue(ikeSa, this, next);
      else this.#outOfSync(ikeSa, now);
      return;
    }
    if (refused.notifyType === NotifyType.INVALID_KE_PAYLOAD && this.#switchGroup(refused)) {
      state.enqueue(ikeSa, this, now);
      return;
    }
    if (refused.notifyType === NotifyType.NO_PROPOSAL_CHOSEN && this.#attempts.length > 1) {
      this.#attempts.shift();
      this.state.peerHasNoPfs = true;
      this.#chooseGroup();
      state.enqueue(ikeSa, this, now);
      return;
    }
    if (old && refused.notifyType === NotifyType.CHILD_SA_NOT_FOUND) {
      // RFC 7296 2.25: forget it and make a new one.
      if (!state.children.has(old.id)) return;
      state.removeChild(old, 'deleted-by-peer');
      state.enqueue(ikeSa, new MakeChild(state, this.localTs, this.remoteTs), now);
      return;
    }
    this.#failed(this.#explain(refused), now);
  }

  #switchGroup(refused: NotifyPayload): boolean {
    const group = refused.data.length === 2 ? (refused.data[0]! << 8) | refused.data[1]! : -1;
    const offered = groupsOf(this.#attempts[0] ?? []);
    if (!offered.includes(group) || group === this.#group || this.#triedGroups.has(group)) return false;
    this.#triedGroups.add(group);
    this.#group = group;
    return true;
  }

  #outOfSync(ikeSa: IkeSa, now: Milliseconds): void {
    const error = new KitError(
      'protocol',
      'E_OUT_OF_SYNC',
      'The peer has been answering TEMPORARY_FAILURE for minutes: both sides have lost track of each other',
    );
    this.state.end(ikeSa, 'failed', now, error);
  }

  #explain(refused: NotifyPayload): KitError {
    return refusal(refused.notifyType, {
      what: 'child SA',
      rekeys: this.old !== undefined,
      pfs: this.#group !== undefined,
      proposals: this.#attempts[0] ?? [],
      localTs: this.localTs,
      remoteTs: this.remoteTs,
    });
  }

  #failed(error: KitError, now: Milliseconds): void {
    const { old, state } = this;
    state.emit({ type: 'child-sa-failed', error });
    if (!old) return;
    if (old.stage === 'rekeying') old.stage = 'installed';
    old.rekeyAt = rekeyLater(state, now);
  }
}

/** CREATE_CHILD_SA for a further child, as the responder (RFC 7296 1.3.1). */
export function answerNewChild(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: Payload[],
  now: Milliseconds,
): Payload[] {
  if (isBusy(ikeSa)) return [notify(NotifyType.TEMPORARY_FAILURE)];
  if (state.children.size >= MAX_CHILDREN) return [notify(NotifyType.NO_ADDITIONAL_SAS)];
  const made = makeAnswer(state, ikeSa, payloads, now);
  if (!('child' in made)) return made.refusal;
  state.emit({ type: 'child-sa-established', child: made.child.info() });
  return made.payloads;
}

/** CREATE_CHILD_SA with REKEY_SA, as the responder (RFC 7296 1.3.3, 2.25.1). */
export function answerRekeyChild(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: Payload[],
  now: Milliseconds,
): Payload[] {
  const rekey = findNotify(payloads, NotifyType.REKEY_SA);
  if (rekey?.spi.length !== 4) return [notify(NotifyType.INVALID_SYNTAX)];
  if (isBusy(ikeSa)) return [notify(NotifyType.TEMPORARY_FAILURE)];
  const old = state.childByOutboundSpi(Buffer.from(rekey.spi).readUInt32BE());
  if (!old) return [notify(NotifyType.CHILD_SA_NOT_FOUND, undefined, rekey.protocolId, rekey.spi)];
  if (old.stage === 'deleting' || old.stage === 'rekeyed' || old.peerRekey) {
    return [notify(NotifyType.TEMPORARY_FAILURE)];
  }
  // A peer that rekeys on and on and deletes nothing has to wait until the replaced ones are gone.
  if (state.children.size >= 2 * MAX_CHILDREN) return [notify(NotifyType.TEMPORARY_FAILURE)];
  const made = makeAnswer(state, ikeSa, payloads, now);
  if (!('child' in made)) return made.refusal;
  if (old.stage === 'rekeying') {
    old.peerRekey = { child: made.child, nonces: made.nonces };
  } else {
    old.stage = 'rekeyed';
    old.deleteAt = now + REPLACED_LINGER;
  }
  old.rekeyAt = undefined;
  state.emit({ type: 'child-sa-rekeyed', oldId: old.id, child: made.child.info(), sendOn: 'old' });
  return made.payloads;
}

/** RFC 7296 2.25.2: no child is made while the IKE SA itself is replaced or deleted. */
function isBusy(ikeSa: IkeSa): boolean {
  return ikeSa.rekeying || ikeSa.stage !== 'established';
}

function makeAnswer(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: Payload[],
  now: Milliseconds,
): { child: Child; payloads: Payload[]; nonces: [Uint8Array, Uint8Array] } | { refusal: Payload[] } {
  const nonceI = findPayload(payloads, PayloadType.NONCE)?.data.slice();
  if (!nonceI || !validNonce(nonceI)) return { refusal: [notify(NotifyType.INVALID_SYNTAX)] };
  const nonceR = state.newNonce();
  const answer = answerChild(
    state,
    {
      ikeSa,
      payloads,
      ke: 'optional',
      nonceI,
      nonceR,
      localAllowed: state.localAllowed ?? [],
      remoteAllowed: state.remoteAllowed ?? [],
    },
    now,
  );
  if ('refusal' in answer) {
    // INVALID_KE_PAYLOAD is a question, not a refusal: the peer asks again with the right group.
    const isQuestion = answer.refusal.notifyType === NotifyType.INVALID_KE_PAYLOAD;
    return { refusal: [isQuestion ? answer.refusal : reportRefusal(state, ikeSa, payloads, answer.refusal)] };
  }
  const [sa, ...rest] = answer.payloads;
  return {
    child: answer.child,
    payloads: [sa!, { type: PayloadType.NONCE, data: nonceR }, ...rest],
    nonces: [nonceI, nonceR],
  };
}
