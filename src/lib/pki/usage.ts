import { type Certificate, certificateName } from './certificate.js';
import { ExtendedKeyUsage, usageName } from './oids.js';
import { type Problem, problem } from './problem.js';

/** Which side of a tunnel a certificate is for; `any` looks at no extended key usage. */
export type Purpose = 'server' | 'client' | 'any';

const forIke = [ExtendedKeyUsage.ipsecIke, ExtendedKeyUsage.ikeIntermediate, ExtendedKeyUsage.any];
const accepted: Record<Exclude<Purpose, 'any'>, readonly string[]> = {
  server: [
    ExtendedKeyUsage.serverAuth,
    ExtendedKeyUsage.ipsecEndSystem,
    ExtendedKeyUsage.ipsecTunnel,
    ...forIke,
  ],
  client: [
    ExtendedKeyUsage.clientAuth,
    ExtendedKeyUsage.ipsecEndSystem,
    ExtendedKeyUsage.ipsecUser,
    ...forIke,
  ],
};

/** The extended key usages, OIDs, of which a certificate needs one where it has any. */
export function acceptedUsages(purpose: Exclude<Purpose, 'any'>): readonly string[] {
  return accepted[purpose];
}

/**
 * Whether the extended key usages allow a purpose. Absent ones allow everything; present ones must name IKE (RFC 4945
 * 5.1.3.12) or, as the field does it, TLS's usage for the same side.
 */
export function usageProblems(certificate: Certificate, purpose: Purpose): Problem[] {
  const { extendedKeyUsage } = certificate;
  if (purpose === 'any' || extendedKeyUsage === undefined) return [];
  if (extendedKeyUsage.some((usage) => accepted[purpose].includes(usage))) return [];
  const has = extendedKeyUsage.map(usageName).join(', ') || 'none';
  return [
    problem(
      'E_CERT_EKU',
      `${certificateName(certificate)} is not for a ${purpose}: its extended key usages are ${has}.`,
      `Issue it again with --${purpose}.`,
    ),
  ];
}

/** RFC 4945 5.1.3.2: where there is a key usage, IKE needs digitalSignature or nonRepudiation. */
export function keyUsageProblems(certificate: Certificate): Problem[] {
  const { keyUsage } = certificate;
  if (keyUsage === undefined || keyUsage.has('digitalSignature') || keyUsage.has('nonRepudiation')) return [];
  return [
    problem(
      'E_CERT_KEY_USAGE',
      `The key of ${certificateName(certificate)} may not sign, which IKE needs it for: its key usages are ${[...keyUsage].join(', ')}.`,
    ),
  ];
}
