import type { CertReport } from '../../report/cert.schema.js';
import { type Certificate, certificateName, isSignedBy } from '../certificate.js';
import { clientNames, clientProblems } from '../clients.js';
import { certificateWarnings, describeCertificate, describeRequest, emptyReport } from '../describe.js';
import { type AskPassphrase, toPem } from '../files.js';
import { issueEndEntity, validityOf } from '../issue.js';
import { spkiOf } from '../keys.js';
import { dateText } from '../problem.js';
import { createRequest, parseRequest } from '../request.js';
import { fileStem, Store } from '../store.js';
import { CA_DAYS, createCa } from './ca.js';
import { type NameOptions, type ResolvedNames, resolveNames } from './names.js';
import {
  type ChainedIssuer,
  clampValidity,
  expectAcceptable,
  issuerFor,
  type KeyOptions,
  keyFor,
  shellWord,
} from './shared.js';

/** Default lifetimes, days: what Apple takes of a gateway from any CA; clients are not limited by it. */
export const SERVER_DAYS = 397;
export const CLIENT_DAYS = 825;

/** What `issue` and `csr` share. */
export interface IdentityOptions extends KeyOptions, NameOptions {
  store: string;
  /** ` --store FOLDER` as the user has to write it; empty for the default. */
  storeFlag: string;
  now: number;
}

export interface IssueOptions extends IdentityOptions {
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
    const issuer = (await store.has('ca.crt'))
      ? await issuerFor(store, options.askIssuer)
      : await createFirstCa(store, options, report);
    const { key, save } = await keyFor(store, stem, options);
    const certificate = signEndEntity(names, spkiOf(key), issuer, options, report);
    await warnOfReplaced(store, stem, issuer, options, report);
    await store.noteIssued(name, certificate);
    await store.writePair(stem, save, certificate, options.force);
    report.files.push(
      { path: store.path(`${stem}.crt`), content: 'certificate' },
      { path: store.path(`${stem}.key`), content: 'key' },
    );
    describeIssued(certificate, names, options.now, report);
    report.next.push(...nextSteps(store, stem, names, issuer, options));
  });
  return report;
}

async function createFirstCa(
  store: Store,
  options: IssueOptions,
  report: CertReport,
): Promise<ChainedIssuer> {
  const { now, encrypt, askIssuer, store: folder, storeFlag } = options;
  const issuer = await createCa(
    store,
    { store: folder, storeFlag, days: CA_DAYS, now, force: false, encrypt, ask: askIssuer, askIssuer },
    report,
  );
  report.next.push(
    `A new CA was made, ${certificateName(issuer.certificate)}: install ${store.path('ca.crt')} where peers verify.`,
  );
  return issuer;
}

/** A certificate that is written over is not revoked by that. */
async function warnOfReplaced(
  store: Store,
  stem: string,
  issuer: ChainedIssuer,
  { now, storeFlag }: IssueOptions,
  report: CertReport,
): Promise<void> {
  if (!(await store.has(`${stem}.crt`))) return;
  const former = await store.certificate(stem).catch(() => undefined);
  if (former === undefined || former.notAfter.getTime() < now || !isSignedBy(former, issuer.certificate))
    return;
  report.warnings.push({
    code: 'W_REPLACED',
    message: `The former certificate, serial ${former.serial}, stays valid until ${dateText(former.notAfter)}.`,
    hint: `If its key got into wrong hands: ipsec-kit cert revoke ${former.serial}${storeFlag}`,
  });
}

/** What to do with a new pair: whom to give which file, and the command. */
function nextSteps(
  store: Store,
  stem: string,
  { server }: ResolvedNames,
  { chain }: ChainedIssuer,
  { storeFlag }: IssueOptions,
): string[] {
  const path = (file: string): string => shellWord(store.path(file));
  const root = path(chain.length > 1 ? 'chain.crt' : 'ca.crt');
  // A CA between is sent along, because the other side may not have it.
  const between = chain.length > 1 ? ` --cert ${path('ca.crt')}` : '';
  const flags = `--cert ${path(`${stem}.crt`)}${between} --key ${path(`${stem}.key`)} --ca ${root}`;
  return server
    ? [`Gateway: ipsec-kit serve ${flags}`, `Clients need ${root} to believe it.`]
    : [
        `Client: ipsec-kit connect GATEWAY ${flags}`,
        `For a phone or Windows: ipsec-kit cert export ${shellWord(stem)}${storeFlag}   (Apple and older systems: --legacy)`,
      ];
}

/** @throws KitError refused, what nobody would accept: {@link expectAcceptable} */
export function signEndEntity(
  names: ResolvedNames,
  spki: Uint8Array,
  issuer: ChainedIssuer,
  { days, now, crlUrl }: { days?: number | undefined; now: number; crlUrl?: string | undefined },
  report: CertReport,
): Certificate {
  const length = days ?? (names.server ? SERVER_DAYS : CLIENT_DAYS);
  const validity = clampValidity(validityOf(length, now), issuer, report);
  const certificate = issueEndEntity({ ...names, spki, validity, crlUrl }, issuer);
  expectAcceptable(certificate, issuer, now);
  return certificate;
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
export async function makeRequest(options: IdentityOptions): Promise<CertReport> {
  const store = new Store(options.store);
  const names = resolveNames(options);
  const stem = fileStem(options.names[0] ?? '');
  const report = emptyReport('csr');
  await store.change(async () => {
    await store.expectFree(stem, ['csr', 'crt'], options.force);
    const { key, save } = await keyFor(store, stem, options);
    const request = createRequest(names.subject, key, names);
    await save();
    await store.writePublic(`${stem}.csr`, toPem('CERTIFICATE REQUEST', request), options.force);
    report.requests.push(describeRequest(parseRequest(request)));
    report.files.push(
      { path: store.path(`${stem}.csr`), content: 'request' },
      { path: store.path(`${stem}.key`), content: 'key' },
    );
  });
  report.next.push(
    `Send ${store.path(`${stem}.csr`)} to the CA; there: ipsec-kit cert sign ${shellWord(`${stem}.csr`)}`,
  );
  return report;
}
