import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { formatIdentity } from '../identity.js';
import { proposalsToOffer } from '../negotiate.js';
import { anySelector, selectorFromAddress } from '../traffic-selectors.js';
import { findPayload } from '../wire/message.js';
import { NotifyType, notify } from '../wire/notify.js';
import {
  type NotifyPayload,
  type Payload,
  PayloadType,
  type Proposal,
  type TrafficSelector,
} from '../wire/types.js';
import { answerChild, reportRefusal, spiBytes } from './child.js';
import { acceptChild } from './child-answer.js';
import { CfgType, configReply, configRequest, readConfigReply, readConfigRequest } from './config.js';
import { type Asked, errorNotify } from './failure.js';
import type { IkeSa } from './ike-sa.js';
import { DeleteIkeSa } from './informational.js';
import type { SessionState } from './state.js';
import type { AssignedAddresses } from './types.js';

const selectorsOf = ({ addresses }: AssignedAddresses): TrafficSelector[] =>
  addresses.map(selectorFromAddress);

const everything = [anySelector(4), anySelector(6)];

/** The child SA that an initiator asks for in IKE_AUTH, with the virtual address for it (RFC 7296 1.2, 2.19). */
export class FirstChild {
  readonly #inboundSpi: number;
  readonly #offered: Proposal[];
  readonly #localOffer: readonly TrafficSelector[];
  readonly #remoteOffer: readonly TrafficSelector[];

  constructor(private readonly state: SessionState) {
    const { policy } = state;
    this.#inboundSpi = state.hooks.claimSpi();
    this.#offered = proposalsToOffer(policy.espProposals, { spi: spiBytes(this.#inboundSpi), withKe: false });
    this.#localOffer = policy.localTs ?? everything;
    this.#remoteOffer = policy.remoteTs ?? everything;
  }

  /** What the first IKE_AUTH request carries for it. */
  request(): Payload[] {
    return [
      ...(this.state.policy.localTs
        ? []
        : [{ type: PayloadType.CP, cfgType: CfgType.REQUEST, attributes: configRequest() } as const]),
      { type: PayloadType.SA, proposals: this.#offered },
      { type: PayloadType.TSi, selectors: [...this.#localOffer] },
      { type: PayloadType.TSr, selectors: [...this.#remoteOffer] },
    ];
  }

  /** What the last IKE_AUTH response grants; without a child the IKE SA is of no use to a client. */
  take(ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void {
    this.#takeAddresses(payloads);
    const { state } = this;
    state.localAllowed ??= this.#localOffer;
    state.remoteAllowed = this.#remoteOffer;
    try {
      const { nonceI, nonceR } = ikeSa.secrets;
      if (!state.policy.localTs && !state.assigned && !errorNotify(payloads)) {
        throw new KitError('refused', 'E_NO_ADDRESS', 'The peer assigned no virtual address', {
          hint: 'If it has no address pool, give this side a fixed network with --local-ts.',
        });
      }
      const child = acceptChild(
        state,
        {
          ikeSa,
          payloads,
          offered: this.#offered,
          inboundSpi: this.#inboundSpi,
          nonceI,
          nonceR,
          ke: undefined,
          localOffer: this.#localOffer,
          remoteOffer: this.#remoteOffer,
        },
        now,
      );
      state.emit({ type: 'child-sa-established', child: child.info() });
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      state.hooks.releaseSpi(this.#inboundSpi);
      state.emit({ type: 'child-sa-failed', error });
      state.enqueue(ikeSa, new DeleteIkeSa(state, 'failed', error), now);
    }
  }

  /** For the words of a refusal. */
  asked(): Asked {
    return {
      what: 'child SA',
      proposals: this.state.policy.espProposals,
      localTs: this.#localOffer,
      remoteTs: this.#remoteOffer,
    };
  }

  #takeAddresses(payloads: Payload[]): void {
    const { state } = this;
    const cp = findPayload(payloads, PayloadType.CP);
    if (state.policy.localTs || cp?.cfgType !== CfgType.REPLY) return;
    const assigned = readConfigReply(cp);
    if (assigned.addresses.length === 0) return;
    state.assigned = assigned;
    state.localAllowed = selectorsOf(assigned);
    state.emit({ type: 'addresses-assigned', assigned });
  }
}

/**
 * Addresses, then the child SA, as a responder answers them; a refusal leaves the IKE SA up without a child (RFC 7296
 * 1.2, 2.21.2).
 * @param payloads the first IKE_AUTH request
 */
export function answerFirstChild(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: Payload[],
  now: Milliseconds,
): Payload[] {
  const config = assignAddresses(state, ikeSa, payloads);
  if ('refusal' in config) return [reportRefusal(state, ikeSa, payloads, config.refusal)];
  const { policy } = state;
  state.localAllowed = policy.localTs ?? everything;
  // Who was lent an address has that one, and no say over the networks of clients that bring their own.
  state.remoteAllowed = state.assigned ? selectorsOf(state.assigned) : (policy.remoteTs ?? []);
  const { nonceI, nonceR } = ikeSa.secrets;
  const answer = answerChild(
    state,
    {
      ikeSa,
      payloads,
      ke: 'ignored',
      nonceI,
      nonceR,
      localAllowed: state.localAllowed,
      remoteAllowed: state.remoteAllowed,
    },
    now,
  );
  if ('refusal' in answer) {
    return [...config.payloads, reportRefusal(state, ikeSa, payloads, answer.refusal)];
  }
  state.emit({ type: 'child-sa-established', child: answer.child.info() });
  return [...config.payloads, ...answer.payloads];
}

function assignAddresses(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: Payload[],
): { payloads: Payload[] } | { refusal: NotifyPayload } {
  const { pool, remoteTs } = state.policy;
  const cp = findPayload(payloads, PayloadType.CP);
  const asked = cp?.cfgType === CfgType.REQUEST ? readConfigRequest(cp) : undefined;
  if (!pool) return { payloads: [] };
  if (!asked || asked.families.length === 0) {
    return remoteTs ? { payloads: [] } : { refusal: notify(NotifyType.FAILED_CP_REQUIRED) };
  }
  if (!ikeSa.remoteId) throw new Error('addresses are assigned to authenticated clients only');
  const owner = `${formatIdentity(ikeSa.remoteId)}/${ikeSa.responderSpi.toString(16)}`;
  const assigned = pool.assign(owner, asked.families, asked.wanted);
  if (!assigned) return { refusal: notify(NotifyType.INTERNAL_ADDRESS_FAILURE) };
  state.leaseOwner = owner;
  state.assigned = assigned;
  state.emit({ type: 'addresses-assigned', assigned });
  return {
    payloads: [{ type: PayloadType.CP, cfgType: CfgType.REPLY, attributes: configReply(assigned) }],
  };
}
