import { KitError } from '../../core/errors.js';
import type { LocalAuth } from '../auth/types.js';
import { formatProposal, type ProposalTemplate } from '../proposals.js';
import { formatSelector } from '../traffic-selectors.js';
import { findPayload, findPayloads } from '../wire/message.js';
import { isErrorNotify, NotifyType, notifyName } from '../wire/notify.js';
import {
  type NotifyPayload,
  type Payload,
  PayloadType,
  type TrafficSelector,
  type Transform,
} from '../wire/types.js';

/** The first error notify of a message. */
export function errorNotify(payloads: readonly Payload[]): NotifyPayload | undefined {
  return findPayloads(payloads, PayloadType.NOTIFY).find((n) => isErrorNotify(n.notifyType));
}

const list = (proposals: readonly { transforms: readonly Transform[] }[]): string =>
  proposals.map(({ transforms }) => formatProposal(transforms)).join('; ');

const selectors = (ts: readonly TrafficSelector[] | undefined): string =>
  (ts ?? []).map(formatSelector).join(', ') || 'none';

/** What a peer asked of us, so that our own refusal can be explained. */
export interface Demand {
  /** Who asked. */
  peer: string;
  payloads: readonly Payload[];
  accepted: readonly ProposalTemplate[];
  localAllowed: readonly TrafficSelector[];
  remoteAllowed: readonly TrafficSelector[];
}

/** One sentence that names why we refused a child SA: what the peer wanted beside what is accepted here. */
export function ownRefusal(notifyType: number, demand: Demand): KitError {
  const { peer, payloads } = demand;
  const offered = findPayload(payloads, PayloadType.SA)?.proposals ?? [];
  const wanted = (type: 44 | 45): string =>
    selectors((findPayload(payloads, type)?.selectors ?? []).filter((ts) => ts.type !== 'unknown'));
  switch (notifyType) {
    case NotifyType.NO_PROPOSAL_CHOSEN:
      return new KitError(
        'refused',
        'E_NO_PROPOSAL_CHOSEN',
        `${peer} offered ${list(offered) || 'nothing'} for the child SA, none of which is accepted here (${list(demand.accepted)})`,
        { hint: 'Change the offer of the peer, or accept it with --esp.' },
      );
    case NotifyType.TS_UNACCEPTABLE:
      return new KitError(
        'refused',
        'E_TS_UNACCEPTABLE',
        `${peer} asked for traffic between ${wanted(PayloadType.TSi)} (its) and ${wanted(PayloadType.TSr)} (ours); accepted here is ${selectors(demand.remoteAllowed)} and ${selectors(demand.localAllowed)}`,
        { hint: 'Match --local-ts and --remote-ts with the peer.' },
      );
    case NotifyType.INTERNAL_ADDRESS_FAILURE:
      return new KitError('refused', 'E_INTERNAL_ADDRESS_FAILURE', `No virtual address is left for ${peer}`, {
        hint: 'Add addresses with --pool.',
      });
    case NotifyType.FAILED_CP_REQUIRED:
      return new KitError('refused', 'E_FAILED_CP_REQUIRED', `${peer} did not request a virtual address`, {
        hint: 'Let the client request one, or give its network with --remote-ts.',
      });
    default:
      return new KitError(
        'refused',
        `E_${notifyName(notifyType)}`,
        `A child SA that ${peer} asked for was refused with ${notifyName(notifyType)}`,
      );
  }
}

/** Characters of an offer that nobody authenticated: it may be thousands of transforms long. */
const MAX_OFFER_TEXT = 300;

/** One sentence that names why we refused an IKE SA, and to whom. */
export function ownInitRefusal(
  address: string,
  payloads: readonly Payload[],
  accepted: readonly ProposalTemplate[],
): KitError {
  const all = list(findPayload(payloads, PayloadType.SA)?.proposals ?? []) || 'nothing';
  const offered = all.length > MAX_OFFER_TEXT ? `${all.slice(0, MAX_OFFER_TEXT)}…` : all;
  return new KitError(
    'refused',
    'E_NO_PROPOSAL_CHOSEN',
    `${address} offered ${offered} for the IKE SA, none of which is accepted here (${list(accepted)})`,
    { hint: 'Change the offer of the peer, or accept it with --ike.' },
  );
}

/** What else makes AUTH wrong: it covers the IKE_SA_INIT messages of its maker (RFC 7296 2.15). */
export const CHANGED_ON_THE_PATH =
  'somebody on the path may have changed the IKE_SA_INIT messages, to have weaker algorithms chosen';

