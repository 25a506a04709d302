// A TCP stream through a tunnel and a slow one outside of it between the same two processes.
// stream.mjs listen INNER OUTER PORT PID...   |   stream.mjs connect INNER OUTER PORT LOCAL-INNER SECONDS PACE
// PACE: bytes every 5 ms through the tunnel.
// Who listens prints the bytes that came and, in milliseconds, the longest gap between them and the longest stall: what
// of a gap the machine does not explain. It explains a pause of the stream outside, and the time that a thread of a
// process PID, which carries the tunnel, was ready to run and no processor was free.
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const [role, inner, outer, port, ...rest] = process.argv.slice(2);
/** Pause between two pieces of the stream outside, and from when on it counts as interrupted. */
const TICK_MS = 5;
const PAUSE_MS = 50;

/**
 * Takes one connection and reads it to its end.
 * @param {string} address
 */
async function receive(address) {
  const server = createServer();
  server.listen(Number(port), address);
  await once(server, 'listening');
  console.log('listening');
  const [socket] = await once(server, 'connection');
  server.close();
  /** @type {{ from: number, to: number }[]} */
  const gaps = [];
  let bytes = 0;
  let last = performance.now();
  socket.on('data', (data) => {
    const now = performance.now();
    if (now - last > PAUSE_MS) gaps.push({ from: last, to: now });
    last = now;
    bytes += data.length;
  });
  await once(socket, 'close');
  return { bytes, gaps };
}

/** Samples of how long each thread of a process has waited for a processor, milliseconds. */
class Waiting {
  /** @type {{ at: number, threads: number[] }[]} */
  #samples = [];
  #files;

  /** @param {string} pid */
  constructor(pid) {
    this.#files = readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
    this.sample();
  }

  sample() {
    const waited = (file) => Number(readFileSync(file, 'latin1').split(' ')[1]) / 1e6;
    this.#samples.push({ at: performance.now(), threads: this.#files.map(waited) });
  }

  /** The most that one of the threads waited. */
  during({ from, to }) {
    const before = this.#samples.findLast(({ at }) => at <= from) ?? this.#samples[0];
    const after = this.#samples.find(({ at }) => at >= to) ?? this.#samples.at(-1);
    return Math.max(...after.threads.map((waited, index) => waited - before.threads[index]));
  }
}

async function open(address, options) {
  const socket = connect({ host: address, port: Number(port), ...options });
  await once(socket, 'connect');
  return socket;
}

if (role === 'listen') {
  const processes = rest.map((pid) => new Waiting(pid));
  const timer = setInterval(() => {
    for (const each of processes) each.sample();
  }, 4 * TICK_MS);
  const [tunnel, outside] = await Promise.all([receive(inner), receive(outer)]);
  clearInterval(timer);
  const common = (one, other) => Math.max(0, Math.min(one.to, other.to) - Math.max(one.from, other.from));
  const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
  const length = ({ from, to }) => to - from;
  const stall = (gap) =>
    length(gap) -
    sum(outside.gaps.map((pause) => common(gap, pause))) -
    sum(processes.map((each) => each.during(gap)));
  const longest = (lengths) => Math.round(Math.max(0, ...lengths));
  const gap = longest(tunnel.gaps.map(length));
  console.log(JSON.stringify({ bytes: tunnel.bytes, gap, stall: longest(tunnel.gaps.map(stall)) }));
} else {
  const [localAddress, seconds, pace] = rest;
  const tunnel = await open(inner, { localAddress });
  const outside = await open(outer, { noDelay: true });
  const piece = Buffer.alloc(Number(pace));
  const timer = setInterval(() => outside.write('.'), TICK_MS);
  const end = performance.now() + Number(seconds) * 1000;
  while (performance.now() < end) {
    if (!tunnel.write(piece)) await once(tunnel, 'drain');
    await sleep(TICK_MS);
  }
  clearInterval(timer);
  tunnel.end();
  outside.end();
}
