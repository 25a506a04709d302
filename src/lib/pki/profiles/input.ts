import { createHash } from 'node:crypto';
import { KitError } from '../../core/errors.js';
import { type Certificate, certificateName, parseCertificate } from '../certificate.js';
import { toPem } from '../files.js';
import { isKeyPair, privateKeyPem } from '../keys.js';
import { writeP12 } from '../p12/write.js';
import type { ClientProfile, ExportedFile, ProfileSecrets } from './types.js';

/** A profile with its certificates read: what every renderer starts from. */
export interface ExportInput {
  profile: ClientProfile;
  /** What the profile's files are called, without extension. */
  stem: string;
  ca: readonly Certificate[];
  /** The client's certificates, its own first; may be empty. */
  chain: readonly Certificate[];
  /** The gateway's certificate, where it is known. */
  server: Certificate | undefined;
  secrets: ProfileSecrets;
}

/**
 * Reads a profile's certificates and looks whether the key belongs to them.
 * @throws KitError usage E_CERT_FORMAT, E_PROFILE_KEY
 */
export function exportInput(profile: ClientProfile, secrets: ProfileSecrets): ExportInput {
  const chain = profile.certificates.map(certificateOfPem);
  const [own] = chain;
  if (secrets.key !== undefined && !(own?.publicKey && isKeyPair(secrets.key, own.publicKey))) {
    throw new KitError(
      'usage',
      'E_PROFILE_KEY',
      own === undefined
        ? 'There is a private key for the profile, and no certificate for it.'
        : `The private key does not belong to the certificate ${certificateName(own)}.`,
    );
  }
  const { serverCertificate } = profile;
  return {
    profile,
    stem: fileStemOf(profile.name),
    ca: profile.ca.map(certificateOfPem),
    chain,
    server: serverCertificate === undefined ? undefined : certificateOfPem(serverCertificate),
    secrets,
  };
}

/** The one certificate of a PEM text. @throws KitError usage E_CERT_FORMAT */
export function certificateOfPem(pem: string): Certificate {
  const body = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/.exec(pem)?.[1] ?? '';
  return parseCertificate(Uint8Array.from(Buffer.from(body, 'base64')));
}

export function certificatePem({ der }: Certificate): string {
  return toPem('CERTIFICATE', der);
}

/** What files and sections of a profile are called: its name without what has a meaning anywhere. */
export function fileStemOf(name: string): string {
  const stem = name
    .normalize('NFKD')
    .replace(/['\u2018\u2019]/g, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
    .slice(0, 64);
  return stem === '' ? 'profile' : stem;
}

/** Makes a UUID that is always the same for the same profile and purpose (RFC 9562 5.5, SHA-1). */
export function stableUuid({ name, gateway }: ClientProfile, purpose: string): string {
  const digest = createHash('sha1')
    .update(NAMESPACE)
    .update(JSON.stringify([purpose, name, gateway]))
    .digest();
  digest[6] = (digest[6]! & 0x0f) | 0x50;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Our own namespace; any constant UUID would do. */
const NAMESPACE = Buffer.from('7f6b0d8e1c3f4c5aa2b04d0f5a3c9e61', 'hex');

/**
 * The client's key and certificates as PKCS#12; undefined without a key.
 * @param options.legacy 3DES, for readers that know nothing newer
 * @param options.withChain put the CAs beside the client's certificate
 * @throws KitError usage E_PROFILE_PASSPHRASE
 */
export function pkcs12(
  { profile, chain, secrets }: ExportInput,
  { legacy, withChain }: { legacy: boolean; withChain: boolean },
): Uint8Array | undefined {
  const [own, ...above] = chain;
  if (secrets.key === undefined || own === undefined) return undefined;
  if (secrets.p12Passphrase === undefined) {
    throw new KitError(
      'usage',
      'E_PROFILE_PASSPHRASE',
      "The client's key travels in a PKCS#12 container, and that needs a passphrase.",
      { hint: 'Name a file that holds it with --p12-passphrase-file; the device asks for it once.' },
    );
  }
  const identity = {
    certificate: own,
    key: secrets.key,
    chain: withChain ? above : [],
    friendlyName: profile.name,
  };
  return writeP12(identity, secrets.p12Passphrase, legacy);
}

/**
 * The client's key as PKCS#8 PEM, encrypted where there is a passphrase; undefined without a key.
 * @param name relative path
 */
export function keyFile({ secrets }: ExportInput, name: string): ExportedFile | undefined {
  if (secrets.key === undefined) return undefined;
  const encrypted = secrets.p12Passphrase !== undefined;
  return {
    name,
    data: privateKeyPem(secrets.key, secrets.p12Passphrase).reveal(),
    secret: true,
    note: `The client's private key, ${encrypted ? 'encrypted with the passphrase' : 'not encrypted'}.`,
  };
}

/** A file of text that holds no secret. */
export function textFile(name: string, text: string, note: string, secret = false): ExportedFile {
  return { name, data: new TextEncoder().encode(text), secret, note };
}

/** The first CN of a certificate's subject or issuer, as {@link import('../certificate.js').nameText} writes it. */
export function commonNameOf(name: string): string | undefined {
  for (const part of name.match(/(?:\\.|[^\\,])+/gsu) ?? []) {
    const [, value] = /^\s*CN=(.*)$/su.exec(part) ?? [];
    if (value !== undefined) return value.replace(/\\(.)/gsu, '$1');
  }
  return undefined;
}
