import type { Address, Arena } from '../../core/arena.js';
import { KitError } from '../../core/errors.js';
import type { EvpFunctions } from '../../crypto/evp-functions.js';
import { type BoundEspSa, HEADER_BYTES } from '../packet.js';
import { MAC_BYTES, type Protection, scratchOf } from './esp-cipher-frame.js';

/** The high word of an extended sequence number. */
const HIGH_WORD_BYTES = 4;

/** CBC, CTR or NULL and then HMAC or CMAC, through EVP. */
export class CipherMacProtection implements Protection {
  readonly #evp: EvpFunctions;
  /** 0 for NULL. */
  readonly #cipher: Address | 0;
  readonly #mac: Address;
  readonly #arena: Arena;
  readonly #ivBytes: number;
  readonly #data: number;
  readonly #icvBytes: number;
  readonly #blockBytes: number;
  readonly #esn: boolean;
  /** The block that CTR begins with, salt, IV and counter; undefined where the IV is taken from the packet. */
  readonly #counterBlock: Address | undefined;
  readonly #outLength: Address;
  readonly #outLengthOffset: number;
  readonly #highWord: Address;
  readonly #macOut: Address;
  readonly #macOffset: number;

  /** @param cipher a context or 0 for NULL; it and `mac` become this object's */
  constructor(
    evp: EvpFunctions,
    cipher: Address | 0,
    mac: Address,
    arena: Arena,
    bound: BoundEspSa,
    blockBytes: number,
  ) {
    this.#evp = evp;
    this.#cipher = cipher;
    this.#mac = mac;
    this.#arena = arena;
    this.#ivBytes = bound.ivBytes;
    this.#data = HEADER_BYTES + bound.ivBytes;
    this.#icvBytes = bound.icvBytes;
    this.#blockBytes = blockBytes;
    this.#esn = bound.esn;
    const scratch = scratchOf(arena);
    this.#counterBlock = bound.counterIv ? arena.address(scratch.nonce, 16) : undefined;
    this.#outLength = arena.address(scratch.outLength, 8);
    this.#outLengthOffset = scratch.outLength;
    this.#highWord = arena.address(scratch.highWord, HIGH_WORD_BYTES);
    this.#macOut = arena.address(scratch.mac, MAC_BYTES);
    this.#macOffset = scratch.mac;
  }

  seal(packet: number, plaintext: number, length: number): void {
    const covered = this.#data + length;
    if (!(this.#crypt(packet, plaintext, packet + this.#data, length) && this.#computeMac(packet, covered))) {
      throw new KitError('bug', 'E_ESP_CIPHER', 'OpenSSL did not seal a packet');
    }
    const { view } = this.#arena;
    const icv = packet + covered;
    for (let i = 0; i < this.#icvBytes; i += 4) view.setUint32(icv + i, view.getUint32(this.#macOffset + i));
  }

  open(packet: number, length: number, out: number): boolean {
    if (length % this.#blockBytes !== 0) return false;
    const covered = this.#data + length;
    const icv = this.#arena.address(packet + covered, this.#icvBytes);
    // The ICV has to be right before anything is decrypted (RFC 4303 3.4.4.1).
    return (
      this.#computeMac(packet, covered) &&
      this.#evp.compare(this.#macOut, icv, this.#icvBytes) === 0 &&
      this.#crypt(packet, packet + this.#data, out, length)
    );
  }

  free(): void {
    if (this.#cipher !== 0) this.#evp.freeContext(this.#cipher);
    this.#evp.freeMac(this.#mac);
  }

  #crypt(packet: number, from: number, to: number, length: number): boolean {
    const arena = this.#arena;
    const cipher = this.#cipher;
    if (cipher === 0) {
      arena.bytes.copyWithin(to, from, from + length);
      return true;
    }
    const evp = this.#evp;
    const iv = this.#counterBlock ?? arena.address(packet + HEADER_BYTES, this.#ivBytes);
    const data = arena.address(from, length);
    const out = arena.address(to, length);
    // Whole blocks, or a stream: nothing is left for EVP_CipherFinal_ex to write.
    return (
      evp.init(cipher, 0, 0, 0, iv, -1) === 1 &&
      evp.update(cipher, out, this.#outLength, data, length) === 1 &&
      arena.view.getInt32(this.#outLengthOffset, true) === length
    );
  }

  /** Of the packet before the ICV and, with ESN, the high word, which is not sent (RFC 4303 2.2.1). */
  #computeMac(packet: number, length: number): boolean {
    const evp = this.#evp;
    const covered = this.#arena.address(packet, length);
    return (
      evp.macInit(this.#mac, 0, 0, 0) === 1 &&
      evp.macUpdate(this.#mac, covered, length) === 1 &&
      (!this.#esn || evp.macUpdate(this.#mac, this.#highWord, HIGH_WORD_BYTES) === 1) &&
      evp.macFinal(this.#mac, this.#macOut, this.#outLength, MAC_BYTES) === 1
    );
  }
}
