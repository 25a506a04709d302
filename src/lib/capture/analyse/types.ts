import type { Icv } from '../types.js';

/*
 * What a capture says once its packets are put together. Everything here is JSON as it stands: times are ISO 8601 with
 * nanoseconds (UTC) as in packets, durations are milliseconds, SPIs are hexadecimal text as in packets, and lists are
 * bounded (a count says how much more there was).
 */

/** Where and when something was seen. */
export interface Moment {
  frame: number;
  time: string;
}

/** The two ends of an IKE SA. Who rekeyed an IKE SA is the initiator of the new one (RFC 7296 2.2). */
export type Role = 'initiator' | 'responder';

/** One transform of a proposal. An IKEv1 attribute appears as the transform it corresponds to. */
export interface TransformReport {
  /** IANA's abbreviation: ENCR, PRF, INTEG, KE, SN, ADDKE1 …; IKEv1 also has AUTH and MODE. */
  type: string;
  /** IANA's name, for example ENCR_AES_CBC. */
  name: string;
  /** In IANA's registry of IKEv2 transforms, also for IKEv1; of the IKEv1 attribute for AUTH and MODE. */
  id: number;
  /** Bits. */
  keyLength?: number;
}

/** A proposal of IKEv2, or one transform of an IKEv1 proposal, which is the alternative there. */
export interface ProposalReport {
  number: number;
  /** IKE, ESP or AH. */
  protocol: string;
  /** As in packets: `0x` and 8 digits for ESP and AH, 16 digits for an IKE SA. */
  spi?: string;
  transforms: TransformReport[];
}

export interface NotifyReport {
  /** IANA's name, for example NO_PROPOSAL_CHOSEN. */
  name: string;
  number: number;
  protocol?: string;
  spi?: string;
  /** What its data says, as in the packet's payload: `group` and `groupNumber` of INVALID_KE_PAYLOAD, for example. */
  values?: Record<string, unknown>;
}

export interface IdentityReport {
  /** IANA's name, for example ID_FQDN. */
  type: string;
  value: string;
}

export interface CertificateReport {
  subject?: string;
  issuer?: string;
  /** Subject alternative names, such as `DNS:vpn.example.com`. */
  names: string[];
  notBefore?: string;
  notAfter?: string;
  key?: string;
  signature?: string;
  ca?: boolean;
  /** Names of the extended key usages; absent where the extension is. */
  extendedKeyUsage?: string[];
  /** SHA-1 of the public key, by which certificate requests name a CA. */
  publicKeySha1?: string;
}

/** What one EAP message says. */
export interface EapReport {
  code: string;
  /** `Identity`, `Legacy Nak`, or the method as people call it: `EAP-MSCHAPv2`. */
  type?: string;
  identity?: string;
  /** What it says within the method, in words: `Challenge`, `ClientHello (up to TLS 1.3)`. */
  step?: string;
  /** Error number of an MSCHAPv2 Failure (RFC 2759 6), and what it means. */
  error?: number;
  meaning?: string;
  /** Name of a TLS alert. */
  alert?: string;
  /** The methods that a Nak asks for. */
  desired?: string[];
}

export interface DeleteReport {
  /** IKE, ESP or AH. */
  protocol: string;
  /** As in packets; empty for the IKE SA itself. */
  spis: string[];
}

/** What one message said, as far as it was readable; from its first transmission. */
export interface MessageReport {
  /** Frames of the first transmission, in the order they came. */
  frames: number[];
  time: string;
  src: string;
  dst: string;
  /** Bytes of IKE, all fragments together. */
  length: number;
  /** Everything in it was readable: nothing was encrypted, or it was decrypted. */
  readable: boolean;
  icv: Icv;
  /** How often it was sent again, and in which frames (at most 32). */
  retransmissions: number;
  retransmissionFrames: number[];
  /** RFC 7383 or Cisco fragments: how many there should be, and which came. */
  /** `total` is 0 while Cisco's last fragment, which alone tells it, has not come. */
  fragments?: { total: number; seen: number[] };
  /** Short names of the payloads, outer ones first. */
  payloads: string[];
  /** Bytes of plaintext that the SK payload can hold at most, when the suite is known and it was not decrypted. */
  sealedBytes?: number;
  proposals?: ProposalReport[];
  /** Proposals left out of `proposals` because there were too many. */
  proposalsOmitted?: number;
  keyExchange?: { name: string; group: number };
  notifies?: NotifyReport[];
  idI?: IdentityReport;
  idR?: IdentityReport;
  /** IANA's name of the authentication method of AUTH. */
  authMethod?: string;
  /** What AUTH is signed with, when the method is Digital Signature (RFC 7427). */
  authAlgorithm?: string;
  certificates?: CertificateReport[];
  /** CAs that a certificate request names, by the SHA-1 of their public keys (at most 32). */
  authorities?: string[];
  tsI?: string[];
  tsR?: string[];
  deletes?: DeleteReport[];
  vendorIds?: string[];
  eap?: EapReport;
  configuration?: { type: string; attributes: string[] };
}

