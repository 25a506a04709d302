import { accessSync, constants } from 'node:fs';
import { cpus, release } from 'node:os';
import { benchOptions, misused } from './options.mjs';
import { CIPHERS, COMMON_NEEDS, CONTENDERS } from './tunnel/contenders.mjs';
import { measure, STREAMS } from './tunnel/measure.mjs';
import { aims, medians, ratios, render } from './tunnel/report.mjs';
import { Wire } from './tunnel/wire.mjs';

const LINKS = ['offload', 'plain'];
const MEASURES = [...Object.keys(STREAMS), 'ping'];
const options = benchOptions({
  script: 'bench:tunnel',
  about: `How fast tunnels are, ours beside others: TCP, UDP, pings beside a stream, processor time, between two network
namespaces that go with the bench. Each round brings up each tunnel anew, in turn, and medians of rounds count: both
ends, iperf3 and whatever else runs share the machine, so the ratios mean something and the numbers little.

It needs root and installs nothing: what is missing is named and left out. NAMES are separated by commas, and the
beginning of each is enough.`,
  flags: {
    rounds: { value: 'N', least: 1, help: 'rounds (3; with --quick 1)' },
    seconds: { value: 'N', least: 1, help: 'length of each stream (5; with --quick 1)' },
    quick: { help: 'show that it works' },
    only: { value: 'NAMES', help: `tunnels: ${Object.keys(CONTENDERS).join(', ')}` },
    cipher: { value: 'NAMES', help: `ciphers: ${Object.keys(CIPHERS).join(', ')}` },
    link: { value: 'NAMES', help: `with UDP segmentation on the link, and without: ${LINKS.join(', ')}` },
    measure: { value: 'NAMES', help: `what to measure: ${MEASURES.join(', ')}` },
    json: { help: 'print JSON' },
  },
});

/** Those of a list that were asked for: all, or the ones that begin with a word of `asked`. */
function chosen(all, asked, what) {
  if (asked === undefined) return all;
  const words = asked.toLowerCase().split(',');
  const wrong = words.find((word) => !all.some((one) => one.toLowerCase().startsWith(word)));
  if (wrong !== undefined) misused(`There is no ${what} ${wrong}; there are ${all.join(', ')}`);
  return all.filter((one) => words.some((word) => one.toLowerCase().startsWith(word)));
}

const rounds = options.rounds ?? (options.quick ? 1 : 3);
const seconds = options.seconds ?? (options.quick ? 1 : 5);
const asked = chosen(Object.keys(CONTENDERS), options.only, 'contender');
const ciphers = chosen(Object.keys(CIPHERS), options.cipher, 'cipher');
const links = chosen(LINKS, options.link, 'link');
const wanted = chosen(MEASURES, options.measure, 'measurement');

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

if (process.getuid?.() !== 0) misused('This bench makes network namespaces: run it as root');
const lacking = missing(COMMON_NEEDS);
if (lacking.length > 0) misused(`Install what is missing: apt-get install ${lacking.join(' ')}`);

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
