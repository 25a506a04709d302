import { createCipheriv, createHmac } from 'node:crypto';
import { concatBytes } from '../core/bytes.js';

const BLOCK = 16;
const ZERO_BLOCK = new Uint8Array(BLOCK);

/** A keyed hash: key, data to a full-length output. */
export type Mac = (key: Uint8Array, data: Uint8Array) => Uint8Array;

/** HMAC (RFC 2104) over an OpenSSL hash. */
export function hmac(hash: 'sha1' | 'sha256' | 'sha384' | 'sha512'): Mac {
  return (key, data) => new Uint8Array(createHmac(hash, key).update(data).digest());
}

/** A MAC cut to its first `length` bytes. */
export function truncated(mac: Mac, length: number): Mac {
  return (key, data) => mac(key, data).subarray(0, length);
}

/**
 * AES-XCBC-MAC (RFC 3566 section 4), not truncated.
 * @throws RangeError unless the key has 16 bytes
 */
export const aesXcbc: Mac = (key, data) => {
  const seeds = new Uint8Array(3 * BLOCK).fill(1, 0, 16).fill(2, 16, 32).fill(3, 32, 48);
  const keys = aes('ecb', checked(key), seeds);
  return cbcMac(keys.subarray(0, 16), data, keys.subarray(16, 32), keys.subarray(32, 48));
};

/**
 * AES-CMAC (RFC 4493 section 2), not truncated.
 * @throws RangeError unless the key has 16 bytes
 */
export const aesCmac: Mac = (key, data) => {
  const whole = doubled(aes('ecb', checked(key), ZERO_BLOCK));
  return cbcMac(key, data, whole, doubled(whole));
};

/**
 * The PRF made of an AES-128 MAC for keys of any length: shorter keys are padded or hashed, longer ones hashed
 * (RFC 4434 section 2 for XCBC, RFC 4615 section 3 for CMAC).
 */
export function variableKeyPrf(mac: Mac, padShort: boolean): Mac {
  return (key, data) => {
    if (key.length === BLOCK) return mac(key, data);
    if (padShort && key.length < BLOCK)
      return mac(concatBytes(key, new Uint8Array(BLOCK - key.length)), data);
    return mac(mac(ZERO_BLOCK, key), data);
  };
}

/**
 * CBC-MAC whose last block is masked: with `whole` when it is complete, padded 10* and with `partial` when not. It runs
 * on OpenSSL's AES, which does not look secrets up in tables as one in JavaScript does.
 */
function cbcMac(key: Uint8Array, data: Uint8Array, whole: Uint8Array, partial: Uint8Array): Uint8Array {
  const complete = data.length > 0 && data.length % BLOCK === 0;
  const blocks = new Uint8Array(complete ? data.length : (Math.floor(data.length / BLOCK) + 1) * BLOCK);
  blocks.set(data);
  if (!complete) blocks[data.length] = 0x80;
  const mask = complete ? whole : partial;
  const last = blocks.length - BLOCK;
  for (let i = 0; i < BLOCK; i++) blocks[last + i]! ^= mask[i]!;
  return aes('cbc', key, blocks).slice(last);
}

/** AES-128 over whole blocks; CBC starts from a zero IV. */
function aes(mode: 'ecb' | 'cbc', key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-128-${mode}`, key, mode === 'cbc' ? ZERO_BLOCK : null);
  return new Uint8Array(cipher.setAutoPadding(false).update(blocks));
}

/** Multiplication by x in GF(2^128) as RFC 4493 section 2.3 does it; no branch depends on the key. */
function doubled(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(BLOCK);
  for (let i = 0; i < BLOCK; i++) out[i] = (block[i]! << 1) | ((block[i + 1] ?? 0) >> 7);
  out[BLOCK - 1]! ^= 0x87 & -(block[0]! >> 7);
  return out;
}

function checked(key: Uint8Array): Uint8Array {
  if (key.length !== BLOCK) throw new RangeError(`wrong key size: ${key.length} bytes`);
  return key;
}
