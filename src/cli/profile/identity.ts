import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import type { Secret } from '../../lib/core/secret.js';
import { type Certificate, nameText } from '../../lib/pki/certificate.js';
import { type IdentityFile, readIdentityFile, toPem } from '../../lib/pki/files.js';
import { isKeyPair } from '../../lib/pki/keys.js';
import { sameName } from '../../lib/pki/names.js';
import { fileStem, Store } from '../../lib/pki/store.js';
import { readBytes, storeFolder } from '../cert/input.js';
import { passphraseFrom } from '../cert/passphrase.js';
import type { ContentFlags } from './flags.js';

/** Certificates for a profile, and where the key is. */
export interface Certificates {
  ca: string[];
  certificates: string[];
  serverCertificate?: string;
  keyFile?: string;
}

const pem = ({ der }: Certificate): string => toPem('CERTIFICATE', der);

/** What the flags name of certificates; undefined where they name nothing. */
export async function certificatesFrom(
  flags: ContentFlags,
  gateway: string,
): Promise<{ [Field in keyof Certificates]?: Certificates[Field] | undefined }> {
  const store =
    flags.store === undefined && flags.identity === undefined
      ? undefined
      : new Store(storeFolder(flags.store));
  const chain = (await store?.chain()) ?? [];
  const ca = flags.ca === undefined ? rootsFirst(chain) : await certificatesOf(flags.ca);
  return {
    ca: ca.length === 0 ? undefined : ca.map(pem),
    serverCertificate: await serverCertificate(flags['gateway-cert'], gateway, store),
    ...(await clientIdentity(flags, store, chain)),
  };
}

/** Clients that take one CA get the root. */
function rootsFirst(chain: readonly Certificate[]): Certificate[] {
  const isRoot = ({ subject, issuer }: Certificate): boolean => sameName(subject, issuer);
  return [...chain.filter(isRoot), ...chain.filter((each) => !isRoot(each))];
}

async function certificatesOf(paths: readonly string[]): Promise<Certificate[]> {
  const all: Certificate[] = [];
  for (const path of paths) {
    const { certificates } = await readIdentityFile(
      await readBytes(path),
      passphraseFrom(undefined, `Passphrase of ${path}`),
    );
    if (certificates.length === 0) throw noCertificate(path);
    all.push(...certificates);
  }
  return all;
}

function noCertificate(path: string): KitError {
  return new KitError('usage', 'E_NO_CERTIFICATE', `There is no certificate in ${printable(path)}.`);
}

async function serverCertificate(
  file: string | undefined,
  gateway: string,
  store: Store | undefined,
): Promise<string | undefined> {
  if (file !== undefined) {
    const [first] = await certificatesOf([file]);
    return first && pem(first);
  }
  const stem = storeName(gateway);
  if (store === undefined || stem === undefined || !(await store.has(`${stem}.crt`))) return undefined;
  return pem(await store.certificate(stem));
}

/** undefined for a name that no store could hold. */
function storeName(name: string): string | undefined {
  try {
    return fileStem(name);
  } catch {
    return undefined;
  }
}

async function clientIdentity(
  flags: ContentFlags,
  store: Store | undefined,
  chain: readonly Certificate[],
): Promise<{ certificates?: string[]; keyFile?: string | undefined }> {
  if (flags.identity !== undefined && flags.cert !== undefined) {
    throw new KitError(
      'usage',
      'E_PROFILE_IDENTITY',
      'The certificate comes from --identity or from --cert, not from both.',
    );
  }
  if (flags.identity !== undefined && store !== undefined) {
    const stem = fileStem(flags.identity);
    const own = await store.certificate(stem);
    const above = chain.filter(({ subject, issuer }) => !sameName(subject, issuer));
    return { certificates: [own, ...above].map(pem), keyFile: resolve(store.path(`${stem}.key`)) };
  }
  if (flags.cert === undefined) return flags.key === undefined ? {} : { keyFile: await existing(flags.key) };
  const found = await readIdentityFile(await readBytes(flags.cert), keyPassphrase(flags, flags.cert));
  const keyFile = flags.key ?? (found.keys.length > 0 ? flags.cert : undefined);
  return {
    certificates: ownFirst(found, flags.cert).map(pem),
    keyFile: keyFile === undefined ? undefined : await existing(keyFile),
  };
}

async function existing(path: string): Promise<string> {
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) {
    throw new KitError('usage', 'E_CERT_FILE', `${printable(path)} cannot be read: there is no such file.`);
  }
  return resolve(path);
}

/** The certificate of the key in the same file, else the first that is no CA; then the CAs, without roots. */
function ownFirst({ certificates, keys }: IdentityFile, path: string): Certificate[] {
  const [key] = keys;
  const own =
    certificates.find(({ publicKey }) => key && publicKey && isKeyPair(key, publicKey)) ??
    certificates.find(({ ca }) => !ca) ??
    certificates[0];
  if (own === undefined) throw noCertificate(path);
  const above = certificates.filter(
    (each) => each !== own && each.ca && nameText(each.subject) !== nameText(each.issuer),
  );
  return [own, ...above];
}

/** Gets the passphrase of a key file when something in it is encrypted. */
export function keyPassphrase(
  { 'key-passphrase-file': file }: ContentFlags,
  path: string,
): () => Promise<Secret> {
  return passphraseFrom(file, `Passphrase of ${path}`);
}
