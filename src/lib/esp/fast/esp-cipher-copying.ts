import type { Arena } from '../../core/arena.js';
import { concatBytes } from '../../core/bytes.js';
import { constantTimeEqual } from '../../core/secret.js';
import { type BoundEspSa, HEADER_BYTES } from '../packet.js';
import { EXTENDED_HEADER_BYTES, type Protection, scratchOf } from './esp-cipher-frame.js';

/** Any suite at all, through arrays: what EVP has no function for. Slow. */
export class CopyingProtection implements Protection {
  readonly #bound: BoundEspSa;
  readonly #bytes: Uint8Array;
  readonly #extended: number;

  constructor(arena: Arena, bound: BoundEspSa) {
    this.#bound = bound;
    this.#bytes = arena.bytes;
    this.#extended = scratchOf(arena).extended;
  }

  seal(packet: number, plaintext: number, length: number): void {
    const { cipher, integ } = this.#bound;
    const { iv, data } = this.#parts(packet);
    const sealed = cipher.seal(iv, this.#header(packet), this.#bytes.slice(plaintext, plaintext + length));
    this.#bytes.set(sealed, data);
    if (integ !== undefined) this.#bytes.set(integ(this.#covered(packet, data + length)), data + length);
  }

  open(packet: number, length: number, out: number): boolean {
    const { cipher, integ, icvBytes } = this.#bound;
    const { iv, data } = this.#parts(packet);
    let end = data + length + icvBytes;
    if (integ !== undefined) {
      end -= icvBytes;
      const icv = this.#bytes.slice(end, end + icvBytes);
      if (!constantTimeEqual(icv, integ(this.#covered(packet, end)))) return false;
    }
    const plaintext = cipher.open(iv, this.#header(packet), this.#bytes.slice(data, end));
    if (plaintext === undefined) return false;
    this.#bytes.set(plaintext, out);
    return true;
  }

  free(): void {
    // All of it is on the heap.
  }

  #parts(packet: number): { iv: Uint8Array; data: number } {
    const iv = packet + HEADER_BYTES;
    const data = iv + this.#bound.ivBytes;
    return { iv: this.#bytes.slice(iv, data), data };
  }

  /** The additional data of an AEAD. */
  #header(packet: number): Uint8Array {
    return this.#bound.esn
      ? this.#bytes.slice(this.#extended, this.#extended + EXTENDED_HEADER_BYTES)
      : this.#bytes.slice(packet, packet + HEADER_BYTES);
  }

  /** What a separate ICV covers (RFC 4303 2.2.1). */
  #covered(packet: number, end: number): Uint8Array {
    const covered = this.#bytes.slice(packet, end);
    return this.#bound.esn
      ? concatBytes(covered, this.#bytes.slice(this.#extended + 4, this.#extended + 8))
      : covered;
  }
}
