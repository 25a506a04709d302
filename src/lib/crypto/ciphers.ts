import {
  type CipherCCMTypes,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import { concatBytes } from '../core/bytes.js';
import { evpCipher } from './evp.js';
import type { BoundCipher } from './transform.js';

/** The initial value of the 32-bit block counter of AES-CTR (RFC 3686 section 4). */
const FIRST_COUNTER = Uint8Array.of(0, 0, 0, 1);

/**
 * Binds an AEAD. The nonce is salt followed by the explicit IV (RFC 4106, 4309, 5282, 7634).
 * @param algorithm OpenSSL's name by key length in bits
 * @param material key followed by salt
 * @throws RangeError when `material` is not one of `keyBits` plus the salt
 */
export function bindAead(
  algorithm: (bits: number) => string,
  keyBits: readonly number[],
  saltBytes: number,
  icvBytes: number,
  material: Uint8Array,
): BoundCipher {
  const { key, salt, bits } = splitKey(material, keyBits, saltBytes);
  // The declared call shape of CCM is a superset: GCM and ChaCha20-Poly1305 ignore the plaintext length.
  const name = algorithm(bits) as CipherCCMTypes;
  const options = { authTagLength: icvBytes };
  const open: BoundCipher['open'] = (iv, aad, data) => {
    const length = data.length - icvBytes;
    if (length < 0) return undefined;
    const cipher = createDecipheriv(name, key, concatBytes(salt, expectLength(iv, 8)), options);
    cipher.setAuthTag(data.subarray(length));
    cipher.setAAD(aad, { plaintextLength: length });
    const plaintext = cipher.update(data.subarray(0, length));
    try {
      return concatBytes(plaintext, cipher.final());
    } catch {
      return undefined;
    }
  };
  return {
    seal(iv, aad, plaintext) {
      const cipher = createCipheriv(name, key, concatBytes(salt, expectLength(iv, 8)), options);
      cipher.setAAD(aad, { plaintextLength: plaintext.length });
      const ciphertext = cipher.update(plaintext);
      return concatBytes(ciphertext, cipher.final(), cipher.getAuthTag());
    },
    open,
    ...evpCipher(name, material.subarray(0, bits / 8), salt, icvBytes, open),
  };
}

/** Binds AES-CTR: counter block = nonce (salt) | IV | counter from 1 (RFC 3686 section 4, RFC 5930). */
export function bindAesCtr(keyBits: readonly number[], material: Uint8Array): BoundCipher {
  const { key, salt, bits } = splitKey(material, keyBits, 4);
  const crypt = (iv: Uint8Array, data: Uint8Array): Uint8Array => {
    const block = concatBytes(salt, expectLength(iv, 8), FIRST_COUNTER);
    return plain(createCipheriv(`aes-${bits}-ctr`, key, block).update(data));
  };
  return {
    seal: (iv, _aad, plaintext) => crypt(iv, plaintext),
    open: (iv, _aad, data) => crypt(iv, data),
  };
}

/** Binds a block cipher in CBC mode without padding of its own: IKE and ESP pad by themselves. */
export function bindCbc(
  algorithm: (bits: number) => string,
  keyBits: readonly number[],
  blockBytes: number,
  material: Uint8Array,
): BoundCipher {
  const { key, bits } = splitKey(material, keyBits, 0);
  const name = algorithm(bits);
  return {
    seal(iv, _aad, plaintext) {
      if (plaintext.length % blockBytes !== 0) throw new RangeError('plaintext is not whole blocks');
      const cipher = createCipheriv(name, key, expectLength(iv, blockBytes)).setAutoPadding(false);
      return concatBytes(cipher.update(plaintext), cipher.final());
    },
    open(iv, _aad, data) {
      if (data.length % blockBytes !== 0) return undefined;
      const cipher = createDecipheriv(name, key, expectLength(iv, blockBytes)).setAutoPadding(false);
      return concatBytes(cipher.update(data), cipher.final());
    },
  };
}

/** Binds the cipher that encrypts nothing (RFC 2410). */
export function bindNull(material: Uint8Array): BoundCipher {
  expectLength(material, 0);
  return { seal: (_iv, _aad, plaintext) => plaintext.slice(), open: (_iv, _aad, data) => data.slice() };
}

function splitKey(
  material: Uint8Array,
  keyBits: readonly number[],
  saltBytes: number,
): { key: KeyObject; salt: Uint8Array; bits: number } {
  const length = material.length - saltBytes;
  const bits = length * 8;
  if (!keyBits.includes(bits)) throw new RangeError(`wrong key size: ${material.length} bytes`);
  return { key: createSecretKey(material.subarray(0, length)), salt: material.slice(length), bits };
}

function expectLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes where ${length} are needed`);
  return bytes;
}

/** The same memory without Buffer's own methods, so that callers see one kind of bytes. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
