/** Pad Length and Next Header. */
export const TRAILER_BYTES = 2;

/**
 * How much padding lets payload, padding and trailer fill the alignment (RFC 4303 2.4).
 * @param length bytes of payload
 */
export function padLengthOf(length: number, alignment: number): number {
  return (alignment - ((length + TRAILER_BYTES) % alignment)) % alignment;
}

/**
 * Writes what follows the payload: padding that counts 1, 2, 3, …, Pad Length, Next Header (RFC 4303 2.4).
 * @param at where the payload ends
 */
export function writeTrailer(bytes: Uint8Array, at: number, padLength: number, nextHeader: number): void {
  for (let i = 0; i < padLength; i++) bytes[at + i] = i + 1;
  bytes[at + padLength] = padLength;
  bytes[at + padLength + 1] = nextHeader;
}

/**
 * Where what was decrypted ends without padding and trailer; the padding must count 1, 2, 3, … (RFC 4303 2.4).
 * @param at where it begins
 * @param length bytes of it, all in the array
 * @returns bytes of payload; -1 when padding or trailer are wrong or not whole
 */
export function unpaddedBytes(bytes: Uint8Array, at: number, length: number): number {
  if (length < TRAILER_BYTES) return -1;
  const padLength = bytes[at + length - TRAILER_BYTES]!;
  const payload = length - TRAILER_BYTES - padLength;
  if (payload < 0) return -1;
  for (let i = 0; i < padLength; i++) if (bytes[at + payload + i] !== i + 1) return -1;
  return payload;
}
