import type { KeyObject } from 'node:crypto';
import { basename } from 'node:path';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import type { Secret } from '../../lib/core/secret.js';
import { readIdentityFile } from '../../lib/pki/files.js';
import { isKeyPair } from '../../lib/pki/keys.js';
import { certificateOfPem } from '../../lib/pki/profiles/input.js';
import type { ClientProfile, ProfileFormat, ProfileSecrets } from '../../lib/pki/profiles/types.js';
import { readBytes } from '../cert/input.js';
import { passphraseFrom } from '../cert/passphrase.js';
import { readPsk } from '../psk.js';

export interface SecretFlags {
  'key-passphrase-file'?: string | undefined;
  'p12-passphrase-file'?: string | undefined;
  'include-key': boolean;
  'include-psk': boolean;
  'include-password': boolean;
}

/** Formats that carry the client's key in PKCS#12; the others have files of their own for it. */
const inContainer: readonly ProfileFormat[] = ['apple', 'windows', 'android'];

/**
 * Gets the secrets that the export of a profile wants: nothing is read, or asked for, that no file will hold.
 * @returns for each format what goes into its files
 * @throws KitError usage E_PROFILE_SECRET, and what reading keys and secrets throws
 */
export async function secretsFor(
  profile: ClientProfile,
  formats: readonly ProfileFormat[],
  flags: SecretFlags,
): Promise<(format: ProfileFormat) => ProfileSecrets> {
  const { auth, keyFile } = profile;
  const usesKey = (auth === 'cert' || auth === 'eap-tls') && keyFile !== undefined;
  const contained = formats.some((format) => inContainer.includes(format));
  const wantsPassphrase = usesKey && (contained || flags['p12-passphrase-file'] !== undefined);
  const key =
    usesKey && (wantsPassphrase || flags['include-key'])
      ? await clientKey(profile, keyFile, flags)
      : undefined;
  const shared = { psk: await pskOf(profile, flags), eapPassword: await passwordOf(profile, flags) };
  const p12Passphrase = wantsPassphrase
    ? await passphraseFrom(flags['p12-passphrase-file'], "New passphrase for the client's key", true)()
    : undefined;
  const passphraseWasGiven = flags['p12-passphrase-file'] !== undefined;
  return (format) => {
    if (inContainer.includes(format)) return { ...shared, key, p12Passphrase };
    if (flags['include-key']) return { ...shared, key };
    return passphraseWasGiven ? { ...shared, key, p12Passphrase } : shared;
  };
}

async function clientKey(profile: ClientProfile, path: string, flags: SecretFlags): Promise<KeyObject> {
  const file = flags['key-passphrase-file'] ?? profile.keyPassphraseFile;
  const found = await readIdentityFile(
    await readBytes(path),
    passphraseFrom(file, `Passphrase of ${basename(path)}`),
  );
  const [pem] = profile.certificates;
  const publicKey = pem === undefined ? undefined : certificateOfPem(pem).publicKey;
  const key = found.keys.find((each) => publicKey && isKeyPair(each, publicKey)) ?? found.keys[0];
  if (key !== undefined) return key;
  throw new KitError('usage', 'E_PROFILE_KEY', `There is no private key in ${printable(path)}.`);
}

async function pskOf(
  { pskFile, auth, serverAuth }: ClientProfile,
  flags: SecretFlags,
): Promise<Secret | undefined> {
  if (!flags['include-psk']) return undefined;
  if (auth !== 'psk' && serverAuth !== 'psk') {
    throw new KitError(
      'usage',
      'E_PROFILE_SECRET',
      '--include-psk: neither side proves itself with a pre-shared key.',
    );
  }
  return readPsk({ file: pskFile, stdin: false, insecurePermissions: false });
}

async function passwordOf(profile: ClientProfile, flags: SecretFlags): Promise<Secret | undefined> {
  if (!flags['include-password']) return undefined;
  if (profile.auth !== 'eap-mschapv2' && profile.auth !== 'eap-md5') {
    throw new KitError('usage', 'E_PROFILE_SECRET', `--include-password: ${profile.auth} has no password.`);
  }
  return passphraseFrom(profile.eapPasswordFile, `Password of ${profile.eapUser ?? 'the user'}`)();
}
