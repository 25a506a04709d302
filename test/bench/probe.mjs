import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchOptions } from './options.mjs';

const options = benchOptions({
  script: 'bench:probe',
  about: `What a probe costs: packets, seconds at 30 ms of delay each way, and half-open SAs that stay behind, and the same
for ike-scan, which asks one fixed offer.

Gateways are our own responder and, for root with charon-systemd and swanctl installed, strongSwan in a network
namespace that goes with the bench. The delay comes from a relay in this process.`,
  flags: {
    delay: { value: 'MS', least: 0, default: 30, help: 'delay each way, milliseconds' },
    json: { help: 'print JSON' },
    inside: {},
  },
});
const { delay } = options;
const lib = (path) => import(new URL(`../../dist/lib/${path}`, import.meta.url).href);
const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const CHARON = '/usr/sbin/charon-systemd';
const STRICT = 'aes256-sha256-prfsha256-modp2048';
const TIED = `aes128gcm16-prfsha256-ecp256,${STRICT},3des-sha1-prfsha1-modp1024`;

async function bind(port = 0) {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.bind(port, '127.0.0.1', resolve));
  return socket;
}

/** Carries datagrams to a port of this host and back, each way a little later. */
async function relayTo(port) {
  const inner = await bind();
  const outer = await bind();
  let client;
  outer.on('message', (data, from) => {
    client = from;
    setTimeout(() => inner.send(data, port, '127.0.0.1', () => {}), delay);
  });
  inner.on('message', (data) => {
    setTimeout(() => outer.send(data, client.port, client.address, () => {}), delay);
  });
  return {
    port: outer.address().port,
    close: () => {
      inner.close();
      outer.close();
    },
  };
}

/** Our own responder on two ports. */
async function startOwn(proposals) {
  const { createListener } = await lib('ike/session/listener.js');
  const { parseProposals } = await lib('ike/proposals.js');
  const { selectorFromCidr } = await lib('ike/traffic-selectors.js');
  const { Secret } = await lib('core/secret.js');
  const { systemEntropy } = await lib('core/environment.js');
  const secret = Secret.fromText('a key of the bench');
  const policy = {
    localId: undefined,
    remoteId: undefined,
    auth: { local: [{ type: 'psk', secret }], remote: [[{ type: 'psk', secret }]] },
    ikeProposals: parseProposals(proposals, 1),
    espProposals: parseProposals('default', 3),
    localTs: [selectorFromCidr('10.2.0.0/24')],
    remoteTs: [selectorFromCidr('10.1.0.0/24')],
    pool: undefined,
    encap: true,
    rekeyIke: undefined,
    rekeyChild: undefined,
    dpd: undefined,
    natKeepalive: 20_000,
    retransmit: { initial: 500, factor: 1.6, sends: 8 },
    fragmentation: { announce: true },
    halfOpenTimeout: 60_000,
  };
  const limits = { cookieThreshold: 1000, maxHalfOpen: 1000, maxHalfOpenPerAddress: 1000 };
  const listener = createListener(policy, limits, systemEntropy);
  let ended = 0;
  let opened = 0;
  const sockets = await Promise.all([bind(), bind()]);
  const [ike, natT] = sockets.map((socket) => socket.address().port);
  sockets.forEach((socket, i) => {
    const marker = i === 0 ? Buffer.alloc(0) : Buffer.alloc(4);
    socket.on('message', (data, from) => {
      const path = {
        local: { address: '127.0.0.1', port: [ike, natT][i] },
        remote: { address: from.address, port: from.port },
        natT: i === 1,
      };
      const before = listener.size;
      const output = listener.handle(
        { type: 'datagram', path, data: data.subarray(marker.length) },
        Date.now(),
      );
      opened += Math.max(0, listener.size - before);
      ended += output.events.filter(({ event }) => event.type === 'ike-sa-deleted').length;
      for (const { data: reply } of output.send)
        socket.send(Buffer.concat([marker, reply]), from.port, from.address);
    });
  });
  return {
    ike,
    natT,
    halfOpen: async () => opened - ended,
    stop: async () => {
      for (const socket of sockets) socket.close();
    },
  };
}

