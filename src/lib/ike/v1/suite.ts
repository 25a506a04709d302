import type { DataAttribute } from './types.js';

/** What protects an ISAKMP SA, read from the attributes of the chosen phase 1 transform. */
export interface Ikev1Suite {
  /** Name of the hash in node:crypto; it makes IVs, and HMAC with it is the PRF. */
  hash: 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** Name of the CBC cipher in node:crypto; single DES runs as triple DES with three equal keys. */
  cipher: string;
  /** Bytes of the negotiated key: 8 for DES. */
  keyBytes: number;
  blockBytes: 8 | 16;
  /** How SKEYID comes about (RFC 2409 5). */
  authentication: 'psk' | 'signature' | 'encryption';
}

const ENCRYPTION_ALGORITHM = 1;
const HASH_ALGORITHM = 2;
const AUTHENTICATION_METHOD = 3;
const PRF = 13;
const KEY_LENGTH = 14;

const DES = 1;
const TRIPLE_DES = 5;
const AES = 7;
const CAMELLIA = 8;

const hashes: Readonly<Record<number, Ikev1Suite['hash']>> = {
  1: 'md5',
  2: 'sha1',
  4: 'sha256',
  5: 'sha384',
  6: 'sha512',
};

const signatureMethods: ReadonlySet<number> = new Set([
  2, 3, 9, 10, 11, 64221, 64222, 64223, 64224, 65003, 65004, 65005, 65006,
]);
const encryptionMethods: ReadonlySet<number> = new Set([4, 5, 65007, 65008, 65009, 65010]);

/**
 * The suite of a phase 1 transform.
 * @returns undefined when node:crypto has no such cipher or hash, when a PRF other than HMAC is negotiated, or when the
 *   attributes name none
 */
export function ikev1Suite(attributes: readonly DataAttribute[]): Ikev1Suite | undefined {
  const value = (type: number): number | undefined => {
    const found = attributes.find((attribute) => attribute.type === type)?.value;
    return typeof found === 'number' ? found : found && shortNumber(found);
  };
  const hash = hashes[value(HASH_ALGORITHM) ?? 0];
  const cipher = cipherOf(value(ENCRYPTION_ALGORITHM), value(KEY_LENGTH) ?? 128);
  if (hash === undefined || cipher === undefined || value(PRF) !== undefined) return undefined;
  const method = value(AUTHENTICATION_METHOD) ?? 1;
  const authentication = signatureMethods.has(method)
    ? 'signature'
    : encryptionMethods.has(method)
      ? 'encryption'
      : 'psk';
  return { hash, ...cipher, authentication };
}

function cipherOf(
  algorithm: number | undefined,
  keyBits: number,
): Pick<Ikev1Suite, 'cipher' | 'keyBytes' | 'blockBytes'> | undefined {
  switch (algorithm) {
    case DES:
      return { cipher: 'des-ede3-cbc', keyBytes: 8, blockBytes: 8 };
    case TRIPLE_DES:
      return { cipher: 'des-ede3-cbc', keyBytes: 24, blockBytes: 8 };
    case AES:
    case CAMELLIA:
      if (keyBits !== 128 && keyBits !== 192 && keyBits !== 256) return undefined;
      return {
        cipher: `${algorithm === AES ? 'aes' : 'camellia'}-${keyBits}-cbc`,
        keyBytes: keyBits / 8,
        blockBytes: 16,
      };
    default:
      return undefined;
  }
}

/** Attributes that should be basic are also met in TLV form. */
function shortNumber(bytes: Uint8Array): number | undefined {
  return bytes.length <= 4 ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
}
