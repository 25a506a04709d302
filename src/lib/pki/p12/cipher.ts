import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';
import { type AsnType, Integer, Null, ObjectIdentifier, OctetString, Sequence } from 'asn1js';
import { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import { elements, malformed } from '../asn1.js';
import { bmpPassphrase, derive, Purpose } from './kdf.js';

const what = 'The PKCS#12 container';

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const HMAC_SHA256 = '1.2.840.113549.2.9';
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';
const SHA_3DES = '1.2.840.113549.1.12.1.3';

/** RFC 7292 appendix C, as node:crypto calls the cipher, with its key length. */
const legacyCiphers = new Map<string, readonly [cipher: string, keyLength: number]>([
  [SHA_3DES, ['des-ede3-cbc', 24]],
  ['1.2.840.113549.1.12.1.4', ['des-ede-cbc', 16]],
]);
const unsupported = new Map([
  ['1.2.840.113549.1.12.1.1', 'RC4-128'],
  ['1.2.840.113549.1.12.1.2', 'RC4-40'],
  ['1.2.840.113549.1.12.1.5', 'RC2-128'],
  ['1.2.840.113549.1.12.1.6', 'RC2-40'],
]);
/** RFC 8018 B.2. */
const ciphers = new Map<string, readonly [cipher: string, keyLength: number]>([
  ['1.2.840.113549.3.7', ['des-ede3-cbc', 24]],
  ['2.16.840.1.101.3.4.1.2', ['aes-128-cbc', 16]],
  ['2.16.840.1.101.3.4.1.22', ['aes-192-cbc', 24]],
  [AES_256_CBC, ['aes-256-cbc', 32]],
]);
/** RFC 8018 B.1. */
const prfs = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  [HMAC_SHA256, 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
]);

/** More would only keep this process busy for whoever made the file. */
const MAX_ITERATIONS = 5_000_000;
/** The derivation of RFC 7292 B hashes in JavaScript, one round a microsecond or two. */
const MAX_LEGACY_ITERATIONS = 1_000_000;

/** Rounds of what is written here. */
const MODERN_ITERATIONS = 200_000;
const LEGACY_ITERATIONS = 10_000;

/** @throws KitError usage E_P12_CIPHER */
export function unsupportedCipher(name: string): KitError {
  return new KitError(
    'usage',
    'E_P12_CIPHER',
    `The PKCS#12 container is encrypted with ${name}, which is broken and not read here; the passphrase may well be right.`,
    {
      hint: 'Convert it: openssl pkcs12 -legacy -in OLD.p12 -out all.pem && openssl pkcs12 -export -in all.pem -out NEW.p12 (and delete all.pem)',
    },
  );
}

/** An iteration count within reason. @throws KitError usage E_P12_ITERATIONS */
export function iterationsOf(block: AsnType | undefined, most = MAX_LEGACY_ITERATIONS): number {
  if (!(block instanceof Integer)) throw malformed(what);
  const count =
    block.valueBlock.valueHexView.length > 4 ? Number.POSITIVE_INFINITY : block.valueBlock.valueDec;
  if (count < 1) throw malformed(what);
  if (count > most) {
    throw new KitError(
      'usage',
      'E_P12_ITERATIONS',
      `The PKCS#12 container asks for more than ${most} rounds of hashing.`,
    );
  }
  return count;
}

/** The OID at the head of an AlgorithmIdentifier and what follows. */
export function algorithmOf(block: AsnType | undefined): { oid: string; params: AsnType | undefined } {
  const [oid, params] = elements(block, what);
  if (!(oid instanceof ObjectIdentifier)) throw malformed(what);
  return { oid: oid.getValue(), params };
}

/** @throws KitError `E_CERT_FORMAT` */
export function octets(block: AsnType | undefined): Uint8Array {
  if (!(block instanceof OctetString)) throw malformed(what);
  return new Uint8Array(block.getValue());
}

/**
 * Decrypts with the algorithm that a container names.
 * @throws KitError `E_P12_CIPHER`, `E_P12_PASSPHRASE`, `E_P12_ITERATIONS`, `E_CERT_FORMAT`
 */
export function decrypt(algorithm: AsnType | undefined, data: Uint8Array, passphrase: Secret): Uint8Array {
  const { oid, params } = algorithmOf(algorithm);
  if (oid === PBES2) return decryptPbes2(params, data, passphrase);
  const [cipher, keyLength] = legacyCiphers.get(oid) ?? [];
  if (cipher === undefined || keyLength === undefined) throw unsupportedCipher(unsupported.get(oid) ?? oid);
  const [salt, count] = elements(params, what);
  const password = bmpPassphrase(passphrase);
  const bytes = (purpose: 1 | 2, length: number): Uint8Array =>
    derive('sha1', purpose, password, octets(salt), iterationsOf(count), length);
  return open(cipher, bytes(Purpose.key, keyLength), bytes(Purpose.iv, 8), data);
}

