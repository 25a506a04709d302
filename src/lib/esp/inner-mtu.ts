import type { Encapsulation } from '../core/endpoint.js';
import { HEADER_BYTES } from './packet.js';
import { TRAILER_BYTES } from './trailer.js';

/** Headers before ESP, bytes. */
export function outerBytes(family: 4 | 6, encapsulation: Encapsulation): number {
  const ip = family === 4 ? 20 : 40;
  return encapsulation === 'udp' ? ip + 8 : ip;
}

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
