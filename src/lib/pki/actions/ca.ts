import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { KitError } from '../../core/errors.js';
import type { CertReport } from '../../report/cert.schema.js';
import type { Certificate, NameConstraints } from '../certificate.js';
import { describeCertificate, emptyReport } from '../describe.js';
import { type AskPassphrase, toPem } from '../files.js';
import { parseConstraint } from '../general-name.js';
import { intermediateCa, selfSignedCa, validityOf } from '../issue.js';
import { describeKey, spkiOf } from '../keys.js';
import { CA, Store } from '../store.js';
import { commonName, parseSubject } from './names.js';
import {
  type ChainedIssuer,
  clampValidity,
  expectAcceptable,
  expectRoomBelow,
  issuerFor,
  type KeyOptions,
  keyFor,
} from './shared.js';

export interface CaOptions extends KeyOptions {
  store: string;
  /** ` --store FOLDER` as the user has to write it; empty for the default. */
  storeFlag: string;
  days: number;
  now: number;
  subject?: string | undefined;
  pathLength?: number | undefined;
  permit?: readonly string[];
  exclude?: readonly string[];
  crlUrl?: string | undefined;
  /** With an RSA key: sign everything with RSASSA-PSS. */
  rsaPss?: boolean | undefined;
  /** The store of the CA that signs this one; undefined: it signs itself. */
  issuerStore?: string | undefined;
  /** Gives the passphrase of the signing CA's key. */
  askIssuer: AskPassphrase;
}

/** Default lifetime of a CA, days. */
export const CA_DAYS = 3650;

/**
 * Makes a CA in a store.
 * @throws KitError usage E_FILE_EXISTS, refused what the CA above may not issue, and what names and keys throw
 */
export async function makeCa(options: CaOptions): Promise<CertReport> {
  const { store: folder, issuerStore } = options;
  if (issuerStore !== undefined && resolve(issuerStore) === resolve(folder)) {
    throw new KitError('usage', 'E_STORE_SELF', `The CA in ${folder} cannot sign itself as another one.`, {
      hint: 'Name two folders: --store for the new CA, --issuer-store for the one that signs it.',
    });
  }
  const store = new Store(folder);
  const report = emptyReport('ca');
  await store.change(async () => {
    await store.expectFree(CA, ['crt'], options.force);
    const replaced = await store.has('ca.crt');
    const { certificate } = await createCa(store, options, report);
    report.certificates.push(describeCertificate(certificate));
    if (replaced) {
      report.warnings.push({
        code: 'W_CA_REPLACED',
        message: 'What the former CA issued is trusted no more by those who trust the new one.',
      });
    }
  });
  const root = store.path(issuerStore === undefined ? 'ca.crt' : 'chain.crt');
  report.next.push(
    `Keep ${store.path('ca.key')} secret: who has it can be everybody. Give ${root} to all peers.`,
    `ipsec-kit cert issue vpn.example.com${options.storeFlag}`,
  );
  return report;
}

/** Makes and writes the CA; the store is locked. */
export async function createCa(store: Store, options: CaOptions, report: CertReport): Promise<ChainedIssuer> {
  const above = options.issuerStore === undefined ? undefined : new Store(options.issuerStore);
  const issuer = above && (await issuerFor(above, options.askIssuer));
  const { key, save } = await keyFor(store, CA, options);
  if (options.rsaPss === true && key.asymmetricKeyType !== 'rsa') {
    throw new KitError(
      'usage',
      'E_KEY_KIND',
      `A key of the kind ${describeKey(key).text} knows no RSASSA-PSS.`,
      {
        hint: 'Use --rsa-pss with --key-type rsa-3072 or another RSA key.',
      },
    );
  }
  const request = {
    subject: options.subject === undefined ? commonName(defaultName()) : parseSubject(options.subject),
    validity: validityOf(options.days, options.now),
    pathLength: options.pathLength,
    nameConstraints: constraintsOf(options),
    crlUrl: options.crlUrl,
  };
  const certificate = issuer
    ? signedBy(issuer, { ...request, spki: spkiOf(key) }, options, report)
    : selfSignedCa({ ...request, key, rsaPss: options.rsaPss });
  await above?.change(() => above.noteIssued(CA, certificate));
  if (options.force) await store.remove('ca.crt');
  const chain = issuer?.chain ?? [];
  // Before ca.crt, so that an intermediate CA never looks like a root; and a root has nothing above it.
  if (chain.length === 0) await store.remove('chain.crt');
  else await store.writePublic('chain.crt', chain.map(({ der }) => toPem('CERTIFICATE', der)).join(''), true);
  await store.writePair(CA, save, certificate, false);
  report.files.push(
    { path: store.path('ca.crt'), content: 'certificate' },
    { path: store.path('ca.key'), content: 'key' },
    ...(chain.length === 0 ? [] : [{ path: store.path('chain.crt'), content: 'chain' } as const]),
  );
  return { certificate, key, chain: [certificate, ...chain] };
}

function signedBy(
  issuer: ChainedIssuer,
  request: Parameters<typeof intermediateCa>[0],
  { pathLength = 0, now }: CaOptions,
  report: CertReport,
): Certificate {
  expectRoomBelow(issuer);
  const validity = clampValidity(request.validity, issuer, report);
  const certificate = intermediateCa({ ...request, validity, pathLength }, issuer);
  expectAcceptable(certificate, issuer, now);
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
