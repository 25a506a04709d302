import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeGcm1400, makeIke, makeImix, makeKeys } from './decode-inputs.mjs';
import { benchOptions } from './options.mjs';

const bin = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const options = benchOptions({
  script: 'bench:decode',
  about: `How fast decode is, as a multiple of tshark on the same file: makes captures, runs both in turn, each on one
core, and prints packets a second of processor time, the ratio of the medians, and the peak of resident memory.

Without tshark only ours is measured; without taskset the processes are not bound to a core.`,
  flags: {
    packets: { value: 'N', least: 1, default: 500_000, help: 'packets of each capture' },
    runs: { value: 'N', least: 1, default: 5, help: 'runs' },
    only: { value: 'TEXT', help: 'cases with this in their name' },
    json: { help: 'print JSON' },
    memory: {
      help: 'compare the peaks of ESP captures of 10 MB, 200 MB and 2 GB instead; takes 2.5 GB of temporary files',
    },
  },
});
const { packets } = options;
const has = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const tshark = has('tshark');
const core = has('taskset') ? ['taskset', '-c', String(cpus().length - 1)] : [];

const DECRYPT = ['-o', 'esp.enable_encryption_decode:TRUE'];
const CHECK = [...DECRYPT, '-o', 'esp.enable_authentication_check:TRUE'];
const FIELDS = [
  'frame.number',
  'ip.src',
  'ip.dst',
  'isakmp.ispi',
  'isakmp.rspi',
  'isakmp.exchangetype',
  'isakmp.messageid',
  'isakmp.typepayload',
  'isakmp.tf.id.encr',
  'isakmp.notify.msgtype',
].flatMap((field) => ['-e', field]);

/** tshark prints one line a packet, its fastest output, except where `-T fields` is the measure. */
const cases = [
  {
    name: 'ESP GCM 1400, decrypted and checked, ndjson; tshark decrypts without checking',
    aim: 4,
    make: makeGcm1400,
    ours: (keys) => ['--format', 'ndjson', '--keys', keys],
    theirs: () => DECRYPT,
  },
  {
    name: 'ESP GCM 1400, decrypted and checked, summary; tshark decrypts and checks',
    aim: 4,
    make: makeGcm1400,
    ours: (keys) => ['--keys', keys],
    theirs: () => CHECK,
  },
  {
    name: 'ESP GCM IMIX, decrypted and checked, ndjson; tshark decrypts without checking',
    make: makeImix,
    ours: (keys) => ['--format', 'ndjson', '--keys', keys],
    theirs: () => DECRYPT,
  },
  {
    name: 'ESP 1400 without keys, ndjson',
    aim: 2,
    make: makeGcm1400,
    ours: () => ['--format', 'ndjson'],
    theirs: () => [],
  },
  {
    name: 'ESP 1400 without keys, summary',
    aim: 2,
    make: makeGcm1400,
    ours: () => [],
    theirs: () => [],
  },
  {
    name: 'IKE parsed to ndjson; tshark -T fields',
    aim: 3,
    make: (path, count) => makeIke(path, Math.round(count / 6)),
    ours: () => ['--format', 'ndjson'],
    theirs: () => ['-T', 'fields', ...FIELDS],
  },
];

/**
 * Runs a program to its end, its output thrown away.
 * @returns seconds of processor time, which others on the machine change less than the clock, and of the clock; the
 *   peak of resident memory in MB
 */
function measure(command, env = {}) {
  return new Promise((resolve, reject) => {
    const script = 'exec 3>&2; TIMEFORMAT="%U %S %R"; time "$@" >/dev/null 2>&3';
    const child = spawn('bash', ['-c', script, 'bash', ...core, ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    let peak = 0;
    const timer = setInterval(() => {
      for (const pid of childrenOf(child.pid)) peak = Math.max(peak, peakMemory(pid));
    }, 20);
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
    });
    child.on('error', reject).on('close', (code) => {
      clearInterval(timer);
      if (code !== 0) reject(new Error(`${command.join(' ')} ended with ${code}: ${errors}`));
      const [user, system, clock] = errors.trim().split('\n').at(-1).split(' ').map(Number);
      resolve({ processor: user + system, clock, peak });
    });
  });
}

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  } catch {
    return [];
  }
}

function peakMemory(pid) {
  try {
    const [, kilobytes = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  } catch {
    return 0;
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

async function compare(folder, keys, { name, aim, make, ours, theirs }) {
  const file = join(folder, `${make.name || 'ike'}.pcap`);
  const count = make(file, packets);
  const seconds = { ours: [], theirs: [] };
  const peak = { ours: 0, theirs: 0 };
  for (let run = 0; run < options.runs; run++) {
    const own = await measure([process.execPath, bin, 'decode', file, ...ours(keys)]);
    seconds.ours.push(own.processor);
    peak.ours = Math.max(peak.ours, own.peak);
    if (!tshark) continue;
    const other = await measure(['tshark', '-n', '-r', file, ...theirs()], { WIRESHARK_CONFIG_DIR: keys });
    seconds.theirs.push(other.processor);
    peak.theirs = Math.max(peak.theirs, other.peak);
  }
  rmSync(file);
  const rate = (list) => (list.length === 0 ? undefined : Math.round(count / median(list)));
  const result = { name, packets: count, ours: rate(seconds.ours), tshark: rate(seconds.theirs) };
  return {
    ...result,
    ...(tshark && { ratio: Number((result.ours / result.tshark).toFixed(2)) }),
    ...(aim && { aim }),
    peakMb: { ours: Math.round(peak.ours), ...(tshark && { tshark: Math.round(peak.theirs) }) },
  };
}

function show({ name, packets: count, ours, tshark: theirs, ratio, aim, peakMb }) {
  process.stdout.write(`${name} (${count} packets)\n`);
  process.stdout.write(`  ours    ${String(ours).padStart(9)} packets/s, peak ${peakMb.ours} MB\n`);
  if (theirs === undefined) return;
  process.stdout.write(`  tshark  ${String(theirs).padStart(9)} packets/s, peak ${peakMb.tshark} MB\n`);
  process.stdout.write(`  ratio   ${ratio}${aim === undefined ? '' : ` (aim ${aim})`}\n`);
}

async function memory(folder, keys) {
  const results = [];
  for (const megabytes of [10, 200, 2000]) {
    const file = join(folder, 'esp.pcap');
    makeGcm1400(file, Math.round((megabytes * 1e6) / 1492));
    const { size } = statSync(file);
    for (const format of ['ndjson', 'json', 'text']) {
      const own = [process.execPath, bin, 'decode', file, '--keys', keys, '--format', format];
      const { peak, clock } = await measure(own);
      results.push({ bytes: size, format, peakMb: Math.round(peak), seconds: Number(clock.toFixed(1)) });
      if (!options.json) {
        process.stdout.write(
          `${(size / 1e6).toFixed(0).padStart(5)} MB  ${format.padEnd(6)}  peak ${peak.toFixed(0)} MB, ${clock.toFixed(1)} s\n`,
        );
      }
    }
    rmSync(file);
  }
  return results;
}

const folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-bench-'));
try {
  const keys = makeKeys(join(folder, 'keys'));
  writeFileSync(join(keys, 'preferences'), 'gui.update.enabled: FALSE\n');
  const results = [];
  if (options.memory) results.push(...(await memory(folder, keys)));
  else {
    for (const entry of cases.filter(({ name }) => name.includes(options.only ?? ''))) {
      const result = await compare(folder, keys, entry);
      results.push(result);
      if (!options.json) show(result);
    }
  }
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
