import type { Path } from '../../core/endpoint.js';
import type { Entropy, Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import type { KeyExchange } from '../../crypto/transform.js';
import { deriveIkeKeys } from '../keys.js';
import { checkSelected, proposalsToOffer, resolveIkeSuite, selectProposal } from '../negotiate.js';
import { encodeMessage, findPayload } from '../wire/message.js';
import { findNotify, NotifyType, notify } from '../wire/notify.js';
import {
  ExchangeType,
  type IkeMessage,
  type Payload,
  PayloadType,
  type Proposal,
  ProtocolId,
} from '../wire/types.js';
import {
  certificateRequests,
  fullTranscript,
  hasFullTranscript,
  multipleAuth,
  readAnnounced,
  signatureHashes,
} from './announce.js';
import { errorNotify, refusal } from './failure.js';
import { IkeSa, type InitiatedExchange } from './ike-sa.js';
import { generateKe, groupsOf } from './key-exchange.js';
import { detectNat, natNotifies } from './nat.js';
import { SentMessage } from './sent-message.js';
import type { SessionState } from './state.js';
import { Steering } from './steering.js';
import type { InitMessages, SessionPolicy } from './types.js';

/** Nonce sizes a peer may send, bytes (RFC 7296 3.9). */
const NONCE_MIN = 16;
const NONCE_MAX = 256;

/** How often the peer may send us back with a cookie or another group; anybody could forge such answers. */
const MAX_RETRIES = 8;

const NO_SPI = new Uint8Array(0);

export function validNonce(nonce: Uint8Array): boolean {
  return nonce.length >= NONCE_MIN && nonce.length <= NONCE_MAX;
}

/** The sender of these IKE_SA_INIT payloads takes fragments (RFC 7383 2.3). */
function knowsFragments(payloads: readonly Payload[]): boolean {
  return findNotify(payloads, NotifyType.IKEV2_FRAGMENTATION_SUPPORTED) !== undefined;
}

/** What an unauthenticated answer led to. */
export type InitVerdict = 'wait' | { agreed: boolean; purpose: string };

/** IKE_SA_INIT as the initiator (RFC 7296 1.2, 2.6, 2.7). */
export class SaInit implements InitiatedExchange {
  readonly type = ExchangeType.IKE_SA_INIT;
  readonly concerns = 'nothing';
  readonly purpose = 'agreed on algorithms and keys';
  /** The last unauthenticated refusal: it only counts when nothing better comes in time (RFC 7296 2.21.1). */
  hint: KitError | undefined;
  readonly #told = new Set<string>();
  #ke: KeyExchange;
  #group: number;
  readonly #steering: Steering;
  #cookie: Uint8Array | undefined;
  #retries = 0;
  readonly #nonce: Uint8Array;
  readonly #offered: Proposal[];

  constructor(private readonly state: SessionState) {
    const templates = state.policy.ikeProposals;
    const group = groupsOf(templates)[0];
    if (group === undefined)
      throw new KitError('usage', 'E_PROPOSAL', 'No IKE proposal names a key exchange group');
    this.#group = group;
    this.#steering = new Steering(group);
    this.#ke = generateKe(group);
    this.#nonce = state.newNonce();
    this.#offered = proposalsToOffer(templates, { spi: NO_SPI, withKe: true, firstKe: group });
  }

  request(ikeSa: IkeSa): Payload[] {
    const { policy, entropy } = this.state;
    return [
      ...(this.#cookie ? [notify(NotifyType.COOKIE, this.#cookie)] : []),
      { type: PayloadType.SA, proposals: this.#offered },
      { type: PayloadType.KE, group: this.#group, data: this.#ke.publicValue },
      { type: PayloadType.NONCE, data: this.#nonce },
      ...natNotifies(ikeSa.initiatorSpi, 0n, ikeSa.path, policy.encap, entropy),
      ...(policy.fragmentation.announce ? [notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED)] : []),
      ...signatureHashes(policy.auth),
      ...fullTranscript(policy),
    ];
  }

  /** The answer comes through {@link answered}, because it is not protected. */
  response(): void {
    throw new Error('IKE_SA_INIT has no protected response');
  }

  /**
   * Reads an answer that nobody has authenticated yet.
   * @returns `wait` to go on waiting for a better one, else whether keys exist or the request must be sent anew
   */
  answered(ikeSa: IkeSa, message: IkeMessage): InitVerdict {
    const { payloads } = message;
    const cookie = findNotify(payloads, NotifyType.COOKIE);
    if (cookie && !findPayload(payloads, PayloadType.SA)) return this.#takeCookie(cookie.data);
    const wanted = findNotify(payloads, NotifyType.INVALID_KE_PAYLOAD);
    if (wanted) return this.#switchGroup(wanted.data);
    const refused = errorNotify(payloads);
    if (refused) {
      return this.#note(
        refusal(refused.notifyType, { what: 'IKE SA', proposals: this.state.policy.ikeProposals }),
      );
    }
    try {
      this.#agree(ikeSa, message);
      return { agreed: true, purpose: this.purpose };
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      return this.#note(error);
    }
  }

  /** Remembers what the answer was, and tells of each kind once: anybody can send thousands. */
  #note(error: KitError): InitVerdict {
    this.hint = error;
    if (!this.#told.has(error.code)) {
      this.#told.add(error.code);
      this.state.emit({ type: 'refused-unconfirmed', error });
    }
    return 'wait';
  }

  #takeCookie(cookie: Uint8Array): InitVerdict {
    // RFC 7296 2.6: a cookie has 1 to 64 octets.
    if (cookie.length === 0 || cookie.length > 64 || ++this.#retries > MAX_RETRIES) return 'wait';
    this.#cookie = cookie.slice();
    return { agreed: false, purpose: 'was asked for a cookie' };
  }

  #switchGroup(data: Uint8Array): InitVerdict {
    const group = data.length === 2 ? (data[0]! << 8) | data[1]! : undefined;
    const offered = groupsOf(this.state.policy.ikeProposals);
    // RFC 7296 2.7: only a group that we offered, else an attacker could steer us to a weaker one. What RFC 8247 advises
    // against is offered only when the user names it.
    if (group === undefined || !offered.includes(group)) {
      return this.#note(
        refusal(NotifyType.INVALID_KE_PAYLOAD, {
          what: 'IKE SA',
          proposals: this.state.policy.ikeProposals,
        }),
      );
    }
    if (group === this.#group || ++this.#retries > MAX_RETRIES) return 'wait';
    this.#group = group;
    this.#ke = generateKe(group);
    const contradiction = this.#steering.follow(group);
    if (contradiction) this.state.emit(contradiction);
    this.hint = this.#steering.unsettled;
    return { agreed: false, purpose: 'was asked for another key exchange group' };
  }

  #agree(ikeSa: IkeSa, { header, payloads }: IkeMessage): void {
    const sa = findPayload(payloads, PayloadType.SA);
    const ke = findPayload(payloads, PayloadType.KE);
    const nonce = findPayload(payloads, PayloadType.NONCE);
    if (!sa || !ke || !nonce || header.responderSpi === 0n) {
      throw new KitError(
        'protocol',
        'E_SA_INIT',
        'The peer answered IKE_SA_INIT without SA, KE, nonce or SPI',
      );
    }
    if (!validNonce(nonce.data))
      throw new KitError('protocol', 'E_NONCE', 'The peer sent a nonce of a forbidden size');
    const suite = resolveIkeSuite(checkSelected(this.#offered, sa.proposals).transforms);
    if (suite.ke.id !== this.#group || ke.group !== this.#group) {
      throw new KitError('protocol', 'E_KE_GROUP', 'The peer chose one key exchange group and sent another');
    }
    const keSecret = new Secret(this.#ke.agree(ke.data));
    const nonceI = this.#nonce;
    const nonceR = nonce.data.slice();
    ikeSa.responderSpi = header.responderSpi;
    const nat = detectNat(payloads, ikeSa.initiatorSpi, ikeSa.responderSpi, ikeSa.path);
    ikeSa.natTraversal = nat.supported;
    ikeSa.peerBehindNat = nat.peerBehindNat;
    ikeSa.weAreBehindNat = nat.weAreBehindNat;
    const { policy } = this.state;
    ikeSa.natClaimed = policy.encap;
    const { fragmentation } = policy;
    if (fragmentation.announce && knowsFragments(payloads)) ikeSa.useFragments(fragmentation);
    readAnnounced(ikeSa, payloads);
    ikeSa.fullTranscript = hasFullTranscript(policy, payloads);
    const keys = deriveIkeKeys({
      suite,
      keSecret,
      nonceI,
      nonceR,
      spiI: ikeSa.initiatorSpi,
      spiR: ikeSa.responderSpi,
    });
    ikeSa.setSecrets({ suite, keys, keSecret, nonceI, nonceR });
    const weaker = this.#steering.settled(suite.ke.id);
    if (weaker) this.state.emit(weaker);
  }
}

/** What a responder makes of an IKE_SA_INIT request; a refusal leaves nothing behind. */
export type SaInitAnswer =
  | { accepted: false; payloads: Payload[] }
  | { accepted: true; ikeSa: IkeSa; messages: InitMessages };

export interface SaInitRequest {
  message: IkeMessage;
  datagram: Uint8Array;
  path: Path;
  policy: SessionPolicy;
  entropy: Entropy;
  /** A fresh responder SPI. */
  responderSpi: bigint;
}

/** IKE_SA_INIT as the responder (RFC 7296 1.2). @throws KitError `E_KE_VALUE` for a bad public value */
export function answerSaInit(request: SaInitRequest, now: Milliseconds): SaInitAnswer {
  const { message, path, policy, entropy } = request;
  const { payloads, header } = message;
  const refuse = (type: number, data?: Uint8Array): SaInitAnswer => ({
    accepted: false,
    payloads: [notify(type, data)],
  });
  const sa = findPayload(payloads, PayloadType.SA);
  const ke = findPayload(payloads, PayloadType.KE);
  const nonce = findPayload(payloads, PayloadType.NONCE);
  if (!sa || !ke || !nonce || !validNonce(nonce.data)) return refuse(NotifyType.INVALID_SYNTAX);

  const selected = selectProposal(sa.proposals, policy.ikeProposals, { ke: 'required', preferKe: ke.group });
  if (!selected) return refuse(NotifyType.NO_PROPOSAL_CHOSEN);
  const suite = resolveIkeSuite(selected.transforms);
  if (suite.ke.id !== ke.group) {
    return refuse(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(suite.ke.id >> 8, suite.ke.id & 0xff));
  }

  const ikeSa = new IkeSa('responder', header.initiatorSpi, path, now);
  ikeSa.responderSpi = request.responderSpi;
  const exchange = generateKe(suite.ke.id);
  const keSecret = new Secret(exchange.agree(ke.data));
  const nonceI = nonce.data.slice();
  const nonceR = entropy.bytes(32);
  const keys = deriveIkeKeys({
    suite,
    keSecret,
    nonceI,
    nonceR,
    spiI: ikeSa.initiatorSpi,
    spiR: ikeSa.responderSpi,
  });
  ikeSa.setSecrets({ suite, keys, keSecret, nonceI, nonceR });
  const nat = detectNat(payloads, header.initiatorSpi, 0n, path);
  ikeSa.natTraversal = nat.supported;
  ikeSa.peerBehindNat = nat.peerBehindNat;
  ikeSa.weAreBehindNat = nat.weAreBehindNat;
  ikeSa.natClaimed = policy.encap;
  ikeSa.dropAt = now + policy.halfOpenTimeout;
  const fragments = policy.fragmentation.announce && knowsFragments(payloads);
  if (fragments) ikeSa.useFragments(policy.fragmentation);
  readAnnounced(ikeSa, payloads);
  ikeSa.fullTranscript = hasFullTranscript(policy, payloads);
  const response = encodeMessage(ikeSa.header(ExchangeType.IKE_SA_INIT, 0, true), [
    {
      type: PayloadType.SA,
      proposals: [
        { number: selected.number, protocolId: ProtocolId.IKE, spi: NO_SPI, transforms: selected.transforms },
      ],
    },
    { type: PayloadType.KE, group: suite.ke.id, data: exchange.publicValue },
    { type: PayloadType.NONCE, data: nonceR },
    ...(nat.supported
      ? natNotifies(ikeSa.initiatorSpi, ikeSa.responderSpi, path, policy.encap, entropy)
      : []),
    ...(fragments ? [notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED)] : []),
    ...signatureHashes(policy.auth),
    ...certificateRequests(policy.auth, 'short'),
    ...multipleAuth(policy.auth),
    ...fullTranscript(policy),
  ]);
  // IKE_SA_INIT is request 0 of this window; its retransmission is answered like any other.
  ikeSa.requests.answered(request.datagram, new SentMessage([response]));
  return { accepted: true, ikeSa, messages: { request: request.datagram.slice(), response } };
}
