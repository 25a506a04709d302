import {
  type CipherCCMTypes,
  type CipherGCMTypes,
  createDecipheriv,
  createHmac,
  type DecipherGCM,
} from 'node:crypto';
import { concatBytes } from '../../core/bytes.js';
import { encrTransform, integTransform, prfTransform } from '../../crypto/registry.js';
import type { BoundCipher, EncrTransform, IntegTransform, PrfTransform } from '../../crypto/transform.js';
import type { IntegSpec } from '../keys/types.js';

/**
 * The registry implements what may be negotiated. A capture may also show what must never be: this file adds those
 * algorithms, for opening only.
 */

const IANA = {
  DES: 2,
  GMAC: 21,
  CAMELLIA_CBC: 23,
  CAMELLIA_CTR: 24,
  AES_CCM_8_IIV: 29,
  AES_GCM_16_IIV: 30,
  CHACHA20_POLY1305_IIV: 31,
  HMAC_MD5_96: 1,
  HMAC_MD5_128: 6,
  HMAC_SHA1_160: 7,
  AES_128_GMAC: 9,
  AES_256_GMAC: 11,
  PRF_HMAC_MD5: 1,
} as const;

const binders: ReadonlyMap<number, (row: EncrTransform, key: Uint8Array) => BoundCipher> = new Map([
  [IANA.DES, (_row, key) => cbc('des-ede3-cbc', concatBytes(key, key, key), 8)],
  [IANA.GMAC, (_row, key) => gmac(key)],
  [IANA.CAMELLIA_CBC, (_row, key) => cbc(`camellia-${key.length * 8}-cbc`, key, 16)],
  [IANA.CAMELLIA_CTR, (_row, key) => camelliaCtr(key)],
  [IANA.AES_CCM_8_IIV, (row, key) => implicitIv(row, 'ccm', key)],
  [IANA.AES_GCM_16_IIV, (row, key) => implicitIv(row, 'gcm', key)],
  [IANA.CHACHA20_POLY1305_IIV, (row, key) => implicitIv(row, 'chacha20-poly1305', key)],
]);

/** The row of an encryption algorithm with what it takes to open packets; undefined when there is no way. */
export function encrForDecoding(id: number): EncrTransform | undefined {
  const row = encrTransform(id);
  if (!row || row.bind) return row;
  const bind = binders.get(id);
  if (!bind) return undefined;
  // GMAC without encryption is one algorithm with its own ICV (RFC 4543): to be opened as an AEAD is.
  const kind = id === IANA.GMAC ? 'aead' : row.kind;
  return { ...row, kind, bind: (key) => bind(row, key) };
}

/** An integrity algorithm as a key file describes it; undefined when it is none, unchecked or unknown. */
export function integForDecoding(spec: IntegSpec): IntegTransform | undefined {
  const row = integTransform(spec.id);
  if (!spec.checked || !row || row.id === 0) return undefined;
  const compute = macs.get(spec.id);
  if (spec.icvBytes === row.icvBytes && row.compute) return row;
  if (!compute)
    return row.compute && spec.icvBytes < row.icvBytes ? truncated(row, spec.icvBytes) : undefined;
  return {
    ...row,
    icvBytes: spec.icvBytes,
    compute: (key, data) => compute(key, data).subarray(0, spec.icvBytes),
  };
}

/** A pseudorandom function to derive keys with; undefined when there is no way. */
export function prfForDecoding(id: number): PrfTransform | undefined {
  const row = prfTransform(id);
  if (!row || row.compute || id !== IANA.PRF_HMAC_MD5) return row?.compute ? row : undefined;
  return { ...row, compute: hmac('md5') };
}

const hmac =
  (hash: string) =>
  (key: Uint8Array, data: Uint8Array): Uint8Array =>
    new Uint8Array(createHmac(hash, key).update(data).digest());

/** Full-length outputs of what the registry does not implement. */
const macs: ReadonlyMap<number, (key: Uint8Array, data: Uint8Array) => Uint8Array> = new Map([
  [IANA.HMAC_MD5_96, hmac('md5')],
  [IANA.HMAC_MD5_128, hmac('md5')],
  [IANA.HMAC_SHA1_160, hmac('sha1')],
]);

function truncated(row: IntegTransform, icvBytes: number): IntegTransform {
  const compute = row.compute!;
  return { ...row, icvBytes, compute: (key, data) => compute(key, data).subarray(0, icvBytes) };
}

function cannotSeal(): never {
  throw new RangeError('this algorithm is for opening only');
}

function cbc(name: string, key: Uint8Array, blockBytes: number): BoundCipher {
  return {
    seal: cannotSeal,
    open(iv, _aad, data) {
      if (data.length % blockBytes !== 0) return undefined;
      return new Uint8Array(createDecipheriv(name, key, iv).setAutoPadding(false).update(data));
    },
  };
}

/** Counter block as AES-CTR has it (RFC 5529 section 4 takes it over from RFC 3686). */
function camelliaCtr(material: Uint8Array): BoundCipher {
  const key = material.subarray(0, -4);
  const salt = material.subarray(-4);
  return {
    seal: cannotSeal,
    open(iv, _aad, data) {
      const block = concatBytes(salt, iv, Uint8Array.of(0, 0, 0, 1));
      return new Uint8Array(createDecipheriv(`camellia-${key.length * 8}-ctr`, key, block).update(data));
    },
  };
}

/** Everything is authenticated data: SPI, sequence number, IV, and the packet in the clear (RFC 4543 section 3.3). */
function gmac(material: Uint8Array): BoundCipher {
  const key = material.subarray(0, -4);
  const salt = material.subarray(-4);
  const name = `aes-${key.length * 8}-gcm` as CipherGCMTypes;
  return {
    seal: cannotSeal,
    open(iv, aad, data) {
      const clear = data.subarray(0, -16);
      const decipher = createDecipheriv(name, key, concatBytes(salt, iv), { authTagLength: 16 });
      decipher.setAAD(concatBytes(aad, iv, clear)).setAuthTag(data.subarray(-16));
      return isAuthentic(decipher) ? clear.slice() : undefined;
    },
  };
}

/** The IV is the sequence number in 64 bits (RFC 8750 section 4), which the additional data ends in. */
function implicitIv(
  row: EncrTransform,
  mode: 'gcm' | 'ccm' | 'chacha20-poly1305',
  material: Uint8Array,
): BoundCipher {
  const key = material.subarray(0, -row.saltBytes);
  const salt = material.subarray(-row.saltBytes);
  const name = (mode === 'chacha20-poly1305' ? mode : `aes-${key.length * 8}-${mode}`) as CipherCCMTypes;
  return {
    seal: cannotSeal,
    open(_iv, aad, data) {
      const length = data.length - row.icvBytes;
      const iv = new Uint8Array(8);
      iv.set(aad.subarray(4), 8 - (aad.length - 4));
      const decipher = createDecipheriv(name, key, concatBytes(salt, iv), { authTagLength: row.icvBytes });
      decipher.setAuthTag(data.subarray(length)).setAAD(aad, { plaintextLength: length });
      try {
        return concatBytes(decipher.update(data.subarray(0, length)), decipher.final());
      } catch {
        return undefined;
      }
    },
  };
}

function isAuthentic(decipher: DecipherGCM): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}
