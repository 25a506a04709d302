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
  /** Bytes of data in a packet. */
  size?: number;
  /** Packets have DF. */
  whole?: true;
}

/** Pings `to` from the address `from` of a host, `count` times. */
export async function ping(
  lab: Lab,
  host: Host,
  from: string,
  to: string,
  options: PingOptions = {},
): Promise<PingCount> {
  const { count = 3 } = options;
  const child = spawnPing(lab, host, from, to, options, ['-c', String(count)]);
  await child.exited;
  const summary = /(\d+) packets transmitted, (\d+) received/.exec(child.stdout);
  if (!summary) throw new Error(child.describe());
  return { sent: Number(summary[1]), received: Number(summary[2]) };
}

/** Pings with DF and packets that are too big. @returns the MTU that the sender is told */
export async function refusedPing(
  lab: Lab,
  host: Host,
  from: string,
  to: string,
  size: number,
): Promise<number> {
  const child = spawnPing(lab, host, from, to, { size, whole: true }, []);
  const told = await child.wait(
    'word of the MTU',
    () => /mtu[ =:]+(\d+)/.exec(child.stdout + child.stderr)?.[1],
  );
  await child.stop('SIGINT');
  return Number(told);
}

/** A ping that runs beside what a test does. */
export class RunningPing {
  constructor(private readonly child: Child) {}

  /** Resolves when `count` more answers have come. */
  async answers(count: number): Promise<void> {
    const target = this.#answered().size + count;
    await this.child.wait(
      `${count} ping answers`,
      () => this.#answered().size >= target || undefined,
      30_000,
    );
  }

  /** Ends it. What is in flight then is not lost: only a packet that a later one overtook counts as lost. */
  async stop(): Promise<{ answered: number; lost: number[] }> {
    this.child.signal('SIGINT');
    await this.child.exited;
    const answered = this.#answered();
    const last = Math.max(0, ...answered);
    const lost = Array.from({ length: last }, (_, i) => i + 1).filter((number) => !answered.has(number));
    return { answered: answered.size, lost };
  }

  #answered(): Set<number> {
    return new Set(
      [...this.child.stdout.matchAll(/icmp_seq=(\d+) ttl=/g)].map(([, number]) => Number(number)),
    );
  }
}

export function startPing(
  lab: Lab,
  host: Host,
  from: string,
  to: string,
  options: Omit<PingOptions, 'count'> = {},
): RunningPing {
  return new RunningPing(spawnPing(lab, host, from, to, options, []));
}

function spawnPing(lab: Lab, host: Host, from: string, to: string, options: PingOptions, more: string[]) {
  const { interval = 0.1, size = 56 } = options;
  const whole = options.whole ? ['-M', 'do'] : [];
  const words = ['-n', '-i', String(interval), '-s', String(size), '-W', '5', '-I', from, ...whole, ...more];
  const argv = ['ping', ...words, to];
  return lab.spawn(host, argv);
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
  timeout?: number,
): Promise<{ client: TransferEnd; server: TransferEnd }> {
  const port = nextPort++;
  const argv = [process.execPath, script, 'listen', server.address, String(port), String(bytes)];
  const listener = lab.spawn(server.host, argv);
  await listener.wait('the listener', () => listener.stdout.includes('listening') || undefined);
  const [clientEnd, serverEnd] = await Promise.all([
    transferTo(lab, client, server.address, port, bytes, timeout),
    transferEnd(listener, timeout),
  ]);
  await listener.stop();
  return { client: clientEnd, server: serverEnd };
}

/** The same, with something that happens when each end has sent half of it. */
export async function transferInHalves(
  lab: Lab,
  client: { host: Host; address: string },
  server: { host: Host; address: string },
  bytes: number,
  between: () => Promise<void>,
): Promise<{ client: TransferEnd; server: TransferEnd }> {
  const port = nextPort++;
  const env = { ...process.env, TRANSFER_PAUSE: '1' };
  const start = (host: Host, role: string, ...more: string[]) => {
    const argv = [process.execPath, script, role, server.address, String(port), String(bytes), ...more];
    return lab.spawn(host, argv, { env });
  };
  const listener = start(server.host, 'listen');
  await listener.wait('the listener', () => listener.stdout.includes('listening') || undefined);
  const connecting = start(client.host, 'connect', client.address);
  const both = [connecting, listener] as const;
  await Promise.all(both.map((end) => end.wait('half', () => end.stdout.includes('half') || undefined)));
  await between();
  for (const end of both) end.signal('SIGUSR2');
  const [clientEnd, serverEnd] = await Promise.all([transferEnd(connecting), transferEnd(listener)]);
  await listener.stop();
  return { client: clientEnd, server: serverEnd };
}

/** The client's half of a transfer, to a server that is already listening. */
export function transferTo(
  lab: Lab,
  client: { host: Host; address: string },
  address: string,
  port: number,
  bytes: number,
  timeout?: number,
): Promise<TransferEnd> {
  const argv = [process.execPath, script, 'connect', address, String(port), String(bytes), client.address];
  return transferEnd(lab.spawn(client.host, argv), timeout);
}

async function transferEnd(child: Child, timeout = 60_000): Promise<TransferEnd> {
  const line = await child.wait(
    'the end of the transfer',
    () => /^\{.*\}$/m.exec(child.stdout)?.[0],
    timeout,
  );
  return JSON.parse(line) as TransferEnd;
}
