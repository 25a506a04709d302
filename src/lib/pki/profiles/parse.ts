import { isAbsolute, resolve } from 'node:path';
import { KitError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { clientAuthMethods, PROFILE_SCHEMA, serverAuthMethods } from '../../report/profile.schema.js';
import { checkProfile } from './check.js';
import type { ClientProfile } from './types.js';

/** Far above any profile. */
const LARGEST = 1 << 20;
const MOST_ITEMS = 256;

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string' && value.length <= 65_536;
const texts: Check = (value) => Array.isArray(value) && value.length <= MOST_ITEMS && value.every(text);
const number: Check = (value) => typeof value === 'number' && Number.isInteger(value);
const flag: Check = (value) => typeof value === 'boolean';
const oneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);

const required: Readonly<Record<string, Check>> = {
  schema: oneOf([PROFILE_SCHEMA]),
  name: text,
  gateway: text,
  auth: oneOf(clientAuthMethods),
  serverAuth: oneOf(serverAuthMethods),
  ca: texts,
  certificates: texts,
  remoteTs: texts,
  localTs: texts,
  dns: texts,
};
const optional: Readonly<Record<string, Check>> = {
  port: number,
  natPort: number,
  remoteId: text,
  localId: text,
  serverCertificate: text,
  keyFile: text,
  keyPassphraseFile: text,
  pskFile: text,
  eapUser: text,
  eapPasswordFile: text,
  ike: text,
  esp: text,
  mtu: number,
  onDemand: flag,
};

/**
 * Reads a profile (schema ipsec-kit/profile@1).
 * @param what names the file in errors
 * @param folder where it is: paths in it are relative to that
 * @throws KitError usage E_PROFILE_FORMAT, and what {@link checkProfile} throws
 */
export function parseProfile(json: string, what: string, folder: string): ClientProfile {
  const value = json.length > LARGEST ? undefined : parsed(json);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw damaged(what, 'it is no JSON object');
  const fields = value as Record<string, unknown>;
  for (const [name, check] of Object.entries(required)) {
    if (!check(fields[name])) throw damaged(what, `"${name}" is missing or is not what it should be`);
  }
  for (const [name, field] of Object.entries(fields)) {
    const check = Object.hasOwn(required, name) || Object.hasOwn(optional, name);
    if (!check) throw damaged(what, `"${printable(name).slice(0, 40)}" is not known`);
    if (optional[name]?.(field) === false) throw damaged(what, `"${name}" is not what it should be`);
  }
  const profile = withAbsolutePaths(fields as unknown as ClientProfile, folder);
  checkProfile(profile);
  return profile;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function damaged(what: string, reason: string): KitError {
  return new KitError(
    'usage',
    'E_PROFILE_FORMAT',
    `${printable(what)} is not a profile of ipsec-kit: ${reason}.`,
  );
}

/** Makes the paths of a profile independent of where a command runs. */
export function withAbsolutePaths(profile: ClientProfile, folder: string): ClientProfile {
  const result = { ...profile };
  for (const name of ['keyFile', 'keyPassphraseFile', 'pskFile', 'eapPasswordFile'] as const) {
    const path = result[name];
    if (path !== undefined && path !== '' && !isAbsolute(path)) result[name] = resolve(folder, path);
  }
  return result;
}
