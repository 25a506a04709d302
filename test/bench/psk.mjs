import { spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchOptions } from './options.mjs';

const options = benchOptions({
  script: 'bench:psk',
  about: `Words a second and core that psk audit tries against an IKEv1 Aggressive Mode hash, beside psk-crack on the same
file where it is installed and knows the hash. Runs are interleaved; processor time counts, not the clock, so that other
work on the machine matters little; starting up is part of it.`,
  flags: {
    words: { value: 'N', least: 1, default: 6_000_000, help: 'words of the list' },
    runs: { value: 'N', least: 1, default: 3, help: 'runs' },
    json: { help: 'print JSON' },
  },
});
const bin = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const count = options.words;
const cases = [
  { hash: 'md5', other: true },
  { hash: 'sha1', other: true },
  { hash: 'sha256', other: false },
  { hash: 'sha384', other: false },
  { hash: 'sha512', other: false },
];

/** A line of group 2 with nonces of 20 bytes, as ike-scan asks for. */
function makeLine(hash) {
  const fields = [128, 128, 8, 8, 52, 8, 20, 20].map((length) => randomBytes(length));
  const [, , , , , , nonceI, nonceR] = fields;
  const key = createHmac(hash, 'a key that is not in the list').update(nonceI).update(nonceR).digest();
  const proof = createHmac(hash, key)
    .update(Buffer.concat(fields.slice(0, 6)))
    .digest();
  return `${[...fields, proof].map((field) => field.toString('hex')).join(':')}\n`;
}

function makeWords(path) {
  const lines = [];
  for (let i = 0; i < count; i++) lines.push(`pass${((i * 7919) % 10000019).toString(36)}${i % 97}`);
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/** Seconds of processor time of a program, its output thrown away. */
function measure(...command) {
  const script = 'exec 3>&2; TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&3';
  const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`);
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return user + system;
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const rate = (seconds) => (seconds.length === 0 ? undefined : Math.round(count / median(seconds)));

function compare(folder, words, { hash, other }) {
  const file = join(folder, `${hash}.hash`);
  writeFileSync(file, makeLine(hash));
  const seconds = { ours: [], other: [] };
  for (let run = 0; run < options.runs; run++) {
    seconds.ours.push(
      measure(process.execPath, bin, 'psk', 'audit', file, '--wordlist', words, '--threads', '1'),
    );
    if (other && hasOther) seconds.other.push(measure('psk-crack', '-d', words, file));
  }
  const [ours, theirs] = [rate(seconds.ours), rate(seconds.other)];
  return { hash, ours, ...(theirs && { pskCrack: theirs, ratio: Number((ours / theirs).toFixed(2)) }) };
}

function beside({ other }, { pskCrack, ratio }) {
  if (pskCrack) return `psk-crack ${String(pskCrack).padStart(8)}  ratio ${ratio}`;
  return other ? 'psk-crack is not installed' : 'psk-crack does not know it';
}

const hasOther = spawnSync('psk-crack', ['--version'], { stdio: 'ignore' }).error === undefined;
const folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-bench-'));
try {
  const words = join(folder, 'words.txt');
  makeWords(words);
  if (!options.json) process.stdout.write('words a second and core\n');
  const results = [];
  for (const each of cases) {
    const result = compare(folder, words, each);
    results.push(result);
    if (options.json) continue;
    process.stdout.write(
      `  ${result.hash.padEnd(7)} ours ${String(result.ours).padStart(8)}  ${beside(each, result)}\n`,
    );
  }
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
