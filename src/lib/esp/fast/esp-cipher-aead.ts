import type { Address, Arena } from '../../core/arena.js';
import { KitError } from '../../core/errors.js';
import { TagParameter } from '../../crypto/evp-contexts.js';
import type { EvpFunctions } from '../../crypto/evp-functions.js';
import { HEADER_BYTES } from '../packet.js';
import { EXTENDED_HEADER_BYTES, type Protection, scratchOf } from './esp-cipher-frame.js';

/** All AEADs of ESP have an explicit IV of 8 bytes. */
const DATA = HEADER_BYTES + 8;

/** AES-GCM, AES-CCM and ChaCha20-Poly1305 through EVP. */
export class AeadProtection implements Protection {
  readonly #evp: EvpFunctions;
  readonly #context: Address;
  readonly #arena: Arena;
  readonly #icvBytes: number;
  readonly #esn: boolean;
  readonly #ccm: boolean;
  readonly #nonce: Address;
  readonly #outLength: Address;
  readonly #extended: Address;
  readonly #block: Address;
  readonly #tag: TagParameter;

  /** @param context becomes this object's; @param ccm it wants to know sizes before the data */
  constructor(
    evp: EvpFunctions,
    context: Address,
    arena: Arena,
    { saltBytes, icvBytes, esn, ccm }: { saltBytes: number; icvBytes: number; esn: boolean; ccm: boolean },
  ) {
    this.#evp = evp;
    this.#context = context;
    this.#arena = arena;
    this.#icvBytes = icvBytes;
    this.#esn = esn;
    this.#ccm = ccm;
    const scratch = scratchOf(arena);
    this.#nonce = arena.address(scratch.nonce + 4 - saltBytes, saltBytes + 8);
    this.#outLength = arena.address(scratch.outLength, 8);
    this.#extended = arena.address(scratch.extended, EXTENDED_HEADER_BYTES);
    this.#block = arena.address(scratch.block, 64);
    this.#tag = new TagParameter(arena, scratch.tag);
  }

  seal(packet: number, plaintext: number, length: number): void {
    const evp = this.#evp;
    const arena = this.#arena;
    const context = this.#context;
    const data = packet + DATA;
    const from = arena.address(plaintext, length);
    const to = arena.address(data, length);
    this.#tag.pointTo(arena.address(data + length, this.#icvBytes), this.#icvBytes);
    const good =
      evp.init(context, 0, 0, 0, this.#nonce, -1) === 1 &&
      this.#authenticateHeader(packet, length) &&
      evp.update(context, to, this.#outLength, from, length) === 1 &&
      evp.final(context, this.#block, this.#outLength) === 1 &&
      evp.getParameters(context, this.#tag.address) === 1;
    if (!good) throw new KitError('bug', 'E_ESP_CIPHER', 'OpenSSL did not seal a packet');
  }

  open(packet: number, length: number, out: number): boolean {
    const evp = this.#evp;
    const arena = this.#arena;
    const context = this.#context;
    const data = packet + DATA;
    const from = arena.address(data, length);
    const to = arena.address(out, length);
    this.#tag.pointTo(arena.address(data + length, this.#icvBytes), this.#icvBytes);
    // Every step has to succeed: the verdict upon the ICV is what `update` says with CCM, and `final` with the others.
    const authentic =
      evp.initWith(context, 0, 0, this.#nonce, -1, this.#tag.address) === 1 &&
      this.#authenticateHeader(packet, length) &&
      evp.update(context, to, this.#outLength, from, length) === 1 &&
      evp.final(context, this.#block, this.#outLength) === 1;
    if (!authentic) evp.clearErrors();
    return authentic;
  }

  free(): void {
    this.#evp.freeContext(this.#context);
  }

  /** The additional data: SPI and sequence number, all 64 bits of it with ESN (RFC 4106 5, RFC 4309 5, RFC 7634 2.1). */
  #authenticateHeader(packet: number, length: number): boolean {
    const evp = this.#evp;
    if (this.#ccm && evp.update(this.#context, 0, this.#outLength, 0, length) !== 1) return false;
    const aad = this.#esn ? this.#extended : this.#arena.address(packet, HEADER_BYTES);
    const aadBytes = this.#esn ? EXTENDED_HEADER_BYTES : HEADER_BYTES;
    return evp.update(this.#context, 0, this.#outLength, aad, aadBytes) === 1;
  }
}
