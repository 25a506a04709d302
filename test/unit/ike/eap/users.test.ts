import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../src/lib/core/bytes.js';
import { KitError } from '../../../../src/lib/core/errors.js';
import { parseUsers } from '../../../../src/lib/ike/auth/eap/users.js';

const HASH = '44ebba8d5312b8d611474411f56989ae';

function passwordOf(text: string, name: string): string | undefined {
  const secret = parseUsers(text).find(name);
  if (secret === undefined) return undefined;
  return secret.type === 'nt'
    ? `nt ${toHex(secret.hash.reveal())}`
    : Buffer.from(secret.password.reveal()).toString('utf8');
}

describe('the users file', () => {
  it.each([
    ['a plain password', 'alice:opensesame', 'alice', 'opensesame'],
    ['an NT hash in either case', `bob:{nt}${HASH.toUpperCase()}`, 'bob', `nt ${HASH}`],
    ['colons and spaces in the password', 'a: b:c ', 'a', ' b:c '],
    ['a hash sign in the password', 'a:#1', 'a', '#1'],
    ['spaces around the name', '  a\t:x', 'a', 'x'],
    ['Windows line ends', '# users\r\n\r\na:x\r\nb:y\r\n', 'a', 'x'],
    ['a byte order mark', '\uFEFFa:x', 'a', 'x'],
    ['names beyond ASCII', 'jürgen:größe', 'jürgen', 'größe'],
    ['no line end at the end', 'a:x\nb:y', 'b', 'y'],
    ['names as they are written', 'Alice:x', 'alice', undefined],
    ['a password that only looks hashed', 'a:{ntx', 'a', '{ntx'],
    ['names of objects', 'a:x', 'constructor', undefined],
  ])('takes %s', (_, text, name, password) => {
    expect(passwordOf(text, name)).toBe(password);
  });

  it('counts its users', () => {
    expect(parseUsers('a:x\n# b:y\n\nc:z\n').size).toBe(2);
    expect(parseUsers('').size).toBe(0);
  });

  it.each([
    ['no colon', 'a:x\n\nhunter2', 3],
    ['no name', ':hunter2', 1],
    ['no password', 'a:', 1],
    ['a name twice', 'a:x\na:hunter2', 2],
    ['a short hash', 'a:{nt}hunter2', 1],
    ['a long name', `${'a'.repeat(257)}:hunter2`, 1],
    ['a long password', `a:${'hunter2'.repeat(40)}`, 1],
    ['control characters', 'a:x\nb:hunter2\0', 2],
    ['bytes that are not UTF-8', 'a:hunter2\uFFFD', 1],
  ])('refuses %s, naming the line and not the password', (_, text, line) => {
    const error = errorOf(() => parseUsers(text));
    expect(error).toMatchObject({ code: 'E_USERS_FILE', kind: 'usage' });
    expect(error.message).toContain(`Line ${line} `);
    expect(`${error.message} ${error.hint}`).not.toContain('hunter2');
  });

  it('has bounds', () => {
    const many = Array.from({ length: 100_001 }, (_, at) => `u${at}:x`);
    expect(parseUsers(many.slice(1).join('\n')).size).toBe(100_000);
    expect(errorOf(() => parseUsers(many.join('\n'))).code).toBe('E_USERS_FILE');
    expect(errorOf(() => parseUsers(' '.repeat(9 * 1024 * 1024))).code).toBe('E_USERS_FILE');
  });

  it('shows no password when it is printed', () => {
    const secret = parseUsers('alice:opensesame').find('alice');
    expect(JSON.stringify(secret)).toBe('{"type":"plain","password":"[redacted]"}');
  });
});

function errorOf(act: () => unknown): KitError {
  try {
    act();
  } catch (error) {
    if (error instanceof KitError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
