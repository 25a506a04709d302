import type { Encapsulation, Path } from '../../core/endpoint.js';
import type { Milliseconds } from '../../core/environment.js';
import type { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { AuthPolicy } from '../auth/types.js';
import type { Identity } from '../identity.js';
import type { ChildKeys, IkeKeys } from '../keys.js';
import type { ProposalTemplate } from '../proposals.js';
import type { ChildSuite, IkeSuite } from '../suite.js';
import type { Payload, TrafficSelector } from '../wire/types.js';

/** Exponential retransmission (RFC 7296 2.1, 2.4). The peer is dead `initial * (factor^0 + … + factor^(sends-1))` after the first send. */
export interface RetransmitSchedule {
  /** Wait after the first send. */
  initial: Milliseconds;
  factor: number;
  /** How often one request is sent in all. */
  sends: number;
}

/** What a client was given from a pool, or what we were given by a server. */
export interface AssignedAddresses {
  /** Virtual addresses, canonical text, at most one a family. */
  addresses: string[];
  dns: string[];
}

/** Hands out virtual addresses; called inside the state machine, so it answers at once and does no I/O. */
export interface AddressPool {
  /**
   * @param families what the client asks for
   * @param wanted addresses the client would like to have again
   * @returns undefined when the pool is exhausted for every family asked
   */
  assign(owner: string, families: (4 | 6)[], wanted: string[]): AssignedAddresses | undefined;
  release(owner: string): void;
}

/** How messages that are too long for one datagram travel (RFC 7383). */
export interface FragmentationPolicy {
  /** Tell the peer that we know fragmentation; only peers that both say so use it. */
  announce: boolean;
  /** Largest IP datagram to send, bytes, headers included; undefined: a default that shrinks when it gets no answer. */
  size?: number;
}

/** Everything that decides how this side negotiates; the same for both roles. */
export interface SessionPolicy {
  localId: Identity | undefined;
  /** Undefined accepts any identity (`%any`). */
  remoteId: Identity | undefined;
  auth: AuthPolicy;
  ikeProposals: readonly ProposalTemplate[];
  espProposals: readonly ProposalTemplate[];
  /** This side's traffic; undefined: the virtual address that the server assigns (initiator only). */
  localTs: readonly TrafficSelector[] | undefined;
  /** The peer's traffic. On a responder with a pool: that of clients which ask for no address; others have theirs. */
  remoteTs: readonly TrafficSelector[] | undefined;
  /** Responder: where virtual addresses come from. */
  pool: AddressPool | undefined;
  /** Claim to be behind a NAT, so that ESP is encapsulated in UDP whatever lies between. */
  encap: boolean;
  /**
   * Whether a peer may be followed to an address at once; where it may not, `peer-elsewhere` asks for that. Undefined:
   * to every address.
   */
  mayFollow?: ((address: string) => boolean) | undefined;
  /** Lifetimes after which this side rekeys; undefined: never. */
  rekeyIke: Milliseconds | undefined;
  rekeyChild: Milliseconds | undefined;
  /** Inner bytes in one direction after which a child SA is rekeyed, where its cipher is good for more. */
  rekeyChildBytes?: number | undefined;
  /** Idle time after which liveness is checked; undefined: never. */
  dpd: Milliseconds | undefined;
  /** Idle time after which a NAT keepalive is sent while behind a NAT (RFC 3948 4). */
  natKeepalive: Milliseconds;
  retransmit: RetransmitSchedule;
  fragmentation: FragmentationPolicy;
  /**
   * Whether AUTH may cover both IKE_SA_INIT messages; true when undefined. Only for peers that say so and mean
   * something else by it than draft-ietf-ipsecme-ikev2-downgrade-prevention is it worth turning off.
   */
  fullTranscript?: boolean | undefined;
  /** How long a half-open SA may take to authenticate. */
  halfOpenTimeout: Milliseconds;
}

/** Sends a message: its payloads, and in plain words what it was for, for timelines. */
export type Say = (payloads: Payload[], story: string) => void;

/** The two IKE_SA_INIT messages as they went over the wire; AUTH signs them (RFC 7296 2.15). */
export interface InitMessages {
  request: Uint8Array;
  response: Uint8Array;
}

/** One datagram to send. `keepalive` datagrams are the bare 0xFF octet and take no marker. */
export interface OutgoingDatagram {
  path: Path;
  data: Uint8Array;
  keepalive?: true;
}

/** Slow work that the session hands out: `run` anywhere, then give the outcome back as input `task` with the same id. */
export interface SessionTask {
  id: number;
  run(): unknown;
}

/** How a task ended: `value` is what `run` returned or resolved to. */
export type TaskOutcome = { ok: true; value: unknown } | { ok: false; error: unknown };

export type SessionInput =
  | { type: 'datagram'; path: Path; data: Uint8Array }
  /** `inboundSeenAt`: last authenticated ESP packet of any child, so that DPD spares a peer that is heard. */
  | { type: 'timeout'; inboundSeenAt?: Milliseconds }
  | { type: 'command'; command: SessionCommand }
  /** Datagrams that came meanwhile were kept, and are read after it. */
  | { type: 'task'; id: number; outcome: TaskOutcome };

export type SessionCommand =
  | { type: 'initiate' }
  | { type: 'rekey-ike' }
  | { type: 'rekey-child'; childId: string }
  | { type: 'create-child'; localTs: readonly TrafficSelector[]; remoteTs: readonly TrafficSelector[] }
  | { type: 'delete-child'; childId: string; reason: DeleteReason }
  | { type: 'check-liveness' }
  /** Authenticated ESP came from a new address (RFC 7296 2.23), or one that may be followed now. */
  | { type: 'peer-moved'; path: Path }
  /** Forget everything without a word: the peer has started anew. */
  | { type: 'abandon' }
  /** Delete the IKE SA and end. */
  | { type: 'close' };

/** One IKE SA as events and the key log show it. */
export interface IkeSaInfo {
  initiatorSpi: bigint;
  responderSpi: bigint;
  /** Role in this IKE SA (it changes when the peer rekeys). */
  role: 'initiator' | 'responder';
  suite: IkeSuite;
  keys: IkeKeys;
  /** Shared secret of the key exchange. */
  keSecret: Secret;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  localId: Identity;
  remoteId: Identity;
  /** How each side proved who it is, e.g. `psk`, `ECDSA P-256 with SHA-256`, `eap-mschapv2`; rounds joined by ` + `. */
  localAuth: string;
  remoteAuth: string;
  /** Who the client is to EAP; undefined when it did not use EAP. */
  eapIdentity: string | undefined;
  path: Path;
}

/** An IKE SA that has keys but whose peer was never authenticated: what a key log needs to explain the failure. */
export type UnauthenticatedIkeSa = Omit<
  IkeSaInfo,
  'localId' | 'remoteId' | 'localAuth' | 'remoteAuth' | 'eapIdentity'
>;

/** One pair of child SAs as events, the plane and the key log need it. */
export interface ChildSaInfo {
  id: string;
  /** SPI the peer writes on packets to us. */
  inboundSpi: number;
  /** SPI we write on packets to the peer. */
  outboundSpi: number;
  /** Who initiated the exchange that made it: decides which KEYMAT half is whose (RFC 7296 2.17). */
  role: 'initiator' | 'responder';
  suite: ChildSuite;
  keys: ChildKeys;
  /** Shared secret of a PFS key exchange. */
  keSecret: Secret | undefined;
  localTs: TrafficSelector[];
  remoteTs: TrafficSelector[];
  /** Of IKE. */
  path: Path;
  /** Of ESP, between the same addresses. */
  encapsulation: Encapsulation;
  /** Inner bytes in one direction after which the plane is to ask for a rekey. */
  rekeyBytes: number;
}

export type DeleteReason =
  | 'deleted-by-peer'
  | 'deleted-by-us'
  | 'rekeyed'
  /** It had carried as much as it may (RFC 4301 4.4.2.1, hard lifetime). */
  | 'expired'
  | 'peer-dead'
  | 'replaced'
  | 'failed';

/** A completed exchange, for timelines. */
export interface ExchangeSummary {
  exchange: 'IKE_SA_INIT' | 'IKE_AUTH' | 'CREATE_CHILD_SA' | 'INFORMATIONAL';
  initiatedByUs: boolean;
  messageId: number;
  /** What it did, in plain words, e.g. `rekeyed child SA`. */
  purpose: string;
}

/** Things that happened, in order. The driver acts on them before it sends the datagrams of the same output. */
export type SessionEvent =
  | { type: 'exchange'; summary: ExchangeSummary }
  /** Something that works, and yet somebody should know. */
  | { type: 'warning'; code: string; message: string }
  /** IKE_SA_INIT was refused, which nobody authenticates: worth a word, but not an end (RFC 7296 2.21.1). */
  | { type: 'refused-unconfirmed'; error: KitError }
  | { type: 'ike-sa-established'; ikeSa: IkeSaInfo }
  | { type: 'addresses-assigned'; assigned: AssignedAddresses }
  | { type: 'child-sa-established'; child: ChildSaInfo }
  /** `sendOn`: see `Plane.replace`. */
  | { type: 'child-sa-rekeyed'; oldId: string; child: ChildSaInfo; sendOn: 'new' | 'old' }
  | { type: 'child-sa-deleted'; child: ChildSaInfo; reason: DeleteReason }
  | { type: 'ike-sa-rekeyed'; old: IkeSaInfo; ikeSa: IkeSaInfo }
  | { type: 'peer-moved'; path: Path; encapsulation: Encapsulation }
  /** The peer would have been followed, but `mayFollow` did not allow it yet; command `peer-moved` asks again. */
  | { type: 'peer-elsewhere'; path: Path }
  /** A child could not be made or rekeyed; the IKE SA goes on. */
  | { type: 'child-sa-failed'; error: KitError }
  /** The last event of a session. `error` tells why when it was not wanted. */
  | {
      type: 'ike-sa-deleted';
      ikeSa: IkeSaInfo | undefined;
      /** Instead of `ikeSa` when there are keys and no authenticated peer. */
      unauthenticated?: UnauthenticatedIkeSa;

      reason: DeleteReason;
      error: KitError | undefined;
    };

export interface SessionOutput {
  send: OutgoingDatagram[];
  events: SessionEvent[];
  tasks: SessionTask[];
  /** When to call again with `timeout`; undefined: nothing is due. */
  wakeAt: Milliseconds | undefined;
}
