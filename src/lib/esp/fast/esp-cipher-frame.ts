import { randomFillSync } from 'node:crypto';
import type { Arena } from '../../core/arena.js';
import { KitError } from '../../core/errors.js';
import { MAC_SETUP_BYTES, TAG_PARAMETER_BYTES } from '../../crypto/evp-contexts.js';
import { type BoundEspSa, HEADER_BYTES } from '../packet.js';
import { TRAILER_BYTES } from '../trailer.js';
import type { EspCipher } from './esp-cipher.js';

/** SPI and all 64 bits of the sequence number. */
export const EXTENDED_HEADER_BYTES = 12;

/** The longest MAC, before it is truncated. */
export const MAC_BYTES = 64;
const MAX_KEY_BYTES = 64;
/** Layout of the memory that all ciphers of an arena use, one packet at a time. */
const LAYOUT = {
  outLength: 0,
  nonce: 16,
  extended: 32,
  block: 64,
  mac: 128,
  tag: 192,
  setup: 192 + TAG_PARAMETER_BYTES,
} as const;
const SCRATCH_BYTES = LAYOUT.setup + MAC_SETUP_BYTES + MAX_KEY_BYTES;

/** Where things besides packets are; offsets into the arena. */
export interface Scratch {
  /** Where OpenSSL puts how much it wrote, 8 bytes. */
  outLength: number;
  /** Salt, IV, and the first value of the block counter of CTR, 1 (RFC 3686 4); a salt of 3 bytes begins a byte later. */
  nonce: number;
  /** With ESN: SPI and the whole sequence number (RFC 4106 5); its high word is at {@link highWord}. */
  extended: number;
  highWord: number;
  /** A whole block that nobody reads. */
  block: number;
  /** A MAC before it is truncated. */
  mac: number;
  /** Says where the tag of an AEAD is; see `TagParameter`. */
  tag: number;
  /** Keys and parameters when a context is made; zeros otherwise. */
  setup: number;
}

const scratches = new WeakMap<Arena, Scratch>();

/** The scratch memory of an arena. @throws RangeError when the arena is too small */
export function scratchOf(arena: Arena): Scratch {
  const known = scratches.get(arena);
  if (known !== undefined) return known;
  const { at } = arena.reserve('ESP ciphers', SCRATCH_BYTES);
  arena.view.setUint32(at + LAYOUT.nonce + 12, 1);
  const scratch: Scratch = {
    outLength: at + LAYOUT.outLength,
    nonce: at + LAYOUT.nonce,
    extended: at + LAYOUT.extended,
    highWord: at + LAYOUT.extended + 4,
    block: at + LAYOUT.block,
    mac: at + LAYOUT.mac,
    tag: at + LAYOUT.tag,
    setup: at + LAYOUT.setup,
  };
  scratches.set(arena, scratch);
  return scratch;
}

/** What encrypts and authenticates a packet whose header and IV are there. All places were checked. */
export interface Protection {
  /** Writes ciphertext and ICV behind the IV. */
  seal(packet: number, plaintext: number, length: number): void;
  /** @param length bytes of the ciphertext @returns whether the packet is authentic and the plaintext at `out` right */
  open(packet: number, length: number, out: number): boolean;
  free(): void;
}

/** The format of ESP packets around a {@link Protection}: header, IV, sizes, and what follows from the sequence number. */
export class EspFrame implements EspCipher {
  readonly ivBytes: number;
  readonly icvBytes: number;
  readonly alignment: number;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #scratch: Scratch;
  readonly #protection: Protection;
  readonly #spi: number;
  readonly #esn: boolean;
  readonly #counterIv: boolean;
  readonly #salt: number;
  readonly #lastSequence: number;
  #state: 'seal' | 'open' | 'freed';

  /** @param salt as the first word of the nonce */
  constructor(
    arena: Arena,
    bound: BoundEspSa,
    salt: number,
    direction: 'seal' | 'open',
    protection: Protection,
  ) {
    this.ivBytes = bound.ivBytes;
    this.icvBytes = bound.icvBytes;
    this.alignment = bound.alignment;
    this.#arena = arena;
    this.#view = arena.view;
    this.#scratch = scratchOf(arena);
    this.#protection = protection;
    this.#spi = bound.spi;
    this.#esn = bound.esn;
    this.#counterIv = bound.counterIv && bound.ivBytes === 8;
    this.#salt = salt;
    this.#lastSequence = bound.esn ? Number.MAX_SAFE_INTEGER : 2 ** 32 - 1;
    this.#state = direction;
  }