/** A request with its response (IKEv2), or all messages with one message id (IKEv1). */
export interface ExchangeReport {
  /** IANA's name of the exchange type. */
  exchange: string;
  messageId: number;
  /** Who asked. */
  requester: Role;
  /**
   * `answered`, or all messages of an IKEv1 exchange are there; `one-sided`: a response without its request was captured;
   * `one-way`: IKEv1 Informational, which has no answer; `incomplete`: an IKEv1 exchange that stopped in the middle.
   */
  state: 'answered' | 'unanswered' | 'one-sided' | 'one-way' | 'incomplete';
  /** Absent when only the response was captured. */
  request?: MessageReport;
  response?: MessageReport;
  /**
   * IKEv2: other responses to the same unprotected request, which nobody but an attacker or a middlebox should send.
   * IKEv1: messages three to six of Main, Aggressive and Quick Mode, in order.
   */
  further?: MessageReport[];
  /** Retransmissions of all its messages. */
  retransmissions: number;
  /** From the last transmission of the request to the first frame of the response. */
  roundTripMs?: number;
  /** What happened, in plain words. */
  story: string;
}

/** How many packets a receiver would have refused as too old (RFC 4303 3.4.3), by the size of its window. */
export interface ReplayVerdict {
  /** Packets that windows of 32, 64 and 1024 would have dropped although they came for the first time. */
  dropped: { 32: number; 64: number; 1024: number };
  /** The smallest of the three that drops nothing; undefined when even 1024 does. */
  smallestSafe?: 32 | 64 | 1024;
  /** The furthest a packet was behind the highest number seen. */
  furthestBehind: number;
}

/** The packets of one SPI towards one host. */
export interface FlowReport {
  protocol: 'ESP' | 'AH';
  /** `0x` and 8 hex digits. */
  spi: string;
  /** As first seen; ports are there when the packets were encapsulated. */
  src: string;
  dst: string;
  /** Carried in UDP (RFC 3948) or TCP (RFC 9329). */
  encapsulated: boolean;
  first: Moment;
  last: Moment;
  packets: number;
  /** ESP or AH bytes, without IP and UDP headers. */
  bytes: number;
  /** Sequence numbers between the first and the highest that never came. Always an estimate: the capture may have lost them. */
  lost: number;
  duplicated: number;
  /** Frames of duplicates, the first 32. */
  duplicateFrames: number[];
  /** Came after a higher number. */
  reordered: number;
  /** Lowest and highest sequence number, 64-bit when extended ones were seen or inferred. */
  lowestSeq: number;
  highestSeq: number;
  replay: ReplayVerdict;
  /** Frames of packets that a window of 32 would have dropped, the first 32. */
  lateFrames: number[];
  /** `truncated`: those of the bad ones that are right as HMAC-SHA-256 cut to 96 bits. */
  icv: { good: number; bad: number; unchecked: number; truncated: number };
  /** Frames with a bad ICV, the first 32. */
  badIcvFrames: number[];
  /** First and last frames, for evidence. */
  frames: number[];
  /** Packet length modulo 8 when it is the same for all packets: betrays a truncated ICV under a block cipher. */
  lengthModulo8?: number;
  /** Id of the child SA it belongs to. */
  childSa?: string;
}

