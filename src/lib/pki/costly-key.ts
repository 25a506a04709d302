import type { KeyObject } from 'node:crypto';

const MAX_MODULUS_BITS = 8192;
const MAX_EXPONENT = 1n << 64n;

/**
 * Whether verifying with a key takes much longer than with any key of the field. Strangers choose the keys in the
 * certificates they send, and those are tried before anything is known about them.
 */
export function isCostlyKey(key: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  return modulusLength > MAX_MODULUS_BITS || publicExponent > MAX_EXPONENT;
}
