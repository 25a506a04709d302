import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from '../../src/lib/core/bytes.js';
import { createSigner, verifySignature } from '../../src/lib/ike/auth/signature.js';
import {
  decodeAlgorithm,
  encodeAlgorithm,
  type SignatureScheme,
  schemeName,
} from '../../src/lib/ike/auth/signature-algorithms.js';
import { signatureHash } from '../../src/lib/ike/auth/signature-hashes.js';

const hex = (text: string): Uint8Array => fromHex(text.replace(/\s/g, ''));

const pkcs1 = (id: number): SignatureScheme => ({ type: 'pkcs1', hash: signatureHash(id) });
const ecdsa = (id: number): SignatureScheme => ({ type: 'ecdsa', hash: signatureHash(id) });
const pss = (id: number, saltLength: number): SignatureScheme => ({
  type: 'pss',
  hash: signatureHash(id),
  saltLength,
});

describe('AlgorithmIdentifiers of RFC 7427 A and RFC 8420 A', () => {
  it.each<[section: string, SignatureScheme, string]>([
    ['A.1.1', pkcs1(1), '300d 0609 2a86 4886 f70d 0101 0505 00'],
    ['A.1.2', pkcs1(2), '300d 0609 2a86 4886 f70d 0101 0b05 00'],
    ['A.1.3', pkcs1(3), '300d 0609 2a86 4886 f70d 0101 0c05 00'],
    ['A.1.4', pkcs1(4), '300d 0609 2a86 4886 f70d 0101 0d05 00'],
    ['A.3.1', ecdsa(1), '3009 0607 2a86 48ce 3d04 01'],
    ['A.3.2', ecdsa(2), '300a 0608 2a86 48ce 3d04 0302'],
    ['A.3.3', ecdsa(3), '300a 0608 2a86 48ce 3d04 0303'],
    ['A.3.4', ecdsa(4), '300a 0608 2a86 48ce 3d04 0304'],
    ['Ed25519', { type: 'ed25519' }, '3005 0603 2b65 70'],
    ['Ed448', { type: 'ed448' }, '3005 0603 2b65 71'],
  ])('%s is written and read', (_, scheme, text) => {
    expect(toHex(encodeAlgorithm(scheme))).toBe(text.replaceAll(' ', ''));
    expect(decodeAlgorithm(hex(text))).toEqual(scheme);
  });

  it.each<[section: string, SignatureScheme, string]>([
    ['A.4.1, empty parameters', pss(1, 20), '300d 0609 2a86 4886 f70d 0101 0a30 00'],
    [
      'A.4.2, default parameters',
      pss(1, 20),
      `303e 0609 2a86 4886 f70d 0101 0a30 31a0 0b30 0906 052b 0e03 021a 0500 a118 3016
       0609 2a86 4886 f70d 0101 0830 0906 052b 0e03 021a 0500 a203 0201 14a3 0302 0101`,
    ],
    [
      'A.4.3, SHA-256',
      pss(2, 32),
      `3046 0609 2a86 4886 f70d 0101 0a30 39a0 0f30 0d06 0960 8648 0165 0304 0201 0500
       a11c 301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0201 0500
       a203 0201 20a3 0302 0101`,
    ],
  ])('%s is read', (_, scheme, text) => {
    expect(decodeAlgorithm(hex(text))).toEqual(scheme);
  });

  it.each([2, 3, 4])(
    'RSASSA-PSS with hash %i is written as DER has it, without the default trailer',
    (id) => {
      const oid = `608648016503040${['201', '202', '203'][id - 2]}`;
      const salt = ['20', '30', '40'][id - 2];
      expect(toHex(encodeAlgorithm(pss(id, signatureHash(id).bytes)))).toBe(
        `304106092a864886f70d01010a3034a00f300d0609${oid}0500a11c301a06092a864886f70d010108300d0609${oid}0500a2030201${salt}`,
      );
    },
  );
});

