import type { KeyObject } from 'node:crypto';
import { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { CertReport } from '../../report/cert.schema.js';
import { writeFileSafely } from '../atomic-file.js';
import type { Certificate } from '../certificate.js';
import { describeCertificate, emptyReport } from '../describe.js';
import { toPem } from '../files.js';
import { isKeyPair, privateKeyPem } from '../keys.js';
import { writeP12 } from '../p12/write.js';

export interface ExportOptions {
  certificate: Certificate;
  key: KeyObject;
  /** CAs to put beside it, nearest first. */
  chain: readonly Certificate[];
  friendlyName: string;
  out: string;
  passphrase: Secret;
  form: ExportForm;
  force: boolean;
}

/**
 * `p12`: PKCS#12 with AES-256; `p12-legacy`: with 3DES and SHA-1; `pem`: the encrypted key (PKCS#8), the certificate
 * and the CAs as text.
 */
export type ExportForm = 'p12' | 'p12-legacy' | 'pem';

/** Writes an identity as one file. @throws KitError usage E_STORE_MISMATCH, E_FILE_EXISTS */
export async function exportToFile(options: ExportOptions): Promise<CertReport> {
  const { certificate, key, out, form } = options;
  if (certificate.publicKey === undefined || !isKeyPair(key, certificate.publicKey)) {
    throw new KitError('usage', 'E_STORE_MISMATCH', 'The private key does not belong to the certificate.');
  }
  await writeFileSafely(out, contentOf(options), { mode: 0o600, replace: options.force });
  const report = emptyReport('export');
  report.certificates.push(describeCertificate(certificate));
  report.files.push({ path: out, content: form === 'pem' ? 'pem' : 'p12' });
  if (form === 'p12-legacy') {
    report.warnings.push({
      code: 'W_P12_LEGACY',
      message:
        '3DES and SHA-1 protect the key little: a weak passphrase is guessed fast. Delete the file once it is imported.',
    });
  } else if (form === 'p12') {
    report.next.push(
      'If a device calls the passphrase wrong, it knows no AES here: export again with --legacy.',
    );
  }
  return report;
}

function contentOf({ form, passphrase, ...identity }: ExportOptions): Uint8Array {
  if (form !== 'pem') return writeP12(identity, passphrase, form === 'p12-legacy');
  const certificates = [identity.certificate, ...identity.chain];
  const pem = certificates.map(({ der }) => toPem('CERTIFICATE', der)).join('');
  return Buffer.concat([privateKeyPem(identity.key, passphrase).reveal(), Buffer.from(pem)]);
}
