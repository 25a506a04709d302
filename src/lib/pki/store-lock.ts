import { randomBytes } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KitError } from '../core/errors.js';

const WAIT_MS = 5000;
const POLL_MS = 50;

/**
 * Runs a change of a store while no other process changes it. A lock whose process has ended is taken over.
 * @throws KitError environment E_STORE_BUSY
 */
export async function withLock<T>(folder: string, change: () => Promise<T>): Promise<T> {
  const path = join(folder, '.lock');
  const deadline = Date.now() + WAIT_MS;
  while (!(await take(path))) {
    if (await removeOrphan(path)) continue;
    if (Date.now() > deadline) {
      throw new KitError('environment', 'E_STORE_BUSY', `Another process is changing ${folder}.`, {
        hint: `Wait for it; if there is none, remove ${path}.`,
      });
    }
    await sleep(POLL_MS);
  }
  try {
    return await change();
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

/** A name beside a lock; not one that a store cleans up, because two processes meet here. */
const beside = (path: string): string => `${path}-${randomBytes(8).toString('hex')}`;

/** Made elsewhere and linked, so that a lock never is without its owner; copied where there are no links. */
async function take(path: string): Promise<boolean> {
  const temporary = beside(path);
  const owner = String(process.pid);
  try {
    await writeFile(temporary, owner, { flag: 'wx', mode: 0o600 });
    await link(temporary, path).catch((cause: unknown) => {
      if (codeOf(cause) === 'EEXIST') throw cause;
      return writeFile(path, owner, { flag: 'wx', mode: 0o600 });
    });
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw new KitError('environment', 'E_FILE_WRITE', `${path} cannot be written.`, { cause });
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

/**
 * Removes a lock whose process has ended. It is moved away first and looked at again: another process may have done
 * the same a moment before and hold the lock by now, and then it gets it back.
 */
async function removeOrphan(path: string): Promise<boolean> {
  if (!(await isOrphan(path))) return false;
  const moved = beside(path);
  try {
    await rename(path, moved);
  } catch {
    return true;
  }
  if (!(await isOrphan(moved))) await link(moved, path).catch(() => undefined);
  await unlink(moved).catch(() => undefined);
  return true;
}

async function isOrphan(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (!/^\d+$/.test(text)) return false;
  try {
    process.kill(Number(text), 0);
    return false;
  } catch (cause) {
    return codeOf(cause) === 'ESRCH';
  }
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
