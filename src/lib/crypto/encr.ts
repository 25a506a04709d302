import { bindAead, bindAesCtr, bindCbc, bindNull } from './ciphers.js';
import { type EncrTransform, type Level, TransformType } from './transform.js';

const AES_BITS = [128, 192, 256] as const;

type Levels = readonly [ike: Level, esp: Level];

/** What is common to ciphers that are named and never negotiated. */
function named(
  id: number,
  name: string,
  reference: string,
  levels: Levels,
  sizes: Partial<EncrTransform> = {},
): EncrTransform {
  return {
    type: TransformType.ENCR,
    id,
    name,
    reference,
    ikeLevel: levels[0],
    espLevel: levels[1],
    offered: false,
    kind: 'cipher',
    keyLengths: [],
    saltBytes: 0,
    ivBytes: 8,
    blockBytes: 8,
    icvBytes: 0,
    ...sizes,
  };
}

const UNLISTED: Levels = ['unlisted', 'unlisted'];

function aesGcm(id: number, icvBytes: 8 | 12 | 16, levels: Levels): EncrTransform {
  return {
    ...named(id, `ENCR_AES_GCM_${icvBytes}`, 'RFC 4106, RFC 5282', levels),
    keyword: `aes{bits}gcm${icvBytes}`,
    offered: icvBytes === 16,
    kind: 'aead',
    keyLengths: AES_BITS,
    saltBytes: 4,
    blockBytes: 1,
    icvBytes,
    wiresharkIke: (bits) => `AES-GCM-${bits} with ${icvBytes} octet ICV [RFC5282]`,
    wiresharkEsp: `AES-GCM with ${icvBytes} octet ICV [RFC4106]`,
    bind: (key) => bindAead((bits) => `aes-${bits}-gcm`, AES_BITS, 4, icvBytes, key),
  };
}

function aesCcm(id: number, icvBytes: 8 | 12 | 16, levels: Levels): EncrTransform {
  return {
    ...named(id, `ENCR_AES_CCM_${icvBytes}`, 'RFC 4309, RFC 5282', levels),
    keyword: `aes{bits}ccm${icvBytes}`,
    offered: icvBytes === 16,
    kind: 'aead',
    keyLengths: AES_BITS,
    saltBytes: 3,
    blockBytes: 1,
    icvBytes,
    wiresharkIke: (bits) => `AES-CCM-${bits} with ${icvBytes} octet ICV [RFC5282]`,
    bind: (key) => bindAead((bits) => `aes-${bits}-ccm`, AES_BITS, 3, icvBytes, key),
  };
}

function camelliaCcm(id: number, icvBytes: 8 | 12 | 16): EncrTransform {
  return named(id, `ENCR_CAMELLIA_CCM_${icvBytes}`, 'RFC 5529', UNLISTED, {
    keyword: `camellia{bits}ccm${icvBytes}`,
    kind: 'aead',
    keyLengths: AES_BITS,
    saltBytes: 3,
    blockBytes: 1,
    icvBytes,
  });
}

/** RFC 9227: the key is 256 bits, salt and ICV depend on the block cipher. */
function gostMgm(id: number, name: string, kind: 'aead' | 'null', icvBytes: 8 | 12): EncrTransform {
  return named(id, name, 'RFC 9227', UNLISTED, {
    kind,
    fixedKeyLength: 256,
    saltBytes: icvBytes === 12 ? 12 : 4,
    blockBytes: 1,
    icvBytes,
  });
}

