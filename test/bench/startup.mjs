import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { benchOptions } from './options.mjs';

benchOptions({
  script: 'bench',
  about: `How long ipsec-kit --version and --help of a command take, as multiples of node -e 0: medians of interleaved runs,
so that a busy machine slows all alike.`,
});
const RUNS = 31;
const WARM_UP = 3;
const bin = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

function milliseconds(args) {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

const cases = { node: ['-e', '0'], version: [bin, '--version'], help: [bin, 'connect', '--help'] };
const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let run = -WARM_UP; run < RUNS; run += 1) {
  for (const [name, args] of Object.entries(cases)) {
    const time = milliseconds(args);
    if (run >= 0) times[name].push(time);
  }
}
const base = median(times.node);
process.stdout.write(`node -e 0: ${base.toFixed(1)} ms (median of ${RUNS} interleaved runs)\n`);
for (const [name, what] of [
  ['version', 'ipsec-kit --version'],
  ['help', 'ipsec-kit connect --help'],
]) {
  const time = median(times[name]);
  process.stdout.write(`${what}: ${time.toFixed(1)} ms, ${(time / base).toFixed(2)} times node -e 0\n`);
}
