import type { DecodedIke, DecodedPacket, DescribedPayload } from '../types.js';

/** What describing may cost, and what it is to be told. */
export interface DescribeOptions {
  /** Parse and summarise certificates; without it only their size is told, which is a hundred times cheaper. */
  certificates?: boolean;
}

/** Where a chain of payloads stands. */
export interface ChainContext extends DescribeOptions {
  /** The chain comes from a decrypted part: payloads are marked, offsets count from its start. Default true. */
  inside?: boolean;
}

/**
 * Describes one IKE message of either version, leniently: what cannot be read becomes a payload with an `error`.
 * Encrypted parts stay closed. Never throws.
 */
export function describeMessage(
  message: Uint8Array,
  options: DescribeOptions = {},
): { ike: DecodedIke; error?: NonNullable<DecodedPacket['error']> } {
  throw new Error(`not built yet ${message.length} ${JSON.stringify(options)}`);
}

/**
 * Describes a chain of payloads, for example what an SK payload held.
 * @param first type number of the first payload
 */
export function describePayloads(
  version: 1 | 2,
  first: number,
  bytes: Uint8Array,
  context: ChainContext = {},
): DescribedPayload[] {
  throw new Error(`not built yet ${version} ${first} ${bytes.length} ${JSON.stringify(context)}`);
}
