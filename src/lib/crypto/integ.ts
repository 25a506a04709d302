import { aesCmac, aesXcbc, hmac, type Mac, truncated } from './mac.js';
import { type IntegTransform, type Level, TransformType } from './transform.js';

interface IntegSpec {
  keyword?: string;
  offered?: boolean;
  wiresharkIke?: string;
  wiresharkEsp?: string;
  mac?: Mac;
}

/** RFC 8247 section 2.3 has the IKE levels, RFC 8221 section 6 those of ESP. */
function integ(
  id: number,
  name: string,
  reference: string,
  [ikeLevel, espLevel]: readonly [Level, Level],
  keyBytes: number,
  icvBytes: number,
  { mac, ...spec }: IntegSpec = {},
): IntegTransform {
  return {
    type: TransformType.INTEG,
    id,
    name,
    reference,
    ikeLevel,
    espLevel,
    offered: false,
    keyBytes,
    icvBytes,
    ...spec,
    ...(mac && { compute: truncated(mac, icvBytes) }),
  };
}

/** Transform type 3, every id that IANA assigned; 0 is NONE. */
export const integTransforms: readonly IntegTransform[] = [
  integ(0, 'NONE', 'RFC 7296', ['unlisted', 'MUST'], 0, 0, {
    wiresharkIke: 'NONE [RFC4306]',
    wiresharkEsp: 'NULL',
  }),
  integ(1, 'AUTH_HMAC_MD5_96', 'RFC 2403', ['MUST NOT', 'MUST NOT'], 16, 12, {
    keyword: 'md5',
    wiresharkIke: 'HMAC_MD5_96 [RFC2403]',
    wiresharkEsp: 'HMAC-MD5-96 [RFC2403]',
  }),
  integ(2, 'AUTH_HMAC_SHA1_96', 'RFC 2404', ['MUST-', 'MUST-'], 20, 12, {
    keyword: 'sha1',
    wiresharkIke: 'HMAC_SHA1_96 [RFC2404]',
    wiresharkEsp: 'HMAC-SHA-1-96 [RFC2404]',
    mac: hmac('sha1'),
  }),
  integ(3, 'AUTH_DES_MAC', 'unspecified', ['MUST NOT', 'MUST NOT'], 8, 8),
  integ(4, 'AUTH_KPDK_MD5', 'unspecified', ['MUST NOT', 'MUST NOT'], 16, 16),
  integ(5, 'AUTH_AES_XCBC_96', 'RFC 3566', ['SHOULD', 'SHOULD'], 16, 12, {
    keyword: 'aesxcbc',
    wiresharkEsp: 'ANY 96 bit authentication [no checking]',
    mac: aesXcbc,
  }),
  integ(6, 'AUTH_HMAC_MD5_128', 'RFC 4595', ['unlisted', 'unlisted'], 16, 16, {
    keyword: 'md5_128',
    wiresharkIke: 'HMAC_MD5_128 [RFC4595]',
  }),
  integ(7, 'AUTH_HMAC_SHA1_160', 'RFC 4595', ['unlisted', 'unlisted'], 20, 20, {
    keyword: 'sha1_160',
    wiresharkIke: 'HMAC_SHA1_160 [RFC4595]',
  }),
  integ(8, 'AUTH_AES_CMAC_96', 'RFC 4494', ['unlisted', 'unlisted'], 16, 12, {
    keyword: 'aescmac',
    wiresharkEsp: 'ANY 96 bit authentication [no checking]',
    mac: aesCmac,
  }),
  integ(9, 'AUTH_AES_128_GMAC', 'RFC 4543', ['unlisted', 'MAY'], 16, 16),
  integ(10, 'AUTH_AES_192_GMAC', 'RFC 4543', ['unlisted', 'unlisted'], 24, 16),
  integ(11, 'AUTH_AES_256_GMAC', 'RFC 4543', ['unlisted', 'MAY'], 32, 16),
  integ(12, 'AUTH_HMAC_SHA2_256_128', 'RFC 4868', ['MUST', 'MUST'], 32, 16, {
    keyword: 'sha256',
    offered: true,
    wiresharkIke: 'HMAC_SHA2_256_128 [RFC4868]',
    wiresharkEsp: 'HMAC-SHA-256-128 [RFC4868]',
    mac: hmac('sha256'),
  }),
  integ(13, 'AUTH_HMAC_SHA2_384_192', 'RFC 4868', ['unlisted', 'unlisted'], 48, 24, {
    keyword: 'sha384',
    offered: true,
    wiresharkIke: 'HMAC_SHA2_384_192 [RFC4868]',
    wiresharkEsp: 'HMAC-SHA-384-192 [RFC4868]',
    mac: hmac('sha384'),
  }),
  integ(14, 'AUTH_HMAC_SHA2_512_256', 'RFC 4868', ['SHOULD', 'SHOULD'], 64, 32, {
    keyword: 'sha512',
    offered: true,
    wiresharkIke: 'HMAC_SHA2_512_256 [RFC4868]',
    wiresharkEsp: 'HMAC-SHA-512-256 [RFC4868]',
    mac: hmac('sha512'),
  }),
];