/** Transform type 1, every id that IANA assigned. */
export const encrTransforms: readonly EncrTransform[] = [
  named(1, 'ENCR_DES_IV64', 'unspecified', ['unlisted', 'MUST NOT'], { fixedKeyLength: 64 }),
  named(2, 'ENCR_DES', 'RFC 2405', ['MUST NOT', 'MUST NOT'], {
    keyword: 'des',
    fixedKeyLength: 64,
    wiresharkEsp: 'DES-CBC [RFC2405]',
  }),
  {
    ...named(3, 'ENCR_3DES', 'RFC 2451', ['MAY', 'SHOULD NOT']),
    keyword: '3des',
    fixedKeyLength: 192,
    wiresharkIke: () => '3DES [RFC2451]',
    wiresharkEsp: 'TripleDES-CBC [RFC2451]',
    bind: (key) => bindCbc(() => 'des-ede3-cbc', [192], 8, key),
  },
  named(4, 'ENCR_RC5', 'RFC 2451', UNLISTED),
  named(5, 'ENCR_IDEA', 'RFC 2451', UNLISTED),
  named(6, 'ENCR_CAST', 'RFC 2451', UNLISTED, { keyword: 'cast128' }),
  named(7, 'ENCR_BLOWFISH', 'RFC 2451', ['unlisted', 'MUST NOT'], {
    keyword: 'blowfish{bits}',
    keyLengths: AES_BITS,
  }),
  named(8, 'ENCR_3IDEA', 'unspecified', ['unlisted', 'MUST NOT']),
  named(9, 'ENCR_DES_IV32', 'unspecified', ['unlisted', 'MUST NOT'], { fixedKeyLength: 64 }),
  {
    // RFC 8247 does not list it; IANA says "not allowed" for IKE.
    ...named(11, 'ENCR_NULL', 'RFC 2410', ['MUST NOT', 'MUST']),
    keyword: 'null',
    kind: 'null',
    fixedKeyLength: 0,
    ivBytes: 0,
    blockBytes: 1,
    wiresharkEsp: 'NULL',
    bind: bindNull,
  },
  {
    ...named(12, 'ENCR_AES_CBC', 'RFC 3602', ['MUST', 'MUST']),
    keyword: 'aes{bits}',
    offered: true,
    keyLengths: AES_BITS,
    ivBytes: 16,
    blockBytes: 16,
    wiresharkIke: (bits) => `AES-CBC-${bits} [RFC3602]`,
    wiresharkEsp: 'AES-CBC [RFC3602]',
    bind: (key) => bindCbc((bits) => `aes-${bits}-cbc`, AES_BITS, 16, key),
  },
  {
    ...named(13, 'ENCR_AES_CTR', 'RFC 3686, RFC 5930', UNLISTED),
    keyword: 'aes{bits}ctr',
    keyLengths: AES_BITS,
    saltBytes: 4,
    blockBytes: 1,
    wiresharkIke: (bits) => `AES-CTR-${bits} [RFC5930]`,
    wiresharkEsp: 'AES-CTR [RFC3686]',
    bind: (key) => bindAesCtr(AES_BITS, key),
  },
  aesCcm(14, 8, ['SHOULD', 'SHOULD']),
  aesCcm(15, 12, UNLISTED),
  aesCcm(16, 16, UNLISTED),
  aesGcm(18, 8, UNLISTED),
  aesGcm(19, 12, UNLISTED),
  aesGcm(20, 16, ['SHOULD', 'MUST']),
  named(21, 'ENCR_NULL_AUTH_AES_GMAC', 'RFC 4543', UNLISTED, {
    keyword: 'aes{bits}gmac',
    kind: 'null',
    keyLengths: AES_BITS,
    saltBytes: 4,
    blockBytes: 1,
    icvBytes: 16,
  }),
  named(22, 'ENCR_XTS_AES', 'IEEE P1619 (reserved)', UNLISTED),
  named(23, 'ENCR_CAMELLIA_CBC', 'RFC 5529', UNLISTED, {
    keyword: 'camellia{bits}',
    keyLengths: AES_BITS,
    ivBytes: 16,
    blockBytes: 16,
  }),
  named(24, 'ENCR_CAMELLIA_CTR', 'RFC 5529', UNLISTED, {
    keyword: 'camellia{bits}ctr',
    keyLengths: AES_BITS,
    saltBytes: 4,
    blockBytes: 1,
  }),
  camelliaCcm(25, 8),
  camelliaCcm(26, 12),
  camelliaCcm(27, 16),
  {
    ...named(28, 'ENCR_CHACHA20_POLY1305', 'RFC 7634', ['SHOULD', 'SHOULD']),
    keyword: 'chacha20poly1305',
    offered: true,
    kind: 'aead',
    fixedKeyLength: 256,
    saltBytes: 4,
    blockBytes: 1,
    icvBytes: 16,
    bind: (key) => bindAead(() => 'chacha20-poly1305', [256], 4, 16, key),
  },
  named(29, 'ENCR_AES_CCM_8_IIV', 'RFC 8750', UNLISTED, {
    kind: 'aead',
    keyLengths: AES_BITS,
    saltBytes: 3,
    ivBytes: 0,
    blockBytes: 1,
    icvBytes: 8,
  }),
  named(30, 'ENCR_AES_GCM_16_IIV', 'RFC 8750', UNLISTED, {
    kind: 'aead',
    keyLengths: AES_BITS,
    saltBytes: 4,
    ivBytes: 0,
    blockBytes: 1,
    icvBytes: 16,
  }),
  named(31, 'ENCR_CHACHA20_POLY1305_IIV', 'RFC 8750', UNLISTED, {
    kind: 'aead',
    fixedKeyLength: 256,
    saltBytes: 4,
    ivBytes: 0,
    blockBytes: 1,
    icvBytes: 16,
  }),
  gostMgm(32, 'ENCR_KUZNYECHIK_MGM_KTREE', 'aead', 12),
  gostMgm(33, 'ENCR_MAGMA_MGM_KTREE', 'aead', 8),
  gostMgm(34, 'ENCR_KUZNYECHIK_MGM_MAC_KTREE', 'null', 12),
  gostMgm(35, 'ENCR_MAGMA_MGM_MAC_KTREE', 'null', 8),
];
