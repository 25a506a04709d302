import { type FileHandle, open } from 'node:fs/promises';
import { KitError } from '../lib/core/errors.js';
import { Secret } from '../lib/core/secret.js';

/** A kind of file with secrets, for its errors. */
interface FileKind {
  /** `key file` */
  name: string;
  /** The middle of its error codes: `E_PSK_FILE`, `E_PSK_PERMISSIONS`. */
  code: 'PSK' | 'EAP_PASSWORD' | 'USERS';
  /** Bytes; a wrong file name must not pull a disk image into memory. */
  largest: number;
}

/**
 * Reads a file that only its owner may read.
 * @throws KitError usage `E_…_FILE`, `E_…_PERMISSIONS`; for a pre-shared key that is too long `E_PSK_FORMAT`
 */
export async function readPrivateFile(
  path: string,
  { name, code, largest }: FileKind,
  insecurePermissions: boolean,
): Promise<Uint8Array> {
  const failure = (what: string, cause: unknown): KitError =>
    new KitError('usage', `E_${code}_FILE`, `The ${name} ${path} cannot be ${what}: ${reasonOf(cause)}.`, {
      cause,
    });
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw failure('opened', cause);
  }
  try {
    const { mode } = await handle.stat();
    if (!insecurePermissions && process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new KitError(
        'usage',
        `E_${code}_PERMISSIONS`,
        `The ${name} ${path} is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')}).`,
        { hint: `Run: chmod 600 ${path}   (or accept it with --insecure-permissions)` },
      );
    }
    const tooLong = (): KitError =>
      new KitError(
        'usage',
        code === 'PSK' ? 'E_PSK_FORMAT' : `E_${code}_FILE`,
        `The ${name} ${path} is longer than ${largest} bytes.`,
      );
    return await readBounded(handle.createReadStream({ autoClose: false }), largest, tooLong);
  } catch (cause) {
    if (cause instanceof KitError) throw cause;
    throw failure('read', cause);
  } finally {
    await handle.close();
  }
}

/** Everything in a stream, unless it is more than it should be. */
export async function readBounded(
  stream: AsyncIterable<Uint8Array | string>,
  largest: number,
  tooLong: () => KitError,
): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > largest) throw tooLong();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Why a file could not be had, in words. */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return String(code ?? 'unknown reason');
}

/** Environment variable that may hold the password of an EAP user. */
export const EAP_PASSWORD_VARIABLE = 'IPSEC_KIT_EAP_PASSWORD';

/** RFC 2759 4 bounds it at 256 characters, which UTF-8 makes longer. */
const LONGEST_PASSWORD = 1024;

/**
 * The password of an EAP user: from the file, else from the environment (and out of it, so that programs we start do
 * not inherit it), else typed on a terminal. One line end at its end does not belong to it.
 * @throws KitError usage E_EAP_PASSWORD_FILE, E_EAP_PASSWORD_PERMISSIONS, E_EAP_PASSWORD_EMPTY, E_NO_EAP_PASSWORD
 */
export async function readEapPassword(
  user: string,
  file: string | undefined,
  insecurePermissions: boolean,
): Promise<Secret> {
  const variable = process.env[EAP_PASSWORD_VARIABLE];
  delete process.env[EAP_PASSWORD_VARIABLE];
  const kind = { name: 'password file', code: 'EAP_PASSWORD', largest: LONGEST_PASSWORD } as const;
  const raw =
    file !== undefined
      ? Buffer.from(await readPrivateFile(file, kind, insecurePermissions)).toString('utf8')
      : (variable ?? (await askPassword(user)));
  const password = raw.replace(/\r?\n$/, '');
  if (password !== '') return Secret.fromText(password);
  throw new KitError('usage', 'E_EAP_PASSWORD_EMPTY', `The password of ${user} is empty.`);
}

async function askPassword(user: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new KitError('usage', 'E_NO_EAP_PASSWORD', `No password was given for ${user}.`, {
      hint: `Use --eap-password-file FILE or the environment variable ${EAP_PASSWORD_VARIABLE}.`,
    });
  }
  const { password } = await import('@inquirer/prompts');
  return password({ message: `Password of ${user}:`, mask: true }, { output: process.stderr });
}
