import { profileFields } from '../../report/profile.schema.js';
import { type ExportInput, keyFile, textFile } from './input.js';
import type { ClientProfile, ExportedFile } from './types.js';

/**
 * Our own form: the profile as JSON (schema ipsec-kit/profile@1), with keys and secrets in files beside it, which it
 * names without a folder: they are looked for where the profile is.
 */
export function ipsecKitFiles(input: ExportInput): ExportedFile[] {
  const { profile, stem, secrets } = input;
  const key = keyFile(input, `${stem}.key`);
  const files: ExportedFile[] = [
    ...(key === undefined ? [] : [key]),
    ...(secrets.psk === undefined
      ? []
      : [secretFile(`${stem}.psk`, pskText(secrets.psk.reveal()), 'pre-shared key')]),
    ...(secrets.eapPassword === undefined
      ? []
      : [secretFile(`${stem}.password`, secrets.eapPassword.reveal(), 'password of the user')]),
  ];
  const own = { ...profile };
  for (const path of ['keyFile', 'keyPassphraseFile', 'pskFile', 'eapPasswordFile'] as const)
    delete own[path];
  if (key !== undefined) own.keyFile = key.name;
  if (secrets.psk !== undefined) own.pskFile = `${stem}.psk`;
  if (secrets.eapPassword !== undefined) own.eapPasswordFile = `${stem}.password`;
  return [
    textFile(
      `${stem}.json`,
      profileText(own),
      `For ipsec-kit on another host: ipsec-kit profile save NAME --from ${stem}.json, then sudo ipsec-kit connect NAME`,
    ),
    ...files,
  ];
}

/** The JSON of a profile, as it is stored, always in the order of the schema. */
export function profileText(profile: ClientProfile): string {
  const ordered = profileFields
    .filter((field) => profile[field] !== undefined)
    .map((field) => [field, profile[field]]);
  return `${JSON.stringify(Object.fromEntries(ordered), null, 2)}\n`;
}

function secretFile(name: string, data: Uint8Array, what: string): ExportedFile {
  return { name, data, secret: true, note: `The ${what}.` };
}

/** In Base64 as strongSwan writes it, which says the same bytes whatever they are. */
function pskText(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(`0s${Buffer.from(bytes).toString('base64')}\n`);
}
