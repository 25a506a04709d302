import { toHex } from '../../core/bytes.js';
import type { Encapsulation, Path } from '../../core/endpoint.js';
import type { Entropy, Milliseconds } from '../../core/environment.js';
import type { Secret } from '../../core/secret.js';
import type { RsaScheme } from '../auth/types.js';
import { DatagramSize, datagramOverhead, type Reassembled, Reassembly, sealFragmented } from '../fragment.js';
import type { Identity } from '../identity.js';
import type { IkeKeys } from '../keys.js';
import { createSkProtection, type OpenedMessage, openMessage, type SkProtection } from '../sealed.js';
import type { IkeSuite } from '../suite.js';
import { ExchangeType, type IkeHeader, type Payload } from '../wire/types.js';
import { SentMessage } from './sent-message.js';
import type { FragmentationPolicy, IkeSaInfo, UnauthenticatedIkeSa } from './types.js';
import { RequestWindow, type Retransmission } from './window.js';

/**
 * Where an IKE SA stands.
 * - `half-open`: keys may exist, the peer is not authenticated
 * - `established`
 * - `rekeyed`: a successor has its children; it waits to be deleted
 * - `deleting`: we asked to delete it
 */
export type IkeSaStage = 'half-open' | 'established' | 'rekeyed' | 'deleting' | 'gone';

/** What the IKE_SA_INIT (or the rekey exchange) settled. */
export interface IkeSaSecrets {
  suite: IkeSuite;
  keys: IkeKeys;
  keSecret: Secret;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
}

/** An exchange that this side starts: what to ask, and what to make of the answer. */
export interface InitiatedExchange {
  /** IKE exchange type number. */
  readonly type: number;
  /** What it works on: rekeys and deletes of the other kind must wait for it (RFC 7296 2.25). */
  readonly concerns: 'ike-sa' | 'child-sa' | 'nothing';
  /** In plain words, for timelines. */
  readonly purpose: string;
  /**
   * Payloads of the request, built when the window is free.
   * @returns undefined when there is nothing left to ask
   */
  request(ikeSa: IkeSa, now: Milliseconds): Payload[] | undefined;
  /** The authenticated answer. */
  response(ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void;
}

/** One waiting exchange; `notBefore` holds back retries (RFC 7296 2.25: never at once). */
export interface QueuedExchange {
  exchange: InitiatedExchange;
  notBefore: Milliseconds;
}

/** A request of ours that waits for its response. */
export interface PendingRequest {
  messageId: number;
  exchange: InitiatedExchange;
  message: SentMessage;
  retransmission: Retransmission;
}

/** A successor that the peer made while our own rekey of the same IKE SA was in flight (RFC 7296 2.8.2). */
export interface PeerRekey {
  ikeSa: IkeSa;
  nonces: [Uint8Array, Uint8Array];
}

/** One IKE SA: SPIs, keys, both message windows and the queue of what this side wants to ask. */
export class IkeSa {
  stage: IkeSaStage = 'half-open';
  responderSpi = 0n;
  localId: Identity | undefined;
  /** Set once the peer is authenticated. */
  remoteId: Identity | undefined;
  /** How both sides proved themselves, once they have. */
  proofs: Pick<IkeSaInfo, 'localAuth' | 'remoteAuth' | 'eapIdentity'> | undefined;
  /** Hash ids of the peer's SIGNATURE_HASH_ALGORITHMS (RFC 7427 4). */
  peerHashes: readonly number[] | undefined;
  /** How the peer itself signed with an RSA key. */
  peerRsaScheme: RsaScheme | undefined;
  /** The peer knows several rounds of authentication (RFC 4739). */
  peerMultipleAuth = false;
  /** The peer said that AUTH covers both IKE_SA_INIT messages, as we always do (IKE_SA_INIT_FULL_TRANSCRIPT_AUTH). */
  fullTranscript = false;
  /** The peer asked for an OCSP response with our certificate (RFC 4806). */
  peerWantsOcsp = false;
  weAreBehindNat = false;
  peerBehindNat = false;
  /** We told the peer that there is a NAT. */
  natClaimed = false;
  /** The peer spoke NAT detection, so it can encapsulate ESP in UDP. */
  natTraversal = false;
  /** Largest IP datagram for sealed messages, bytes; longer ones go in fragments. Undefined: the peer takes none. */
  fragmentSize: number | undefined;
  nextRequestId = 0;
  pending: PendingRequest | undefined;
  readonly queue: QueuedExchange[] = [];
  readonly requests = new RequestWindow();
  peerRekey: PeerRekey | undefined;
  /** Our own rekey of this SA is queued or in flight. */
  rekeying = false;
  rekeyAt: Milliseconds | undefined;
  /** Last authenticated message from the peer. */
  lastInboundAt: Milliseconds;
  /** Last datagram we sent. */
  lastOutboundAt: Milliseconds;
  /** When to give this SA up silently: half-open for too long, or rekeyed and never deleted by the peer. */
  dropAt: Milliseconds | undefined;

