import { access, constants, lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import { writeFileSafely } from '../../lib/pki/atomic-file.js';
import { countText } from './words.js';

/**
 * Sees before a run that there will be a place for hashes: a free name in a folder that can be written.
 * @throws KitError usage `E_FILE_EXISTS`, environment `E_FILE_WRITE`
 */
export async function checkHashFile(path: string): Promise<void> {
  const taken = await lstat(path).then(
    () => true,
    () => false,
  );
  if (taken) {
    throw new KitError(
      'usage',
      'E_FILE_EXISTS',
      `--save-hash: ${path} is there already and stays as it is.`,
      {
        hint: 'Choose another name, or remove it.',
      },
    );
  }
  try {
    await access(dirname(path), constants.W_OK);
  } catch (cause) {
    throw new KitError('environment', 'E_FILE_WRITE', `--save-hash: ${dirname(path)} cannot be written.`, {
      cause,
    });
  }
}

/**
 * Writes hashes that gateways gave away into a new file of its owner, and tells.
 * @returns a sentence for the user
 * @throws KitError usage `E_FILE_EXISTS`, environment `E_FILE_WRITE`
 */
export async function saveHashes(path: string, hashes: readonly string[]): Promise<string> {
  if (hashes.length === 0) return `no hash was given away: ${printable(path)} is not written`;
  const lines = hashes.map((line) => `${line}\n`).join('');
  await writeFileSafely(path, lines, { mode: 0o600, replace: false });
  return `wrote ${countText(hashes.length, 'hash', 'hashes')} to ${printable(path)}`;
}
