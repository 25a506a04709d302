/** The ISAKMP message (IKEv1: RFC 2407, 2408, 2409) as data. The codecs of this folder map it to bytes, both ways. */

export const Ikev1ExchangeType = {
  BASE: 1,
  IDENTITY_PROTECTION: 2,
  AUTHENTICATION_ONLY: 3,
  AGGRESSIVE: 4,
  INFORMATIONAL: 5,
  TRANSACTION: 6,
  QUICK_MODE: 32,
  NEW_GROUP_MODE: 33,
} as const;

export const Ikev1PayloadType = {
  NONE: 0,
  SA: 1,
  P: 2,
  T: 3,
  KE: 4,
  ID: 5,
  CERT: 6,
  CR: 7,
  HASH: 8,
  SIG: 9,
  NONCE: 10,
  N: 11,
  D: 12,
  VID: 13,
  ATTR: 14,
  NAT_D: 20,
  NAT_OA: 21,
  NAT_D_DRAFT: 130,
  NAT_OA_DRAFT: 131,
  FRAGMENT: 132,
} as const;

/** RFC 2408 3.1. Cookies are called SPIs as in IKEv2, which shares the layout of the header. */
export interface Ikev1Header {
  initiatorSpi: bigint;
  responderSpi: bigint;
  nextPayload: number;
  majorVersion: number;
  minorVersion: number;
  exchangeType: number;
  /** Flag E: everything behind the header is encrypted. */
  encrypted: boolean;
  /** Flag C: commit. */
  commit: boolean;
  /** Flag A: authenticated, not encrypted. */
  authenticationOnly: boolean;
  messageId: number;
  /** The whole message in bytes. */
  length: number;
}

/** RFC 2408 3.3: a number in TV form, bytes in TLV form. `type` has 15 bits. */
export interface DataAttribute {
  type: number;
  value: number | Uint8Array;
}

/** RFC 2408 3.6. */
export interface Ikev1Transform {
  number: number;
  id: number;
  attributes: DataAttribute[];
}

/** RFC 2408 3.5. */
export interface Ikev1Proposal {
  number: number;
  protocolId: number;
  spi: Uint8Array;
  transforms: Ikev1Transform[];
}

/** RFC 2408 3.4, RFC 2407 4.6.1. */
export interface Ikev1SaPayload {
  type: 1;
  doi: number;
  /** The bytes of the situation: 4 for SIT_IDENTITY_ONLY, more with secrecy or integrity labels. */
  situation: Uint8Array;
  proposals: Ikev1Proposal[];
}
/** KE, HASH, SIG, NONCE, VID, NAT-D (RFC 3947 3.2 and its drafts): the body is the value. */
export interface Ikev1DataPayload {
  type: 4 | 8 | 9 | 10 | 13 | 20 | 130;
  data: Uint8Array;
}
/** RFC 2407 4.6.2. */
export interface Ikev1IdPayload {
  type: 5;
  idType: number;
  ipProtocol: number;
  port: number;
  data: Uint8Array;
}
/** Certificate and Certificate Request, RFC 2408 3.9 and 3.10. */
export interface Ikev1CertPayload {
  type: 6 | 7;
  encoding: number;
  data: Uint8Array;
}
/** RFC 2408 3.14. */
export interface Ikev1NotifyPayload {
  type: 11;
  doi: number;
  protocolId: number;
  spi: Uint8Array;
  notifyType: number;
  data: Uint8Array;
}
/** RFC 2408 3.15. */
export interface Ikev1DeletePayload {
  type: 12;
  doi: number;
  protocolId: number;
  /** Bytes of each SPI: 16 (both cookies) for ISAKMP, 4 for ESP and AH. */
  spiSize: number;
  spis: Uint8Array[];
}
/** Mode-Config and XAUTH (draft-ietf-ipsec-isakmp-mode-cfg-05 3.2). */
export interface Ikev1AttributePayload {
  type: 14;
  /** 1 ISAKMP_CFG_REQUEST, 2 REPLY, 3 SET, 4 ACK. */
  cfgType: number;
  identifier: number;
  attributes: DataAttribute[];
}
/** NAT original address (RFC 3947 5.2 and its drafts). */
export interface Ikev1NatOaPayload {
  type: 21 | 131;
  idType: number;
  data: Uint8Array;
}
/** A fragment of a whole ISAKMP message, as Cisco and Microsoft send it. */
export interface Ikev1FragmentPayload {
  type: 132;
  /** The same in all fragments of one message. */
  fragmentId: number;
  /** 1, 2, 3 … */
  fragmentNumber: number;
  /** Bit 0: the last fragment. */
  flags: number;
  data: Uint8Array;
}
/** Any payload type this package has no codec for. */
export interface Ikev1UnknownPayload {
  type: 'unknown';
  payloadType: number;
  body: Uint8Array;
}

export type Ikev1KnownPayload =
  | Ikev1SaPayload
  | Ikev1DataPayload
  | Ikev1IdPayload
  | Ikev1CertPayload
  | Ikev1NotifyPayload
  | Ikev1DeletePayload
  | Ikev1AttributePayload
  | Ikev1NatOaPayload
  | Ikev1FragmentPayload;

export type Ikev1Payload = Ikev1KnownPayload | Ikev1UnknownPayload;

/** A whole message in the clear, or one whose encrypted part is still closed. */
export interface Ikev1Message {
  header: Ikev1Header;
  payloads: Ikev1Payload[];
  /** What follows the header, when flag E is set. */
  encrypted?: Uint8Array;
}
