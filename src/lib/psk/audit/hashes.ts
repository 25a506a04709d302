/** Hash functions whose HMAC is the PRF of an exchange that can be audited. */
export const auditHashes = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const;
export type AuditHash = (typeof auditHashes)[number];

/** Bytes of each hash. */
export const hashBytes: Readonly<Record<AuditHash, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

/** The hash of that many bytes. */
export function hashOfLength(bytes: number): AuditHash | undefined {
  return auditHashes.find((hash) => hashBytes[hash] === bytes);
}

/** IANA ids of IKEv2 PRFs that are an HMAC. */
const hashOfPrf: Readonly<Record<number, AuditHash>> = {
  1: 'md5',
  2: 'sha1',
  5: 'sha256',
  6: 'sha384',
  7: 'sha512',
};

/** The hash below an IKEv2 PRF; undefined for those that are none of HMAC's. */
export function hashOfIkev2Prf(prf: number): AuditHash | undefined {
  return hashOfPrf[prf];
}
