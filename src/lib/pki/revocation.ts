import { type Certificate, certificateName } from './certificate.js';
import { type Crl, isCrlSignedBy } from './crl.js';
import { sameName } from './names.js';
import { dateText, type Problem, problem } from './problem.js';

export interface RevocationOptions {
  crls?: readonly Crl[];
  crlPolicy?: 'soft' | 'hard';
  now: number;
  skewMs?: number;
}

/**
 * What revocation lists say about a certificate (RFC 5280 6.3, for whole lists of the issuer itself).
 * @param issuer undefined at the end of a chain, where nothing is asked
 */
export function revocationProblems(
  certificate: Certificate,
  issuer: Certificate | undefined,
  { crls = [], crlPolicy = 'soft', now, skewMs = 0 }: RevocationOptions,
): Problem[] {
  if (issuer === undefined) return [];
  const name = certificateName(certificate);
  const usable = crls.filter((crl) => isListOf(crl, issuer));
  const line = usable
    .map(({ revoked }) => revoked.get(certificate.serial))
    .find((found) => found !== undefined);
  if (line !== undefined && line.reason !== 'reason 8') {
    return [problem('E_CERT_REVOKED', `${name} was revoked on ${dateText(line.date)} (${line.reason}).`)];
  }
  if (crlPolicy === 'soft') return [];
  if (usable.length === 0) {
    return [
      problem(
        'E_CRL_MISSING',
        `There is no revocation list of ${certificateName(issuer)}, so nobody knows whether ${name} was revoked.`,
        'Name it with --crl.',
      ),
    ];
  }
  const current = usable.some(
    ({ nextUpdate }) => nextUpdate !== undefined && now <= nextUpdate.getTime() + skewMs,
  );
  if (current) return [];
  return [
    problem(
      'E_CRL_OUTDATED',
      `The revocation list of ${certificateName(issuer)} is outdated.`,
      'Make a new one where the CA is: ipsec-kit cert crl',
    ),
  ];
}

/** RFC 5280 6.3.3: signed by the issuer, who may sign lists, and without anything critical that is unknown. */
function isListOf(crl: Crl, issuer: Certificate): boolean {
  return (
    sameName(crl.issuer, issuer.subject) &&
    crl.unknownCritical.length === 0 &&
    (issuer.keyUsage === undefined || issuer.keyUsage.has('cRLSign')) &&
    isCrlSignedBy(crl, issuer)
  );
}
