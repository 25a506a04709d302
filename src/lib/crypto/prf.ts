import { aesCmac, aesXcbc, hmac, type Mac, variableKeyPrf } from './mac.js';
import { type Level, type PrfTransform, TransformType } from './transform.js';

interface PrfSpec {
  keyword?: string;
  offered?: boolean;
  fixedKey?: boolean;
  compute?: Mac;
}

/** RFC 8247 section 2.2 has the IKE levels; ESP negotiates no PRF. */
function prf(
  id: number,
  name: string,
  reference: string,
  ikeLevel: Level,
  keyBytes: number,
  spec: PrfSpec,
): PrfTransform {
  return {
    type: TransformType.PRF,
    id,
    name,
    reference,
    ikeLevel,
    espLevel: 'unlisted',
    offered: false,
    keyBytes,
    fixedKey: false,
    ...spec,
  };
}

/** Transform type 2, every id that IANA assigned. */
export const prfTransforms: readonly PrfTransform[] = [
  prf(1, 'PRF_HMAC_MD5', 'RFC 2104', 'MUST NOT', 16, { keyword: 'prfmd5' }),
  prf(2, 'PRF_HMAC_SHA1', 'RFC 2104', 'MUST-', 20, { keyword: 'prfsha1', compute: hmac('sha1') }),
  prf(3, 'PRF_HMAC_TIGER', 'unspecified', 'unlisted', 24, {}),
  prf(4, 'PRF_AES128_XCBC', 'RFC 4434', 'SHOULD', 16, {
    keyword: 'prfaesxcbc',
    fixedKey: true,
    compute: variableKeyPrf(aesXcbc, true),
  }),
  prf(5, 'PRF_HMAC_SHA2_256', 'RFC 4868', 'MUST', 32, {
    keyword: 'prfsha256',
    offered: true,
    compute: hmac('sha256'),
  }),
  prf(6, 'PRF_HMAC_SHA2_384', 'RFC 4868', 'unlisted', 48, {
    keyword: 'prfsha384',
    offered: true,
    compute: hmac('sha384'),
  }),
  prf(7, 'PRF_HMAC_SHA2_512', 'RFC 4868', 'SHOULD+', 64, {
    keyword: 'prfsha512',
    offered: true,
    compute: hmac('sha512'),
  }),
  prf(8, 'PRF_AES128_CMAC', 'RFC 4615', 'unlisted', 16, {
    keyword: 'prfaescmac',
    fixedKey: true,
    compute: variableKeyPrf(aesCmac, false),
  }),
  prf(9, 'PRF_HMAC_STREEBOG_512', 'RFC 9385', 'unlisted', 64, {}),
];