  seal(packet: number, plaintext: number, length: number, sequence: number): number {
    if (this.#state !== 'seal') throw misuse(this.#state, 'seal');
    if (!(length > 0 && length % this.alignment === 0)) {
      throw new RangeError(`${length} bytes of plaintext are no multiple of ${this.alignment}`);
    }
    if (!(Number.isInteger(sequence) && sequence >= 0 && sequence <= this.#lastSequence)) {
      throw new RangeError(`${sequence} is no sequence number of this SA`);
    }
    const data = packet + HEADER_BYTES + this.ivBytes;
    const total = HEADER_BYTES + this.ivBytes + length + this.icvBytes;
    this.#arena.address(packet, total);
    this.#arena.address(plaintext, length);
    if (plaintext !== data && overlap(plaintext, length, packet, total)) {
      throw new RangeError('the plaintext lies where the packet goes, but not where its ciphertext goes');
    }
    const view = this.#view;
    const high = Math.floor(sequence / 2 ** 32);
    view.setUint32(packet, this.#spi);
    view.setUint32(packet + 4, sequence);
    if (this.#counterIv) {
      // An IV that never repeats: the sequence number (RFC 4106 3.1, RFC 4309 3.1, RFC 3686 3.1, RFC 7634 2).
      view.setUint32(packet + HEADER_BYTES, high);
      view.setUint32(packet + HEADER_BYTES + 4, sequence);
    } else if (this.ivBytes > 0) {
      writeRandomIv(view, packet + HEADER_BYTES, this.ivBytes);
    }
    this.#prepare(packet, high);
    this.#protection.seal(packet, plaintext, length);
    return total;
  }

  open(packet: number, length: number, out: number, sequence: number): number {
    if (this.#state !== 'open') throw misuse(this.#state, 'open');
    if (!Number.isInteger(length)) throw new RangeError(`a packet has no ${length} bytes`);
    this.#arena.address(packet, length);
    const before = HEADER_BYTES + this.ivBytes;
    const data = length - before - this.icvBytes;
    if (data < TRAILER_BYTES) return -1;
    this.#arena.address(out, data);
    if (out !== packet + before && overlap(out, data, packet, length)) {
      throw new RangeError('the plaintext would go over the packet, but not where its ciphertext is');
    }
    this.#prepare(packet, Math.floor(sequence / 2 ** 32));
    return this.#protection.open(packet, data, out) ? data : -1;
  }

  free(): void {
    if (this.#state === 'freed') return;
    this.#state = 'freed';
    this.#protection.free();
  }

  /** Writes the nonce, and with ESN the header as it is authenticated. */
  #prepare(packet: number, high: number): void {
    const view = this.#view;
    const { nonce, extended } = this.#scratch;
    if (this.#counterIv) {
      view.setUint32(nonce, this.#salt);
      view.setUint32(nonce + 4, view.getUint32(packet + HEADER_BYTES));
      view.setUint32(nonce + 8, view.getUint32(packet + HEADER_BYTES + 4));
    }
    if (this.#esn) {
      view.setUint32(extended, view.getUint32(packet));
      view.setUint32(extended + 4, high);
      view.setUint32(extended + 8, view.getUint32(packet + 4));
    }
  }
}

function overlap(a: number, aBytes: number, b: number, bBytes: number): boolean {
  return a < b + bBytes && b < a + aBytes;
}

function misuse(state: string, asked: string): KitError {
  return new KitError('bug', 'E_ESP_CIPHER', `A cipher that is made to ${state} is asked to ${asked}`);
}

/** Random bytes that no IV was made of, fetched many at once: a call for 16 costs more than encrypting them. */
const pool = new DataView(new ArrayBuffer(8192));
let poolUsed = pool.byteLength;

/**
 * The IV of CBC must be random and unpredictable (RFC 3602 3): it is taken from the system's generator. An encrypted
 * counter would do as well, but needs a second key, and one more call for each packet.
 * @param length a multiple of 4
 */
function writeRandomIv(view: DataView, at: number, length: number): void {
  if (poolUsed + length > pool.byteLength) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  for (let i = 0; i < length; i += 4) view.setUint32(at + i, pool.getUint32(poolUsed + i));
  poolUsed += length;
}
