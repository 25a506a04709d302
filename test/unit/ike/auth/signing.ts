import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect } from 'vitest';
import { utf8 } from '../../../../src/lib/core/bytes.js';
import { KitError } from '../../../../src/lib/core/errors.js';
import { announcedHashes, createSigner, verifySignature } from '../../../../src/lib/ike/auth/signature.js';
import type { AuthValue } from '../../../../src/lib/ike/auth/types.js';

export const octets = utf8('what RFC 7296 2.15 says is signed');
export const ALL = announcedHashes();

export interface Pair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** Some options of restricted keys are not in the types. */
export const generate = generateKeyPairSync as unknown as (type: string, options: object) => Pair;

export const kinds: Record<string, [type: string, options: object]> = {
  'RSA 2048': ['rsa', { modulusLength: 2048 }],
  'RSA-PSS 2048': ['rsa-pss', { modulusLength: 2048 }],
  'RSA-PSS 2048 for SHA-384': [
    'rsa-pss',
    { modulusLength: 2048, hashAlgorithm: 'sha384', mgf1HashAlgorithm: 'sha384', saltLength: 32 },
  ],
  'ECDSA P-256': ['ec', { namedCurve: 'P-256' }],
  'ECDSA P-384': ['ec', { namedCurve: 'P-384' }],
  'ECDSA P-521': ['ec', { namedCurve: 'P-521' }],
  Ed25519: ['ed25519', {}],
  Ed448: ['ed448', {}],
};
export const pairs = Object.fromEntries(
  Object.entries(kinds).map(([name, kind]) => [name, generate(...kind)]),
);
export const names = Object.keys(pairs);
export const rsa = pairs['RSA 2048']!;

export function signWith(
  name: string,
  peerHashes: readonly number[] | undefined,
  rsaScheme?: 'pss' | 'pkcs1',
): ReturnType<ReturnType<typeof createSigner>['sign']> {
  return createSigner({ key: pairs[name]!.privateKey, certificates: [], rsaScheme }).sign(octets, peerHashes);
}

/** The scheme, or the code of the refusal. */
export function check(key: KeyObject, value: AuthValue, allowSha1 = false, signed = octets): string {
  try {
    return verifySignature({ key, value, octets: signed, allowSha1 }).scheme;
  } catch (error) {
    if (!(error instanceof KitError) || error.kind !== 'refused') throw error;
    expect(error.message).toMatch(/^[^\n]+\.$/);
    return error.code;
  }
}
