import { compareBytes } from '../../core/bytes.js';

/** The lower of the two nonces of one exchange. */
function lower([a, b]: readonly [Uint8Array, Uint8Array]): Uint8Array {
  return compareBytes(a, b) <= 0 ? a : b;
}

/**
 * Two rekeys of the same SA crossed: the exchange with the lowest of the four nonces loses, and the SA it made is
 * deleted by its own initiator (RFC 7296 2.8.1, 2.8.2).
 */
export function losesCollision(
  ours: readonly [Uint8Array, Uint8Array],
  theirs: readonly [Uint8Array, Uint8Array],
): boolean {
  return compareBytes(lower(ours), lower(theirs)) < 0;
}
