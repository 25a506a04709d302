import { createCipheriv } from 'node:crypto';
import { type Address, Arena, PinnedBytes } from '../core/arena.js';
import { Control, createCipherContext } from './evp-contexts.js';
import { type EvpFunctions, loadEvp } from './evp-functions.js';
import type { BoundCipher } from './transform.js';

/*
 * AEADs of packets that come as arrays, through EVP. Every length is checked in this file, and bytes go in and out
 * through memory that belongs to it alone.
 */

const NONCE_BYTES = 12;
const IV_BYTES = 8;
const MAX_AAD = 64;
const MAX_DATA = 1 << 16;
/** Layout of the memory of OpenSSL, without the plaintext that it writes; a whole packet stands where its AAD does. */
const IN = { outLength: 0, key: 32, nonce: 64, block: 96, aad: 128, data: 224 } as const;
/** Plaintexts are cut from pieces of this size: one that is kept keeps no more than a piece alive. */
const SLAB = 1 << 15;
/** Memory for plaintexts that are only lent: what is lent stays whole while as much again less one packet is opened. */
const LENT = 1 << 20;

type Open = BoundCipher['open'];

/** The ways to open that a key gets. */
export type EvpCipher = Required<Pick<BoundCipher, 'open' | 'openPacket'>>;

const NAMES: ReadonlySet<string> = new Set([
  'aes-128-gcm',
  'aes-192-gcm',
  'aes-256-gcm',
  'chacha20-poly1305',
]);

let native: NativeAeads | undefined;

/**
 * From now on new keys of AES-GCM and ChaCha20-Poly1305 open packets through EVP, where koffi is installed, the node
 * binary exports the functions, and they pass a test of their own.
 * @returns whether they do
 */
export async function useEvp(): Promise<boolean> {
  if (native === undefined) {
    const functions = await loadEvp().catch(() => undefined);
    if (functions === undefined) return false;
    const candidate = new NativeAeads(functions);
    if (!candidate.passesTest()) return false;
    native = candidate;
  }
  return true;
}

/**
 * An AEAD bound to a key, for opening, when {@link useEvp} said yes.
 * @param otherwise opens what is too large for the memory here
 */
export function evpCipher(
  algorithm: string,
  key: Uint8Array,
  salt: Uint8Array,
  icvBytes: number,
  otherwise: Open,
): EvpCipher | undefined {
  return native?.bind(algorithm, key, salt, icvBytes, otherwise);
}

class NativeAeads {
  readonly #evp: EvpFunctions;
  /** What OpenSSL reads. */
  readonly #arena: Arena;
  readonly #in: Uint8Array;
  readonly #nonce: Address;
  readonly #outLength: Address;
  /** Nobody reads it. */
  readonly #block: Address;
  #slab: PinnedBytes;
  #used = 0;
  readonly #lent: PinnedBytes;
  #lentUsed = 0;
  readonly #contexts = new FinalizationRegistry<Address>((context) => this.#evp.freeContext(context));

  constructor(evp: EvpFunctions) {
    this.#evp = evp;
    this.#arena = new Arena(IN.data + MAX_DATA, evp.address);
    this.#in = this.#arena.bytes;
    this.#nonce = this.#arena.address(IN.nonce, NONCE_BYTES);
    this.#outLength = this.#arena.address(IN.outLength, 4);
    this.#block = this.#arena.address(IN.block, IN.aad - IN.block);
    this.#slab = new PinnedBytes(new Uint8Array(SLAB), evp.address);
    this.#lent = new PinnedBytes(new Uint8Array(LENT), evp.address);
  }

