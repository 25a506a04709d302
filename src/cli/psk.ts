import { KitError } from '../lib/core/errors.js';
import { Secret } from '../lib/core/secret.js';
import { readBounded, readPrivateFile } from './credentials-secret.js';

/** Environment variable that may hold the pre-shared key. */
export const PSK_VARIABLE = 'IPSEC_KIT_PSK';

/** No sensible key is longer; a wrong file name must not pull a disk image into memory. */
const LONGEST_PSK = 4096;

/** Where a pre-shared key may come from. */
export interface PskSources {
  file: string | undefined;
  stdin: boolean;
  insecurePermissions: boolean;
}

/**
 * Reads the pre-shared key from the one source the user named, or asks for it on a terminal.
 * The environment variable is taken out of this process's environment, so that programs we start do not inherit it.
 * @throws KitError usage E_PSK_SOURCES, E_NO_PSK, E_PSK_FILE, E_PSK_PERMISSIONS, E_PSK_EMPTY, E_PSK_FORMAT
 */
export async function readPsk(sources: PskSources): Promise<Secret> {
  const variable = process.env[PSK_VARIABLE];
  delete process.env[PSK_VARIABLE];
  const named = [
    ...(sources.file === undefined ? [] : ['--psk-file']),
    ...(sources.stdin ? ['--psk-stdin'] : []),
    ...(variable === undefined ? [] : [PSK_VARIABLE]),
  ];
  if (named.length > 1) {
    throw new KitError(
      'usage',
      'E_PSK_SOURCES',
      `The pre-shared key comes from more than one place: ${named.join(' and ')}.`,
      { hint: 'Name exactly one source.' },
    );
  }
  if (sources.file !== undefined) {
    const kind = { name: 'key file', code: 'PSK', largest: LONGEST_PSK } as const;
    return decodePsk(await readPrivateFile(sources.file, kind, sources.insecurePermissions));
  }
  if (sources.stdin) return decodePsk(await readBounded(process.stdin, LONGEST_PSK, tooLong));
  if (variable !== undefined) return decodePsk(Buffer.from(variable, 'utf8'));
  return decodePsk(await promptForPsk());
}

/**
 * Key text to key bytes. One line end at the end is not part of the key. As in strongSwan, `0x` starts a key in
 * hexadecimal and `0s` one in Base64; anything else is taken as it stands.
 */
export function decodePsk(raw: Uint8Array): Secret {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  let end = text.length;
  if (text[end - 1] === 0x0a) end -= text[end - 2] === 0x0d ? 2 : 1;
  const key = text.subarray(0, end);
  const prefix = key.toString('latin1', 0, 2);
  const coded = key.toString('latin1', 2);
  let bytes = Uint8Array.from(key);
  if (prefix === '0x') {
    if (!/^([0-9a-fA-F]{2})*$/.test(coded))
      throw badFormat('0x must be followed by pairs of hexadecimal digits');
    bytes = Uint8Array.from(Buffer.from(coded, 'hex'));
  } else if (prefix === '0s') {
    if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/.test(coded)) {
      throw badFormat('0s must be followed by Base64');
    }
    bytes = Uint8Array.from(Buffer.from(coded, 'base64'));
  }
  if (bytes.length === 0) {
    throw new KitError('usage', 'E_PSK_EMPTY', 'The pre-shared key is empty.', {
      hint: 'Make one with: openssl rand -base64 32',
    });
  }
  return new Secret(bytes);
}

function tooLong(): KitError {
  return new KitError('usage', 'E_PSK_FORMAT', `The pre-shared key is longer than ${LONGEST_PSK} bytes.`);
}

function badFormat(reason: string): KitError {
  return new KitError('usage', 'E_PSK_FORMAT', `The pre-shared key cannot be read: ${reason}.`);
}

async function promptForPsk(): Promise<Uint8Array> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new KitError('usage', 'E_NO_PSK', 'No pre-shared key was given.', {
      hint: `Use --psk-file FILE, --psk-stdin or the environment variable ${PSK_VARIABLE}.`,
    });
  }
  const { password } = await import('@inquirer/prompts');
  const answer = await password({ message: 'Pre-shared key:', mask: true }, { output: process.stderr });
  return Buffer.from(answer, 'utf8');
}
