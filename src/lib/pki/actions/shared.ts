import type { KeyObject } from 'node:crypto';
import { KitError } from '../../core/errors.js';
import type { CertReport } from '../../report/cert.schema.js';
import { type Certificate, certificateName } from '../certificate.js';
import { validateChain } from '../chain.js';
import type { AskPassphrase } from '../files.js';
import type { Issuer, Validity } from '../issue.js';
import { describeKey, generateKey, type KeyKind, keyKindOf } from '../keys.js';
import { dateText } from '../problem.js';
import { keyFile, type Store } from '../store.js';

/** Who signs, with the CAs above. */
export interface ChainedIssuer extends Issuer {
  /** The issuer's certificate and those above it, the root last. */
  chain: readonly Certificate[];
}

/** @throws KitError as {@link Store.issuer}, and refused E_CERT_NOT_CA */
export async function issuerFor(store: Store, ask: AskPassphrase): Promise<ChainedIssuer> {
  const issuer = await store.issuer(ask);
  if (!issuer.certificate.ca) {
    throw new KitError('refused', 'E_CERT_NOT_CA', `${store.path('ca.crt')} is not the certificate of a CA.`);
  }
  return { ...issuer, chain: await store.chain() };
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

/**
 * What a peer would refuse is not issued: names outside of a CA's constraints, more CAs than one allows, and the like.
 * @throws KitError refused, with the code of the first problem
 */
export function expectAcceptable(certificate: Certificate, { chain }: ChainedIssuer, now: number): void {
  const { problems } = validateChain(certificate, {
    anchors: chain.slice(-1),
    intermediates: chain,
    now,
  });
  const [first] = problems.filter(({ code }) => code.startsWith('E_'));
  if (first === undefined) return;
  throw new KitError('refused', first.code as `E_${string}`, first.message, {
    hint: first.hint ?? 'Nobody would accept the certificate, so it was not issued. Use another CA.',
  });
}

/** @throws KitError refused E_CERT_PATH_LENGTH when what a further CA issued would not be believed */
export function expectRoomBelow({ chain }: ChainedIssuer): void {
  const full = chain.find(({ pathLength }, below) => pathLength !== undefined && pathLength <= below);
  if (full === undefined) return;
  throw new KitError(
    'refused',
    'E_CERT_PATH_LENGTH',
    `${certificateName(full)} allows no further CA below it (path length ${full.pathLength}).`,
    { hint: 'Issue the certificate with this CA, or make a CA with a longer --path-length.' },
  );
}

export interface KeyOptions {
  /** undefined: the default for a new key, and any for one that is there. */
  keyKind?: KeyKind | undefined;
  /** Replace a key that is there. */
  force: boolean;
  /** Gives the passphrase the key is to be encrypted with; undefined: as it is, a new one not encrypted. */
  encrypt?: AskPassphrase | undefined;
  /** Gives the passphrase of a key that is there already. */
  ask: AskPassphrase;
}

/**
 * The key of a certificate to be made. One without a certificate is what an interruption left, or what the user put
 * there: it is used, not replaced.
 * @returns `save` writes it, where there is anything to write
 * @throws KitError usage E_FILE_EXISTS when the key is of another kind than asked for
 */
export async function keyFor(
  store: Store,
  stem: string,
  { keyKind, force, encrypt, ask }: KeyOptions,
): Promise<{ key: KeyObject; save(): Promise<void> }> {
  const there = !force && (await store.has(`${stem}.key`));
  const key = there ? await store.key(stem, ask) : await generateKey(keyKind ?? 'ecdsa-p256');
  if (keyKind !== undefined && keyKindOf(key) !== keyKind) {
    throw new KitError(
      'usage',
      'E_FILE_EXISTS',
      `${store.path(`${stem}.key`)} is there already, and its kind is ${describeKey(key).text}.`,
      { hint: 'Leave --key-type out to use it, or replace it with --force.' },
    );
  }
  const passphrase = await encrypt?.();
  const save = async (): Promise<void> => {
    if (!there || passphrase !== undefined) await store.writeKey(stem, keyFile(key, passphrase), true);
  };
  return { key, save };
}

/** A word of a command line, quoted where a shell would take it apart. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
