import { fromHex } from '../../../core/bytes.js';
import { KitError } from '../../../core/errors.js';
import { Secret } from '../../../core/secret.js';

/** What a server keeps of a user's password. */
export type UserSecret =
  | { type: 'plain'; password: Secret }
  /** MD4 of the UTF-16LE password (RFC 2759 8.3), 16 bytes: enough for MSCHAPv2, not for MD5. */
  | { type: 'nt'; hash: Secret };

/** Who may log in. Names are compared exactly. */
export interface UserStore {
  find(name: string): UserSecret | undefined;
}

const MAX_FILE_CHARACTERS = 8 * 1024 * 1024;
const MAX_USERS = 100_000;
/** RFC 2759 6 bounds MSCHAPv2's own password at 256 characters; names are bounded alike. */
const MAX_NAME_CHARACTERS = 256;
const MAX_PASSWORD_CHARACTERS = 256;

const NT_PREFIX = '{nt}';

/**
 * Users from a file's text: lines `name:password` or `name:{nt}HEX32`; empty lines and lines that start with `#` are
 * skipped. The name ends at the first colon and loses its outer spaces; the password is taken as it stands up to the
 * line's end.
 * @throws KitError usage `E_USERS_FILE` naming the line, never the password
 */
export function parseUsers(text: string): UserStore & { readonly size: number } {
  if (text.length > MAX_FILE_CHARACTERS) throw unreadable('It is too long', undefined);
  const users = new Map<string, UserSecret>();
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  for (const [index, raw] of lines.entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name, secret] = parseLine(line, index + 1);
    if (users.has(name)) throw unreadable('The name was on an earlier line', index + 1);
    if (users.size === MAX_USERS) throw unreadable(`There are more than ${MAX_USERS} users`, index + 1);
    users.set(name, secret);
  }
  return { size: users.size, find: (name) => users.get(name) };
}

function parseLine(line: string, number: number): [string, UserSecret] {
  const colon = line.indexOf(':');
  if (colon < 0) throw unreadable('There is no colon between name and password', number);
  const name = line.slice(0, colon).trim();
  const password = line.slice(colon + 1);
  if (name === '') throw unreadable('The name is empty', number);
  if (name.length > MAX_NAME_CHARACTERS) throw unreadable('The name is too long', number);
  if (/\p{Cc}|\uFFFD/u.test(name + password)) {
    throw unreadable('It has control characters or bytes that are not UTF-8', number);
  }
  if (password === '') throw unreadable('The password is empty', number);
  if (password.startsWith(NT_PREFIX)) {
    const hex = password.slice(NT_PREFIX.length).trim();
    if (!/^[0-9a-f]{32}$/i.test(hex)) {
      throw unreadable(`After ${NT_PREFIX} there have to be 32 hexadecimal digits`, number);
    }
    return [name, { type: 'nt', hash: new Secret(fromHex(hex)) }];
  }
  if (password.length > MAX_PASSWORD_CHARACTERS) throw unreadable('The password is too long', number);
  return [name, { type: 'plain', password: Secret.fromText(password) }];
}

function unreadable(reason: string, line: number | undefined): KitError {
  const where = line === undefined ? 'The users file' : `Line ${line} of the users file`;
  return new KitError('usage', 'E_USERS_FILE', `${where} cannot be read: ${reason}.`, {
    hint: 'Write one user a line as name:password, or name:{nt} and the 32 hexadecimal digits of the NT hash.',
  });
}
