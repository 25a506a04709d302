/**
 * Transform types of the IANA registry "IKEv2 Parameters".
 * 6 to 12 are the additional key exchanges of RFC 9370; they take their ids from the KE registry.
 */
export const TransformType = {
  ENCR: 1,
  PRF: 2,
  INTEG: 3,
  KE: 4,
  /** Extended Sequence Numbers, renamed Sequence Numbers (SN) by RFC 9827. */
  ESN: 5,
  ADDKE1: 6,
  ADDKE2: 7,
  ADDKE3: 8,
  ADDKE4: 9,
  ADDKE5: 10,
  ADDKE6: 11,
  ADDKE7: 12,
} as const;

/** Requirement level of RFC 8247 (IKE) or RFC 8221 (ESP); `unlisted` where those RFCs are silent. */
export type Level = 'MUST' | 'SHOULD+' | 'SHOULD' | 'MAY' | 'MUST-' | 'SHOULD NOT' | 'MUST NOT' | 'unlisted';

/** What every registry row says, with or without an implementation. */
export interface TransformBase {
  /** IANA transform id. */
  readonly id: number;
  /** IANA name, e.g. `ENCR_AES_GCM_16`. */
  readonly name: string;
  /** strongSwan proposal keyword without key length, e.g. `aes{bits}gcm16`; undefined when it has none. */
  readonly keyword?: string;
  /** Defining document, e.g. `RFC 5282`. */
  readonly reference: string;
  readonly ikeLevel: Level;
  readonly espLevel: Level;
  /** True when a default or wildcard offer may contain it; false for legacy and probe-only algorithms. */
  readonly offered: boolean;
}

/** A cipher bound to one key. */
export interface BoundCipher {
  /** Encrypts. AEAD: returns ciphertext with the ICV appended and authenticates `aad`; others ignore `aad`. */
  seal(iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Decrypts the output of {@link seal}. @returns undefined when the ICV is wrong (AEAD) or the length impossible */
  open(iv: Uint8Array, aad: Uint8Array, data: Uint8Array): Uint8Array | undefined;
  /**
   * As {@link open} for AAD, IV and data in one piece, where that can be done faster. The plaintext is only lent: it is
   * overwritten once another 512 KiB were opened.
   */
  openPacket?(packet: Uint8Array, aadBytes: number): Uint8Array | undefined;
}

export interface EncrTransform extends TransformBase {
  readonly type: typeof TransformType.ENCR;
  /** `aead` carries its own ICV; `cipher` needs an INTEG transform; `null` encrypts nothing (ESP only). */
  readonly kind: 'aead' | 'cipher' | 'null';
  /** Key lengths in bits that the Key Length attribute may name; empty when the key length is fixed (no attribute). */
  readonly keyLengths: readonly number[];
  /** Key length in bits for a cipher without Key Length attribute. */
  readonly fixedKeyLength?: number;
  /** Bytes of salt (implicit nonce) that KEYMAT carries after the key: 4 GCM, CTR and ChaCha20; 3 CCM; else 0. */
  readonly saltBytes: number;
  /** Explicit IV in the packet, bytes. */
  readonly ivBytes: number;
  /** Padding granularity of the plaintext, bytes (1 for stream modes). */
  readonly blockBytes: number;
  /** ICV bytes of an AEAD; 0 for others. */
  readonly icvBytes: number;
  /** Wireshark's name in `ikev2_decryption_table`, by key length in bits where it depends on it. */
  wiresharkIke?(keyLength: number): string | undefined;
  /** Wireshark's name in `esp_sa`. */
  readonly wiresharkEsp?: string;
  /** Binds a key (key bytes followed by salt bytes). Undefined: named only. @throws RangeError wrong key size */
  readonly bind?: (key: Uint8Array) => BoundCipher;
}

export interface PrfTransform extends TransformBase {
  readonly type: typeof TransformType.PRF;
  /** Preferred key size = output size, bytes. */
  readonly keyBytes: number;
  /** True for AES-XCBC and AES-CMAC: SKEYSEED takes only the first 64 bits of each nonce (RFC 7296 2.14). */
  readonly fixedKey: boolean;
  readonly compute?: (key: Uint8Array, data: Uint8Array) => Uint8Array;
}

export interface IntegTransform extends TransformBase {
  readonly type: typeof TransformType.INTEG;
  readonly keyBytes: number;
  /** Truncated ICV, bytes. */
  readonly icvBytes: number;
  readonly wiresharkIke?: string;
  readonly wiresharkEsp?: string;
  /** ICV, already truncated to {@link icvBytes}. */
  readonly compute?: (key: Uint8Array, data: Uint8Array) => Uint8Array;
}

/** One side's ephemeral key exchange. */
export interface KeyExchange {
  /** The KE payload's data as RFC 7296 3.4 and the group's RFC lay it out. */
  readonly publicValue: Uint8Array;
  /**
   * The shared secret in the form that SKEYSEED takes (MODP left-padded to the prime's size; ECP x only).
   * @throws {KitError} `E_KE_VALUE` (kind `protocol`) for a wrong length, a point off the curve, 0, 1, p-1, or an
   *   all-zero result (RFC 6989, RFC 8031)
   */
  agree(peerPublicValue: Uint8Array): Uint8Array;
}

export interface KeTransform extends TransformBase {
  readonly type: typeof TransformType.KE;
  /** Bytes of the KE payload's data that an initiator sends. */
  readonly publicBytes: number;
  /** Security strength class in bits, for ranking. */
  readonly strength: number;
  /** Undefined: named only. */
  readonly generate?: () => KeyExchange;
}

export interface EsnTransform extends TransformBase {
  readonly type: typeof TransformType.ESN;
}

export type TransformRow = EncrTransform | PrfTransform | IntegTransform | KeTransform | EsnTransform;
