import { transforms } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import type { AlgorithmKind, Severity } from '../types.js';
import { atLeast } from './check.js';

export type WeakKind = Exclude<AlgorithmKind, 'addke'>;

/** Algorithms that one check is about. Numbers are IANA's, which differ between the versions for ciphers and hashes. */
export interface Weakness {
  check: string;
  kind: WeakKind;
  severity: Severity;
  ikev2: readonly number[];
  /** Encryption algorithm, hash or group of phase 1 (RFC 2409 appendix A). */
  ikev1: readonly number[];
}

/** What encrypts nothing: RFC 7296 5 and RFC 8247 2.1 forbid it for IKE. */
const nullCiphers = transforms(TransformType.ENCR)
  .filter(({ kind }) => kind === 'null')
  .map(({ id }) => id);

/**
 * Every algorithm that costs a gateway something. RFC 8247 2.1 to 2.4 name DES, NULL, MD5, groups 1 and 22 MUST NOT,
 * groups 2, 5, 23 and 24 SHOULD NOT, 3DES MAY and SHA-1 MUST-; it is silent about the others, and what they deserve is
 * our own judgement: ciphers that IANA calls obsolete, and curves below 128 bits of strength.
 */
export const weaknesses: readonly Weakness[] = [
  { check: 'IKE-ENC-001', kind: 'encr', severity: 'critical', ikev2: [1, 2, 9, ...nullCiphers], ikev1: [1] },
  { check: 'IKE-ENC-001', kind: 'encr', severity: 'high', ikev2: [4, 5, 6, 7, 8], ikev1: [2, 3, 4, 6] },
  { check: 'IKE-ENC-002', kind: 'encr', severity: 'medium', ikev2: [3], ikev1: [5] },
  { check: 'IKE-INT-001', kind: 'prf', severity: 'high', ikev2: [1], ikev1: [] },
  { check: 'IKE-INT-001', kind: 'integ', severity: 'high', ikev2: [1, 3, 4, 6], ikev1: [1] },
  { check: 'IKE-INT-002', kind: 'prf', severity: 'low', ikev2: [2], ikev1: [] },
  { check: 'IKE-INT-002', kind: 'integ', severity: 'low', ikev2: [2, 7], ikev1: [2] },
  { check: 'IKE-KE-001', kind: 'ke', severity: 'critical', ikev2: [1], ikev1: [1] },
  { check: 'IKE-KE-002', kind: 'ke', severity: 'high', ikev2: [2], ikev1: [2] },
  { check: 'IKE-KE-003', kind: 'ke', severity: 'medium', ikev2: [5], ikev1: [5] },
  { check: 'IKE-KE-004', kind: 'ke', severity: 'high', ikev2: [22], ikev1: [22] },
  { check: 'IKE-KE-005', kind: 'ke', severity: 'medium', ikev2: [23, 24], ikev1: [23, 24] },
  { check: 'IKE-KE-006', kind: 'ke', severity: 'medium', ikev2: [25], ikev1: [25] },
  { check: 'IKE-KE-006', kind: 'ke', severity: 'low', ikev2: [26, 27], ikev1: [26, 27] },
];

/** What accepting an IKEv2 algorithm deserves; undefined: nothing. */
export function weaknessOf(kind: AlgorithmKind, id: number): Severity | undefined {
  const of = kind === 'addke' ? 'ke' : kind;
  return weaknesses.find((weakness) => weakness.kind === of && weakness.ikev2.includes(id))?.severity;
}

/** Weak enough that an attacker gains by having it chosen. SHA-1 in an HMAC is not: nobody breaks it there. */
export function isWeak(kind: AlgorithmKind, id: number): boolean {
  const severity = weaknessOf(kind, id);
  return severity !== undefined && atLeast(severity, 'medium');
}