/** RFC 4754 8: the message is "abc". */
const ecdsaVectors = [
  {
    method: 9,
    curve: 'P-256',
    d: 'DC51D386 6A15BACD E33D96F9 92FCA99D A7E6EF09 34E70975 59C27F16 14C88A7F',
    x: '2442A5CC 0ECD015F A3CA31DC 8E2BBC70 BF42D60C BCA20085 E0822CB0 4235E970',
    y: '6FC98BD7 E50211A4 A27102FA 3549DF79 EBCB4BF2 46B80945 CDDFE7D5 09BBFD7D',
    r: 'CB28E099 9B9C7715 FD0A80D8 E47A7707 9716CBBF 917DD72E 97566EA1 C066957C',
    s: '86FA3BB4 E26CAD5B F90B7F81 899256CE 7594BB1E A0C89212 748BFF3B 3D5B0315',
    der: '3046022100{r}022100{s}',
    algorithm: '0c300a06082a8648ce3d040302',
  },
  {
    method: 10,
    curve: 'P-384',
    d: '0BEB6466 34BA8773 5D77AE48 09A0EBEA 865535DE 4C1E1DCB 692E8470 8E81A5AF 62E528C3 8B2A81B3 5309668D 73524D9F',
    x: '96281BF8 DD5E0525 CA049C04 8D345D30 82968D10 FEDF5C5A CA0C64E6 465A97EA 5CE10C9D FEC21797 41571072 1F437922',
    y: '447688BA 94708EB6 E2E4D59F 6AB6D7ED FF9301D2 49FE49C3 3096655F 5D502FAD 3D383B91 C5E7EDAA 2B714CC9 9D5743CA',
    r: 'FB017B91 4E291494 32D8BAC2 9A514640 B46F53DD AB2C6994 8084E293 0F1C8F7E 08E07C9C 63F2D21A 07DCB56A 6AF56EB3',
    s: 'B263A130 5E057F98 4D38726A 1B468741 09F417BC A112674C 528262A4 0A629AF1 CBB9F516 CE0FA7D2 FF630863 A00E8B9F',
    der: '3066023100{r}023100{s}',
    algorithm: '0c300a06082a8648ce3d040303',
  },
  {
    method: 11,
    curve: 'P-521',
    d: '0065FDA3 409451DC AB0A0EAD 45495112 A3D813C1 7BFD34BD F8C1209D 7DF58491 20597779 060A7FF9 D704ADF7 8B570FFA D6F062E9 5C7E0C5D 5481C5B1 53B48B37 5FA1',
    x: '0151518F 1AF0F563 517EDD54 85190DF9 5A4BF57B 5CBA4CF2 A9A3F647 4725A35F 7AFE0A6D DEB8BEDB CD6A197E 592D4018 8901CECD 650699C9 B5E456AE A5ADD190 52A8',
    y: '006F3B14 2EA1BFFF 7E2837AD 44C9E4FF 6D2D34C7 3184BBAD 90026DD5 E6E85317 D9DF45CA D7803C6C 20035B2F 3FF63AFF 4E1BA64D 1C077577 DA3F4286 C58F0AEA E643',
    r: '0154FD38 36AF92D0 DCA57DD5 341D3053 988534FD E8318FC6 AAAAB68E 2E6F4339 B19F2F28 1A7E0B22 C269D93C F8794A92 78880ED7 DBB8D936 2CAEACEE 54432055 2251',
    s: '017705A7 030290D1 CEB605A9 A1BB03FF 9CDD521E 87A696EC 926C8C10 C8362DF4 97536710 1F67D1CF 9BCCBF2F 3D239534 FA509E70 AAC851AE 01AAC68D 62F86647 2660',
    der: '3081880242{r}0242{s}',
    algorithm: '0c300a06082a8648ce3d040304',
  },
];

describe.each(ecdsaVectors)('RFC 4754 8, $curve', (vector) => {
  const coordinate = (text: string): string => Buffer.from(hex(text)).toString('base64url');
  const { method, curve, x, y, r, s } = vector;
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: curve, x: coordinate(x), y: coordinate(y) },
  });
  const octets = utf8('abc');

  it('verifies as r and s side by side', () => {
    const value = { method, data: concatBytes(hex(r), hex(s)) };
    expect(verifySignature({ key, value, octets, allowSha1: false }).scheme).toBe(
      `ECDSA ${curve} with ${{ 9: 'SHA-256', 10: 'SHA-384', 11: 'SHA-512' }[method]}`,
    );
  });

  it('verifies as ECDSA-Sig-Value in the Digital Signature method', () => {
    const der = vector.der.replace('{r}', r).replace('{s}', s);
    const value = { method: 14, data: hex(vector.algorithm + der) };
    expect(verifySignature({ key, value, octets, allowSha1: false }).scheme).toContain(curve);
  });

  it('signs so that its own public key verifies', () => {
    const privateKey = createPrivateKey({
      format: 'jwk',
      key: { kty: 'EC', crv: curve, d: coordinate(vector.d), x: coordinate(x), y: coordinate(y) },
    });
    const value = createSigner({ key: privateKey, certificates: [] }).sign(octets, undefined);
    expect(value).toMatchObject({ method, sha1: false });
    expect(verifySignature({ key, value, octets, allowSha1: false }).scheme).toBe(value.scheme);
  });
});

/** RFC 8032 7.1 and 7.4. */
const edwardsVectors = [
  {
    type: 'Ed25519',
    secret: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    algorithm: '07300506032b6570',
    pkcs8: '302e020100300506032b657004220420',
  },
  {
    type: 'Ed25519',
    secret: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    algorithm: '07300506032b6570',
    pkcs8: '302e020100300506032b657004220420',
  },
  {
    type: 'Ed448',
    secret:
      '6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b',
    message: '',
    signature:
      '533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600',
    algorithm: '07300506032b6571',
    pkcs8: '3047020100300506032b6571043b0439',
  },
];

describe.each(edwardsVectors)('$type of RFC 8032, message "$message"', (vector) => {
  const privateKey: KeyObject = createPrivateKey({
    key: Buffer.from(vector.pkcs8 + vector.secret, 'hex'),
    format: 'der',
    type: 'pkcs8',
  });
  const octets = hex(vector.message);

  it('is what is signed after the AlgorithmIdentifier', () => {
    const value = createSigner({ key: privateKey, certificates: [] }).sign(octets, [2, 5]);
    expect(toHex(value.data)).toBe(vector.algorithm + vector.signature);
    expect(value).toMatchObject({ method: 14, scheme: vector.type, sha1: false });
  });

  it('verifies', () => {
    const value = { method: 14, data: hex(vector.algorithm + vector.signature) };
    const key = createPublicKey(privateKey);
    expect(verifySignature({ key, value, octets, allowSha1: false })).toEqual({ scheme: vector.type });
  });
});

it('every scheme that is known has a name of its own', () => {
  const schemes = [1, 2, 3, 4].flatMap((id) => [pkcs1(id), ecdsa(id), pss(id, 20)]);
  expect(new Set(schemes.map(schemeName)).size).toBe(schemes.length);
});