  bind(
    algorithm: string,
    key: Uint8Array,
    salt: Uint8Array,
    icvBytes: number,
    otherwise: Open,
  ): EvpCipher | undefined {
    if (!NAMES.has(algorithm) || key.length > 32 || salt.length + IV_BYTES !== NONCE_BYTES) return undefined;
    const context = this.#makeContext(algorithm, key);
    if (context === undefined) return undefined;
    const saltCopy = salt.slice();
    // Both functions hold on to it, and the context lives as long as it does.
    const held = { context };
    this.#contexts.register(held, context);
    return {
      open: (iv, aad, data) => {
        if (iv.length !== IV_BYTES) throw new RangeError(`${iv.length} bytes where ${IV_BYTES} are needed`);
        if (aad.length > MAX_AAD || data.length > MAX_DATA) return otherwise(iv, aad, data);
        const length = data.length - icvBytes;
        if (length < 0) return undefined;
        this.#in.set(iv, IN.nonce + saltCopy.length);
        this.#in.set(aad, IN.aad);
        this.#in.set(data, IN.data);
        const out = this.#room(length);
        if (!this.#open(held.context, saltCopy, aad.length, IN.data, length, icvBytes, out)) return undefined;
        this.#used += length;
        return this.#slab.bytes.subarray(this.#used - length, this.#used);
      },
      openPacket: (packet, aadBytes) => {
        const dataAt = aadBytes + IV_BYTES;
        const length = packet.length - dataAt - icvBytes;
        if (length < 0) return undefined;
        if (aadBytes > MAX_AAD || packet.length > MAX_DATA) {
          const iv = packet.subarray(aadBytes, dataAt);
          return otherwise(iv, packet.subarray(0, aadBytes), packet.subarray(dataAt));
        }
        this.#in.set(packet, IN.aad);
        this.#in.copyWithin(IN.nonce + saltCopy.length, IN.aad + aadBytes, IN.aad + dataAt);
        if (this.#lentUsed + length > LENT) this.#lentUsed = 0;
        const at = this.#lentUsed;
        const out = this.#lent.address(at, length);
        if (!this.#open(held.context, saltCopy, aadBytes, IN.aad + dataAt, length, icvBytes, out))
          return undefined;
        this.#lentUsed = at + length;
        return this.#lent.bytes.subarray(at, at + length);
      },
    };
  }

  /** One packet that is good and the same with each byte changed. */
  passesTest(): boolean {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    const nonce = key.subarray(0, NONCE_BYTES);
    const salt = nonce.subarray(0, NONCE_BYTES - IV_BYTES);
    const aad = key.subarray(0, 8);
    return ['aes-256-gcm', 'chacha20-poly1305'].every((name) => {
      const sealer = createCipheriv(name as 'aes-256-gcm', key, nonce, { authTagLength: 16 }).setAAD(aad);
      const data = [...sealer.update(key), ...sealer.final(), ...sealer.getAuthTag()];
      const packet = Uint8Array.from([...aad, ...nonce.subarray(salt.length), ...data]);
      const cipher = this.bind(name, key, salt, 16, () => undefined);
      const whole = (bytes: Uint8Array) => cipher?.openPacket(bytes, 8);
      const parts = (bytes: Uint8Array) =>
        cipher?.open(bytes.subarray(8, 16), bytes.subarray(0, 8), bytes.subarray(16));
      return [whole, parts].every((open) => {
        const plaintext = open(packet);
        const right = plaintext?.length === key.length && plaintext.every((byte, i) => byte === key[i]);
        return right && packet.every((byte, at) => open(packet.with(at, byte ^ 1)) === undefined);
      });
    });
  }

  #makeContext(algorithm: string, key: Uint8Array): Address | undefined {
    const spec = { name: algorithm, nonceBytes: NONCE_BYTES };
    return createCipherContext(this.#evp, this.#arena, IN.key, spec, key, 'open');
  }

  /**
   * Opens what lies in the memory that OpenSSL reads: the IV where its nonce ends, the AAD, and at `data` ciphertext and
   * ICV. Whatever is at `out` afterwards counts only when this says so.
   */
  #open(
    context: Address,
    salt: Uint8Array,
    aadBytes: number,
    data: number,
    length: number,
    icvBytes: number,
    out: Address,
  ): boolean {
    const evp = this.#evp;
    const arena = this.#arena;
    const outLength = this.#outLength;
    const from = arena.address(data, length);
    const icv = arena.address(data + length, icvBytes);
    const aad = arena.address(IN.aad, aadBytes);
    this.#in.set(salt, IN.nonce);
    // Only the result of EVP_CipherFinal_ex says that the ICV is right; every step must succeed before it counts.
    return (
      evp.init(context, 0, 0, 0, this.#nonce, -1) === 1 &&
      evp.control(context, Control.SET_TAG, icvBytes, icv) === 1 &&
      (aadBytes === 0 || evp.update(context, 0, outLength, aad, aadBytes) === 1) &&
      (length === 0 || evp.update(context, out, outLength, from, length) === 1) &&
      evp.final(context, this.#block, outLength) === 1
    );
  }

  /** Where `length` bytes of plaintext may go; they count as used once the ICV was right. */
  #room(length: number): Address {
    if (this.#used + length > this.#slab.bytes.length) {
      this.#slab = new PinnedBytes(new Uint8Array(Math.max(length, SLAB)), this.#evp.address);
      this.#used = 0;
    }
    return this.#slab.address(this.#used, length);
  }
}
