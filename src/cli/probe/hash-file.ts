import { access, constants, lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import { writeFileSafely } from '../../lib/pki/atomic-file.js';
import { countText } from './words.js';

/** What hashcat has room for (mode 5300, 5400): public values, cookies, SA and identity together. */
const HASHCAT_BYTES = 512;

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
  const long = hashes.filter(isLong).length;
  const limit = long === 0 ? '' : `; of these ${long} for psk audit and psk-crack only: too long for hashcat`;
  return `wrote ${countText(hashes.length, 'hash', 'hashes')} to ${printable(path)}${limit}`;
}

/** Lines of groups above 5: `g_xr:g_xi:cky_r:cky_i:sai_b:idir_b:…` in hexadecimal. */
function isLong(line: string): boolean {
  return line.split(':').slice(0, 6).join('').length / 2 > HASHCAT_BYTES;
}
