import { createHash } from 'node:crypto';
import type { Secret } from '../../core/secret.js';

/** What derived bytes are for (RFC 7292 B.3). */
export const Purpose = { key: 1, iv: 2, mac: 3 } as const;

/** Block size v of a hash, bytes. */
const blockSize = (hash: string): number => (hash === 'sha384' || hash === 'sha512' ? 128 : 64);

/** The passphrase as a BMPString with its two terminating zero bytes (RFC 7292 B.1). */
export function bmpPassphrase(passphrase: Secret): Uint8Array {
  const text = `${Buffer.from(passphrase.reveal()).toString('utf8')}\0`;
  return Uint8Array.from(Buffer.from(text, 'utf16le').swap16());
}

/**
 * Derives bytes from a passphrase (RFC 7292 B.2).
 * @param password from {@link bmpPassphrase}
 * @param length bytes wanted
 */
export function derive(
  hash: string,
  purpose: (typeof Purpose)[keyof typeof Purpose],
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
): Uint8Array {
  const v = blockSize(hash);
  const diversifier = new Uint8Array(v).fill(purpose);
  const input = Buffer.concat([fillBlocks(salt, v), fillBlocks(password, v)]);
  const output: Uint8Array[] = [];
  let produced = 0;
  while (produced < length) {
    let block: Uint8Array = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < iterations; round += 1) block = createHash(hash).update(block).digest();
    output.push(block);
    produced += block.length;
    const addend = Uint8Array.from({ length: v }, (_, at) => block[at % block.length]!);
    for (let at = 0; at < input.length; at += v) addOne(input.subarray(at, at + v), addend);
  }
  return Uint8Array.from(Buffer.concat(output).subarray(0, length));
}

/** Copies of a string that fill whole blocks; nothing for nothing. */
function fillBlocks(bytes: Uint8Array, v: number): Uint8Array {
  const length = v * Math.ceil(bytes.length / v);
  return Uint8Array.from({ length }, (_, at) => bytes[at % bytes.length]!);
}

/** I_j = (I_j + B + 1) mod 2^(8v), in place. */
function addOne(block: Uint8Array, addend: Uint8Array): void {
  let carry = 1;
  for (let at = block.length - 1; at >= 0; at -= 1) {
    const sum = block[at]! + addend[at]! + carry;
    block[at] = sum & 0xff;
    carry = sum >> 8;
  }
}
