/**
 * Compiles src/, TypeScript and WebAssembly text, into dist/ and writes oclif.manifest.json, which lets the command start without loading
 * every command file. The compiler writes beside dist/ first: a failed build leaves the last good one in place.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCommands } from './commands.mjs';
import { sourceDigest, stampFile } from './stamp.mjs';
import { compileWat } from './wat.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const fresh = join(root, 'node_modules', '.cache', `ipsec-kit-build-${process.pid}`);
const digest = sourceDigest(root);

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(
  process.execPath,
  [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', fresh],
  { stdio: ['ignore', 2, 2] },
);
if (status !== 0) {
  rmSync(fresh, { recursive: true, force: true });
  process.exit(status ?? 1);
}
const source = join(root, 'src');
for (const module of await compileWat(source)) copyFileSync(module, join(fresh, relative(source, module)));
rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);

const { manifest } = await loadCommands(root);
writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
writeFileSync(stampFile(root), digest);
