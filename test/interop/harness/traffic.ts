import { fileURLToPath } from 'node:url';
import type { Host, Lab } from './lab.js';
import type { Child } from './process.js';

export interface PingCount {
  sent: number;
  received: number;
}

interface PingOptions {
  count?: number;
  /** Seconds between packets. */
  interval?: number;
  size?: number;
}

/** Pings `to` from the address `from` of a host. */
export async function ping(
  lab: Lab,
  host: Host,
  from: string,
  to: string,
  options: PingOptions = {},
): Promise<PingCount> {
  return startPing(lab, host, from, to, { count: 3, ...options }).finished();
}

/** Pings until `stop` or the count is reached; both answer what was sent and what came back. */
export function startPing(lab: Lab, host: Host, from: string, to: string, options: PingOptions = {}) {
  const { count, interval = 0.1, size = 56 } = options;
  const limit = count === undefined ? [] : ['-c', String(count)];
  const argv = [
    'ping',
    '-n',
    ...limit,
    '-i',
    String(interval),
    '-s',
    String(size),
    '-W',
    '2',
    '-I',
    from,
    to,
  ];
  const child = lab.spawn(host, argv);
  const finished = async () => {
    await child.exited;
    return countOf(child);
  };
  return {
    finished,
    /** Resolves with the first answer. */
    async answered(): Promise<void> {
      await child.wait('a ping to be answered', () => /ttl=/.exec(child.stdout)?.[0], 30_000);
    },
    async stop(): Promise<PingCount> {
      child.signal('SIGINT');
      return finished();
    },
  };
}

function countOf(child: Child): PingCount {
  const summary = /(\d+) packets transmitted, (\d+) received/.exec(child.stdout);
  if (!summary) throw new Error(child.describe());
  return { sent: Number(summary[1]), received: Number(summary[2]) };
}

interface Side {
  bytes: number;
  sha256: string;
}

/** What one end of a transfer sent and received. */
export interface TransferEnd {
  sent: Side;
  received: Side;
}

const script = fileURLToPath(new URL('tcp-transfer.mjs', import.meta.url));
let nextPort = 6000;

/** Moves `bytes` random bytes each way over one TCP connection from `client` to `server`. */
export async function transfer(
  lab: Lab,
  client: { host: Host; address: string },
  server: { host: Host; address: string },
  bytes: number,
): Promise<{ client: TransferEnd; server: TransferEnd }> {
  const port = nextPort++;
  const argv = [process.execPath, script, 'listen', server.address, String(port), String(bytes)];
  const listener = lab.spawn(server.host, argv);
  await listener.wait('the listener', () => listener.stdout.includes('listening') || undefined);
  const [clientEnd, serverEnd] = await Promise.all([
    transferTo(lab, client, server.address, port, bytes),
    transferEnd(listener),
  ]);
  return { client: clientEnd, server: serverEnd };
}

/** The client's half of a transfer, to a server that is already listening. */
export function transferTo(
  lab: Lab,
  client: { host: Host; address: string },
  address: string,
  port: number,
  bytes: number,
): Promise<TransferEnd> {
  const argv = [process.execPath, script, 'connect', address, String(port), String(bytes), client.address];
  return transferEnd(lab.spawn(client.host, argv));
}

async function transferEnd(child: Child): Promise<TransferEnd> {
  const line = await child.wait('the end of the transfer', () => /^\{.*\}$/m.exec(child.stdout)?.[0], 60_000);
  return JSON.parse(line) as TransferEnd;
}