export interface ChildSaReport {
  /** `child-1`, `child-2` …, unique in the report. */
  id: string;
  /** Id of the IKE SA that negotiated it. */
  ikeSa?: string;
  /** `negotiated`: read in the exchange. `inferred`: two flows in opposite directions, matched by hosts and time. */
  evidence: 'negotiated' | 'inferred';
  protocol: 'ESP' | 'AH';
  mode?: 'tunnel' | 'transport';
  /** The chosen proposal. */
  suite?: ProposalReport;
  /** Key exchange of its own (perfect forward secrecy): the group's name; undefined for none. */
  pfsGroup?: string;
  /** Selectors as agreed: of the side that asked for the SA, and of the side that answered. */
  tsI?: string[];
  tsR?: string[];
  /** The frame that completed the negotiation, or the first packet. */
  created: Moment;
  /** Role, in the IKE SA, of the side that asked for this SA. */
  requester?: Role;
  /** SPIs: packets to the requester carry the one it named, packets to the other side the other. */
  spiToRequester?: string;
  spiFromRequester?: string;
  toRequester?: FlowReport;
  fromRequester?: FlowReport;
  deleted?: Moment & { by: Role };
  rekeyOf?: string;
  rekeyedTo?: string;
  /** How long packets of this SA were still seen after the first of its successor; negative: the pause between them. */
  rekeyOverlapMs?: number;
}

/** What the NAT detection of one side says, seen from where the capture was made (RFC 7296 2.23, RFC 3947 3.2). */
export interface NatDetectionReport {
  frame: number;
  /**
   * The hash of the sender's own address: `matches` what the capture saw, or `differs`: a NAT between the sender and the
   * capture, or a sender that forces encapsulation by hashing something else. The two cannot be told apart.
   */
  source: 'matches' | 'differs';
  /** The hash of the address it sent to; `differs`: the destination was translated before the capture point. */
  destination: 'matches' | 'differs';
}

export interface NatReport {
  initiator?: NatDetectionReport;
  responder?: NatDetectionReport;
  /** Some hash differs. */
  detected: boolean;
  /** First frame of IKE in the NAT-T framing of port 4500. */
  movedTo4500?: number;
}

export interface IkeSaReport {
  /** `ike-1`, `ike-2` …, in the order of their first packets. */
  id: string;
  version: 1 | 2;
  /** 16 hex digits; zeros when never seen. IKEv1: the cookies. */
  spiI: string;
  spiR: string;
  /** Endpoints as first seen. */
  initiator: string;
  responder: string;
  first: Moment;
  last: Moment;
  packets: number;
  bytes: number;
  /**
   * `half-open`: no authentication seen to end; `refused`: ended by an error; `established`, `deleted`, `rekeyed`;
   * `encrypted`: authentication was exchanged, its outcome is not readable; `unanswered`; `partial`: began before the capture.
   */
  state:
    | 'unanswered'
    | 'half-open'
    | 'refused'
    | 'encrypted'
    | 'established'
    | 'deleted'
    | 'rekeyed'
    | 'partial';
  /** The chosen proposal. */
  suite?: ProposalReport;
  identities: { initiator?: IdentityReport; responder?: IdentityReport };
  authMethods: { initiator?: string; responder?: string };
  vendorIds: { initiator: string[]; responder: string[] };
  nat?: NatReport;
  /** Something of it was decrypted. */
  decrypted: boolean;
  /** The SA it replaced, and its replacement. */
  rekeyOf?: string;
  rekeyedTo?: string;
  /** The link above was inferred from time and addresses: the exchange could not be read. */
  rekeyInferred?: true;
  exchanges: ExchangeReport[];
  /** Exchanges that are counted but not kept; uneventful ones go first. */
  exchangesOmitted: number;
  retransmissions: number;
  icvFailures: number;
  badIcvFrames: number[];
  keepalives: number;
}

/** Everything {@link Conversations.finish} gives. */
export interface ConversationReport {
  ikeSas: IkeSaReport[];
  childSas: ChildSaReport[];
  /** Flows that no child SA is known for. */
  flows: FlowReport[];
  /** First and last frame of everything. */
  first?: Moment;
  last?: Moment;
  /** Beyond what is kept: IKE messages and ESP or AH packets that belong to nothing in the lists, and child SAs. */
  omitted: { ikeMessages: number; childSas: number; flowPackets: number };
}

/** `critical` is exploitable as it stands, `high` prevents the tunnel or its traffic, `medium` and `low` are weaknesses or nuisances. */
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info';

/** Something worth knowing, with its evidence. */
export interface Finding {
  /** Stable; listed in the catalogue. */
  id: string;
  severity: Severity;
  /** Evidence: at most 32 frame numbers, ascending. */
  frames: number[];
  /** One sentence that names the cause. */
  title: string;
  /** What to change or look at next. */
  advice: string;
}
