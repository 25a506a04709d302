import type { Secret } from '../../core/secret.js';

/** Where a key came from, for messages: never the key itself. */
export interface KeySource {
  file: string;
  /** 1-based; of the entry's first line in a format of several lines. */
  line: number;
}

/** A line (or entry of a JSON file) that is no key, and why. Never quotes key material. */
export interface KeyProblem {
  file: string;
  /** 1-based. */
  line: number;
  message: string;
}

/** An integrity algorithm as key files name it. Plain data, so that an entry can be handed to another thread. */
export interface IntegSpec {
  /** IANA transform id; 0 for none, or for one the file does not name. */
  id: number;
  /** Bytes at the end of the packet; differs from the registry's when the file says so (HMAC-SHA-256 cut to 96 bits). */
  icvBytes: number;
  /** False when the file only says how long the ICV is ("ANY 96 bit authentication"). */
  checked: boolean;
}

/** Keys of an IKEv2 SA. What a file does not tell is undefined. */
export interface Ikev2Key {
  kind: 'ikev2';
  source: KeySource;
  spiI: bigint;
  spiR: bigint;
  /** IANA id of the encryption transform; undefined when there is only a KE secret: what was negotiated counts. */
  encr?: number;
  integ?: IntegSpec;
  /** Each with the cipher's salt behind it. */
  skEi?: Secret;
  skEr?: Secret;
  skAi?: Secret;
  skAr?: Secret;
  /** IANA id of the PRF. */
  prf?: number;
  skD?: Secret;
  /** Result of the key exchange that made this SA. */
  keSecret?: Secret;
  nonceI?: Uint8Array;
  nonceR?: Uint8Array;
}

/** Wireshark's table has only the key of the cipher. */
export interface Ikev1Key {
  kind: 'ikev1';
  source: KeySource;
  /** Initiator cookie. */
  spiI: bigint;
  /** The cipher's key as made of SKEYID_e. */
  encryption: Secret;
}

/** Selects packets: addresses break ties between keys of one SPI, and choose among keys with a wildcard SPI. */
export interface SaMatch {
  /** 32 bits; undefined for a pattern. */
  spi: number | undefined;
  /** Eight nibbles in lower case, `*` for any; set when `spi` is undefined. */
  spiPattern?: string;
  /** Canonical address, `address/prefix`, a text with `*`, or `*` alone. */
  src: string;
  dst: string;
}

/** One direction of an ESP SA. */
export interface EspKey extends SaMatch {
  kind: 'esp';
  source: KeySource;
  /** IANA id. */
  encr: number;
  /** Key and salt. */
  encrKey: Secret;
  integ: IntegSpec;
  integKey: Secret;
  /** Undefined when the file does not tell: both are tried. */
  esn?: boolean;
  /** High word of the sequence number to start from, when the file tells one. */
  seqHigh?: number;
}

/** One direction of an AH SA. */
export interface AhKey extends SaMatch {
  kind: 'ah';
  source: KeySource;
  integ: IntegSpec;
  integKey: Secret;
  esn?: boolean;
  seqHigh?: number;
}

/** The result of a key exchange that made a pair of child SAs (PFS), by either SPI. */
export interface ChildKeSecret {
  kind: 'child-ke';
  source: KeySource;
  spis: number[];
  keSecret: Secret;
}

export type KeyEntry = Ikev2Key | Ikev1Key | EspKey | AhKey | ChildKeSecret;

export interface ParsedKeys {
  keys: KeyEntry[];
  problems: KeyProblem[];
}

/** Why a line is no key; becomes a {@link KeyProblem}. */
export class KeyLineError extends Error {}
