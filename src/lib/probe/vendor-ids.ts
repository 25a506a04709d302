import { toHex } from '../core/bytes.js';
import type { VendorId } from './types.js';

/** What a vendor id says, as far as it is known. */
export function describeVendorId(data: Uint8Array): VendorId {
  return { hex: toHex(data) };
}