/** RFC 8018 6.2 and A.4. */
function decryptPbes2(params: AsnType | undefined, data: Uint8Array, passphrase: Secret): Uint8Array {
  const [derivation, scheme] = elements(params, what);
  const { oid, params: iv } = algorithmOf(scheme);
  const [cipher, keyLength] = ciphers.get(oid) ?? [];
  if (cipher === undefined || keyLength === undefined) throw unsupportedCipher(oid);
  return open(cipher, pbkdf2Key(derivation, passphrase, keyLength), octets(iv), data);
}

/** A key by the PBKDF2 that an AlgorithmIdentifier describes (RFC 8018 A.2). */
export function pbkdf2Key(algorithm: AsnType | undefined, passphrase: Secret, length: number): Uint8Array {
  const { oid, params } = algorithmOf(algorithm);
  if (oid !== PBKDF2) throw unsupportedCipher(oid);
  const [salt, count, ...rest] = elements(params, what);
  const prf = rest.find((part) => part instanceof Sequence);
  const hash = prf === undefined ? 'sha1' : prfs.get(algorithmOf(prf).oid);
  if (hash === undefined) throw unsupportedCipher(algorithmOf(prf).oid);
  const iterations = iterationsOf(count, MAX_ITERATIONS);
  return Uint8Array.from(pbkdf2Sync(passphrase.reveal(), octets(salt), iterations, length, hash));
}

function open(cipher: string, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv(cipher, key, iv);
    return Uint8Array.from(Buffer.concat([decipher.update(data), decipher.final()]));
  } catch (cause) {
    throw wrongPassphrase(cause);
  }
}

/** @throws KitError usage E_P12_PASSPHRASE */
export function wrongPassphrase(cause?: unknown): KitError {
  return new KitError('usage', 'E_P12_PASSPHRASE', 'The passphrase does not open the PKCS#12 container.', {
    hint: 'It is the one given when the container was exported; one line end at the end of a passphrase file is dropped.',
    cause,
  });
}

/** Encrypted bytes with the AlgorithmIdentifier that tells how. */
export interface Encrypted {
  algorithm: Sequence;
  data: Uint8Array;
}

/** Encrypts for a container: AES-256 by PBES2, or for old readers 3DES by RFC 7292 B. */
export function encrypt(data: Uint8Array, passphrase: Secret, legacy: boolean): Encrypted {
  return legacy ? encryptLegacy(data, passphrase) : encryptModern(data, passphrase);
}

function encryptLegacy(data: Uint8Array, passphrase: Secret): Encrypted {
  const salt = Uint8Array.from(randomBytes(8));
  const password = bmpPassphrase(passphrase);
  const key = derive('sha1', Purpose.key, password, salt, LEGACY_ITERATIONS, 24);
  const iv = derive('sha1', Purpose.iv, password, salt, LEGACY_ITERATIONS, 8);
  const params = new Sequence({
    value: [new OctetString({ valueHex: salt }), new Integer({ value: LEGACY_ITERATIONS })],
  });
  return { algorithm: algorithmIdentifier(SHA_3DES, params), data: seal('des-ede3-cbc', key, iv, data) };
}

function encryptModern(data: Uint8Array, passphrase: Secret): Encrypted {
  const salt = Uint8Array.from(randomBytes(16));
  const iv = Uint8Array.from(randomBytes(16));
  const key = pbkdf2Sync(passphrase.reveal(), salt, MODERN_ITERATIONS, 32, 'sha256');
  const derivation = new Sequence({
    value: [
      new OctetString({ valueHex: salt }),
      new Integer({ value: MODERN_ITERATIONS }),
      algorithmIdentifier(HMAC_SHA256, new Null()),
    ],
  });
  const params = new Sequence({
    value: [
      algorithmIdentifier(PBKDF2, derivation),
      algorithmIdentifier(AES_256_CBC, new OctetString({ valueHex: iv })),
    ],
  });
  return { algorithm: algorithmIdentifier(PBES2, params), data: seal('aes-256-cbc', key, iv, data) };
}

export function algorithmIdentifier(oid: string, params: Sequence | OctetString | Null): Sequence {
  return new Sequence({ value: [new ObjectIdentifier({ value: oid }), params] });
}

function seal(cipher: string, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const sealer = createCipheriv(cipher, key, iv);
  return Uint8Array.from(Buffer.concat([sealer.update(data), sealer.final()]));
}
