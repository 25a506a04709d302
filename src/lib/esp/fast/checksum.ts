import { readFileSync } from 'node:fs';
import type { Arena } from '../../core/arena.js';
import { instantiate } from '../../core/wasm.js';

const MAX_LENGTH = 65_535;

/** Compiled from checksum.wat by the build. */
const module = readFileSync(new URL('checksum.wasm', import.meta.url));

interface ChecksumExports {
  sum(offset: number, length: number, initial: number): number;
  copy(to: number, from: number, length: number): void;
}

/**
 * The Internet checksum (RFC 1071) over bytes of an arena, and copies of a few bytes, which the engine's own
 * `copyWithin` is slow at.
 */
export class Checksum {
  readonly #exports: ChecksumExports;
  readonly #size: number;

  constructor(arena: Arena) {
    this.#exports = instantiate(module, arena.memory) as ChecksumExports;
    this.#size = arena.bytes.length;
  }

  /**
   * One's complement sum of the 16-bit words in network order, not inverted; an odd last byte counts as the high
   * half of a word.
   * @param offset first byte, even or odd
   * @param length bytes, 0 to 65535
   * @param initial what to add, less than 2^32
   * @returns 0 to 65535; 0 only if everything is zero
   * @throws RangeError when the bytes are not all in the arena
   */
  sum(offset: number, length: number, initial: number): number {
    if (!(length <= MAX_LENGTH)) throw new RangeError(`${length} bytes are too many for a sum`);
    this.#check(offset, length);
    return this.#exports.sum(offset, length, initial);
  }

  /**
   * Copies bytes; the places may overlap.
   * @throws RangeError when they are not all in the arena
   */
  copy(to: number, from: number, length: number): void {
    this.#check(to, length);
    this.#check(from, length);
    this.#exports.copy(to, from, length);
  }

  #check(offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.#size)) {
      throw new RangeError(`${length} bytes at ${offset} are outside of an arena of ${this.#size}`);
    }
  }
}

/** A one's complement sum of up to 32 bits as one of 16. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
