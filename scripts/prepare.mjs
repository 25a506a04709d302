/**
 * Brings a fresh clone to where an npm script can run: `install` the dependencies, `build` also the command.
 * Finds out by content, not by file times, because copies and checkouts scramble those; does nothing when all is
 * up to date. Speaks on stderr, so that stdout stays the script's own.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceDigest, stampFile } from './stamp.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether node_modules holds what package-lock.json asks for; optional packages may be absent (other platforms). */
function installed() {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  const present = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    const found = present[path];
    if (path === '' || (found === undefined && entry.optional)) return true;
    return found?.version === entry.version && found?.integrity === entry.integrity;
  });
}

function built() {
  try {
    return readFileSync(stampFile(root), 'utf8') === sourceDigest(root);
  } catch {
    return false;
  }
}

/** Runs a program with its output on stderr; ends this process with its status when it fails. */
function run(what, command, args) {
  process.stderr.write(`${what} …\n`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node ${process.versions.node} is too old: ipsec-kit needs Node 20.19 or newer.\n`);
  process.exit(1);
}

const goal = process.argv[2];
if (goal !== 'install' && goal !== 'build') {
  process.stderr.write('usage: node scripts/prepare.mjs install|build\n');
  process.exit(2);
}
if (!installed()) {
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  if (npm) run('Installing dependencies', process.execPath, [npm, ...args]);
  else run('Installing dependencies', 'npm', args);
}
if (goal === 'build' && !built()) run('Building', process.execPath, [join(root, 'scripts', 'build.mjs')]);
