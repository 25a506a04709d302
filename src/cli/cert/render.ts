import type { ChalkInstance } from 'chalk';
import { printable } from '../../lib/core/printable.js';
import type {
  CertificateReport,
  CertReport,
  CrlReport,
  ProblemReport,
  RequestReport,
} from '../../lib/report/cert.schema.js';
import { paintFor } from '../paint.js';
import type { CertFlags } from './flags.js';

/** A report as text for people or as one JSON document. */
export function renderCert(report: CertReport, flags: CertFlags): string {
  if (flags.json || flags.format === 'json') return `${JSON.stringify(report, null, 2)}\n`;
  return renderText(report, paintFor(process.stdout, flags.color));
}

function renderText(report: CertReport, paint: ChalkInstance): string {
  const blocks = [
    ...report.certificates.map((certificate, at) => certificateText(certificate, titleOf(report, at), paint)),
    ...report.requests.map((request) => requestText(request, paint)),
    ...report.crls.map((crl) => crlText(crl, paint)),
    ...(report.keys.length === 0 ? [] : [report.keys.map((key) => `Private key  ${key}`).join('\n')]),
    ...(report.files.length === 0
      ? []
      : [
          report.files
            .map(({ path, content }) => `wrote ${content.padEnd(11)} ${printable(path)}`)
            .join('\n'),
        ]),
    ...verdict(report, paint),
    ...(report.warnings.length === 0
      ? []
      : [report.warnings.map((each) => problemText(paint.yellow('warning'), each)).join('\n')]),
    ...(report.next.length === 0 ? [] : [['Next:', ...report.next.map((line) => `  ${line}`)].join('\n')]),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function titleOf({ command, certificates }: CertReport, at: number): string {
  if (command !== 'verify') return certificates[at]?.ca ? 'CA certificate' : 'Certificate';
  return at === 0 ? 'Certificate' : 'issued by';
}

function rows(
  title: string,
  lines: readonly (readonly [name: string, value: string])[],
  paint: ChalkInstance,
): string {
  const shown = lines.filter(([, value]) => value !== '');
  return [paint.bold(title), ...shown.map(([name, value]) => `  ${name.padEnd(13)} ${value}`)].join('\n');
}

const minutes = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;

function certificateText(certificate: CertificateReport, title: string, paint: ChalkInstance): string {
  const { pathLength, permitted, excluded } = certificate;
  return rows(
    title,
    [
      ['subject', certificate.subject],
      ['issuer', certificate.selfSigned ? 'itself' : certificate.issuer],
      ['names', certificate.names.join(', ')],
      ['valid', `${minutes(certificate.notBefore)} to ${minutes(certificate.notAfter)}`],
      ['key', certificate.key],
      ['signed with', certificate.signatureAlgorithm],
      ['may', [...certificate.keyUsage, ...certificate.extendedKeyUsage].join(', ')],
      ['CAs below', pathLength === undefined ? '' : String(pathLength)],
      ['permitted', permitted.join(', ')],
      ['excluded', excluded.join(', ')],
      ['CRL', certificate.crlUrls.join(', ')],
      ['serial', certificate.serial],
      ['SHA-256', certificate.sha256],
    ],
    paint,
  );
}

function requestText({ subject, names, key, extendedKeyUsage }: RequestReport, paint: ChalkInstance): string {
  return rows(
    'Signing request',
    [
      ['subject', subject],
      ['names', names.join(', ')],
      ['key', key],
      ['asks for', extendedKeyUsage.join(', ')],
    ],
    paint,
  );
}

function crlText(
  { issuer, number, thisUpdate, nextUpdate, revoked }: CrlReport,
  paint: ChalkInstance,
): string {
  return rows(
    'Revocation list',
    [
      ['issuer', issuer],
      ['number', number ?? ''],
      ['from', minutes(thisUpdate)],
      ['next', nextUpdate === undefined ? '' : minutes(nextUpdate)],
      ['revoked', revoked.length === 0 ? 'nothing' : ''],
      ...revoked.map(
        ({ serial, date, reason }) => ['revoked', `${serial} ${minutes(date)} ${reason}`] as const,
      ),
    ],
    paint,
  );
}

function verdict({ command, ok, problems }: CertReport, paint: ChalkInstance): string[] {
  if (command !== 'verify') return [];
  if (ok) return [`${paint.green('valid')}: the chain leads to a trusted CA and everything asked for holds`];
  return [problems.map((each) => problemText(paint.red('problem'), each)).join('\n')];
}

function problemText(label: string, { code, message, hint }: ProblemReport): string {
  const sentence = `${label}: ${printable(message).replace(/\.$/, '')} (${code})`;
  return hint === undefined ? sentence : `${sentence}\n  hint: ${printable(hint)}`;
}
