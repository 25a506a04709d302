import { KitError } from '../../core/errors.js';
import type { CertReport } from '../../report/cert.schema.js';
import type { AskPassphrase } from '../files.js';
import type { Issuer, Validity } from '../issue.js';
import { dateText } from '../problem.js';
import type { Store } from '../store.js';

/** @throws KitError as {@link Store.issuer}, and refused E_CERT_NOT_CA */
export async function issuerFor(store: Store, ask: AskPassphrase): Promise<Issuer> {
  const issuer = await store.issuer(ask);
  if (!issuer.certificate.ca) {
    throw new KitError('refused', 'E_CERT_NOT_CA', `${store.path('ca.crt')} is not the certificate of a CA.`);
  }
  return issuer;
}

/** Nothing is valid longer than the CA that issued it. @throws KitError refused E_CERT_EXPIRED */
export function clampValidity(validity: Validity, { certificate }: Issuer, report: CertReport): Validity {
  const end = certificate.notAfter;
  if (validity.notBefore >= end) {
    throw new KitError('refused', 'E_CERT_EXPIRED', `The CA expired on ${dateText(end)}.`, {
      hint: 'Make a new one: ipsec-kit cert ca --force, or in another folder with --store',
    });
  }
  if (validity.notAfter <= end) return validity;
  report.warnings.push({
    code: 'W_ENDS_WITH_CA',
    message: `The CA expires on ${dateText(end)}, and so does what it issues now.`,
  });
  return { ...validity, notAfter: end };
}
