import { createHmac, randomBytes } from 'node:crypto';
import { type AsnType, Integer, Null, OctetString, Sequence } from 'asn1js';
import { constantTimeEqual, type Secret } from '../../core/secret.js';
import { elements } from '../asn1.js';
import {
  algorithmIdentifier,
  algorithmOf,
  iterationsOf,
  octets,
  pbkdf2Key,
  unsupportedCipher,
} from './cipher.js';
import { bmpPassphrase, derive, Purpose } from './kdf.js';

const what = 'The PKCS#12 container';
const SHA1 = '1.3.14.3.2.26';
const SHA256 = '2.16.840.1.101.3.4.2.1';
/** RFC 9579. */
const PBMAC1 = '1.2.840.113549.1.5.14';

const hashes = new Map<string, readonly [hash: string, length: number]>([
  [SHA1, ['sha1', 20]],
  ['2.16.840.1.101.3.4.2.4', ['sha224', 28]],
  [SHA256, ['sha256', 32]],
  ['2.16.840.1.101.3.4.2.2', ['sha384', 48]],
  ['2.16.840.1.101.3.4.2.3', ['sha512', 64]],
]);
const hmacs = new Map([
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
]);

/** Whether the MacData of a container fits the content and the passphrase (RFC 7292 4, RFC 9579). */
export function macFits(macData: AsnType, content: Uint8Array, passphrase: Secret): boolean {
  const [digestInfo, salt, count] = elements(macData, what);
  const [algorithm, digest] = elements(digestInfo, what);
  const { oid, params } = algorithmOf(algorithm);
  const expected = octets(digest);
  if (oid === PBMAC1) {
    const [derivation, scheme] = elements(params, what);
    const hash = hmacs.get(algorithmOf(scheme).oid);
    if (hash === undefined) throw unsupportedCipher(algorithmOf(scheme).oid);
    const key = pbkdf2Key(derivation, passphrase, expected.length);
    return constantTimeEqual(hmac(hash, key, content), expected);
  }
  const [hash, length] = hashes.get(oid) ?? [];
  if (hash === undefined || length === undefined) throw unsupportedCipher(`the digest ${oid}`);
  const rounds = count === undefined ? 1 : iterationsOf(count);
  const fits = (password: Uint8Array): boolean => {
    const key = derive(hash, Purpose.mac, password, octets(salt), rounds, length);
    return constantTimeEqual(hmac(hash, key, content), expected);
  };
  // Without a passphrase some programs use no bytes at all where others use the terminator.
  return fits(bmpPassphrase(passphrase)) || (passphrase.length === 0 && fits(new Uint8Array(0)));
}

/** MacData over a content: SHA-256, or SHA-1 for old readers. */
export function macData(content: Uint8Array, passphrase: Secret, legacy: boolean): Sequence {
  const [oid, hash, length] = legacy ? ([SHA1, 'sha1', 20] as const) : ([SHA256, 'sha256', 32] as const);
  const salt = Uint8Array.from(randomBytes(legacy ? 8 : 16));
  const rounds = 10_000;
  const key = derive(hash, Purpose.mac, bmpPassphrase(passphrase), salt, rounds, length);
  const digest = new OctetString({ valueHex: hmac(hash, key, content) });
  return new Sequence({
    value: [
      new Sequence({ value: [algorithmIdentifier(oid, new Null()), digest] }),
      new OctetString({ valueHex: salt }),
      new Integer({ value: rounds }),
    ],
  });
}

function hmac(hash: string, key: Uint8Array, content: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHmac(hash, key).update(content).digest());
}
