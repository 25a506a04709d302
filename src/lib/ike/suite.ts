import type { EncrTransform, IntegTransform, KeTransform, PrfTransform } from '../crypto/transform.js';

/** What an IKE SA negotiated: one transform of each type, resolved to its registry row. */
export interface IkeSuite {
  encr: EncrTransform;
  /** Bits. */
  keyLength: number;
  /** Undefined with an AEAD. */
  integ: IntegTransform | undefined;
  prf: PrfTransform;
  ke: KeTransform;
}

/** What a child SA negotiated. */
export interface ChildSuite {
  encr: EncrTransform;
  /** Bits; 0 for NULL. */
  keyLength: number;
  integ: IntegTransform | undefined;
  /** The group of a fresh key exchange (PFS); undefined without one. */
  ke: KeTransform | undefined;
  esn: boolean;
}
