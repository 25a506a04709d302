/**
 * How fast tunnels are, ours beside others: TCP, UDP, pings beside a stream, processor time, between two network
 * namespaces that go with the bench. Each round brings up each tunnel anew, in turn, and medians of rounds count: both
 * ends, iperf3 and whatever else runs share the machine, so the ratios mean something and the numbers little.
 *
 *   npm run bench:tunnel -- [--rounds 3] [--seconds 5] [--quick] [--only fast,openvpn] [--cipher aes|chacha]
 *                           [--link offload|plain] [--measure up,ping] [--json]
 *
 * Needs root. It installs nothing; what is missing is named and left out.
 */
import { accessSync, constants } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { CIPHERS, COMMON_NEEDS, CONTENDERS } from './tunnel/contenders.mjs';
import { measure, STREAMS } from './tunnel/measure.mjs';
import { aims, medians, ratios, render } from './tunnel/report.mjs';
import { Wire } from './tunnel/wire.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    cipher: { type: 'string' },
    link: { type: 'string' },
    measure: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

/** Those of a list that were asked for: all, or the ones that begin with a word of `asked`. */
function chosen(all, asked, what) {
  if (asked === undefined) return all;
  const words = asked.toLowerCase().split(',');
  const wrong = words.find((word) => !all.some((one) => one.toLowerCase().startsWith(word)));
  if (wrong !== undefined) fail(`There is no ${what} ${wrong}; there are ${all.join(', ')}`);
  return all.filter((one) => words.some((word) => one.toLowerCase().startsWith(word)));
}

function positive(text, fallback, name) {
  const value = Number(text ?? fallback);
  if (!(value > 0)) fail(`--${name} has to be a number greater than 0`);
  return value;
}

const rounds = Math.ceil(positive(options.rounds, options.quick ? 1 : 3, 'rounds'));
const seconds = Math.ceil(positive(options.seconds, options.quick ? 1 : 5, 'seconds'));
const asked = chosen(Object.keys(CONTENDERS), options.only, 'contender');
const ciphers = chosen(Object.keys(CIPHERS), options.cipher, 'cipher');
const links = chosen(['offload', 'plain'], options.link, 'link');
const wanted = chosen([...Object.keys(STREAMS), 'ping'], options.measure, 'measurement');

function isThere(program) {
  const places = program.startsWith('/')
    ? [program]
    : `${process.env.PATH}:/usr/sbin:/sbin`.split(':').map((folder) => `${folder}/${program}`);
  return places.some((place) => {
    try {
      accessSync(place, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Debian packages with the programs that are not there. */
function missing(needs) {
  return [
    ...new Set(
      Object.entries(needs)
        .filter(([program]) => !isThere(program))
        .map(([, name]) => name),
    ),
  ];
}

if (process.getuid?.() !== 0) fail('This bench makes network namespaces: run it as root');
const lacking = missing(COMMON_NEEDS);
if (lacking.length > 0) fail(`Install what is missing: apt-get install ${lacking.join(' ')}`);

const problems = [];
function note(text) {
  problems.push(text);
  process.stderr.write(`${text}\n`);
}
function failed(text) {
  note(text);
  process.exitCode = 1;
}

const present = asked.filter((name) => {
  const packages = missing(CONTENDERS[name].needs);
  if (packages.length === 0) return true;
  note(`${CONTENDERS[name].title} is left out: apt-get install ${packages.join(' ')}`);
  return false;
});

const runs = links.flatMap((link) =>
  ciphers.flatMap((cipher) =>
    present
      .filter((name) => CONTENDERS[name].ciphers.includes(cipher))
      .map((contender) => ({ link, cipher, contender, rounds: [] })),
  ),
);

// Whatever is up goes with this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));
process.stdout.on('error', () => process.exit(1));

async function measureOnce({ link, cipher, contender }, round) {
  const name = `${contender}, ${cipher}, ${link}, round ${round}`;
  if (process.stderr.isTTY) process.stderr.write(`${name}\n`);
  const wire = new Wire(link === 'offload');
  try {
    const tunnel = await CONTENDERS[contender].start(wire, CIPHERS[cipher]);
    await wire.untilPingReturns();
    return await measure(wire, tunnel, wanted, seconds, (what, error) =>
      failed(`${name}, ${what}: ${error.message}`),
    );
  } catch (error) {
    failed(`${name}: ${error.message}`);
    return {};
  } finally {
    await wire.close();
  }
}

for (let round = 1; round <= rounds; round++) {
  for (const run of runs) run.rounds.push(await measureOnce(run, round));
}

const rows = runs.map((run) => ({ ...run, medians: medians(run.rounds) }));
if (options.json) {
  const host = { node: process.version, kernel: release(), cpus: cpus().length, cpu: cpus()[0]?.model };
  const units = { streams: 'Mbit/s', udp: 'packets/s', ping: 'ms', cpu: 'cores', cpuPerGigabyte: 's' };
  const document = {
    ...host,
    rounds,
    seconds,
    units,
    rows,
    ratios: ratios(rows),
    aims: aims(rows),
    problems,
  };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
} else {
  const titles = Object.fromEntries(Object.entries(CONTENDERS).map(([name, { title }]) => [name, title]));
  process.stdout.write(render(rows, titles));
}