/** strongSwan on the ports 500 and 4500 of this network namespace. */
async function startStrongSwan(proposals) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-probe-'));
  const swanctl = join(folder, 'swanctl');
  mkdirSync(swanctl);
  const vici = `unix://${join(folder, 'vici')}`;
  const plugins =
    'random nonce aes aesni sha1 sha2 md5 mgf1 hmac kdf gmp curve25519 openssl gcm ccm ctr chapoly drbg xcbc cmac kernel-netlink socket-default vici';
  writeFileSync(
    join(folder, 'strongswan.conf'),
    `charon-systemd {\n load_modular = no\n load = ${plugins}\n plugins { vici { socket = ${vici} } }\n journal { default = -1 }\n filelog { log { path = ${join(folder, 'log')}\n default = 0 } }\n}\nswanctl { load = random nonce aes sha1 sha2 hmac openssl }\n`,
  );
  writeFileSync(
    join(swanctl, 'swanctl.conf'),
    `connections { c { version = 2\n local_addrs = 127.0.0.1\n remote_addrs = %any\n proposals = ${proposals}\n local { auth = psk\n id = gateway.test }\n remote { auth = psk }\n children { net { local_ts = 10.2.0.0/24 } } } }\nsecrets { ike-1 { secret = "a key of the bench" } }\n`,
  );
  const env = { ...process.env, STRONGSWAN_CONF: join(folder, 'strongswan.conf'), SWANCTL_DIR: swanctl };
  const daemon = spawn(CHARON, [], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => daemon.on('exit', resolve));
  const ask = (...args) => spawnSync('swanctl', [...args, '--uri', vici], { env, encoding: 'utf8' });
  for (let i = 0; i < 100 && !existsSync(join(folder, 'vici')); i += 1) await sleep(50);
  const loaded = ask('--load-all', '--noprompt');
  if (loaded.status !== 0) throw new Error(`strongSwan does not start: ${loaded.stderr}`);
  return {
    ike: 500,
    natT: 4500,
    halfOpen: async () => Number(/(\d+) half-open/.exec(ask('--stats').stdout)?.[1]),
    stop: async () => {
      daemon.kill();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

async function probe(gateway, overrides) {
  const { probeTarget } = await lib('probe/probe-target.js');
  const { systemClock, systemEntropy } = await lib('core/environment.js');
  const [ike, natT] = [await relayTo(gateway.ike), await relayTo(gateway.natT)];
  const began = performance.now();
  const facts = await probeTarget(
    { host: '127.0.0.1', address: '127.0.0.1' },
    {
      port: ike.port,
      natPort: natT.port,
      sourcePort: undefined,
      depth: 'full',
      suites: 'none',
      budget: 100_000,
      pps: undefined,
      timeout: 2000,
      retries: 3,
      ikev1: true,
      active: false,
      ...overrides,
    },
    {
      onProgress() {},
      signal: new AbortController().signal,
      clock: systemClock,
      entropy: systemEntropy,
      log() {},
    },
  );
  const seconds = (performance.now() - began) / 1000;
  await sleep(3 * delay);
  const halfOpen = await gateway.halfOpen();
  ike.close();
  natT.close();
  return { facts, seconds, halfOpen };
}

const runs = [
  { name: 'default run', overrides: {} },
  { name: 'default run without IKEv1', overrides: { ikev1: false } },
  { name: 'pairwise suites', overrides: { suites: 'pairwise' } },
  { name: 'quick', overrides: { depth: 'quick', budget: 5 } },
];
const results = [];

function row(gateway, run, { facts, seconds, halfOpen }) {
  const { accepted, suites } = facts.ikev2;
  const counts = ['encr', 'prf', 'integ', 'ke'].map((kind) => accepted[kind].length);
  const result = {
    gateway,
    run,
    sent: facts.packets.sent,
    received: facts.packets.received,
    seconds: Number(seconds.toFixed(2)),
    halfOpenLeft: halfOpen,
    accepted: counts,
    suites: suites.length,
    complete: facts.ikev2.suitesComplete,
  };
  results.push(result);
  if (options.json) return;
  process.stdout.write(
    `${run.padEnd(27)}${String(result.sent).padStart(5)} sent ${String(result.received).padStart(5)} received ${seconds.toFixed(2).padStart(6)} s, ${halfOpen} half-open left, ${counts.join('+')} algorithms, ${suites.length} suites${result.complete ? ' (all)' : ''}\n`,
  );
}

function say(text) {
  if (!options.json) process.stdout.write(`${text}\n`);
}

async function measure(name, start, proposals) {
  say(`\n${name}`);
  const gateway = await start(proposals);
  try {
    for (const { name: run, overrides } of runs) row(name, run, await probe(gateway, overrides));
    if (has('ike-scan')) {
      const { seconds, answer } = await ikeScanThroughRelay(gateway);
      say(
        `ike-scan (one offer)           1 sent                ${seconds.toFixed(2).padStart(6)} s: ${answer}`,
      );
    } else say('ike-scan is not installed: nothing to compare with');
  } finally {
    await gateway.stop();
  }
}

/** ike-scan's one IKEv2 offer, 11 transforms, and what comes back. */
async function ikeScanThroughRelay(gateway) {
  const relay = await relayTo(gateway.ike);
  const began = performance.now();
  const scan = spawn('ike-scan', ['--ikev2', '--sport=0', `--dport=${relay.port}`, '--retry=1', '127.0.0.1']);
  let stdout = '';
  scan.stdout.on('data', (data) => {
    stdout += data;
  });
  await new Promise((resolve) => scan.on('exit', resolve));
  relay.close();
  const answer = stdout.split('\n').find((line) => line.startsWith('127.0.0.1')) ?? 'no answer';
  return { seconds: (performance.now() - began) / 1000, answer: answer.replace(/\s+/g, ' ') };
}

say(`${delay} ms of delay each way`);
if (options.inside) {
  await measure('strongSwan, one proposal', startStrongSwan, STRICT);
  await measure('strongSwan, three tied suites', startStrongSwan, TIED);
  await measure('strongSwan, its defaults', startStrongSwan, 'default');
} else {
  await measure('our own responder, one proposal', startOwn, STRICT);
  await measure('our own responder, its defaults', startOwn, 'default');
}
if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);

if (!options.inside) {
  if (process.getuid?.() !== 0 || !existsSync(CHARON) || !has('swanctl') || !has('unshare')) {
    say('\nstrongSwan is not measured: that takes root, charon-systemd, swanctl and unshare');
  } else {
    const inside = 'ip link set lo up && mount -t tmpfs none /run && exec "$0" "$@"';
    const args = [
      fileURLToPath(import.meta.url),
      '--inside',
      '--delay',
      String(delay),
      ...(options.json ? ['--json'] : []),
    ];
    const { status } = spawnSync(
      'unshare',
      ['--net', '--mount', 'sh', '-c', inside, process.execPath, ...args],
      {
        stdio: 'inherit',
      },
    );
    process.exitCode = status ?? 1;
  }
}
