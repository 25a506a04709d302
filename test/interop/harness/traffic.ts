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
  const port = String(nextPort++);
  const node = (host: Host, ...args: string[]) =>
    lab.spawn(host, [process.execPath, script, ...args, String(bytes)]);
  const listener = node(server.host, 'listen', server.address, port);
  await listener.wait('the listener', () => listener.stdout.includes('listening') || undefined);
  const connector = lab.spawn(client.host, [
    process.execPath,
    script,
    'connect',
    server.address,
    port,
    String(bytes),
    client.address,
  ]);
  const end = async (child: Child) => {
    const line = await child.wait(
      'the end of the transfer',
      () => /^\{.*\}$/m.exec(child.stdout)?.[0],
      60_000,
    );
    return JSON.parse(line) as TransferEnd;
  };
  const [clientEnd, serverEnd] = await Promise.all([end(connector), end(listener)]);
  return { client: clientEnd, server: serverEnd };
}
