import { randomBytes } from 'node:crypto';
import type { CertReport } from '../../report/cert.schema.js';
import type { Certificate, NameConstraints } from '../certificate.js';
import { describeCertificate, emptyReport } from '../describe.js';
import { type AskPassphrase, toPem } from '../files.js';
import { parseConstraint } from '../general-name.js';
import { type Issuer, intermediateCa, selfSignedCa, type Validity, validityOf } from '../issue.js';
import { generateKey, type KeyKind, spkiOf } from '../keys.js';
import { CA, keyFile, Store } from '../store.js';
import { commonName, parseSubject } from './names.js';
import { clampValidity, issuerFor } from './shared.js';

export interface CaOptions {
  store: string;
  keyKind: KeyKind;
  days: number;
  now: number;
  force: boolean;
  subject?: string | undefined;
  pathLength?: number | undefined;
  permit?: readonly string[];
  exclude?: readonly string[];
  crlUrl?: string | undefined;
  /** Gives the passphrase the new key is encrypted with; undefined: not encrypted. */
  encrypt?: AskPassphrase | undefined;
  /** The store of the CA that signs this one; undefined: it signs itself. */
  issuerStore?: string | undefined;
  /** Gives the passphrase of the signing CA's key. */
  askIssuer: AskPassphrase;
}

/** Default lifetime of a CA, days. */
export const CA_DAYS = 3650;

/** Makes a CA in a store. @throws KitError usage E_FILE_EXISTS and what names and keys throw */
export async function makeCa(options: CaOptions): Promise<CertReport> {
  const store = new Store(options.store);
  const report = emptyReport('ca');
  await store.change(async () => {
    await store.expectFree(CA, ['crt', 'key'], options.force);
    const replaced = await store.has('ca.crt');
    const certificate = await createCa(store, options, report);
    report.certificates.push(describeCertificate(certificate));
    if (replaced) {
      report.warnings.push({
        code: 'W_CA_REPLACED',
        message: 'What the former CA issued is trusted no more by those who trust the new one.',
      });
    }
  });
  report.next.push(
    `Keep ${store.path('ca.key')} secret: who has it can be everybody. Give ${store.path('ca.crt')} to all peers.`,
    `ipsec-kit cert issue vpn.example.com${storeFlag(options.store)}`,
  );
  return report;
}

function storeFlag(store: string): string {
  return ` --store ${/^[\w./-]+$/.test(store) ? store : JSON.stringify(store)}`;
}

/** Makes and writes the CA; the store is locked. */
export async function createCa(store: Store, options: CaOptions, report: CertReport): Promise<Certificate> {
  const key = await generateKey(options.keyKind);
  const request = {
    subject: options.subject === undefined ? commonName(defaultName()) : parseSubject(options.subject),
    validity: validityOf(options.days, options.now),
    pathLength: options.pathLength,
    nameConstraints: constraintsOf(options),
    crlUrl: options.crlUrl,
  };
  const passphrase = await options.encrypt?.();
  const above = options.issuerStore === undefined ? undefined : new Store(options.issuerStore);
  const issuer = above && (await issuerFor(above, options.askIssuer));
  const certificate = issuer
    ? await signedBy(issuer, above, { ...request, spki: spkiOf(key) }, options, report)
    : selfSignedCa({ ...request, key });
  await store.writePair(CA, keyFile(key, passphrase), certificate, options.force);
  report.files.push(
    { path: store.path('ca.crt'), content: 'certificate' },
    { path: store.path('ca.key'), content: 'key' },
  );
  if (above !== undefined) {
    const chain = await above.chain();
    await store.writePublic('chain.crt', chain.map(({ der }) => toPem('CERTIFICATE', der)).join(''), true);
    report.files.push({ path: store.path('chain.crt'), content: 'chain' });
  }
  return certificate;
}

async function signedBy(
  issuer: Issuer,
  above: Store,
  request: Parameters<typeof intermediateCa>[0],
  options: CaOptions,
  report: CertReport,
): Promise<Certificate> {
  const validity: Validity = clampValidity(request.validity, issuer, report);
  const certificate = intermediateCa({ ...request, validity, pathLength: options.pathLength ?? 0 }, issuer);
  await above.change(() => above.noteIssued(CA, certificate));
  return certificate;
}

/** Two CAs never share a name, so that clients which hold both never try the wrong one. */
function defaultName(): string {
  return `ipsec-kit CA ${randomBytes(4).toString('hex')}`;
}

function constraintsOf({ permit = [], exclude = [] }: CaOptions): NameConstraints | undefined {
  if (permit.length + exclude.length === 0) return undefined;
  return { permitted: permit.map(parseConstraint), excluded: exclude.map(parseConstraint) };
}
