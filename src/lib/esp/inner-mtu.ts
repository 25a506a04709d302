import { HEADER_BYTES, TRAILER_BYTES } from './packet.js';

/** Headers of the packets that carry ESP, bytes. */
export const OuterBytes = { IPV4: 20, IPV6: 40, UDP: 8 } as const;

/** What a suite adds to a packet. */
export interface SealedSizes {
  /** The plaintext is padded to a multiple of this. */
  alignment: number;
  ivBytes: number;
  icvBytes: number;
}

/**
 * Largest inner packet whose ESP packet fits (RFC 4303 2).
 * @param pathMtu bytes of an IP packet outside
 * @param outerBytes of headers before ESP
 */
export function largestInner(
  pathMtu: number,
  outerBytes: number,
  { alignment, ivBytes, icvBytes }: SealedSizes,
): number {
  const room = pathMtu - outerBytes - HEADER_BYTES - ivBytes - icvBytes;
  return Math.floor(room / alignment) * alignment - TRAILER_BYTES;
}
