import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { AUTH_METHOD_PSK, pskAuth, type SignedOctets, verifyPskAuth } from '../auth/psk.js';
import { formatIdentity, type Identity, identityFromAddress, identityMatches } from '../identity.js';
import { proposalsToOffer } from '../negotiate.js';
import { anySelector, selectorFromAddress } from '../traffic-selectors.js';
import { findPayload } from '../wire/message.js';
import { findNotify, NotifyType, notify, notifyName } from '../wire/notify.js';
import {
  type AuthPayload,
  ExchangeType,
  type IdPayload,
  type NotifyPayload,
  type Payload,
  PayloadType,
  type Proposal,
  type TrafficSelector,
} from '../wire/types.js';
import { answerChild, reportRefusal, spiBytes } from './child.js';
import { acceptChild } from './child-answer.js';
import { CfgType, configReply, configRequest, readConfigReply, readConfigRequest } from './config.js';
import { errorNotify, refusal } from './failure.js';
import type { IkeSa, InitiatedExchange } from './ike-sa.js';
import { AuthenticationFailed, DeleteIkeSa } from './informational.js';
import type { InitMessages } from './sa-init.js';
import type { SessionState } from './state.js';
import type { AssignedAddresses } from './types.js';

/** What one side's AUTH covers. */
function octetsOf(
  ikeSa: IkeSa,
  messages: InitMessages,
  signer: 'initiator' | 'responder',
  identity: Identity,
): SignedOctets {
  const { suite, keys, nonceI, nonceR } = ikeSa.secrets;
  const initiator = signer === 'initiator';
  return {
    prf: suite.prf,
    initMessage: initiator ? messages.request : messages.response,
    peerNonce: initiator ? nonceR : nonceI,
    identity,
    skP: initiator ? keys.skPi : keys.skPr,
  };
}

const identityOf = ({ idType, data }: IdPayload): Identity => ({ idType, data: data.slice() });

const selectorsOf = ({ addresses }: AssignedAddresses): TrafficSelector[] =>
  addresses.map(selectorFromAddress);

function established(state: SessionState, ikeSa: IkeSa, now: Milliseconds): void {
  ikeSa.stage = 'established';
  ikeSa.dropAt = undefined;
  ikeSa.rekeyAt = state.rekeyMoment(state.policy.rekeyIke, now);
  state.emit({ type: 'ike-sa-established', ikeSa: ikeSa.info() });
}

/** IKE_AUTH as the initiator, with the first child SA (RFC 7296 1.2). */
export class IkeAuth implements InitiatedExchange {
  readonly type = ExchangeType.IKE_AUTH;
  readonly concerns = 'nothing';
  purpose = 'authenticated both sides and made the first child SA';
  readonly #inboundSpi: number;
  readonly #offered: Proposal[];
  readonly #localOffer: readonly TrafficSelector[];
  readonly #remoteOffer: readonly TrafficSelector[];

  constructor(
    private readonly state: SessionState,
    private readonly messages: InitMessages,
  ) {
    const { policy } = state;
    this.#inboundSpi = state.hooks.claimSpi();
    this.#offered = proposalsToOffer(policy.espProposals, { spi: spiBytes(this.#inboundSpi), withKe: false });
    const everything = [anySelector(4), anySelector(6)];
    this.#localOffer = policy.localTs ?? everything;
    this.#remoteOffer = policy.remoteTs ?? everything;
  }

