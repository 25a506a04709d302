import { readFile } from 'node:fs/promises';
import { KitError } from '../../core/errors.js';
import type { CertReport } from '../../report/cert.schema.js';
import { fileExists, writeFileSafely } from '../atomic-file.js';
import { type Certificate, isSignedBy } from '../certificate.js';
import { createCrl, parseCrl, type RevocationReason } from '../crl.js';
import { describeCrl, emptyReport } from '../describe.js';
import { type AskPassphrase, readIdentityFile, toPem } from '../files.js';
import { noPassphrase, Store } from '../store.js';
import { issuerFor } from './shared.js';

interface CrlOptions {
  store: string;
  /** Until the next list has to be there. */
  days: number;
  now: number;
  askIssuer: AskPassphrase;
}

/** Default time until the next list, days. */
export const CRL_DAYS = 30;

interface CrlFileOptions extends CrlOptions {
  /** Where to write it; undefined: `ca.crl` in the store. */
  out?: string | undefined;
  /** DER instead of PEM. */
  der?: boolean;
  /** Replace a file that is no revocation list, too. */
  force?: boolean;
}

/** Writes `ca.crl` anew. @throws KitError usage E_FILE_EXISTS */
export async function writeCrl(options: CrlFileOptions): Promise<CertReport> {
  const store = new Store(options.store);
  const report = emptyReport('crl');
  await store.caCertificate();
  await store.change(() => makeCrl(store, options, report));
  report.next.push(
    'Put the list where --crl-url points and where gateways read it; make a new one before it ends.',
  );
  return report;
}

async function makeCrl(store: Store, options: CrlFileOptions, report: CertReport): Promise<void> {
  const path = options.out ?? store.path('ca.crl');
  if (options.force !== true) await expectCrl(path);
  const issuer = await issuerFor(store, options.askIssuer);
  const thisUpdate = new Date(Math.floor(options.now / 1000) * 1000);
  const der = createCrl(issuer, await store.revocations(), {
    number: await store.nextCrlNumber(),
    thisUpdate,
    nextUpdate: new Date(thisUpdate.getTime() + options.days * 86_400_000),
  });
  const data = options.der ? der : toPem('X509 CRL', der);
  await writeFileSafely(path, data, { mode: 0o644, replace: true });
  report.crls.push(describeCrl(parseCrl(der)));
  report.files.push({ path, content: 'crl' });
}

/** A new list takes the place of an old one, and of nothing else. @throws KitError usage E_FILE_EXISTS */
async function expectCrl(path: string): Promise<void> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw fileExists(path);
  });
  if (bytes === undefined) return;
  const found = await readIdentityFile(bytes, noPassphrase).catch(() => undefined);
  if (found === undefined || found.crls.length === 0) throw fileExists(path);
}

export interface RevokeOptions extends CrlOptions {
  /** The certificate to revoke, or a serial number. */
  target: Certificate | string;
  reason: RevocationReason;
}

/** Revokes a certificate and writes `ca.crl` anew. @throws KitError refused E_NOT_ISSUED_HERE */
export async function revoke(options: RevokeOptions): Promise<CertReport> {
  const { target, reason, now } = options;
  const store = new Store(options.store);
  const report = emptyReport('revoke');
  const ca = await store.caCertificate();
  await store.change(async () => {
    const serial = typeof target === 'string' ? target : target.serial;
    const ours = typeof target === 'string' ? await store.knowsSerial(serial) : isSignedBy(target, ca);
    if (!ours) {
      throw new KitError(
        'refused',
        'E_NOT_ISSUED_HERE',
        `The CA in ${store.folder} did not issue ${serial}.`,
        {
          hint: 'Name the store of the CA that issued it with --store.',
        },
      );
    }
    const date = new Date(Math.floor(now / 1000) * 1000);
    if (!(await store.noteRevoked({ serial, date, reason }))) {
      report.warnings.push({ code: 'W_REVOKED_BEFORE', message: `${serial} was revoked before.` });
    }
    await makeCrl(store, options, report);
  });
  report.next.push('Give the new list to the gateways: until they have it the certificate is accepted.');
  return report;
}
