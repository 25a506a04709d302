import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCompiled } from './wat.mjs';

/** Where a build notes what it was made from. */
export const stampFile = (root) => join(root, 'dist', '.sources');

/** Digest over everything a build depends on: names and contents. */
export function sourceDigest(root) {
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !isCompiled(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  const settings = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.mjs',
    'scripts/commands.mjs',
    'scripts/wat.mjs',
  ];
  const hash = createHash('sha256');
  for (const file of [...files, ...settings.map((name) => join(root, name))]) {
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}
