import { ecpExchange } from './ecp.js';
import { modpExchange } from './modp.js';
import { montgomeryExchange } from './montgomery.js';
import { type KeTransform, type KeyExchange, type Level, TransformType } from './transform.js';

interface KeSpec {
  keyword?: string;
  level?: Level;
  offered?: boolean;
  generate?: () => KeyExchange;
}

/** RFC 8247 section 2.4 has the levels; they hold for child SAs too. */
function ke(
  id: number,
  name: string,
  reference: string,
  publicBytes: number,
  strength: number,
  { level = 'unlisted', ...spec }: KeSpec = {},
): KeTransform {
  return {
    type: TransformType.KE,
    id,
    name,
    reference,
    ikeLevel: level,
    espLevel: level,
    offered: false,
    publicBytes,
    strength,
    ...spec,
  };
}

function modp(
  id: number,
  bits: number,
  strength: number,
  spec: KeSpec & { name?: string; reference?: string } = {},
): KeTransform {
  const { name = `${bits}-bit MODP Group`, reference = id < 3 ? 'RFC 7296' : 'RFC 3526', ...rest } = spec;
  return ke(id, name, reference, bits / 8, strength, {
    keyword: `modp${bits}`,
    generate: () => modpExchange(id),
    ...rest,
  });
}

/** @param bits of the curve's field */
function ecp(
  id: number,
  name: string,
  reference: string,
  curve: string,
  bits: number,
  strength: number,
  spec: KeSpec,
): KeTransform {
  const publicBytes = 2 * Math.ceil(bits / 8);
  return ke(id, name, reference, publicBytes, strength, {
    generate: () => ecpExchange(curve, publicBytes),
    ...spec,
  });
}

/** Transform type 4, every id that IANA assigned; 0 is NONE. Also the ids of the additional exchanges of RFC 9370. */
export const keTransforms: readonly KeTransform[] = [
  ke(0, 'NONE', 'RFC 7296', 0, 0, { keyword: 'modpnone' }),
  modp(1, 768, 60, { level: 'MUST NOT' }),
  modp(2, 1024, 80, { level: 'SHOULD NOT' }),
  modp(5, 1536, 90, { level: 'SHOULD NOT' }),
  modp(14, 2048, 112, { level: 'MUST', offered: true }),
  modp(15, 3072, 128, { offered: true }),
  modp(16, 4096, 152, { offered: true }),
  modp(17, 6144, 176, { offered: true }),
  modp(18, 8192, 200, { offered: true }),
  ecp(19, '256-bit random ECP group', 'RFC 5903', 'prime256v1', 256, 128, {
    keyword: 'ecp256',
    level: 'SHOULD',
    offered: true,
  }),
  ecp(20, '384-bit random ECP group', 'RFC 5903', 'secp384r1', 384, 192, {
    keyword: 'ecp384',
    offered: true,
  }),
  ecp(21, '521-bit random ECP group', 'RFC 5903', 'secp521r1', 521, 256, {
    keyword: 'ecp521',
    offered: true,
  }),
  modp(22, 1024, 80, {
    name: '1024-bit MODP Group with 160-bit Prime Order Subgroup',
    reference: 'RFC 5114',
    keyword: 'modp1024s160',
    level: 'MUST NOT',
  }),
  modp(23, 2048, 112, {
    name: '2048-bit MODP Group with 224-bit Prime Order Subgroup',
    reference: 'RFC 5114',
    keyword: 'modp2048s224',
    level: 'SHOULD NOT',
  }),
  modp(24, 2048, 112, {
    name: '2048-bit MODP Group with 256-bit Prime Order Subgroup',
    reference: 'RFC 5114',
    keyword: 'modp2048s256',
    level: 'SHOULD NOT',
  }),
  ecp(25, '192-bit Random ECP Group', 'RFC 5114', 'prime192v1', 192, 96, { keyword: 'ecp192' }),
  ecp(26, '224-bit Random ECP Group', 'RFC 5114', 'secp224r1', 224, 112, { keyword: 'ecp224' }),
  ecp(27, 'brainpoolP224r1', 'RFC 6954', 'brainpoolP224r1', 224, 112, { keyword: 'ecp224bp' }),
  ecp(28, 'brainpoolP256r1', 'RFC 6954', 'brainpoolP256r1', 256, 128, { keyword: 'ecp256bp', offered: true }),
  ecp(29, 'brainpoolP384r1', 'RFC 6954', 'brainpoolP384r1', 384, 192, { keyword: 'ecp384bp', offered: true }),
  ecp(30, 'brainpoolP512r1', 'RFC 6954', 'brainpoolP512r1', 512, 256, { keyword: 'ecp512bp', offered: true }),
  ke(31, 'Curve25519', 'RFC 8031', 32, 128, {
    keyword: 'x25519',
    offered: true,
    generate: () => montgomeryExchange('x25519'),
  }),
  ke(32, 'Curve448', 'RFC 8031', 56, 224, {
    keyword: 'x448',
    offered: true,
    generate: () => montgomeryExchange('x448'),
  }),
  ke(33, 'GOST3410_2012_256', 'RFC 9385', 64, 128),
  ke(34, 'GOST3410_2012_512', 'RFC 9385', 128, 256),
  ke(35, 'ml-kem-512', 'draft-ietf-ipsecme-ikev2-mlkem', 800, 128, { keyword: 'mlkem512' }),
  ke(36, 'ml-kem-768', 'draft-ietf-ipsecme-ikev2-mlkem', 1184, 192, { keyword: 'mlkem768' }),
  ke(37, 'ml-kem-1024', 'draft-ietf-ipsecme-ikev2-mlkem', 1568, 256, { keyword: 'mlkem1024' }),
  ke(38, 'FrodoKEM-640-AES', 'draft-wang-ipsecme-hybrid-kem-ikev2-frodo', 9616, 128),
  ke(39, 'FrodoKEM-976-AES', 'draft-wang-ipsecme-hybrid-kem-ikev2-frodo', 15632, 192),
  ke(40, 'FrodoKEM-1344-AES', 'draft-wang-ipsecme-hybrid-kem-ikev2-frodo', 21520, 256),
];
