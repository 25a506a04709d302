import { createHmac } from 'node:crypto';
import { utf8 } from '../../../../src/lib/core/bytes.js';
import { type AuditHash, auditHashes } from '../../../../src/lib/psk/audit/hashes.js';
import { formatIkev2Material } from '../../../../src/lib/psk/audit/material.js';

/** Bytes that differ from each other and for each seed. */
export const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 167 + seed * 59 + (at >> 8)) & 0xff);

const hmac = (hash: string, key: Uint8Array, ...parts: Uint8Array[]): Uint8Array =>
  createHmac(hash, key).update(Buffer.concat(parts)).digest();

/** A line as psk-crack has it, proved with node:crypto: RFC 2409 5. */
export function ikev1Line(
  hash: AuditHash,
  key: Uint8Array | string,
  { nonce = 20, group = 128, seed = 1 } = {},
): string {
  const identity = Uint8Array.of(2, 17, 1, 244, ...utf8('vpn.example.com'));
  const [gxr, gxi, sa] = [bytes(group, seed), bytes(group, seed + 1), bytes(52, seed + 2)] as const;
  const [cookieR, cookieI] = [bytes(8, seed + 3), bytes(8, seed + 4)] as const;
  const [nonceI, nonceR] = [bytes(nonce, seed + 5), bytes(nonce, seed + 6)] as const;
  const skeyid = hmac(hash, typeof key === 'string' ? utf8(key) : key, nonceI, nonceR);
  const proof = hmac(hash, skeyid, gxr, gxi, cookieR, cookieI, sa, identity);
  return [gxr, gxi, cookieR, cookieI, sa, identity, nonceI, nonceR, proof]
    .map((field) => Buffer.from(field).toString('hex'))
    .join(':');
}

export const prfOf: Record<AuditHash, number> = { md5: 1, sha1: 2, sha256: 5, sha384: 6, sha512: 7 };

/** A line of IKEv2, proved with node:crypto: RFC 7296 2.15. */
export function ikev2Line(hash: AuditHash, key: string, octetBytes = 500): string {
  const octets = bytes(octetBytes, 9);
  const auth = hmac(hash, hmac(hash, utf8(key), utf8('Key Pad for IKEv2')), octets);
  return formatIkev2Material({ prf: prfOf[hash], octets, auth, identity: 'alice@example.com' }).trim();
}

export { auditHashes };
