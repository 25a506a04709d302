import { benchOptions } from './options.mjs';
import { growth, type MemoryUse, memoryUse } from './soak/memory.js';
import { SoakWorld } from './soak/world.js';

const { packets, replace } = benchOptions({
  script: 'bench:soak',
  about: `Two hours of traffic by the number of packets: whether the memory of the data path stays as it is. Two data paths
carry bulk of TCP and UDP to each other, with rekeys, damaged, repeated and strange datagrams in between, and every
packet is accounted for. There are no devices and no sockets, so it needs no root.

Exit code 1 when memory grew after the warm-up, the first tenth, or the sums are wrong.`,
  flags: {
    packets: { value: 'N', least: 1000, default: 100_000_000, help: 'packets to carry' },
    replace: {
      value: 'N',
      least: 1000,
      default: 20_000,
      help: 'packets after which a pair of SAs is replaced',
    },
  },
});

/** How often memory is looked at, and after how many of those it is warm. */
const SAMPLES = 40;
const WARM = 4;

const cell = (text: string | number): string => String(text).padStart(12);
const mebibytes = (bytes: number): string => cell((bytes / 2 ** 20).toFixed(2));
const write = (text: string): boolean => process.stdout.write(`${text}\n`);

const start = process.cpuUsage();
function seconds(): string {
  const { user, system } = process.cpuUsage(start);
  return ((user + system) / 1e6).toFixed(1);
}

write(`${['packets', 'CPU s', 'rekeys', 'RSS', 'heap', 'external', 'malloc'].map(cell).join('')}  MiB`);
const world = new SoakWorld(replace);
const problems: string[] = [];
let warm: MemoryUse | undefined;
for (let sample = 1; sample <= SAMPLES && problems.length === 0; sample++) {
  world.run((packets * sample) / SAMPLES);
  const use = memoryUse();
  const counts = [world.carried, seconds(), world.totals().replaced].map(cell);
  write([...counts, ...[use.rss, use.heapUsed, use.external, use.malloc].map(mebibytes)].join(''));
  if (sample === WARM) warm = use;
  if (warm !== undefined) problems.push(...growth(warm, use, ['rss', 'heapUsed', 'external', 'malloc']));
}
problems.push(...world.finish());
const totals = world.totals();
world.close();
write(
  `${totals.packetsIn} packets carried and ${totals.replaced} pairs of SAs replaced; refused ${totals.icvFailures} with a changed bit, ${totals.replays} repeated`,
);
for (const problem of problems) write(`✗ ${problem}`);
if (problems.length > 0) process.exitCode = 1;
