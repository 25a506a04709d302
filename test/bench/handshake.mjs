import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Initiator } from './handshake/initiator.mjs';
import { GROUPS } from './handshake/policy.mjs';
import { misses, startStrongSwan } from './handshake/strongswan.mjs';
import { benchOptions } from './options.mjs';

const options = benchOptions({
  script: 'bench:handshake',
  about: `IKE SAs a second, and the processor time that each takes at either end: our initiator against our responder, each
in a process, over loopback, with a pre-shared key and a child SA each. For root with strongSwan installed, also our
initiator against its responder, in a network namespace that goes with the bench. Rounds are interleaved, medians
count.`,
  flags: {
    rounds: { value: 'N', least: 1, help: 'rounds (3; with --quick 1)' },
    count: { value: 'N', least: 1, help: 'IKE SAs in each round (500; with --quick 100)' },
    together: { value: 'N', least: 1, default: 8, help: 'how many are made at the same time' },
    quick: { help: 'show that it works' },
    json: { help: 'print JSON' },
    inside: {},
  },
});
const { together } = options;
const rounds = options.rounds ?? (options.quick ? 1 : 3);
const count = options.count ?? (options.quick ? 100 : 500);
/**
 * SAs that do not count. Ours needs more: compilers learn from the first thousand. strongSwan gets slower with each that
 * it keeps, so it is spared them.
 */
const WARM_UP = { 'ipsec-kit': options.quick ? 100 : 1000, strongSwan: 100 };
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

async function startOwn() {
  const child = fork(fileURLToPath(new URL('handshake/responder.mjs', import.meta.url)));
  const [{ ports }] = await once(child, 'message');
  return {
    ports,
    cpuMicroseconds: async () => {
      child.send('cpu');
      const [{ cpu }] = await once(child, 'message');
      return cpu;
    },
    stop: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

const ownCpu = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function measureOnce({ responder, initiator }, group) {
  const before = { responder: await responder.cpuMicroseconds(), initiator: ownCpu() };
  const began = performance.now();
  await initiator.make(count, group, together);
  const seconds = (performance.now() - began) / 1000;
  const used = (after, start) => (after - start) / count / 1000;
  return {
    rate: count / seconds,
    initiatorCpu: used(ownCpu(), before.initiator),
    responderCpu: used(await responder.cpuMicroseconds(), before.responder),
  };
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

// A namespace of its own keeps strongSwan's ports, routes and device away from the host.
const lacking = misses();
const inNamespace = options.inside || lacking !== undefined;
if (!inNamespace) {
  // kernel-libipsec wants an address in the network that it answers for.
  const inside =
    'ip link set lo up && ip addr add 10.99.2.1/24 dev lo && mount -t tmpfs none /run && exec "$0" "$@"';
  const again = [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--inside'];
  const child = spawn('unshare', ['--net', '--mount', 'sh', '-c', inside, process.execPath, ...again], {
    stdio: 'inherit',
  });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  const [status] = await once(child, 'exit');
  process.exit(status ?? 1);
}
// What removes files and ends daemons waits for the event `exit`.
for (const signal of SIGNALS) process.once(signal, () => process.exit(130));
if (lacking !== undefined) process.stderr.write(`strongSwan is not measured: ${lacking}\n`);

const starts = [
  { name: 'ipsec-kit', start: startOwn },
  ...(lacking === undefined ? [{ name: 'strongSwan', start: startStrongSwan }] : []),
];
const gateways = [];
const results = [];
try {
  for (const { name, start } of starts) {
    const responder = await start();
    const gateway = { name, responder, initiator: undefined };
    gateways.push(gateway);
    gateway.initiator = await Initiator.open(responder.ports);
  }
  const runs = GROUPS.flatMap((group) => gateways.map((gateway) => ({ group, gateway, times: [] })));
  for (const { group, gateway } of runs) await gateway.initiator.make(WARM_UP[gateway.name], group, together);
  for (let round = 0; round < rounds; round++) {
    for (const { group, gateway, times } of runs) times.push(await measureOnce(gateway, group));
  }
  for (const { group, gateway, times } of runs) {
    const of = (key, digits) => Number(median(times.map((time) => time[key])).toFixed(digits));
    results.push({
      responder: gateway.name,
      group,
      rate: of('rate', 0),
      initiatorCpu: of('initiatorCpu', 3),
      responderCpu: of('responderCpu', 3),
    });
  }
} finally {
  for (const { responder, initiator } of gateways) {
    initiator?.close();
    await responder.stop();
  }
}

/** What our responder costs in strongSwan's. */
const ratios = Object.fromEntries(
  GROUPS.map((group) => {
    const cost = (name) => results.find((one) => one.responder === name && one.group === group)?.responderCpu;
    return [group, cost('ipsec-kit') / cost('strongSwan')];
  }).filter(([, ratio]) => Number.isFinite(ratio)),
);

if (options.json) {
  const host = { node: process.version, cpus: cpus().length, cpu: cpus()[0]?.model };
  const units = { rate: 'IKE SAs/s', cpu: 'milliseconds of processor time for an SA' };
  process.stdout.write(
    `${JSON.stringify({ ...host, rounds, count, together, units, results, ratios }, null, 2)}\n`,
  );
} else {
  const line = (cells) =>
    `${cells.map((cell, i) => (i < 2 ? cell.padEnd(12) : cell.padStart(18))).join('')}\n`;
  process.stdout.write(`our initiator, ${together} at a time; processor time in ms for an SA\n`);
  process.stdout.write(line(['responder', 'group', 'IKE SAs/s', 'initiator CPU', 'responder CPU']));
  for (const { responder, group, rate, initiatorCpu, responderCpu } of results) {
    process.stdout.write(
      line([responder, group, String(rate), initiatorCpu.toFixed(2), responderCpu.toFixed(2)]),
    );
  }
  for (const [group, ratio] of Object.entries(ratios)) {
    process.stdout.write(
      `responder CPU to strongSwan's, ${group}: ${ratio.toFixed(2)} (aim: at most 1.5 with x25519)\n`,
    );
  }
}
