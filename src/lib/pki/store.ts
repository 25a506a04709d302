import type { KeyObject } from 'node:crypto';
import { chmod, mkdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { KitError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { exists, fileExists, removeLeftovers, syncFolder, writeFileSafely } from './atomic-file.js';
import { type Certificate, fingerprint } from './certificate.js';
import type { Revocation } from './crl.js';
import { type AskPassphrase, readIdentityFile, toPem } from './files.js';
import { asciiDomain } from './general-name.js';
import type { Issuer } from './issue.js';
import { isKeyPair, privateKeyPem } from './keys.js';
import { withLock } from './store-lock.js';

/** What a store remembers besides its files. */
interface Index {
  version: 1;
  crlNumber: number;
  issued: { serial: string; name: string; sha256: string; notAfter: string }[];
  revoked: { serial: string; date: string; reason: string }[];
}

const EMPTY: Index = { version: 1, crlNumber: 0, issued: [], revoked: [] };

/** Names of files that belong to the CA itself. */
export const CA = 'ca';

/** Who may read: keys only their owner, the rest anybody whom the folder lets in. */
const PRIVATE = 0o600;
const PUBLIC = 0o644;

/** The part of a file name that stands for a name in a certificate. @throws KitError usage E_STORE_NAME */
export function fileStem(name: string): string {
  const stem = asciiDomain(name).replace(/[^A-Za-z0-9._@-]/g, '_');
  if (!/^[A-Za-z0-9_]/.test(stem) || stem.length > 100 || stem.toLowerCase() === CA || stem === 'chain') {
    throw new KitError('usage', 'E_STORE_NAME', `${JSON.stringify(name)} cannot name files in a store.`, {
      hint: 'Begin with a letter or a digit, use at most 100 characters, and leave "ca" and "chain" to the CA.',
    });
  }
  return stem;
}

/**
 * A folder with a CA and what it issued: `ca.crt`, `ca.key`, `ca.crl`, `chain.crt` for an intermediate CA,
 * `NAME.crt`, `NAME.key`, `NAME.csr`, `index.json`. Every change leaves it whole when interrupted.
 */
export class Store {
  constructor(readonly folder: string) {}

  path(file: string): string {
    return join(this.folder, file);
  }

  /** Runs a change alone; makes the folder when it is not there. */
  async change<T>(work: () => Promise<T>): Promise<T> {
    await this.#makeFolder();
    return withLock(this.folder, async () => {
      await removeLeftovers(this.folder);
      return work();
    });
  }

  async #makeFolder(): Promise<void> {
    try {
      const made = await mkdir(this.folder, { recursive: true, mode: 0o700 });
      if (made !== undefined) await chmod(this.folder, 0o700);
    } catch (cause) {
      throw new KitError('environment', 'E_FILE_WRITE', `The store ${this.folder} cannot be made.`, {
        cause,
      });
    }
  }

  has(file: string): Promise<boolean> {
    return exists(this.path(file));
  }

  /**
   * The CA with its key.
   * @throws KitError usage E_NO_CA, E_KEY_PERMISSIONS, E_STORE_MISMATCH and what reading files throws
   */
  async issuer(ask: AskPassphrase): Promise<Issuer> {
    const certificate = await this.caCertificate();
    const key = await this.key(CA, ask);
    if (certificate.publicKey === undefined || !isKeyPair(key, certificate.publicKey))
      throw mismatch(this.folder, CA);
    return { certificate, key };
  }

  /** @throws KitError usage E_NO_CA */
  async caCertificate(): Promise<Certificate> {
    if (!(await this.has('ca.crt'))) {
      throw new KitError('usage', 'E_NO_CA', `There is no CA in ${this.folder}.`, {
        hint: 'Make one with: ipsec-kit cert ca   (or name its folder with --store)',
      });
    }
    return this.certificate(CA);
  }

  /** The CA and those above it, nearest first. */
  async chain(): Promise<Certificate[]> {
    const own = await this.caCertificate();
    if (!(await this.has('chain.crt'))) return [own];
    const { certificates } = await this.#read('chain.crt', noPassphrase);
    return [own, ...certificates];
  }

  /** @throws KitError usage E_NO_CERTIFICATE */
  async certificate(stem: string): Promise<Certificate> {
    const [certificate] = (await this.#read(`${stem}.crt`, noPassphrase)).certificates;
    if (certificate === undefined) throw missing(this.path(`${stem}.crt`));
    return certificate;
  }

  /** @throws KitError usage E_NO_CERTIFICATE, E_KEY_PERMISSIONS, E_KEY_PASSPHRASE */
  async key(stem: string, ask: AskPassphrase): Promise<KeyObject> {
    const path = this.path(`${stem}.key`);
    const { mode } = await stat(path).catch((cause: unknown) => {
      throw missing(path, cause);
    });
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new KitError('usage', 'E_KEY_PERMISSIONS', `The private key ${path} is open to other users.`, {
        hint: `Run: chmod 600 ${path}`,
      });
    }
    const [key] = (await this.#read(`${stem}.key`, ask)).keys;
    if (key === undefined) throw missing(path);
    return key;
  }

  async #read(file: string, ask: AskPassphrase): ReturnType<typeof readIdentityFile> {
    const bytes = await readFile(this.path(file)).catch((cause: unknown) => {
      throw missing(this.path(file), cause);
    });
    return readIdentityFile(bytes, ask);
  }

  /** @throws KitError usage E_FILE_EXISTS unless files may be replaced */
  async expectFree(stem: string, files: readonly string[], replace: boolean): Promise<void> {
    if (replace) return;
    for (const extension of files) {
      const file = `${stem}.${extension}`;
      if (await this.has(file)) throw fileExists(this.path(file));
    }
  }

  /**
   * Writes a certificate after its key. The old certificate goes first: a key without a certificate is an unfinished
   * pair, a key beside another's certificate would be a wrong one.
   */
  async writePair(
    stem: string,
    saveKey: () => Promise<void>,
    certificate: Certificate,
    replace: boolean,
  ): Promise<void> {
    await this.expectFree(stem, ['crt'], replace);
    if (replace) await this.remove(`${stem}.crt`);
    await saveKey();
    await this.writeCertificate(stem, certificate, false);
  }

  /** Removes a file, lastingly; nothing when there is none. */
  async remove(file: string): Promise<void> {
    await unlink(this.path(file)).catch(() => undefined);
    await syncFolder(this.folder);
  }

  writeKey(stem: string, key: Secret, replace: boolean): Promise<void> {
    return writeFileSafely(this.path(`${stem}.key`), key.reveal(), { mode: PRIVATE, replace });
  }

  writeCertificate(stem: string, { der }: Certificate, replace: boolean): Promise<void> {
    return this.writePublic(`${stem}.crt`, toPem('CERTIFICATE', der), replace);
  }

  writePublic(file: string, data: string | Uint8Array, replace: boolean): Promise<void> {
    return writeFileSafely(this.path(file), data, { mode: PUBLIC, replace });
  }

  /** Notes a certificate before it is written: a serial number too many does no harm, one too few does. */
  async noteIssued(name: string, certificate: Certificate): Promise<void> {
    const index = await this.#index();
    const { serial, notAfter } = certificate;
    index.issued.push({ serial, name, sha256: fingerprint(certificate), notAfter: notAfter.toISOString() });
    await this.#writeIndex(index);
  }

  /** @returns false when it was revoked before */
  async noteRevoked({ serial, date, reason }: Revocation): Promise<boolean> {
    const index = await this.#index();
    if (index.revoked.some((line) => line.serial === serial)) return false;
    index.revoked.push({ serial, date: date.toISOString(), reason });
    await this.#writeIndex(index);
    return true;
  }

  async revocations(): Promise<Revocation[]> {
    const { revoked } = await this.#index();
    return revoked.map(({ serial, date, reason }) => ({ serial, date: new Date(date), reason }));
  }

  async knowsSerial(serial: string): Promise<boolean> {
    return (await this.#index()).issued.some((line) => line.serial === serial);
  }

  /** The next number of a revocation list; they only grow (RFC 5280 5.2.3). */
  async nextCrlNumber(): Promise<number> {
    const index = await this.#index();
    index.crlNumber += 1;
    await this.#writeIndex(index);
    return index.crlNumber;
  }

  async #index(): Promise<Index> {
    if (!(await this.has('index.json'))) return structuredClone(EMPTY);
    const text = await readFile(this.path('index.json'), 'utf8');
    try {
      const index: Index = JSON.parse(text);
      if (index.version !== 1 || !Array.isArray(index.issued) || !Array.isArray(index.revoked))
        throw new TypeError();
      return index;
    } catch (cause) {
      throw new KitError('usage', 'E_STORE_INDEX', `${this.path('index.json')} is damaged.`, {
        hint: 'Restore it from a backup: without it the revocation list would forget who was revoked.',
        cause,
      });
    }
  }

  #writeIndex(index: Index): Promise<void> {
    const text = `${JSON.stringify(index, null, 2)}\n`;
    return writeFileSafely(this.path('index.json'), text, { mode: PRIVATE, replace: true });
  }
}

/** A key in the form a store keeps it. */
export function keyFile(key: KeyObject, passphrase?: Secret): Secret {
  return privateKeyPem(key, passphrase);
}

/** For files that hold nothing encrypted: what is opens with no passphrase. */
export async function noPassphrase(): Promise<Secret> {
  return new Secret(new Uint8Array(0));
}

function missing(path: string, cause?: unknown): KitError {
  return new KitError('usage', 'E_NO_CERTIFICATE', `${path} is not there or holds something else.`, {
    hint: 'Name what "cert issue" made, or its folder with --store.',
    cause,
  });
}

function mismatch(folder: string, stem: string): KitError {
  return new KitError(
    'usage',
    'E_STORE_MISMATCH',
    `In ${folder}, ${stem}.key does not belong to ${stem}.crt.`,
    {
      hint: 'Put back the key that belongs to the certificate, or make both again with --force.',
    },
  );
}
