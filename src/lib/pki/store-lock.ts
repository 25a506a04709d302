import { open, readFile, unlink } from 'node:fs/promises';
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
    if (await isOrphan(path)) {
      await unlink(path).catch(() => undefined);
    } else if (Date.now() > deadline) {
      throw new KitError('environment', 'E_STORE_BUSY', `Another process is changing ${folder}.`, {
        hint: `Wait for it; if there is none, remove ${path}.`,
      });
    } else {
      await sleep(POLL_MS);
    }
  }
  try {
    return await change();
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false;
    throw new KitError('environment', 'E_FILE_WRITE', `${path} cannot be written.`, { cause });
  }
}

async function isOrphan(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (!/^\d+$/.test(text)) return false;
  try {
    process.kill(Number(text), 0);
    return false;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'ESRCH';
  }
}
