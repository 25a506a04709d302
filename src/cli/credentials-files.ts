import type { KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { KitError } from '../lib/core/errors.js';
import { printable } from '../lib/core/printable.js';
import type { Secret } from '../lib/core/secret.js';
import { type Certificate, certificateName, parseCertificate } from '../lib/pki/certificate.js';
import type { Crl } from '../lib/pki/crl.js';
import { type IdentityFile, readIdentityFile } from '../lib/pki/files.js';
import { isKeyPair } from '../lib/pki/keys.js';
import { sameName } from '../lib/pki/names.js';
import { type OcspResponse, parseOcspResponse } from '../lib/pki/ocsp.js';
import { readBytes } from './cert/input.js';
import { passphraseFrom } from './cert/passphrase.js';

/** Word of `--ca` for the public CAs that Node.js carries. */
export const SYSTEM_CAS = 'system';

/** Reads files of certificates and keys; asks for one passphrase at most once. */
export class IdentityFiles {
  readonly #passphraseFile: string | undefined;
  readonly #insecurePermissions: boolean;
  #fromFile: Promise<Secret> | undefined;

  /**
   * @param passphraseFile for all encrypted files; undefined: each is asked for on a terminal
   * @param insecurePermissions accept private keys that other users can read
   */
  constructor(passphraseFile: string | undefined, insecurePermissions: boolean) {
    this.#passphraseFile = passphraseFile;
    this.#insecurePermissions = insecurePermissions;
  }

  /**
   * @param path of the file, or what would be in it: PEM, as saved profiles have it
   * @throws KitError usage `E_CERT_FILE`, `E_CERT_FORMAT`, `E_KEY_PASSPHRASE`, `E_P12_…`, `E_PASSPHRASE_…`,
   *   `E_KEY_PERMISSIONS` for a private key that is neither encrypted nor for its owner only
   */
  async read(path: string): Promise<IdentityFile> {
    if (isPem(path))
      return readIdentityFile(Buffer.from(path), passphraseFrom(this.#passphraseFile, 'Passphrase'));
    const ask = passphraseFrom(this.#passphraseFile, `Passphrase of ${basename(path)}`);
    let encrypted = false;
    const once = (): Promise<Secret> => {
      encrypted = true;
      if (this.#passphraseFile === undefined) return ask();
      this.#fromFile ??= ask();
      return this.#fromFile;
    };
    const found = await readIdentityFile(await readBytes(path), once);
    if (found.keys.length > 0 && !encrypted && !this.#insecurePermissions) await assertPrivate(path);
    return found;
  }

  /**
   * Our own certificate with its key, and the CAs above it.
   * @throws KitError usage `E_NO_KEY`, `E_KEY_MISMATCH`, `E_NO_CERTIFICATE`
   */
  async ownCertificate(
    certFiles: readonly string[],
    keyFile: string | undefined,
  ): Promise<{ key: KeyObject; certificates: [Certificate, ...Certificate[]] }> {
    const certificates: Certificate[] = [];
    const keys: KeyObject[] = [];
    for (const path of certFiles) {
      const found = await this.read(path);
      certificates.push(...found.certificates);
      keys.push(...found.keys);
    }
    if (keyFile !== undefined) {
      const found = await this.read(keyFile);
      if (found.keys.length === 0) throw noKey(`There is no private key in ${printable(keyFile)}.`);
      // A PKCS#12 file named twice, or a key with its certificate, is fine.
      keys.unshift(...found.keys);
    }
    if (certificates.length === 0) {
      throw new KitError('usage', 'E_NO_CERTIFICATE', `There is no certificate in ${namesOf(certFiles)}.`);
    }
    if (keys.length === 0)
      throw noKey(`There is no private key beside the certificate in ${namesOf(certFiles)}.`);
    return pairOf(certificates, keys);
  }

  /**
   * CAs that are trusted: those of files, and those of the system.
   * @throws KitError usage `E_CA_FILE` when a file has no certificate
   */
  async authorities(
    sources: readonly string[],
  ): Promise<{ anchors: Certificate[]; unnamedAnchors: Certificate[] }> {
    const anchors: Certificate[] = [];
    const unnamedAnchors: Certificate[] = [];
    for (const source of sources) {
      if (source === SYSTEM_CAS) {
        unnamedAnchors.push(...(await systemAuthorities()));
        continue;
      }
      const { certificates } = await this.read(source);
      if (certificates.length === 0) {
        throw new KitError('usage', 'E_CA_FILE', `There is no certificate in ${namesOf([source])}.`, {
          hint: "Name a file with the certificate of the CA that issued the other side's.",
        });
      }
      // A bundle of somebody's own certificate and its CA is named for the CA; a lone certificate is trusted as it is.
      const authorities = certificates.filter(({ ca }) => ca);
      anchors.push(...(authorities.length > 0 ? authorities : certificates));
    }
    return { anchors, unnamedAnchors };
  }

  /** @throws KitError usage `E_CRL_FILE` when there is no revocation list in the file */
  async revocationLists(path: string): Promise<Crl[]> {
    const { crls } = await this.read(path);
    if (crls.length > 0) return crls;
    throw new KitError('usage', 'E_CRL_FILE', `There is no revocation list in ${printable(path)}.`, {
      hint: 'Make one with: ipsec-kit cert crl',
    });
  }
}

/**
 * An OCSP response to staple.
 * @returns DER, and why peers may dislike it
 * @throws KitError usage `E_OCSP_FILE` when it is none, or about other certificates
 */
export async function readOcspResponse(
  path: string,
  own: Certificate,
  now: number,
): Promise<{ der: Uint8Array; flaw: string | undefined }> {
  const der = await readBytes(path);
  const failure = (message: string, cause?: unknown): KitError =>
    new KitError('usage', 'E_OCSP_FILE', message, {
      hint: 'Fetch one with: openssl ocsp -issuer CA.crt -cert OWN.crt -url URL -respout FILE',
      cause,
    });
  let response: OcspResponse;
  try {
    response = parseOcspResponse(der);
  } catch (cause) {
    throw failure(`There is no OCSP response in ${printable(path)}.`, cause);
  }
  const entry = response.entries.find(({ serial }) => serial === own.serial);
  if (entry === undefined) {
    throw failure(`The OCSP response in ${printable(path)} is not about ${certificateName(own)}.`);
  }
  const outdated = entry.nextUpdate !== undefined && now > entry.nextUpdate.getTime();
  const flaw = entry.status === 'good' ? (outdated ? 'is outdated' : undefined) : `calls it ${entry.status}`;
  return { der, flaw: flaw && `The OCSP response for ${certificateName(own)} ${flaw}; peers will refuse it` };
}

/** The key that fits a certificate, that certificate, and what is above it. */
function pairOf(certificates: readonly Certificate[], keys: readonly KeyObject[]) {
  for (const certificate of certificates) {
    const { publicKey } = certificate;
    const key = publicKey && keys.find((each) => isKeyPair(each, publicKey));
    if (key) return { key, certificates: chainOf(certificate, certificates) };
  }
  throw new KitError(
    'usage',
    'E_KEY_MISMATCH',
    `The private key belongs to none of the certificates (${certificates.slice(0, 4).map(certificateName).join('; ')}).`,
    { hint: 'Name the certificate and the key that were made together.' },
  );
}

/** Issuer after issuer; a root is left out, for who trusts it has it. */
function chainOf(own: Certificate, certificates: readonly Certificate[]): [Certificate, ...Certificate[]] {
  const chain: [Certificate, ...Certificate[]] = [own];
  for (let last = own; !sameName(last.issuer, last.subject); ) {
    const above = certificates.find(
      (each) =>
        !chain.includes(each) && sameName(each.subject, last.issuer) && !sameName(each.subject, each.issuer),
    );
    if (above === undefined) break;
    chain.push(above);
    last = above;
  }
  return chain;
}

async function systemAuthorities(): Promise<Certificate[]> {
  const { rootCertificates } = await import('node:tls');
  const { X509Certificate } = await import('node:crypto');
  return rootCertificates.flatMap((pem) => {
    try {
      return [parseCertificate(new X509Certificate(pem).raw)];
    } catch {
      // One that we cannot read is one that we cannot trust.
      return [];
    }
  });
}

async function assertPrivate(path: string): Promise<void> {
  if (path === '-' || process.platform === 'win32') return;
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return;
  throw new KitError(
    'usage',
    'E_KEY_PERMISSIONS',
    `The private key in ${printable(path)} is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')}).`,
    { hint: `Run: chmod 600 ${printable(path)}   (or accept it with --insecure-permissions)` },
  );
}

const isPem = (source: string): boolean => source.startsWith('-----BEGIN ');

function namesOf(sources: readonly string[]): string {
  return sources.map((source) => (isPem(source) ? 'the profile' : printable(source))).join(', ');
}

function noKey(message: string): KitError {
  return new KitError('usage', 'E_NO_KEY', message, {
    hint: 'Give --key FILE, or --cert with a PKCS#12 file that holds both.',
  });
}
