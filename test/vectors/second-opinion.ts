import { cbc, cmac, ctr, gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x448 } from '@noble/curves/ed448.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, fromHex, toHex } from '../../src/lib/core/bytes.js';
import { type ModpGroup, modpGroups } from '../../src/lib/crypto/modp-groups.js';
import type { BoundCipher, PrfTransform } from '../../src/lib/crypto/transform.js';

/** The same algorithms from a second library, by IANA id; those it lacks are absent. */

type Bind = (key: Uint8Array) => BoundCipher;

const aead =
  (make: (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array) => Aead, icvBytes: number): Bind =>
  (material) => {
    const [key, salt] = split(material, 4);
    return {
      seal: (iv, aad, plaintext) => {
        const sealed = make(key, concatBytes(salt, iv), aad).encrypt(plaintext);
        return sealed.subarray(0, plaintext.length + icvBytes);
      },
      open: (iv, aad, data) => {
        if (icvBytes !== 16) throw new Error('this library opens full tags only');
        return make(key, concatBytes(salt, iv), aad).decrypt(data);
      },
    };
  };

interface Aead {
  encrypt(plaintext: Uint8Array): Uint8Array;
  decrypt(data: Uint8Array): Uint8Array;
}

const counterMode: Bind = (material) => {
  const [key, salt] = split(material, 4);
  const run = (iv: Uint8Array, data: Uint8Array): Uint8Array =>
    ctr(key, concatBytes(salt, iv, Uint8Array.of(0, 0, 0, 1))).encrypt(data);
  return { seal: (iv, _aad, data) => run(iv, data), open: (iv, _aad, data) => run(iv, data) };
};

const chained: Bind = (key) => ({
  seal: (iv, _aad, data) => cbc(key, iv, { disablePadding: true }).encrypt(data),
  open: (iv, _aad, data) => cbc(key, iv, { disablePadding: true }).decrypt(data),
});

export const otherCiphers: Readonly<Record<number, Bind>> = {
  12: chained,
  13: counterMode,
  18: aead(gcm, 8),
  19: aead(gcm, 12),
  20: aead(gcm, 16),
  28: aead(chacha20poly1305, 16),
};

type Mac = NonNullable<PrfTransform['compute']>;

/** Full-length MACs by the id of the PRF that they make. */
export const otherPrfs: Readonly<Record<number, Mac>> = {
  2: (key, data) => hmac(sha1, key, data),
  5: (key, data) => hmac(sha256, key, data),
  6: (key, data) => hmac(sha384, key, data),
  7: (key, data) => hmac(sha512, key, data),
  8: (key, data) => cmac(data, key.length === 16 ? key : cmac(key, new Uint8Array(16))),
};

function split(material: Uint8Array, saltBytes: number): [Uint8Array, Uint8Array] {
  const at = material.length - saltBytes;
  return [material.slice(0, at), material.slice(at)];
}

/** The public value of a private key, and the secret with a peer's public value, both as the KE payload has them. */
export interface OtherGroup {
  publicValue(privateKey: Uint8Array): Uint8Array;
  secret(privateKey: Uint8Array, peer: Uint8Array): Uint8Array;
}

const weierstrass = (curve: typeof p256): OtherGroup => ({
  publicValue: (privateKey) => curve.getPublicKey(privateKey, false).slice(1),
  secret: (privateKey, peer) => {
    const point = curve.getSharedSecret(privateKey, concatBytes(Uint8Array.of(4), peer), false);
    return point.slice(1, 1 + peer.length / 2);
  },
});

const montgomery = (curve: typeof x25519): OtherGroup => ({
  publicValue: (privateKey) => curve.getPublicKey(privateKey),
  secret: (privateKey, peer) => curve.getSharedSecret(privateKey, peer),
});

/** Arithmetic of one's own is the second opinion where no library has the group. */
const modular = (group: ModpGroup): OtherGroup => {
  const p = BigInt(`0x${group.prime}`);
  const length = group.prime.length / 2;
  const raise = (base: bigint, exponent: Uint8Array): Uint8Array => {
    const result = power(base, BigInt(`0x${toHex(exponent)}`), p);
    return fromHex(result.toString(16).padStart(2 * length, '0'));
  };
  return {
    publicValue: (privateKey) => raise(BigInt(`0x${group.generator}`), privateKey),
    secret: (privateKey, peer) => raise(BigInt(`0x${toHex(peer)}`), privateKey),
  };
};

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

export const otherGroups: Readonly<Record<number, OtherGroup>> = {
  ...Object.fromEntries(Object.entries(modpGroups).map(([id, group]) => [id, modular(group)])),
  19: weierstrass(p256),
  20: weierstrass(p384),
  21: weierstrass(p521),
  31: montgomery(x25519),
  32: montgomery(x448),
};
