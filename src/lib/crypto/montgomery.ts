import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { badKeValue } from './ke-value.js';
import type { KeyExchange } from './transform.js';

/** Public values and secrets have the same length (RFC 7748 sections 6.1 and 6.2). */
const sizes = { x25519: 32, x448: 56 } as const;

/**
 * One side of an X25519 or X448 exchange (RFC 8031).
 * @param privateKey a given scalar instead of a fresh one
 */
export function montgomeryExchange(curve: 'x25519' | 'x448', privateKey?: Uint8Array): KeyExchange {
  const length = sizes[curve];
  const crv = curve === 'x25519' ? 'X25519' : 'X448';
  const importPublic = (bytes: Uint8Array): KeyObject =>
    createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv, x: base64url(bytes) } });
  const own = privateKey === undefined ? fresh(curve) : importPrivate(curve, privateKey);
  return {
    // Not as JWK: exporting a generated key so can hang Node 20 for ever, when garbage collection falls into it.
    publicValue: new Uint8Array(
      createPublicKey(own).export({ format: 'der', type: 'spki' }).subarray(-length),
    ),
    agree(peer) {
      if (peer.length !== length)
        throw badKeValue(`has ${peer.length} bytes where the group needs ${length}`);
      const secret = agreeOrZero(own, importPublic(peer), length);
      // A small-order point makes the secret all zero (RFC 8031 section 3.2).
      if (secret.reduce((bits, byte) => bits | byte, 0) === 0) throw badKeValue('is a point of small order');
      return secret;
    },
  };
}

function fresh(curve: 'x25519' | 'x448'): KeyObject {
  return curve === 'x25519'
    ? generateKeyPairSync('x25519').privateKey
    : generateKeyPairSync('x448').privateKey;
}

/** PKCS #8 of RFC 8410: a fixed head, which differs in lengths and in the last byte of the OID, and the scalar. */
function importPrivate(curve: 'x25519' | 'x448', scalar: Uint8Array): KeyObject {
  const head = curve === 'x25519' ? '302e020100300506032b656e04220420' : '3046020100300506032b656f043a0438';
  const key = Buffer.concat([Buffer.from(head, 'hex'), scalar]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** OpenSSL raises an error for an all-zero secret; both ways lead to the same check. */
function agreeOrZero(privateKey: KeyObject, publicKey: KeyObject, length: number): Uint8Array {
  try {
    return new Uint8Array(diffieHellman({ privateKey, publicKey }));
  } catch {
    return new Uint8Array(length);
  }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
