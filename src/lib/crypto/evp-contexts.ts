import type { Address, Arena } from '../core/arena.js';
import type { EvpFunctions } from './evp-functions.js';

/** EVP_CIPHER_CTX_ctrl commands of openssl/evp.h. */
export const Control = { SET_IV_LENGTH: 0x9, SET_TAG: 0x11 } as const;

/** A cipher as OpenSSL names it. */
export interface EvpCipherSpec {
  name: string;
  /** Of an AEAD. */
  nonceBytes?: number;
  /** Of CCM, which wants to know the size of the ICV before the key. */
  ccmIcvBytes?: number;
}

/** struct ossl_param_st; one of zeros ends an array. */
const PARAMETER = { key: 0, type: 8, data: 16, size: 24, returned: 32, bytes: 40 } as const;
/** OSSL_PARAM_OCTET_STRING of openssl/core.h. */
const OCTET_STRING = 5;
/** OSSL_CIPHER_PARAM_AEAD_TAG of openssl/core_names.h. */
const TAG = 'tag';

/** Bytes that a {@link TagParameter} needs. */
export const TAG_PARAMETER_BYTES = 2 * PARAMETER.bytes + 8;

/** Where an AEAD finds the tag of a packet, or puts it: an array of OSSL_PARAM in an arena. */
export class TagParameter {
  readonly address: Address;
  readonly #view: DataView;
  readonly #at: number;

  /** @param at where {@link TAG_PARAMETER_BYTES} have room; several of the same arena may share them */
  constructor(arena: Arena, at: number) {
    this.#view = arena.view;
    this.#at = at;
    this.address = arena.address(at, TAG_PARAMETER_BYTES);
    const name = at + 2 * PARAMETER.bytes;
    arena.bytes.fill(0, at, at + TAG_PARAMETER_BYTES);
    arena.bytes.set(new TextEncoder().encode(TAG), name);
    arena.view.setBigUint64(at + PARAMETER.key, BigInt(arena.address(name, TAG.length + 1)), true);
    arena.view.setUint32(at + PARAMETER.type, OCTET_STRING, true);
  }

  /** @param tag where it is; checked by whoever got the address */
  pointTo(tag: Address, length: number): void {
    const view = this.#view;
    const at = this.#at + PARAMETER.data;
    // The lower 32 bits, by ToUint32: a remainder of 2^32 costs ten times as much.
    view.setUint32(at, tag, true);
    view.setUint32(at + 4, Math.floor(tag / 2 ** 32), true);
    view.setUint32(this.#at + PARAMETER.size, length, true);
  }
}

/**
 * A context that has its key, and needs an IV for each packet. Nothing is padded: ESP does that by itself.
 * @param scratch where the key has room; zeros afterwards
 * @returns undefined when OpenSSL has no such cipher
 */
export function createCipherContext(
  evp: EvpFunctions,
  arena: Arena,
  scratch: number,
  { name, nonceBytes, ccmIcvBytes }: EvpCipherSpec,
  key: Uint8Array,
  direction: 'seal' | 'open',
): Address | undefined {
  const cipher = evp.cipherByName(name);
  const context = cipher === 0 ? 0 : evp.newContext();
  if (context === 0) return undefined;
  const at = arena.address(scratch, key.length);
  arena.bytes.set(key, scratch);
  const good =
    evp.init(context, cipher, 0, 0, 0, direction === 'seal' ? 1 : 0) === 1 &&
    (nonceBytes === undefined || evp.control(context, Control.SET_IV_LENGTH, nonceBytes, 0) === 1) &&
    (ccmIcvBytes === undefined || evp.control(context, Control.SET_TAG, ccmIcvBytes, 0) === 1) &&
    evp.init(context, 0, 0, at, 0, -1) === 1 &&
    (nonceBytes !== undefined || evp.setPadding(context, 0) === 1);
  arena.bytes.fill(0, scratch, scratch + key.length);
  if (good) return context;
  evp.freeContext(context);
  return undefined;
}

/** A MAC as OpenSSL names it, with the parameter that says upon what it is built. */
export interface EvpMacSpec {
  name: 'HMAC' | 'CMAC';
  parameter: 'digest' | 'cipher';
  value: string;
}

/** OSSL_PARAM_UTF8_STRING of openssl/core.h. */
const UTF8_STRING = 4;
/** Layout of the memory for {@link createMacContext}: one OSSL_PARAM, the one that ends the array, two texts, the key. */
const TEXTS = { name: 80, value: 104, bytes: 24 } as const;
const KEY = 128;

/** Bytes that {@link createMacContext} needs besides the key. */
export const MAC_SETUP_BYTES = KEY;

/**
 * A MAC context that has its key; EVP_MAC_init without one begins each MAC.
 * @param scratch where {@link MAC_SETUP_BYTES} and the key have room; zeros afterwards
 * @returns undefined when OpenSSL has no such MAC
 */
export function createMacContext(
  evp: EvpFunctions,
  arena: Arena,
  scratch: number,
  { name, parameter, value }: EvpMacSpec,
  key: Uint8Array,
): Address | undefined {
  const { bytes, view } = arena;
  const length = KEY + key.length;
  const parameters = arena.address(scratch, length);
  bytes.fill(0, scratch, scratch + length);
  writeText(bytes, scratch + TEXTS.name, parameter);
  writeText(bytes, scratch + TEXTS.value, value);
  view.setBigUint64(scratch + PARAMETER.key, BigInt(arena.address(scratch + TEXTS.name, TEXTS.bytes)), true);
  view.setUint32(scratch + PARAMETER.type, UTF8_STRING, true);
  view.setBigUint64(
    scratch + PARAMETER.data,
    BigInt(arena.address(scratch + TEXTS.value, TEXTS.bytes)),
    true,
  );
  view.setBigUint64(scratch + PARAMETER.size, BigInt(value.length), true);
  bytes.set(key, scratch + KEY);
  const mac = evp.newMac(name);
  const good =
    mac !== 0 && evp.macInit(mac, arena.address(scratch + KEY, key.length), key.length, parameters) === 1;
  bytes.fill(0, scratch, scratch + length);
  if (good) return mac;
  if (mac !== 0) evp.freeMac(mac);
  return undefined;
}

/** Text with the zero that ends it. @throws RangeError when it is too long */
function writeText(bytes: Uint8Array, at: number, text: string): void {
  if (text.length >= TEXTS.bytes) throw new RangeError(`${text} is too long`);
  bytes.set(new TextEncoder().encode(`${text}\0`), at);
}
