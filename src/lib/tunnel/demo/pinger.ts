import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { eventually, scene } from './scene.js';

/** UDP port on which the host behind the server sends every datagram back. */
export const ECHO_PORT = 7;

/** Something that asks for a sign of life through the tunnel again and again until it is stopped. */
export interface Pinger {
  /** What it is, for the timeline. */
  name: string;
  /** Ends after an answer, so that none is in flight; how many were sent and how many of them lost. */
  stop(): Promise<{ sent: number; lost: number }>;
}

/**
 * `ping` where it works, else datagrams of our own.
 * @param started takes the process, for whoever has to end it when the demonstration breaks off
 */
export async function startPinger(started: ChildProcess[]): Promise<Pinger> {
  return (await pingWorks()) ? startPing(started) : startUdpPinger();
}

/** Whether `ping` exists and may send in this namespace. */
async function pingWorks(): Promise<boolean> {
  const child = spawn('ping', ['-c', '1', '-W', '1', '127.0.0.1'], { stdio: 'ignore' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

function startPing(started: ChildProcess[]): Pinger {
  const child = spawn('ping', ['-n', '-i', String(scene.pingIntervalMs / 1000), scene.innerHost], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  started.push(child);
  let output = '';
  let answers = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    answers = output.match(/ bytes from /g)?.length ?? 0;
  });
  return {
    name: 'ping',
    async stop() {
      const before = answers;
      await eventually(() => answers > before, 2000);
      await interrupt(child);
      const [, sent = 0, received = 0] = (
        /(\d+) packets transmitted, (\d+)(?: packets)? received/.exec(output) ?? []
      ).map(Number);
      return { sent, lost: sent - received };
    },
  };
}

/** SIGINT makes `ping` print its sums. */
async function interrupt(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGINT');
  const hurry = setTimeout(() => child.kill('SIGKILL'), 2000);
  await closed;
  clearTimeout(hurry);
}

function startUdpPinger(): Pinger {
  const socket = createSocket('udp4');
  const waiting = new Set<number>();
  let sent = 0;
  socket.on('error', () => {});
  socket.on('message', (data) => waiting.delete(data.length >= 4 ? data.readUInt32BE(0) : -1));
  const timer = setInterval(() => {
    const number = Buffer.alloc(56);
    number.writeUInt32BE(sent, 0);
    waiting.add(sent);
    sent += 1;
    socket.send(number, ECHO_PORT, scene.innerHost, () => {});
  }, scene.pingIntervalMs);
  return {
    name: 'UDP echo (ping is missing)',
    async stop() {
      clearInterval(timer);
      await eventually(() => waiting.size === 0, 2000);
      socket.close();
      return { sent, lost: waiting.size };
    },
  };
}
