import { basename } from 'node:path';
import { KitError } from '../../core/errors.js';
import { formatIp } from '../../core/ip.js';
import type { CertReport } from '../../report/cert.schema.js';
import { writeFileSafely } from '../atomic-file.js';
import { describeCertificate, emptyReport } from '../describe.js';
import { type AskPassphrase, toPem } from '../files.js';
import { type GeneralName, parseGeneralName } from '../general-name.js';
import { intermediateCa, validityOf } from '../issue.js';
import { describeKey, keyWeakness } from '../keys.js';
import { ExtendedKeyUsage } from '../oids.js';
import type { SigningRequest } from '../request.js';
import { fileStem, Store } from '../store.js';
import { describeIssued, signEndEntity } from './issue.js';
import type { ResolvedNames } from './names.js';
import { clampValidity, expectAcceptable, expectRoomBelow, issuerFor } from './shared.js';

export interface SignOptions {
  store: string;
  request: SigningRequest;
  /** Where the request came from; names the certificate's file. */
  source: string;
  /** Where to write the certificate; undefined: into the store. */
  out?: string | undefined;
  sans: readonly string[];
  server: boolean;
  client: boolean;
  /** Make it a CA below ours. */
  intermediate: boolean;
  ipAsDns: boolean;
  days?: number | undefined;
  crlUrl?: string | undefined;
  force: boolean;
  now: number;
  askIssuer: AskPassphrase;
}

const INTERMEDIATE_DAYS = 1825;

/** Signs a request. Of what it asks for, subject and names are taken; whether it is a CA is the signer's to say. */
export async function signRequest(options: SignOptions): Promise<CertReport> {
  const { request, now } = options;
  const weakness = keyWeakness(describeKey(request.publicKey));
  if (weakness !== undefined) {
    throw new KitError('refused', 'E_CERT_WEAK_KEY', `The key of the request is weak: ${weakness}.`);
  }
  const store = new Store(options.store);
  const stem = fileStem(basename(options.source).replace(/\.[a-z0-9]{1,4}$/i, ''));
  const report = emptyReport('sign');
  await store.change(async () => {
    const issuer = await issuerFor(store, options.askIssuer);
    if (options.out === undefined) await store.expectFree(stem, ['crt'], options.force);
    const names = namesOf(options);
    let certificate: ReturnType<typeof intermediateCa>;
    if (options.intermediate) {
      expectRoomBelow(issuer);
      const validity = clampValidity(validityOf(options.days ?? INTERMEDIATE_DAYS, now), issuer, report);
      certificate = intermediateCa({ ...request, validity, pathLength: 0, crlUrl: options.crlUrl }, issuer);
      expectAcceptable(certificate, issuer, now);
      report.certificates.push(describeCertificate(certificate));
    } else {
      certificate = signEndEntity(names, request.spki, issuer, options, report);
      describeIssued(certificate, names, now, report);
    }
    await store.noteIssued(stem, certificate);
    const path = options.out ?? store.path(`${stem}.crt`);
    const pem = toPem('CERTIFICATE', certificate.der);
    await writeFileSafely(path, pem, { mode: 0o644, replace: options.force });
    report.files.push({ path, content: 'certificate' });
    const above = issuer.chain.length > 1 ? ` and ${store.path('chain.crt')}` : '';
    report.next.push(
      `Give the certificate${above === '' ? ' and' : ','} ${store.path('ca.crt')}${above} to whoever made the request.`,
    );
  });
  return report;
}

function namesOf({ request, sans, ipAsDns, ...options }: SignOptions): ResolvedNames {
  const given = sans.length > 0 ? sans.map(parseGeneralName) : request.subjectAltNames;
  const subjectAltNames: GeneralName[] = given.filter(({ kind }) => kind !== 'other');
  if (ipAsDns) {
    for (const name of [...subjectAltNames]) {
      if (name.kind === 'ip') subjectAltNames.push({ kind: 'dns', value: formatIp(name.bytes) });
    }
  }
  if (subjectAltNames.length === 0 && !options.intermediate) {
    throw new KitError('usage', 'E_SAN', 'The request names nobody: it has no subjectAltName.', {
      hint: 'Give the names with --san.',
    });
  }
  const asked = request.extendedKeyUsage ?? [];
  const guess = !options.server && !options.client;
  const server = options.server || (guess && asked.includes(ExtendedKeyUsage.serverAuth));
  const client = options.client || (guess && (asked.includes(ExtendedKeyUsage.clientAuth) || !server));
  return { subject: request.subject, subjectAltNames, server, client };
}
