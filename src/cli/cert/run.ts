import { basename, join } from 'node:path';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import { exportToFile } from '../../lib/pki/actions/export.js';
import { signRequest } from '../../lib/pki/actions/sign.js';
import { verifyCertificate } from '../../lib/pki/actions/verify.js';
import { exists, fileExists } from '../../lib/pki/atomic-file.js';
import type { Certificate } from '../../lib/pki/certificate.js';
import type { ClientName } from '../../lib/pki/clients.js';
import type { Crl } from '../../lib/pki/crl.js';
import {
  certificateWarnings,
  describeCertificate,
  describeCrl,
  describeRequest,
  emptyReport,
} from '../../lib/pki/describe.js';
import { readIdentityFile } from '../../lib/pki/files.js';
import { parseGeneralName } from '../../lib/pki/general-name.js';
import { describeKey } from '../../lib/pki/keys.js';
import { ExtendedKeyUsage } from '../../lib/pki/oids.js';
import { fileStem, noPassphrase, Store } from '../../lib/pki/store.js';
import type { CertReport } from '../../lib/report/cert.schema.js';
import { certificatesOfCapture, isCapture } from './capture.js';
import { mainCertificate, pathOf, readBytes, readTarget, storeFolder } from './input.js';
import { passphraseFrom } from './passphrase.js';

type Optional<T> = T | undefined;

export interface ShowFlags {
  store?: Optional<string>;
  keys?: Optional<string[]>;
  'passphrase-file'?: Optional<string>;
}

/** Shows what is in a file, or the certificates that a capture carries. */
export async function show(target: string, flags: ShowFlags): Promise<CertReport> {
  const path = await pathOf(target, storeFolder(flags.store));
  const report = emptyReport('show');
  const now = Date.now();
  const certificates: Certificate[] = [];
  const capture = path !== '-' && isCapture(await firstBytes(path));
  if (capture) {
    certificates.push(...(await certificatesOfCapture(path, flags.keys ?? [])));
  } else {
    const ask = passphraseFrom(flags['passphrase-file'], `Passphrase of ${basename(path)}`);
    const found = await readIdentityFile(await readBytes(path), ask);
    certificates.push(...found.certificates);
    report.requests.push(...found.requests.map(describeRequest));
    report.crls.push(...found.crls.map(describeCrl));
    report.keys.push(...found.keys.map((key) => describeKey(key).text));
  }
  report.certificates.push(...certificates.map(describeCertificate));
  if ([report.certificates, report.requests, report.crls, report.keys].every(({ length }) => length === 0)) {
    throw new KitError(
      'usage',
      'E_NO_CERTIFICATE',
      `${printable(path)} holds no certificate, request, revocation list or private key.`,
    );
  }
  report.warnings.push(...certificates.flatMap((certificate) => certificateWarnings(certificate, now)));
  return report;
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const { open } = await import('node:fs/promises');
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return new Uint8Array(0);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return new Uint8Array(0);
  } finally {
    await file.close();
  }
}

export interface VerifyFlags {
  store?: Optional<string>;
  ca?: Optional<string[]>;
  crl?: Optional<string[]>;
  'require-crl': boolean;
  host?: Optional<string>;
  for?: Optional<ClientName>;
  server: boolean;
  client: boolean;
  at?: Optional<string>;
  'passphrase-file'?: Optional<string>;
}

/** Verifies the certificate in a file, with the CAs named or those of the store. */
export async function verify(target: string, flags: VerifyFlags): Promise<CertReport> {
  const folder = storeFolder(flags.store);
  const ask = passphraseFrom(flags['passphrase-file'], `Passphrase of ${basename(target)}`);
  const file = await readTarget(target, folder, ask);
  const certificate = mainCertificate(file);
  const usages = certificate.extendedKeyUsage;
  const server =
    flags.server ||
    (!flags.client && (usages?.includes(ExtendedKeyUsage.serverAuth) ?? flags.host !== undefined));
  const store = new Store(folder);
  const files = flags.ca ?? [store.path((await store.has('chain.crt')) ? 'chain.crt' : 'ca.crt')];
  if (flags.ca === undefined) await store.caCertificate();
  const anchors = (await Promise.all(files.map((path) => readTarget(path, folder, ask)))).flatMap(
    ({ certificates }) => certificates,
  );
  if (anchors.length === 0) {
    throw new KitError(
      'usage',
      'E_CA_FILE',
      `There is no certificate in ${files.map((path) => printable(path)).join(', ')}.`,
      { hint: 'Name a file with the certificates of the CAs that are trusted.' },
    );
  }
  const between = flags.ca === undefined ? await store.chain() : [];
  const listFiles =
    flags.crl ?? (flags.ca === undefined && (await store.has('ca.crl')) ? [store.path('ca.crl')] : []);
  const crls = (await Promise.all(listFiles.map(readCrls))).flat();
  const side = server ? 'server' : 'client';
  return verifyCertificate(certificate, {
    anchors,
    intermediates: [...file.certificates, ...between],
    crls,
    crlPolicy: flags['require-crl'] ? 'hard' : 'soft',
    now: flags.at === undefined ? Date.now() : parseTime(flags.at),
    purpose:
      flags.server || flags.client || flags.for !== undefined || flags.host !== undefined ? side : 'any',
    ...(flags.host !== undefined && { name: parseGeneralName(flags.host) }),
    client: flags.for,
    server,
  });
}

