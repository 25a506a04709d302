import { createCipheriv } from 'node:crypto';
import { concatBytes } from '../core/bytes.js';

/**
 * One block of single DES, only for MSCHAPv2 (RFC 2759 8.6). OpenSSL 3 keeps single DES out of its default provider;
 * triple DES with three equal keys is the same.
 * @param key 7 bytes, without parity bits
 * @param block 8 bytes
 */
export function desEncrypt(key: Uint8Array, block: Uint8Array): Uint8Array {
  const expanded = withParity(key);
  const cipher = createCipheriv('des-ede3-ecb', concatBytes(expanded, expanded, expanded), null);
  cipher.setAutoPadding(false);
  return new Uint8Array(Buffer.concat([cipher.update(block), cipher.final()]));
}

/** 56 bits of key spread over 8 bytes, 7 in each; the lowest bit makes the parity odd. */
function withParity(key: Uint8Array): Uint8Array {
  if (key.length !== 7) throw new RangeError('a DES key without parity has 7 bytes');
  let bits = key.reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
  const expanded = new Uint8Array(8);
  for (let at = 7; at >= 0; at--) {
    const seven = Number(bits & 0x7fn);
    bits >>= 7n;
    expanded[at] = (seven << 1) | (isOdd(seven) ? 0 : 1);
  }
  return expanded;
}

function isOdd(bits: number): boolean {
  let parity = bits ^ (bits >> 4);
  parity ^= parity >> 2;
  return ((parity ^ (parity >> 1)) & 1) === 1;
}