  request(ikeSa: IkeSa): Payload[] {
    const { policy } = this.state;
    const localId = policy.localId ?? identityFromAddress(ikeSa.path.local.address);
    ikeSa.localId = localId;
    return [
      { type: PayloadType.IDi, ...localId },
      notify(NotifyType.INITIAL_CONTACT),
      ...(policy.remoteId ? [{ type: PayloadType.IDr, ...policy.remoteId }] : []),
      {
        type: PayloadType.AUTH,
        method: AUTH_METHOD_PSK,
        data: pskAuth(policy.psk, octetsOf(ikeSa, this.messages, 'initiator', localId)),
      },
      ...(policy.localTs
        ? []
        : [{ type: PayloadType.CP, cfgType: CfgType.REQUEST, attributes: configRequest() }]),
      { type: PayloadType.SA, proposals: this.#offered },
      { type: PayloadType.TSi, selectors: [...this.#localOffer] },
      { type: PayloadType.TSr, selectors: [...this.#remoteOffer] },
    ];
  }

  response(ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void {
    const { state } = this;
    const idr = findPayload(payloads, PayloadType.IDr);
    const auth = findPayload(payloads, PayloadType.AUTH);
    const refused = errorNotify(payloads);
    if (refused) {
      const done = auth ? 'authenticated both sides, but was' : 'was';
      this.purpose = `${done} refused with ${notifyName(refused.notifyType)}`;
    }
    if (!idr || !auth) {
      const error = refused
        ? refusal(refused.notifyType, this.#asked())
        : new KitError('protocol', 'E_IKE_AUTH', 'The peer answered IKE_AUTH without identity or AUTH');
      state.end(ikeSa, 'failed', now, error);
      return;
    }
    const remoteId = identityOf(idr);
    const distrust = this.#distrust(ikeSa, remoteId, auth);
    if (distrust) {
      // RFC 7296 2.21.2: the peer believes the SA is up; tell it, and do not wait for an answer.
      state.enqueue(ikeSa, new AuthenticationFailed(state, distrust), now);
      return;
    }
    ikeSa.remoteId = remoteId;
    established(state, ikeSa, now);
    this.#takeAddresses(payloads);
    this.#takeChild(ikeSa, payloads, now);
  }

  #distrust(ikeSa: IkeSa, remoteId: Identity, auth: AuthPayload): KitError | undefined {
    const { policy } = this.state;
    if (!identityMatches(policy.remoteId, remoteId)) {
      return new KitError(
        'refused',
        'E_IDENTITY_MISMATCH',
        `The peer says it is ${formatIdentity(remoteId)}, expected is ${policy.remoteId ? formatIdentity(policy.remoteId) : '%any'}`,
        { hint: 'If that is the right gateway, give its identity with --remote-id.' },
      );
    }
    if (auth.method !== AUTH_METHOD_PSK) {
      return new KitError(
        'refused',
        'E_AUTH_METHOD',
        `The peer authenticates with method ${auth.method}, expected is a PSK (${AUTH_METHOD_PSK})`,
      );
    }
    if (!verifyPskAuth(policy.psk, octetsOf(ikeSa, this.messages, 'responder', remoteId), auth.data)) {
      return new KitError(
        'refused',
        'E_AUTHENTICATION_FAILED',
        `The peer ${formatIdentity(remoteId)} does not prove that it knows the PSK`,
        { hint: 'Compare the PSK on both sides byte for byte.' },
      );
    }
    return undefined;
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

  #takeChild(ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void {
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

  #asked() {
    return {
      what: 'child SA',
      proposals: this.state.policy.espProposals,
      localTs: this.#localOffer,
      remoteTs: this.#remoteOffer,
    } as const;
  }
}

/** IKE_AUTH as the responder (RFC 7296 1.2). @returns the payloads of the response */
export function answerIkeAuth(
  state: SessionState,
  ikeSa: IkeSa,
  messages: InitMessages,
  payloads: Payload[],
  now: Milliseconds,
): Payload[] {
  const { policy } = state;
  const idi = findPayload(payloads, PayloadType.IDi);
  const auth = findPayload(payloads, PayloadType.AUTH);
  if (!idi) return [notify(NotifyType.INVALID_SYNTAX)];
  const remoteId = identityOf(idi);
  const distrust = distrustInitiator(state, ikeSa, messages, remoteId, auth);
  if (distrust) {
    state.end(ikeSa, 'failed', now, distrust);
    return [notify(NotifyType.AUTHENTICATION_FAILED)];
  }
  const localId = policy.localId ?? identityFromAddress(ikeSa.path.local.address);
  ikeSa.localId = localId;
  ikeSa.remoteId = remoteId;
  if (findNotify(payloads, NotifyType.INITIAL_CONTACT)) state.hooks.initialContact(remoteId, now);
  established(state, ikeSa, now);
  return [
    { type: PayloadType.IDr, ...localId },
    {
      type: PayloadType.AUTH,
      method: AUTH_METHOD_PSK,
      data: pskAuth(policy.psk, octetsOf(ikeSa, messages, 'responder', localId)),
    },
    ...answerFirstChild(state, ikeSa, payloads, now),
  ];
}

function distrustInitiator(
  state: SessionState,
  ikeSa: IkeSa,
  messages: InitMessages,
  remoteId: Identity,
  auth: AuthPayload | undefined,
): KitError | undefined {
  const { policy } = state;
  const who = formatIdentity(remoteId);
  if (!identityMatches(policy.remoteId, remoteId)) {
    return new KitError(
      'refused',
      'E_IDENTITY_MISMATCH',
      `The client says it is ${who}, allowed is ${policy.remoteId ? formatIdentity(policy.remoteId) : '%any'}`,
    );
  }
  if (auth?.method !== AUTH_METHOD_PSK) {
    const method = auth ? `method ${auth.method}` : 'EAP';
    return new KitError('refused', 'E_AUTH_METHOD', `The client ${who} wants ${method}, expected is a PSK`);
  }
  if (!verifyPskAuth(policy.psk, octetsOf(ikeSa, messages, 'initiator', remoteId), auth.data)) {
    return new KitError(
      'refused',
      'E_AUTHENTICATION_FAILED',
      `The client ${who} does not prove that it knows the PSK`,
    );
  }
  return undefined;
}

/** Addresses, then the child SA; a refusal leaves the IKE SA up without a child (RFC 7296 1.2, 2.21.2). */
function answerFirstChild(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: Payload[],
  now: Milliseconds,
): Payload[] {
  const config = assignAddresses(state, ikeSa, payloads);
  if ('refusal' in config) return [reportRefusal(state, ikeSa, payloads, config.refusal)];
  const { policy } = state;
  const everything = [anySelector(4), anySelector(6)];
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
