import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KitError } from '../../core/errors.js';
import { fileExists, writeFileSafely } from '../atomic-file.js';
import type { ExportedFile } from './types.js';

/**
 * Writes exported files into a folder, made when it is not there; files with secrets for their owner only. Unless files
 * may be replaced, nothing is written when one of them is there.
 * @returns the paths, in the order of the files
 * @throws KitError usage E_FILE_EXISTS, environment E_FILE_WRITE
 */
export async function writeExportedFiles(
  folder: string,
  files: readonly ExportedFile[],
  { replace }: { replace: boolean },
): Promise<string[]> {
  const paths = files.map(({ name }) => join(folder, name));
  if (!replace) {
    for (const path of paths)
      if ((await stat(path).catch(() => undefined)) !== undefined) throw fileExists(path);
  }
  for (const parent of new Set(paths.map(dirname))) await makeFolder(parent);
  for (const [at, { data, secret }] of files.entries()) {
    await writeFileSafely(paths[at]!, data, { mode: secret ? 0o600 : 0o644, replace });
  }
  return paths;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new KitError('environment', 'E_FILE_WRITE', `The folder ${path} cannot be made.`, { cause });
  }
}
