import type { KeyObject } from 'node:crypto';
import { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { CertReport } from '../../report/cert.schema.js';
import { writeFileSafely } from '../atomic-file.js';
import type { Certificate } from '../certificate.js';
import { describeCertificate, emptyReport } from '../describe.js';
import { isKeyPair } from '../keys.js';
import { writeP12 } from '../p12/write.js';

export interface ExportOptions {
  certificate: Certificate;
  key: KeyObject;
  /** CAs to put beside it, nearest first. */
  chain: readonly Certificate[];
  friendlyName: string;
  out: string;
  passphrase: Secret;
  /** 3DES and SHA-1. */
  legacy: boolean;
  force: boolean;
}

/** Writes a PKCS#12 container. @throws KitError usage E_STORE_MISMATCH, E_FILE_EXISTS */
export async function exportP12(options: ExportOptions): Promise<CertReport> {
  const { certificate, key, out, legacy } = options;
  if (certificate.publicKey === undefined || !isKeyPair(key, certificate.publicKey)) {
    throw new KitError('usage', 'E_STORE_MISMATCH', 'The private key does not belong to the certificate.');
  }
  const container = writeP12(options, options.passphrase, legacy);
  await writeFileSafely(out, container, { mode: 0o600, replace: options.force });
  const report = emptyReport('export');
  report.certificates.push(describeCertificate(certificate));
  report.files.push({ path: out, content: 'p12' });
  if (legacy) {
    report.warnings.push({
      code: 'W_P12_LEGACY',
      message:
        '3DES and SHA-1 protect the key little: a weak passphrase is guessed fast. Delete the file once it is imported.',
    });
  } else {
    report.next.push(
      'If a device calls the passphrase wrong, it knows no AES here: export again with --legacy.',
    );
  }
  return report;
}
