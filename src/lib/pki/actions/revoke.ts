import { KitError } from '../../core/errors.js';
import type { CertReport } from '../../report/cert.schema.js';
import { writeFileSafely } from '../atomic-file.js';
import type { Certificate } from '../certificate.js';
import { createCrl, parseCrl, type RevocationReason } from '../crl.js';
import { describeCrl, emptyReport } from '../describe.js';
import { type AskPassphrase, toPem } from '../files.js';
import { sameName } from '../names.js';
import { Store } from '../store.js';
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

/** Writes `ca.crl` anew. */
export async function writeCrl(
  options: CrlOptions & { out?: string | undefined; der: boolean },
): Promise<CertReport> {
  const store = new Store(options.store);
  const report = emptyReport('crl');
  await store.caCertificate();
  await store.change(() => makeCrl(store, options, report));
  report.next.push(
    'Put the list where --crl-url points and where gateways read it; make a new one before it ends.',
  );
  return report;
}

async function makeCrl(
  store: Store,
  options: CrlOptions & { out?: string | undefined; der?: boolean },
  report: CertReport,
): Promise<void> {
  const issuer = await issuerFor(store, options.askIssuer);
  const thisUpdate = new Date(Math.floor(options.now / 1000) * 1000);
  const der = createCrl(issuer, await store.revocations(), {
    number: await store.nextCrlNumber(),
    thisUpdate,
    nextUpdate: new Date(thisUpdate.getTime() + options.days * 86_400_000),
  });
  const path = options.out ?? store.path('ca.crl');
  const data = options.der ? der : toPem('X509 CRL', der);
  await writeFileSafely(path, data, { mode: 0o644, replace: true });
  report.crls.push(describeCrl(parseCrl(der)));
  report.files.push({ path, content: 'crl' });
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
    const ours =
      typeof target === 'string' ? await store.knowsSerial(serial) : sameName(target.issuer, ca.subject);
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