const authAdvice: Record<LocalAuth['type'], { why: string; hint: string }> = {
  psk: {
    why: 'it knows no such identity, or the PSK differs',
    hint: 'Check, in this order, --local-id as the peer expects it, --remote-id, and the PSK byte for byte.',
  },
  signature: {
    why: 'it knows no such identity, does not trust the CA of our certificate, or wants another method',
    hint: 'Check --local-id as the peer expects it, that it trusts the CA that issued --cert, and that its clock and revocation lists are right.',
  },
  eap: {
    why: 'it does not know this client, or wants another method',
    hint: 'Check --local-id and --remote-id, --eap-user and the password.',
  },
  'eap-only': { why: 'it does not take EAP alone', hint: 'Give this side a certificate.' },
  null: {
    why: 'it does not take clients that prove nothing',
    hint: 'Authenticate with --auth psk, cert or an EAP method.',
  },
};

/** The peer answered AUTHENTICATION_FAILED. @param own how this side tried to prove itself */
export function authRefusal(own: LocalAuth['type']): KitError {
  const { why, hint } = authAdvice[own];
  return new KitError(
    'refused',
    'E_AUTHENTICATION_FAILED',
    `The peer answered AUTHENTICATION_FAILED: ${why}`,
    { hint: `${hint} If all of it is right: ${CHANGED_ON_THE_PATH}.` },
  );
}

/** RFC 7296 1.2: IKE_AUTH has no KE payload for the child SA. */
const pfsAdvice =
  'Its group for perfect forward secrecy may be another: the first child SA needs none, later ones do. ';

/** What we asked for, so that a refusal can be explained. */
export interface Asked {
  /** What the exchange was to make. */
  what: 'IKE SA' | 'child SA';
  /** It was to take the place of one. */
  rekeys?: boolean;
  /** The offer named groups for perfect forward secrecy, and a value of one came with it. */
  pfs?: boolean;
  proposals: readonly ProposalTemplate[];
  localTs?: readonly TrafficSelector[];
  remoteTs?: readonly TrafficSelector[];
}

/** One sentence that names the cause of a refusal, and the next step. */
export function refusal(notifyType: number, asked: Asked): KitError {
  const name = notifyName(notifyType);
  const flag = asked.what === 'IKE SA' ? '--ike' : '--esp';
  const peer = asked.rekeys ? 'A rekey failed: the peer' : 'The peer';
  switch (notifyType) {
    case NotifyType.NO_PROPOSAL_CHOSEN:
      return new KitError(
        'refused',
        'E_NO_PROPOSAL_CHOSEN',
        `${peer} accepts none of the offered ${asked.what} proposals (${list(asked.proposals)}): it answered ${name}`,
        {
          hint: `${asked.pfs ? pfsAdvice : ''}Find out what the peer is configured for and give it with ${flag}.`,
        },
      );
    case NotifyType.INVALID_KE_PAYLOAD:
      return new KitError(
        'refused',
        'E_INVALID_KE',
        `${peer} insists on a key exchange group that is not offered for the ${asked.what}`,
        { hint: `Add the peer's group to the proposal with ${flag}.` },
      );
    case NotifyType.TS_UNACCEPTABLE:
    case NotifyType.SINGLE_PAIR_REQUIRED:
      return new KitError(
        'refused',
        'E_TS_UNACCEPTABLE',
        `${peer} accepts no traffic between ${selectors(asked.localTs)} (ours) and ${selectors(asked.remoteTs)} (its): it answered ${name}`,
        { hint: 'Match --local-ts and --remote-ts with the peer; some peers want exact pairs.' },
      );
    case NotifyType.INTERNAL_ADDRESS_FAILURE:
      return new KitError(
        'refused',
        'E_INTERNAL_ADDRESS_FAILURE',
        'The peer has no virtual address left to assign',
        { hint: 'Enlarge its address pool, or use fixed selectors with --local-ts.' },
      );
    case NotifyType.FAILED_CP_REQUIRED:
      return new KitError(
        'refused',
        'E_FAILED_CP_REQUIRED',
        'The peer insists that a virtual address is requested',
        { hint: 'Leave --local-ts away, so that an address is requested.' },
      );
    case NotifyType.NO_ADDITIONAL_SAS:
      return new KitError(
        'refused',
        'E_NO_ADDITIONAL_SAS',
        `${peer} makes no further child SAs on this IKE SA`,
      );
    case NotifyType.TEMPORARY_FAILURE:
      return new KitError('refused', 'E_TEMPORARY_FAILURE', `${peer} is busy with another exchange`);
    case NotifyType.CHILD_SA_NOT_FOUND:
      return new KitError('refused', 'E_CHILD_SA_NOT_FOUND', `${peer} no longer has the child SA`);
    default:
      return new KitError(
        'refused',
        `E_${/^[A-Z0-9_]+$/.test(name) ? name : 'NOTIFY'}`,
        `${peer} refused the ${asked.what} with ${name}`,
      );
  }
}
