/** The IKEv2 message as data. Every codec in this folder maps between these shapes and bytes, both ways. */

export const ExchangeType = {
  IKE_SA_INIT: 34,
  IKE_AUTH: 35,
  CREATE_CHILD_SA: 36,
  INFORMATIONAL: 37,
} as const;

export const PayloadType = {
  NONE: 0,
  SA: 33,
  KE: 34,
  IDi: 35,
  IDr: 36,
  CERT: 37,
  CERTREQ: 38,
  AUTH: 39,
  NONCE: 40,
  NOTIFY: 41,
  DELETE: 42,
  VENDOR: 43,
  TSi: 44,
  TSr: 45,
  SK: 46,
  CP: 47,
  EAP: 48,
  SKF: 53,
} as const;

export const ProtocolId = { NONE: 0, IKE: 1, AH: 2, ESP: 3 } as const;

/** RFC 7296 3.1. SPIs are unsigned 64-bit; `length` is the whole message in bytes. */
export interface IkeHeader {
  initiatorSpi: bigint;
  responderSpi: bigint;
  nextPayload: number;
  majorVersion: number;
  minorVersion: number;
  exchangeType: number;
  /** Flag I: sent by the original initiator of this IKE SA. */
  fromInitiator: boolean;
  /** Flag R: this is a response. */
  isResponse: boolean;
  /** Flag V: the sender could speak a higher major version. */
  higherVersion: boolean;
  messageId: number;
  length: number;
}

/** RFC 7296 3.3.2 and 3.3.5. */
export interface Transform {
  type: number;
  id: number;
  /** Key Length attribute (14), bits. */
  keyLength?: number;
  /** Attributes other than Key Length, kept as they came; `value` is a number in TV form, bytes in TLV form. */
  otherAttributes?: { type: number; value: number | Uint8Array }[];
}

/** RFC 7296 3.3.1. */
export interface Proposal {
  number: number;
  protocolId: number;
  /** Empty, 4 bytes (ESP, AH) or 8 bytes (IKE rekey). */
  spi: Uint8Array;
  transforms: Transform[];
}

/** RFC 7296 3.13.1: TS_IPV4_ADDR_RANGE (7) or TS_IPV6_ADDR_RANGE (8). */
export interface TrafficSelector {
  type: 7 | 8;
  /** 0 means any. */
  ipProtocol: number;
  startPort: number;
  endPort: number;
  /** 4 bytes (type 7) or 16 bytes (type 8). */
  startAddress: Uint8Array;
  endAddress: Uint8Array;
}

/** A selector of another type, e.g. TS_SECLABEL; `raw` is everything after the 4-byte selector header. */
export interface UnknownTrafficSelector {
  type: 'unknown';
  selectorType: number;
  ipProtocol: number;
  raw: Uint8Array;
}

/** RFC 7296 3.15.1. `type` is the 15-bit attribute type. */
export interface ConfigAttribute {
  type: number;
  value: Uint8Array;
}

interface PayloadBase {
  /** Critical bit as received; encoded as given (default false). */
  critical?: boolean;
}

export interface SaPayload extends PayloadBase {
  type: 33;
  proposals: Proposal[];
}
export interface KePayload extends PayloadBase {
  type: 34;
  group: number;
  data: Uint8Array;
}
export interface IdPayload extends PayloadBase {
  type: 35 | 36;
  idType: number;
  data: Uint8Array;
}
export interface CertPayload extends PayloadBase {
  type: 37;
  encoding: number;
  data: Uint8Array;
}
export interface CertReqPayload extends PayloadBase {
  type: 38;
  encoding: number;
  data: Uint8Array;
}
export interface AuthPayload extends PayloadBase {
  type: 39;
  method: number;
  data: Uint8Array;
}
export interface NoncePayload extends PayloadBase {
  type: 40;
  data: Uint8Array;
}
export interface NotifyPayload extends PayloadBase {
  type: 41;
  protocolId: number;
  spi: Uint8Array;
  notifyType: number;
  data: Uint8Array;
}
export interface DeletePayload extends PayloadBase {
  type: 42;
  protocolId: number;
  /** Bytes of each SPI: 0 for IKE, 4 for ESP and AH. */
  spiSize: number;
  spis: Uint8Array[];
}
export interface VendorPayload extends PayloadBase {
  type: 43;
  data: Uint8Array;
}
export interface TsPayload extends PayloadBase {
  type: 44 | 45;
  selectors: (TrafficSelector | UnknownTrafficSelector)[];
}
/** SK (RFC 7296 3.14) still closed: IV, ciphertext and ICV. It is always the last payload. */
export interface EncryptedPayload extends PayloadBase {
  type: 46;
  /** Type of the first payload inside. */
  nextPayload: number;
  /** IV, ciphertext and ICV together. */
  body: Uint8Array;
}
/** SKF (RFC 7383 2.5) still closed. */
export interface EncryptedFragmentPayload extends PayloadBase {
  type: 53;
  nextPayload: number;
  fragmentNumber: number;
  totalFragments: number;
  body: Uint8Array;
}
export interface ConfigPayload extends PayloadBase {
  type: 47;
  /** 1 CFG_REQUEST, 2 CFG_REPLY, 3 CFG_SET, 4 CFG_ACK. */
  cfgType: number;
  attributes: ConfigAttribute[];
}
export interface EapPayload extends PayloadBase {
  type: 48;
  /** The EAP message as it is (RFC 3748 4). */
  message: Uint8Array;
}
/** Any payload type this package has no codec for. */
export interface UnknownPayload extends PayloadBase {
  type: 'unknown';
  /** The payload type number on the wire. */
  payloadType: number;
  body: Uint8Array;
}

export type KnownPayload =
  | SaPayload
  | KePayload
  | IdPayload
  | CertPayload
  | CertReqPayload
  | AuthPayload
  | NoncePayload
  | NotifyPayload
  | DeletePayload
  | VendorPayload
  | TsPayload
  | EncryptedPayload
  | EncryptedFragmentPayload
  | ConfigPayload
  | EapPayload;

export type Payload = KnownPayload | UnknownPayload;

/** A whole message in the clear (or with its SK payload still closed). */
export interface IkeMessage {
  header: IkeHeader;
  payloads: Payload[];
}
