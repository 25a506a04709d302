import type { Secret } from '../../core/secret.js';
import type { DataAttribute } from './types.js';

/** What protects an ISAKMP SA, read from the attributes of the chosen phase 1 transform. */
export interface Ikev1Suite {
  /** Name of the hash in node:crypto; it makes IVs, and HMAC with it is the PRF. */
  hash: string;
  /** Name of the CBC cipher in node:crypto. */
  cipher: string;
  keyBytes: number;
  blockBytes: number;
  /** Authentication Method attribute, e.g. 1 pre-shared key; decides how SKEYID comes about. */
  authMethod: number;
}

export interface Ikev1Keys {
  skeyid: Secret;
  skeyidD: Secret;
  skeyidA: Secret;
  skeyidE: Secret;
  /** The key of the cipher, made of SKEYID_e (RFC 2409 appendix B). */
  encryption: Secret;
}

export interface Ikev1KeyArguments {
  suite: Ikev1Suite;
  /** Needed for the pre-shared key methods only. */
  preSharedKey?: Secret;
  /** g^xy. */
  keSecret: Secret;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  spiI: bigint;
  spiR: bigint;
}

/** @returns undefined when node:crypto has no such cipher or hash, or the attributes name none */
export declare function ikev1Suite(attributes: readonly DataAttribute[]): Ikev1Suite | undefined;
/** RFC 2409 5. */
export declare function deriveIkev1Keys(args: Ikev1KeyArguments): Ikev1Keys;
/**
 * The CBC state of one ISAKMP SA: phase 1 starts from hash(g^xi | g^xr), every other exchange from
 * hash(last phase 1 block | message id); then each message goes on from the last block of the one before.
 */
export declare class IvChain {
  constructor(suite: Ikev1Suite, key: Secret, keI: Uint8Array, keR: Uint8Array);
  /** The payload bytes (padding included) of one encrypted message; undefined when it is not whole blocks. */
  open(messageId: number, encrypted: Uint8Array): Uint8Array | undefined;
}
/** KEYMAT of one SPI, RFC 2409 5.5. */
export declare function deriveQuickModeKeymat(args: {
  hash: string;
  skeyidD: Secret;
  keSecret?: Secret;
  protocolId: number;
  spi: Uint8Array;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  length: number;
}): Secret;
