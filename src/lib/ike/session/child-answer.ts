import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import type { KeyExchange } from '../../crypto/transform.js';
import { checkSelected, resolveChildSuite } from '../negotiate.js';
import { narrowSelectors, sameSelectors } from '../traffic-selectors.js';
import { findPayload } from '../wire/message.js';
import {
  type Payload,
  PayloadType,
  type Proposal,
  type TrafficSelector,
  type UnknownTrafficSelector,
} from '../wire/types.js';
import { createChild } from './child.js';
import type { Child } from './child-sa.js';
import { errorNotify, refusal } from './failure.js';
import type { IkeSa } from './ike-sa.js';
import type { SessionState } from './state.js';

export interface ChildResponse {
  ikeSa: IkeSa;
  payloads: readonly Payload[];
  /** What we offered, with our SPI. */
  offered: readonly Proposal[];
  inboundSpi: number;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  /** Our half of a PFS key exchange and its group. */
  ke: { group: number; exchange: KeyExchange } | undefined;
  localOffer: readonly TrafficSelector[];
  remoteOffer: readonly TrafficSelector[];
}

/**
 * Makes the child that the responder agreed to (RFC 7296 1.2, 1.3.1).
 * @throws KitError the refusal, or `E_CHILD_ANSWER` for an answer that goes beyond the offer
 */
export function acceptChild(state: SessionState, response: ChildResponse, now: Milliseconds): Child {
  const { payloads, ikeSa } = response;
  const sa = findPayload(payloads, PayloadType.SA);
  const tsi = findPayload(payloads, PayloadType.TSi);
  const tsr = findPayload(payloads, PayloadType.TSr);
  if (!sa || !tsi || !tsr) {
    const refused = errorNotify(payloads);
    if (refused) {
      throw refusal(refused.notifyType, {
        what: 'child SA',
        proposals: state.policy.espProposals,
        localTs: response.localOffer,
        remoteTs: response.remoteOffer,
      });
    }
    throw new KitError('protocol', 'E_CHILD_ANSWER', 'The peer answered without SA or traffic selectors');
  }
  const selected = checkSelected(response.offered, sa.proposals);
  const suite = resolveChildSuite(selected.transforms);
  return createChild(
    state,
    {
      ikeSa,
      role: 'initiator',
      inboundSpi: response.inboundSpi,
      peerSpi: selected.spi,
      transforms: selected.transforms,
      nonceI: response.nonceI,
      nonceR: response.nonceR,
      keSecret: suite.ke && agreeOn(suite.ke.id, response),
      localTs: within(tsi.selectors, response.localOffer),
      remoteTs: within(tsr.selectors, response.remoteOffer),
    },
    now,
  );
}

function agreeOn(group: number, { ke, payloads }: ChildResponse): Uint8Array {
  const theirs = findPayload(payloads, PayloadType.KE);
  if (!ke || !theirs || theirs.group !== group || ke.group !== group) {
    throw new KitError('protocol', 'E_KE_GROUP', 'The peer chose a key exchange but sent no value for it');
  }
  return ke.exchange.agree(theirs.data);
}

/** The answered selectors, all of which must lie within our offer (RFC 7296 2.9). */
function within(
  answered: readonly (TrafficSelector | UnknownTrafficSelector)[],
  offer: readonly TrafficSelector[],
): TrafficSelector[] {
  const known = answered.filter((ts): ts is TrafficSelector => ts.type !== 'unknown');
  const narrowed = narrowSelectors(known, offer);
  if (known.length === 0 || known.length < answered.length || !sameSelectors(narrowed, known)) {
    throw new KitError(
      'protocol',
      'E_CHILD_ANSWER',
      'The peer answered with traffic selectors beyond the offer',
    );
  }
  return known;
}