  #secrets: IkeSaSecrets | undefined;
  #outbound: SkProtection | undefined;
  #inbound: SkProtection | undefined;
  readonly #reassembly = { requests: new Reassembly(), responses: new Reassembly() };

  /**
   * @param role of this side as the original initiator or responder of this very SA: flag I and the keys follow it
   */
  constructor(
    readonly role: 'initiator' | 'responder',
    readonly initiatorSpi: bigint,
    public path: Path,
    now: Milliseconds,
  ) {
    this.lastInboundAt = now;
    this.lastOutboundAt = now;
  }

  /**
   * How ESP goes to the peer. RFC 7296 2.23: in UDP when a NAT was detected, and never from port 500. That IKE moved to
   * port 4500 says nothing: peers with MOBIKE do so without a NAT too, and some then take only ESP without UDP.
   */
  get encapsulation(): Encapsulation {
    const { natClaimed, peerBehindNat, weAreBehindNat } = this;
    return this.path.natT && (natClaimed || peerBehindNat || weAreBehindNat) ? 'udp' : 'none';
  }

  /** @throws Error before the key exchange is done */
  get secrets(): IkeSaSecrets {
    if (!this.#secrets) throw new Error('this IKE SA has no keys yet');
    return this.#secrets;
  }

  get hasKeys(): boolean {
    return this.#secrets !== undefined;
  }

  /**
   * True for messages of this SA. The responder SPI may be missing on either side: in an IKE_SA_INIT request and its
   * retransmissions, and in refusals of IKE_SA_INIT (RFC 7296 2.6).
   */
  isAddressed({ initiatorSpi, responderSpi, exchangeType }: IkeHeader): boolean {
    if (this.initiatorSpi !== initiatorSpi) return false;
    if (this.responderSpi === responderSpi) return true;
    return exchangeType === ExchangeType.IKE_SA_INIT && (this.responderSpi === 0n || responderSpi === 0n);
  }

  /** Installs the keys; every message from here on is sealed. */
  setSecrets(secrets: IkeSaSecrets): void {
    const { suite, keys } = secrets;
    const ours = createSkProtection(
      suite,
      this.role === 'initiator' ? keys.skEi : keys.skEr,
      this.role === 'initiator' ? keys.skAi : keys.skAr,
    );
    const theirs = createSkProtection(
      suite,
      this.role === 'initiator' ? keys.skEr : keys.skEi,
      this.role === 'initiator' ? keys.skAr : keys.skAi,
    );
    this.#secrets = secrets;
    this.#outbound = ours;
    this.#inbound = theirs;
  }

  /** Both sides know fragments (RFC 7383 2.3): from here on messages that are too long are sent in them. */
  useFragments({ size }: FragmentationPolicy): void {
    this.fragmentSize = size ?? DatagramSize.default;
  }

  /**
   * A sealed message of this side.
   * @throws KitError usage `E_FRAGMENT_SIZE` when it is too long even for fragments
   */
  seal(
    exchangeType: number,
    messageId: number,
    isResponse: boolean,
    payloads: Payload[],
    entropy: Entropy,
  ): SentMessage {
    const outbound = this.#outbound;
    if (!outbound) throw new Error('this IKE SA has no keys yet');
    const header = this.header(exchangeType, messageId, isResponse);
    const overhead = datagramOverhead(this.path);
    const split = (size: number): Uint8Array[] =>
      sealFragmented(header, payloads, outbound, entropy, size - overhead);
    const datagrams = split(this.fragmentSize ?? Number.POSITIVE_INFINITY);
    const isSmall = datagrams.every(({ length }) => length + overhead <= DatagramSize.fallback);
    // Its payloads need not be kept where it will not be cut.
    if (this.fragmentSize === undefined || isSmall) return new SentMessage(datagrams);
    return new SentMessage(datagrams, () => {
      const smaller = split(DatagramSize.fallback);
      // RFC 7383 2.5.2: only by their greater total does the peer tell new fragments from old ones.
      if (smaller.length <= datagrams.length) return undefined;
      this.fragmentSize = DatagramSize.fallback;
      return smaller;
    });
  }

  /**
   * Opens a message of the peer, or takes a fragment of one.
   * @param path the way it came
   * @returns `incomplete` when other fragments are still to come
   * @throws KitError of kind garbage when it is not authentic; WireError when it is and what is inside does not parse
   */
  open(datagram: Uint8Array, { isResponse }: IkeHeader, path: Path): OpenedMessage | 'incomplete' {
    const inbound = this.#inbound;
    if (!inbound) throw new Error('this IKE SA has no keys yet');
    if (this.fragmentSize === undefined) return openMessage(datagram, inbound);
    const { requests, responses } = this.#reassembly;
    const opened = (isResponse ? responses : requests).open(datagram, inbound);
    if (opened !== 'incomplete' && !isResponse) this.#learnSize(opened, path);
    return opened;
  }

  /** RFC 7383 2.5.1: what the peer sends in smaller fragments is answered in fragments no larger. */
  #learnSize({ longest }: Reassembled, path: Path): void {
    if (this.fragmentSize === undefined || longest === undefined) return;
    const seen = Math.max(longest + datagramOverhead(path), DatagramSize.fallback);
    this.fragmentSize = Math.min(this.fragmentSize, seen);
  }

