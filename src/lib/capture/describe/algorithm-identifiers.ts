import { toHex } from '../../core/bytes.js';

/** Signature algorithms by the DER of their OID, as in RFC 7427 appendix A. */
const byOid: readonly [der: string, name: string][] = [
  ['06092a864886f70d010104', 'md5WithRSAEncryption'],
  ['06092a864886f70d010105', 'sha1WithRSAEncryption'],
  ['06092a864886f70d01010b', 'sha256WithRSAEncryption'],
  ['06092a864886f70d01010c', 'sha384WithRSAEncryption'],
  ['06092a864886f70d01010d', 'sha512WithRSAEncryption'],
  ['06092a864886f70d01010e', 'sha224WithRSAEncryption'],
  ['06092a864886f70d01010a', 'RSASSA-PSS'],
  ['06072a8648ce380403', 'dsa-with-sha1'],
  ['0609608648016503040302', 'dsa-with-sha256'],
  ['06072a8648ce3d0401', 'ecdsa-with-sha1'],
  ['06082a8648ce3d040302', 'ecdsa-with-sha256'],
  ['06082a8648ce3d040303', 'ecdsa-with-sha384'],
  ['06082a8648ce3d040304', 'ecdsa-with-sha512'],
  ['06032b6570', 'Ed25519'],
  ['06032b6571', 'Ed448'],
  ['0609608648016503040311', 'ML-DSA-44'],
  ['0609608648016503040312', 'ML-DSA-65'],
  ['0609608648016503040313', 'ML-DSA-87'],
];

/** Hashes that RSASSA-PSS names in its parameters. */
const hashOid: readonly [der: string, name: string][] = [
  ['0609608648016503040201', 'SHA2-256'],
  ['0609608648016503040202', 'SHA2-384'],
  ['0609608648016503040203', 'SHA2-512'],
];

/** An AlgorithmIdentifier that counts is no longer than this. */
const MAX_BYTES = 80;

/** The name of the AlgorithmIdentifier that begins a piece of DER; undefined for one not known here. */
export function signatureAlgorithmName(der: Uint8Array): string | undefined {
  if (der[0] !== 0x30 || der[1] === undefined) return undefined;
  const identifier = toHex(der.subarray(2, Math.min(2 + der[1], MAX_BYTES)));
  const name = byOid.find(([oid]) => identifier.startsWith(oid))?.[1];
  if (name !== 'RSASSA-PSS') return name;
  const hash = hashOid.find(([oid]) => identifier.includes(oid))?.[1] ?? 'SHA1';
  return `${name} with ${hash}`;
}
