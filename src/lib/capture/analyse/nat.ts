import { createHash } from 'node:crypto';
import { parseIp } from '../../core/ip.js';
import { addressOf, portOf } from './evidence.js';
import type { NatDetectionReport } from './types.js';

/** Hashes of addresses as a message carries them, hexadecimal. */
export interface NatHashes {
  /** Of the sender's own address; several when it has several. */
  source: string[];
  destination: string[];
}

/** Names of node:crypto for the hash of IKEv1's phase 1, by the PRF that HMAC makes of it. */
const hashesV1: Readonly<Record<number, string>> = {
  1: 'md5',
  2: 'sha1',
  5: 'sha256',
  6: 'sha384',
  7: 'sha512',
};

/**
 * Compares the hashes with the addresses that the capture saw: SHA-1 of SPIs, address and port (RFC 7296 2.23), or the
 * negotiated hash of the same (RFC 3947 3.2).
 * @param prfV1 transform id of the PRF of IKEv1's phase 1, whose hash it is; undefined for IKEv2
 * @returns undefined when the hash cannot be computed
 */
export function checkNatHashes(
  hashes: NatHashes,
  where: { spiI: string; spiR: string; src: string; dst: string; frame: number },
  prfV1?: number,
): NatDetectionReport | undefined {
  const algorithm = prfV1 === undefined ? 'sha1' : hashesV1[prfV1];
  if (algorithm === undefined || hashes.source.length === 0 || hashes.destination.length === 0)
    return undefined;
  const verdict = (endpoint: string, offered: readonly string[]): 'matches' | 'differs' => {
    const expected = createHash(algorithm)
      .update(Buffer.from(where.spiI + where.spiR, 'hex'))
      .update(parseIp(addressOf(endpoint)))
      .update(Buffer.of(portOf(endpoint) >> 8, portOf(endpoint) & 0xff))
      .digest('hex');
    return offered.includes(expected) ? 'matches' : 'differs';
  };
  return {
    frame: where.frame,
    source: verdict(where.src, hashes.source),
    destination: verdict(where.dst, hashes.destination),
  };
}
