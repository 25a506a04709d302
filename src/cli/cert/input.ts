import { open, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import type { Secret } from '../../lib/core/secret.js';
import { shellWord } from '../../lib/pki/actions/shared.js';
import type { Certificate } from '../../lib/pki/certificate.js';
import { type IdentityFile, readIdentityFile } from '../../lib/pki/files.js';
import { isKeyPair } from '../../lib/pki/keys.js';
import { fileStem, Store } from '../../lib/pki/store.js';

/** The store the user named, or the default of the XDG Base Directory Specification. */
export function storeFolder(flag: string | undefined): string {
  if (flag !== undefined) return flag;
  const data = process.env.XDG_DATA_HOME;
  const base = data?.startsWith('/') ? data : join(homedir(), '.local', 'share');
  return join(base, 'ipsec-kit', 'pki');
}

/** ` --store FOLDER` for commands that are shown to the user; nothing for the default. */
export function storeFlag(flag: string | undefined): string {
  return flag === undefined ? '' : ` --store ${shellWord(flag)}`;
}

/** Files of certificates are small. */
const LARGEST = 4 << 20;

/** The bytes of a file, `-` for standard input. @throws KitError usage E_CERT_FILE */
export async function readBytes(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  const file =
    path === '-' ? undefined : await open(path, 'r').catch((cause: unknown) => unreadable(path, cause));
  try {
    for await (const chunk of file?.createReadStream({ autoClose: false }) ?? process.stdin) {
      const bytes = Buffer.from(chunk as Uint8Array);
      length += bytes.length;
      if (length > LARGEST) {
        throw new KitError('usage', 'E_CERT_FILE', `${printable(path)} is too big for certificates.`);
      }
      chunks.push(bytes);
    }
  } catch (cause) {
    if (cause instanceof KitError) throw cause;
    unreadable(path, cause);
  } finally {
    await file?.close();
  }
  return Buffer.concat(chunks);
}

function unreadable(path: string, cause: unknown): never {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const reason =
    code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : String(code);
  throw new KitError('usage', 'E_CERT_FILE', `${printable(path)} cannot be read: ${reason}.`, { cause });
}

/** A file, or what a store has under a name. */
export async function pathOf(target: string, store: string): Promise<string> {
  const there = target === '-' || (await stat(target).catch(() => undefined))?.isFile() === true;
  if (there || /[/\\]/.test(target)) return target;
  const inStore = new Store(store).path(`${fileStem(target)}.crt`);
  return (await stat(inStore).catch(() => undefined)) === undefined ? target : inStore;
}

/** Everything in a file or in what a store has under a name. */
export async function readTarget(
  target: string,
  store: string,
  ask: () => Promise<Secret>,
): Promise<IdentityFile & { path: string }> {
  const path = await pathOf(target, store);
  return { path, ...(await readIdentityFile(await readBytes(path), ask)) };
}

/** The certificate a file is about: the one of its key, else the first that is no CA, else the first. */
export function mainCertificate({ certificates, keys, path }: IdentityFile & { path: string }): Certificate {
  const own = certificates.find(
    ({ publicKey }) => publicKey !== undefined && keys.some((key) => isKeyPair(key, publicKey)),
  );
  const certificate = own ?? certificates.find(({ ca }) => !ca) ?? certificates[0];
  if (certificate === undefined) {
    throw new KitError('usage', 'E_NO_CERTIFICATE', `There is no certificate in ${printable(path)}.`);
  }
  return certificate;
}

/** What is to be revoked: a serial number as everybody writes it, or the certificate of a name or file. */
export async function revocationTarget(target: string, store: string): Promise<Certificate | string> {
  const path = await pathOf(target, store);
  const digits = target.replaceAll(':', '').toLowerCase();
  const there = (await stat(path).catch(() => undefined)) !== undefined;
  if (!there && /^[0-9a-f]{8,40}$/.test(digits)) return digits.replace(/^(00)+(?=..)/, '');
  const file = { path, ...(await readIdentityFile(await readBytes(path), neverAsk)) };
  return mainCertificate(file);
}

async function neverAsk(): Promise<Secret> {
  throw new KitError('usage', 'E_NO_CERTIFICATE', 'An encrypted file names no certificate to revoke.', {
    hint: 'Name the certificate itself, or its serial number.',
  });
}
