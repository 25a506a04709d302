import type { CertReport } from '../../report/cert.schema.js';
import type { Certificate } from '../certificate.js';
import { type ChainOptions, validateChain } from '../chain.js';
import { type ClientName, clientProblems } from '../clients.js';
import { certificateWarnings, describeCertificate, emptyReport } from '../describe.js';

export interface VerifyOptions extends ChainOptions {
  clients?: readonly ClientName[];
  /** A gateway's certificate, for what clients ask of those. */
  server: boolean;
}

/** Verifies a certificate and tells everything that is wrong with it. */
export function verifyCertificate(certificate: Certificate, options: VerifyOptions): CertReport {
  const { chain, problems } = validateChain(certificate, options);
  const { clients = [], server, name, now } = options;
  const found = clients.flatMap((client) => clientProblems(client, certificate, { server, name }));
  const report = emptyReport('verify');
  report.certificates.push(...chain.map(describeCertificate));
  const codes = new Set(problems.map(({ code }) => code));
  const more = found.filter(({ code }) => code.startsWith('E_') && !codes.has(code));
  report.problems.push(...problems, ...more);
  const general = certificateWarnings(certificate, now).filter(
    ({ code }) =>
      !codes.has(code.replace(/^W_/, 'E_CERT_') as `E_${string}`) &&
      // What Apple takes is told where somebody asks for it.
      (clients.length === 0 || code !== 'W_TOO_LONG_FOR_APPLE'),
  );
  const special = found.filter(({ code }) => code.startsWith('W_'));
  const warnings = [
    ...special,
    ...general.filter(({ code }) => !special.some((other) => other.code === code)),
  ];
  report.warnings.push(...warnings);
  report.ok = report.problems.length === 0;
  return report;
}
