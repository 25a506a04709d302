import { type Certificate, certificateName } from './certificate.js';
import { type Crl, isCrlSignedBy, type Revocation } from './crl.js';
import { sameName } from './names.js';
import { type OcspResponse, type OcspVerdict, ocspVerdict } from './ocsp.js';
import { dateText, type Problem, problem } from './problem.js';

export interface RevocationOptions {
  crls?: readonly Crl[] | undefined;
  /** What the peer brought along. */
  ocspResponses?: readonly OcspResponse[] | undefined;
  crlPolicy?: 'soft' | 'hard' | undefined;
  /** Milliseconds since the epoch. */
  now: number;
  skewMs?: number | undefined;
}

/**
 * What revocation lists (RFC 5280 6.3, whole lists of the issuer itself) and OCSP responses say about a certificate.
 * @param issuer undefined at the end of a chain, where nothing is asked
 */
export function revocationProblems(
  certificate: Certificate,
  issuer: Certificate | undefined,
  options: RevocationOptions,
): Problem[] {
  if (issuer === undefined) return [];
  const { crls = [], crlPolicy = 'soft', now, skewMs = 0 } = options;
  const name = certificateName(certificate);
  const usable = crls.filter((crl) => isListOf(crl, issuer));
  const line = lineOf(usable, certificate);
  if (line !== undefined) {
    return [problem('E_CERT_REVOKED', `${name} was revoked on ${dateText(line.date)} (${line.reason}).`)];
  }
  const verdicts = ocspVerdicts(certificate, issuer, usable, options);
  const revoked = verdicts.find(({ status }) => status === 'revoked');
  if (revoked !== undefined) {
    const when = revoked.revokedAt === undefined ? '' : ` on ${dateText(revoked.revokedAt)}`;
    return [problem('E_CERT_REVOKED', `${name} was revoked${when}, as its CA's OCSP response says.`)];
  }
  if (verdicts.some(({ status }) => status === 'good')) return [];
  if (crlPolicy === 'soft') return [];
  if (usable.length === 0) {
    return [
      problem(
        'E_CRL_MISSING',
        `There is no revocation list of ${certificateName(issuer)}, so nobody knows whether ${name} was revoked.`,
        'Name it with --crl, or let the peer staple an OCSP response.',
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

/** The line that revokes a certificate. Reason 8, removeFromCRL, takes a revocation back (RFC 5280 5.3.1). */
function lineOf(lists: readonly Crl[], { serial }: Certificate): Revocation | undefined {
  const line = lists.map(({ revoked }) => revoked.get(serial)).find((found) => found !== undefined);
  return line?.reason === 'reason 8' ? undefined : line;
}

/** Verdicts of responders whom the issuer's own lists do not disown. */
function ocspVerdicts(
  certificate: Certificate,
  issuer: Certificate,
  lists: readonly Crl[],
  { ocspResponses = [], now, skewMs }: RevocationOptions,
): OcspVerdict[] {
  return ocspResponses
    .map((response) => ocspVerdict(response, certificate, issuer, { now, skewMs }))
    .filter((verdict) => verdict !== undefined)
    .filter(({ signer }) => signer === undefined || lineOf(lists, signer) === undefined);
}

const stapleProblem = {
  unknown: ['E_OCSP_UNKNOWN', 'knows nothing of it'],
  outdated: ['E_OCSP_OUTDATED', 'is outdated, or from the future'],
  forged: ['E_OCSP_INVALID', 'is not signed by its CA or a delegate of it'],
} as const;

/** Why a certificate that has to come with an OCSP response does not come with a good one (RFC 4806). */
export function stapleProblems(
  certificate: Certificate,
  issuer: Certificate | undefined,
  options: RevocationOptions,
): Problem[] {
  if (issuer === undefined) return [];
  const lists = (options.crls ?? []).filter((crl) => isListOf(crl, issuer));
  const statuses = ocspVerdicts(certificate, issuer, lists, options).map(({ status }) => status);
  if (statuses.includes('good') || statuses.includes('revoked')) return [];
  const name = certificateName(certificate);
  const hint = 'Let the peer staple a fresh OCSP response of the CA.';
  const [first] = statuses;
  if (first === undefined || first === 'good' || first === 'revoked') {
    return [problem('E_OCSP_MISSING', `${name} came without an OCSP response, which is required.`, hint)];
  }
  const [code, why] = stapleProblem[first];
  return [problem(code, `The OCSP response that came with ${name} ${why}.`, hint)];
}
