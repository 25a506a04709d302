import type { KeyObject } from 'node:crypto';
import { KitError } from '../../core/errors.js';
import type { CertReport } from '../../report/cert.schema.js';
import { fileExists } from '../atomic-file.js';
import { type Certificate, certificateName } from '../certificate.js';
import { clientNames, clientProblems } from '../clients.js';
import { certificateWarnings, describeCertificate, describeRequest, emptyReport } from '../describe.js';
import { type AskPassphrase, toPem } from '../files.js';
import { type Issuer, issueEndEntity, validityOf } from '../issue.js';
import { describeKey, generateKey, type KeyKind, spkiOf } from '../keys.js';
import { forbiddenName } from '../name-constraints.js';
import { createRequest, parseRequest } from '../request.js';
import { fileStem, keyFile, Store } from '../store.js';
import { CA_DAYS, createCa } from './ca.js';
import { type NameOptions, type ResolvedNames, resolveNames } from './names.js';
import { clampValidity, issuerFor } from './shared.js';

/** Default lifetimes, days: what Apple takes of a gateway from any CA; clients are not limited by it. */
export const SERVER_DAYS = 397;
export const CLIENT_DAYS = 825;

interface KeyOptions {
  store: string;
  keyKind: KeyKind;
  force: boolean;
  now: number;
  /** Gives the passphrase the new key is encrypted with; undefined: not encrypted. */
  encrypt?: AskPassphrase | undefined;
  /** Gives the passphrase of a key that is there already. */
  ask: AskPassphrase;
}

export interface IssueOptions extends KeyOptions, NameOptions {
  days?: number | undefined;
  crlUrl?: string | undefined;
  /** Gives the passphrase of the CA's key. */
  askIssuer: AskPassphrase;
}

/** Makes a key and a certificate; the CA too when the store has none. */
export async function issueCertificate(options: IssueOptions): Promise<CertReport> {
  const store = new Store(options.store);
  const names = resolveNames(options);
  const name = options.names[0] ?? '';
  const stem = fileStem(name);
  const report = emptyReport('issue');
  await store.change(async () => {
    await store.expectFree(stem, ['crt', 'csr'], options.force);
    if (!(await store.has('ca.crt'))) await createFirstCa(store, options, report);
    const issuer = await issuerFor(store, options.askIssuer);
    const { key, fresh } = await keyOf(store, stem, options);
    const certificate = signEndEntity(names, spkiOf(key), issuer, options, report);
    const file = keyFile(key, fresh ? await options.encrypt?.() : undefined);
    await store.noteIssued(name, certificate);
    if (fresh) await store.writePair(stem, file, certificate, options.force);
    else await store.writeCertificate(stem, certificate, options.force);
    report.files.push(
      { path: store.path(`${stem}.crt`), content: 'certificate' },
      { path: store.path(`${stem}.key`), content: 'key' },
    );
    describeIssued(certificate, names, options.now, report);
  });
  report.next.push(
    names.server
      ? `Clients need ${store.path('ca.crt')}; the gateway needs ${store.path(`${stem}.crt`)} and ${store.path(`${stem}.key`)}.`
      : `For a phone or Windows: ipsec-kit cert export ${name} --p12   (for Apple and older systems add --legacy)`,
  );
  return report;
}

async function createFirstCa(store: Store, options: IssueOptions, report: CertReport): Promise<void> {
  const { now, encrypt, askIssuer, store: folder } = options;
  const ca = await createCa(
    store,
    { store: folder, keyKind: 'ecdsa-p256', days: CA_DAYS, now, force: false, encrypt, askIssuer },
    report,
  );
  report.next.push(
    `A new CA was made, ${certificateName(ca)}: install ${store.path('ca.crt')} where peers verify.`,
  );
}

/** A key without a certificate is what an interruption left, or what the user put there: it is used, not replaced. */
async function keyOf(
  store: Store,
  stem: string,
  options: KeyOptions,
): Promise<{ key: KeyObject; fresh: boolean }> {
  if (options.force || !(await store.has(`${stem}.key`))) {
    return { key: await generateKey(options.keyKind), fresh: true };
  }
  const key = await store.key(stem, options.ask);
  const kind = describeKey(key).text.toLowerCase().replace(/[ -]/g, '');
  if (kind !== options.keyKind.replace('-', '')) throw fileExists(store.path(`${stem}.key`));
  return { key, fresh: false };
}

/** @throws KitError refused E_CERT_NAME_CONSTRAINT */
export function signEndEntity(
  names: ResolvedNames,
  spki: Uint8Array,
  issuer: Issuer,
  { days, now, crlUrl }: { days?: number | undefined; now: number; crlUrl?: string | undefined },
  report: CertReport,
): Certificate {
  const length = days ?? (names.server ? SERVER_DAYS : CLIENT_DAYS);
  const validity = clampValidity(validityOf(length, now), issuer, report);
  const certificate = issueEndEntity({ ...names, spki, validity, crlUrl }, issuer);
  const constraints = issuer.certificate.nameConstraints;
  const forbidden = constraints && forbiddenName(certificate, constraints);
  if (forbidden === undefined) return certificate;
  throw new KitError('refused', 'E_CERT_NAME_CONSTRAINT', `The CA may not issue that: ${forbidden}.`, {
    hint: 'Nobody would accept the certificate. Use a CA without that constraint.',
  });
}

export function describeIssued(
  certificate: Certificate,
  names: ResolvedNames,
  now: number,
  report: CertReport,
): void {
  report.certificates.push(describeCertificate(certificate));
  report.warnings.push(...certificateWarnings(certificate, now));
  if (!names.server) return;
  const seen = new Set(report.warnings.map(({ code }) => code));
  for (const client of clientNames) {
    const problems = clientProblems(client, certificate, { server: true, name: undefined });
    for (const { code, ...rest } of problems) {
      const warning = code.replace(/^E_/, 'W_');
      if (seen.has(warning) || code === 'E_CERT_TOO_LONG') continue;
      seen.add(warning);
      report.warnings.push({ code: warning, ...rest });
    }
  }
}

/** Makes a key and a signing request for another CA. */
export async function makeRequest(options: KeyOptions & NameOptions): Promise<CertReport> {
  const store = new Store(options.store);
  const names = resolveNames(options);
  const stem = fileStem(options.names[0] ?? '');
  const report = emptyReport('csr');
  await store.change(async () => {
    await store.expectFree(stem, ['csr', 'crt'], options.force);
    const { key, fresh } = await keyOf(store, stem, options);
    const request = createRequest(names.subject, key, names);
    if (fresh) await store.writeKey(stem, keyFile(key, await options.encrypt?.()), options.force);
    await store.writePublic(`${stem}.csr`, toPem('CERTIFICATE REQUEST', request), options.force);
    report.requests.push(describeRequest(parseRequest(request)));
    report.files.push(
      { path: store.path(`${stem}.csr`), content: 'request' },
      { path: store.path(`${stem}.key`), content: 'key' },
    );
  });
  report.next.push(`Send ${store.path(`${stem}.csr`)} to the CA; there: ipsec-kit cert sign ${stem}.csr`);
  return report;
}