/** Revocation lists of a file or behind a URL. @throws KitError network E_CRL_FETCH, usage E_CRL_FILE */
async function readCrls(source: string): Promise<readonly Crl[]> {
  if (/^https?:\/\//i.test(source)) {
    const { crlFromUrl } = await import('../../lib/tunnel/credentials-crl.js');
    return crlFromUrl(source).load();
  }
  const { crls } = await readIdentityFile(await readBytes(source), noPassphrase);
  if (crls.length > 0) return crls;
  throw new KitError('usage', 'E_CRL_FILE', `There is no revocation list in ${printable(source)}.`, {
    hint: 'Make one with: ipsec-kit cert crl',
  });
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new KitError('usage', 'E_TIME', `${JSON.stringify(text)} is not a time.`, {
    hint: 'Write it like 2027-03-01 or 2027-03-01T12:00:00Z.',
  });
}

export interface SignFlags {
  store?: Optional<string>;
  out?: Optional<string>;
  san?: Optional<string[]>;
  server: boolean;
  client: boolean;
  intermediate: boolean;
  'ip-as-dns': boolean;
  days?: Optional<number>;
  'crl-url'?: Optional<string>;
  force: boolean;
  'ca-passphrase-file'?: Optional<string>;
}

export async function sign(target: string, flags: SignFlags): Promise<CertReport> {
  const store = storeFolder(flags.store);
  const { requests } = await readIdentityFile(
    await readBytes(target),
    passphraseFrom(undefined, 'Passphrase'),
  );
  const [request] = requests;
  if (request === undefined) {
    throw new KitError('usage', 'E_NO_REQUEST', `There is no signing request in ${target}.`, {
      hint: 'Make one with: ipsec-kit cert csr NAME',
    });
  }
  return signRequest({
    ...flags,
    store,
    request,
    source: target === '-' ? 'request' : target,
    sans: flags.san ?? [],
    ipAsDns: flags['ip-as-dns'],
    crlUrl: flags['crl-url'],
    now: Date.now(),
    askIssuer: passphraseFrom(flags['ca-passphrase-file'], 'Passphrase of the CA'),
  });
}

export interface ExportFlags {
  store?: Optional<string>;
  out?: Optional<string>;
  pem: boolean;
  legacy: boolean;
  force: boolean;
  'passphrase-file'?: Optional<string>;
  'key-passphrase-file'?: Optional<string>;
}

/** Writes an identity of the store as one file for another device. */
export async function exportIdentity(name: string, flags: ExportFlags): Promise<CertReport> {
  const store = new Store(storeFolder(flags.store));
  const stem = fileStem(name);
  const form = flags.pem ? 'pem' : flags.legacy ? 'p12-legacy' : 'p12';
  const certificate = await store.certificate(stem);
  const askKey = passphraseFrom(flags['key-passphrase-file'], `Passphrase of ${stem}.key`);
  const key = await store.key(stem, askKey);
  const out = flags.out ?? join('.', `${stem}.${flags.pem ? 'pem' : 'p12'}`);
  if (!flags.force && (await exists(out))) throw fileExists(out);
  const ask = passphraseFrom(flags['passphrase-file'], `New passphrase for ${basename(out)}`, true);
  return exportToFile({
    certificate,
    key,
    chain: await store.chain(),
    friendlyName: name,
    out,
    passphrase: await ask(),
    form,
    force: flags.force,
  });
}
