import type { Fingerprint, Ikev1Facts, Ikev2Facts, VendorId } from './types.js';

/** What tells implementations apart. */
export interface FingerprintEvidence {
  vendorIds: readonly VendorId[];
  /** An IKE_SA_INIT response with a chosen suite, as it came; undefined: there was none. */
  initResponse: Uint8Array | undefined;
  ikev2: Ikev2Facts | undefined;
  ikev1: Ikev1Facts | undefined;
}

/** The most likely implementation, with what speaks for it; undefined: nothing does. */
export function fingerprintOf(_evidence: FingerprintEvidence): Fingerprint | undefined {
  return undefined;
}
