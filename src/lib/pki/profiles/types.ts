import type { KeyObject } from 'node:crypto';
import type { Secret } from '../../core/secret.js';

export type { ClientAuthMethod, ClientProfile, ServerAuthMethod } from '../../report/profile.schema.js';

/** What a profile can be written for. */
export const profileFormats = [
  'apple',
  'windows',
  'android',
  'swanctl',
  'networkmanager',
  'ipsec-kit',
] as const;
export type ProfileFormat = (typeof profileFormats)[number];

/** Other words for them, those of `cert verify --for` among them. */
const otherNames: Readonly<Record<string, ProfileFormat>> = {
  ios: 'apple',
  iphone: 'apple',
  macos: 'apple',
  strongswan: 'swanctl',
};

/** The format of a name, whatever word for it is used; undefined: there is none. */
export function profileFormatOf(word: string): ProfileFormat | undefined {
  return (
    profileFormats.find((format) => format === word) ??
    (Object.hasOwn(otherNames, word) ? otherNames[word] : undefined)
  );
}

/**
 * What goes into exported files besides the profile's data. Everything is optional: without a key the device's own is
 * used or asked for, and secrets are in the files only when they are given here.
 */
export interface ProfileSecrets {
  /** The client's private key, for its first certificate. */
  key?: KeyObject | undefined;
  /** Of PKCS#12 containers; needed where there is a key and the format carries it in one. */
  p12Passphrase?: Secret | undefined;
  psk?: Secret | undefined;
  eapPassword?: Secret | undefined;
}

/** A file of an exported profile. */
export interface ExportedFile {
  /** Relative path; folders in it are to be made. */
  name: string;
  data: Uint8Array;
  /** Holds a key or a secret: for its owner only (0600). */
  secret: boolean;
  /** What it is and how it gets onto the device, one sentence or two. */
  note: string;
}
