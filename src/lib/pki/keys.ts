import { createHash, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { KitError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { contents, elements, parseDer } from './asn1.js';

/** Kinds of keys made here, best known first. */
export const keyKinds = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'ed25519',
  'ed448',
] as const;
export type KeyKind = (typeof keyKinds)[number];

const generate = promisify(generateKeyPair) as (
  type: string,
  options: object,
) => Promise<{ privateKey: KeyObject; publicKey: KeyObject }>;

const curves = { p256: 'P-256', p384: 'P-384', p521: 'P-521' } as const;

/** Makes a private key. */
export async function generateKey(kind: KeyKind): Promise<KeyObject> {
  const [family = '', size = ''] = kind.split('-');
  const options =
    family === 'rsa'
      ? { modulusLength: Number(size), publicExponent: 0x10001 }
      : family === 'ecdsa'
        ? { namedCurve: curves[size as keyof typeof curves] }
        : {};
  const { privateKey } = await generate(family === 'ecdsa' ? 'ec' : family, options);
  return privateKey;
}

/** What kind of key it is, for people and for policies. */
export interface KeyDescription {
  /** `rsa`, `rsa-pss`, `ec`, `ed25519`, `ed448`, `dsa` … */
  type: string;
  /** Bits of a modulus or of a curve's field. */
  bits: number;
  curve?: string;
  /** `ECDSA P-256`, `RSA 2048`. */
  text: string;
}

const curveNames: Readonly<Record<string, readonly [name: string, bits: number]>> = {
  prime256v1: ['P-256', 256],
  secp384r1: ['P-384', 384],
  secp521r1: ['P-521', 521],
};

/** Describes a public or private key. */
export function describeKey(key: KeyObject): KeyDescription {
  const type = key.asymmetricKeyType ?? 'unknown';
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (type === 'ec') {
    const [curve, bits] = curveNames[namedCurve ?? ''] ?? [
      namedCurve ?? 'unknown curve',
      Number(/\d{3}/.exec(namedCurve ?? '')?.[0] ?? 0),
    ];
    return { type, bits, curve, text: `ECDSA ${curve}` };
  }
  if (type === 'ed25519') return { type, bits: 256, text: 'Ed25519' };
  if (type === 'ed448') return { type, bits: 456, text: 'Ed448' };
  const bits = modulusLength ?? 0;
  const family = type === 'rsa-pss' ? 'RSA-PSS' : type.toUpperCase();
  return { type, bits, text: `${family} ${bits}` };
}

/** The kind that {@link generateKey} would have made it of; undefined for a key that it does not make. */
export function keyKindOf(key: KeyObject): KeyKind | undefined {
  const kind = describeKey(key).text.toLowerCase().replace('p-', 'p').replace(' ', '-');
  return keyKinds.find((each) => each === kind);
}

/** Why a key is too weak for authentication today (112 bits of security, NIST SP 800-57); undefined when it is not. */
export function keyWeakness({ type, bits, text }: KeyDescription): string | undefined {
  if (type === 'rsa' || type === 'rsa-pss' || type === 'dsa') {
    return bits < 2048 ? `${text} has fewer than 2048 bits` : undefined;
  }
  if (type === 'ec') return bits < 224 ? `the curve of ${text} has fewer than 224 bits` : undefined;
  return undefined;
}

/** The SubjectPublicKeyInfo of a public or private key. */
export function spkiOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
}

/** SHA-1 of the public key's bits, the key identifier of RFC 5280 4.2.1.2 (1). */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  const what = 'The public key';
  const bits = elements(parseDer(spki, what), what)[1];
  if (bits === undefined) throw new TypeError('a SubjectPublicKeyInfo has two parts');
  // The first octet of a BIT STRING's contents counts unused bits in DER; asn1js leaves it out of the view.
  return new Uint8Array(createHash('sha1').update(contents(bits, what)).digest());
}

/** Whether a private key belongs to a public key. */
export function isKeyPair(privateKey: KeyObject, publicKey: KeyObject): boolean {
  return Buffer.from(spkiOf(privateKey)).equals(spkiOf(publicKey));
}

/**
 * A private key as PKCS#8 PEM, with a passphrase as PBES2 with AES-256 (RFC 5958, RFC 8018).
 */
export function privateKeyPem(key: KeyObject, passphrase?: Secret): Secret {
  const pem = key.export({
    type: 'pkcs8',
    format: 'pem',
    ...(passphrase && { cipher: 'aes-256-cbc', passphrase: Buffer.from(passphrase.reveal()) }),
  });
  return Secret.fromText(pem.toString());
}

/** @throws KitError usage E_KEY_KIND for a key that nothing here signs with */
export function unsupportedKey(description: string): KitError {
  return new KitError('usage', 'E_KEY_KIND', `A key of the kind ${description} cannot sign here.`, {
    hint: 'Use RSA, ECDSA on P-256, P-384 or P-521, Ed25519 or Ed448.',
  });
}