  /** The response to send again when a request of the peer repeats the last one; see {@link RequestWindow}. */
  retransmitted(header: IkeHeader, datagram: Uint8Array): readonly Uint8Array[] | undefined {
    return this.requests.retransmitted(header, datagram, this.#inbound);
  }

  /** Header fields of a message of this side. */
  header(exchangeType: number, messageId: number, isResponse: boolean) {
    return {
      initiatorSpi: this.initiatorSpi,
      responderSpi: this.responderSpi,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType,
      fromInitiator: this.role === 'initiator',
      isResponse,
      higherVersion: false,
      messageId,
    };
  }

  info(): IkeSaInfo {
    const { localId, remoteId, proofs } = this;
    if (!localId || !remoteId || !proofs) throw new Error('this IKE SA is not authenticated');
    return { ...this.keyInfo(), localId, remoteId, ...proofs };
  }

  /**
   * Who the peer is, as far as it proved that: its EAP identity before its IKE identity, which many EAP clients share.
   * Undefined for a peer that is not authenticated, or that proved nothing (NULL).
   */
  get peerName(): string | undefined {
    const { remoteId, proofs } = this;
    if (!remoteId || !proofs || proofs.remoteAuth === 'null') return undefined;
    if (proofs.eapIdentity !== undefined) return `eap/${proofs.eapIdentity}`;
    return `id/${remoteId.idType}/${toHex(remoteId.data)}`;
  }

  /** Everything but the identities. */
  keyInfo(): UnauthenticatedIkeSa {
    const { suite, keys, keSecret, nonceI, nonceR } = this.secrets;
    return {
      initiatorSpi: this.initiatorSpi,
      responderSpi: this.responderSpi,
      role: this.role,
      suite,
      keys,
      keSecret,
      nonceI,
      nonceR,
      path: this.path,
    };
  }
}
