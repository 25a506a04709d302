import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { badKeValue } from './ke-value.js';
import type { KeyExchange } from './transform.js';

/**
 * Public values and secrets have the same length, and a public value is the scalar times the point with this u (RFC 7748
 * sections 6.1 and 6.2).
 */
const curves = {
  x25519: { crv: 'X25519', length: 32, base: 9 },
  x448: { crv: 'X448', length: 56, base: 5 },
} as const;

/**
 * One side of an X25519 or X448 exchange (RFC 8031).
 * @param privateKey a given scalar instead of a fresh one
 */
export function montgomeryExchange(curve: 'x25519' | 'x448', privateKey?: Uint8Array): KeyExchange {
  const { length } = curves[curve];
  const own = privateKey === undefined ? fresh(curve) : importPrivate(curve, privateKey);
  return {
    // Not exported: as DER that takes twice as long, and a generated key as JWK can hang Node 20 for ever, when garbage
    // collection falls into it.
    publicValue: new Uint8Array(diffieHellman({ privateKey: own, publicKey: basePoint(curve) })),
    agree(peer) {
      if (peer.length !== length)
        throw badKeValue(`has ${peer.length} bytes where the group needs ${length}`);
      const secret = agreeOrZero(own, importPublic(curve, peer), length);
      // A small-order point makes the secret all zero (RFC 8031 section 3.2).
      if (secret.reduce((bits, byte) => bits | byte, 0) === 0) throw badKeValue('is a point of small order');
      return secret;
    },
  };
}

const basePoints = new Map<string, KeyObject>();

function basePoint(curve: 'x25519' | 'x448'): KeyObject {
  let point = basePoints.get(curve);
  if (point === undefined) {
    const { length, base } = curves[curve];
    point = importPublic(curve, new Uint8Array(length).fill(base, 0, 1));
    basePoints.set(curve, point);
  }
  return point;
}

function importPublic(curve: 'x25519' | 'x448', bytes: Uint8Array): KeyObject {
  const { crv } = curves[curve];
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv, x: base64url(bytes) } });
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
