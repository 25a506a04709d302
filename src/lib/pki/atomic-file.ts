import { randomBytes } from 'node:crypto';
import { link, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KitError } from '../core/errors.js';

export interface WriteOptions {
  /** Permissions, whatever the umask. */
  mode: number;
  /** Take the place of a file that is there. */
  replace: boolean;
}

/** Names of files that were being written when a process ended. */
const TEMPORARY = /^\.ipsec-kit-[0-9a-f]{16}\.tmp$/;

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}

/**
 * Writes a file so that at any moment there is the whole old one or the whole new one: written beside, synced, then
 * linked or renamed into place.
 * @throws KitError usage E_FILE_EXISTS, environment E_FILE_WRITE
 */
export async function writeFileSafely(
  path: string,
  data: string | Uint8Array,
  { mode, replace }: WriteOptions,
): Promise<void> {
  const temporary = join(dirname(path), `.ipsec-kit-${randomBytes(8).toString('hex')}.tmp`);
  try {
    await writeSynced(temporary, data, mode);
    if (replace) await rename(temporary, path);
    else await moveWithoutReplacing(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    if (cause instanceof KitError) throw cause;
    throw new KitError(
      'environment',
      'E_FILE_WRITE',
      `${path} cannot be written: ${codeOf(cause) ?? 'unknown reason'}.`,
      {
        cause,
      },
    );
  }
}

async function writeSynced(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode & 0o600);
  try {
    await file.writeFile(data);
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** link() fails when the name is taken, in one step; some file systems have no links. */
async function moveWithoutReplacing(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await unlink(from);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'EEXIST' || (await exists(to))) throw fileExists(to);
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw cause;
    await rename(from, to);
  }
}

/** @throws KitError usage E_FILE_EXISTS */
export function fileExists(path: string): KitError {
  return new KitError('usage', 'E_FILE_EXISTS', `${path} is there already and stays as it is.`, {
    hint: 'Choose another name, or replace it with --force.',
  });
}

export async function exists(path: string): Promise<boolean> {
  const folder = await readdir(dirname(path)).catch(() => [] as string[]);
  return folder.includes(basename(path));
}

/** A rename is lasting only when its folder is on disk too. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  // Windows opens no folders.
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

/** Removes what interrupted writes left. Only for folders that nobody else writes into at the moment. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder);
  await Promise.all(
    names
      .filter((name) => TEMPORARY.test(name))
      .map((name) => unlink(join(folder, name)).catch(() => undefined)),
  );
}
