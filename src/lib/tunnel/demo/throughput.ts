import { connect, createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { KitError } from '../../core/errors.js';
import type { MemoryPlane } from '../../esp/plane/memory.js';
import { answer, datagram, readPacket } from './packets.js';
import { scene } from './scene.js';

/** Bits of payload a second, each way. */
export interface Rates {
  up: number;
  down: number;
}

/** TCP ports of the host behind the server: it throws away what comes (RFC 863), or sends what it can (RFC 864). */
const DISCARD_PORT = 9;
const GENERATOR_PORT = 19;
const BLOCK = Buffer.alloc(256 * 1024);
/** How long after its end a stream may take to be through. */
const PATIENCE_MS = 10_000;
/** Payload of a packet of our own, bytes. */
const CHUNK = 1200;
/** Packets on the way at most, so that the loopback's socket buffers never overflow. */
const WINDOW = 48;
/** Without a packet for so long, those on the way are lost. */
const LOST_MS = 200;

/** The host behind the server: takes and sends streams. */
export async function serveStreams(address: string): Promise<void> {
  const discard = (socket: Socket): void => {
    socket.on('error', () => {}).resume();
  };
  const generate = (socket: Socket): void => {
    const write = (): void => {
      while (!socket.destroyed && socket.write(BLOCK));
    };
    socket.on('error', () => {}).on('drain', write);
    write();
  };
  for (const [port, serve] of [
    [DISCARD_PORT, discard],
    [GENERATOR_PORT, generate],
  ] as const) {
    await new Promise<void>((resolve, reject) => {
      createServer(serve).once('error', reject).listen(port, address, resolve);
    });
  }
}

/**
 * One TCP stream to the host behind the server, then one from it, as fast as they go.
 * @throws {KitError} `E_DEMO` (bug) when one breaks off
 */
export async function measureStreams(): Promise<Rates> {
  return { up: await measureUpload(), down: await measureDownload() };
}

/** From the first byte until the other side has read the last one. */
function measureUpload(): Promise<number> {
  return stream(DISCARD_PORT, (socket, done) => {
    const start = performance.now();
    let bytes = 0;
    const write = (): void => {
      while (performance.now() - start < scene.measureMs) {
        bytes += BLOCK.length;
        if (!socket.write(BLOCK)) return;
      }
      if (socket.writable) socket.end();
    };
    socket.on('drain', write);
    socket.once('end', () => done(rate(bytes, performance.now() - start)));
    socket.resume();
    write();
  });
}

function measureDownload(): Promise<number> {
  return stream(GENERATOR_PORT, (socket, done) => {
    const start = performance.now();
    let bytes = 0;
    socket.on('data', (data) => {
      bytes += data.length;
      const elapsed = performance.now() - start;
      if (elapsed >= scene.measureMs) done(rate(bytes, elapsed));
    });
  });
}

/** Connects, and lets `use` say what it found. */
async function stream(
  port: number,
  use: (socket: Socket, done: (bitsPerSecond: number) => void) => void,
): Promise<number> {
  const socket = connect({ host: scene.innerHost, port });
  try {
    return await new Promise((resolve, reject) => {
      socket.setTimeout(PATIENCE_MS, () => reject(new Error('nothing goes on')));
      socket.once('error', reject);
      socket.once('connect', () => use(socket, resolve));
      socket.once('close', () => reject(new Error('it ended too early')));
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KitError('bug', 'E_DEMO', `The measurement of throughput failed: ${reason}.`, { cause });
  } finally {
    socket.destroy();
  }
}

/** Packets of our own through two planes without devices, there and back at the same time. */
export async function measurePackets(
  client: MemoryPlane,
  server: MemoryPlane,
  { from, to }: { from: Uint8Array; to: Uint8Array },
  signal: AbortSignal,
): Promise<Rates> {
  const request = datagram(from, to, Buffer.alloc(CHUNK));
  const bytes = { up: 0, down: 0 };
  let underway = 0;
  let heard = performance.now();
  const payloadOf = (packet: Uint8Array): number => {
    const content = readPacket(packet);
    return content?.kind === 'datagram' ? content.payload.length : 0;
  };
  server.onDelivered = (packet) => {
    bytes.up += payloadOf(packet);
    server.inject(answer(packet));
  };
  client.onDelivered = (packet) => {
    bytes.down += payloadOf(packet);
    underway = Math.max(0, underway - 1);
    heard = performance.now();
  };
  const start = performance.now();
  while (performance.now() - start < scene.measureMs && !signal.aborted) {
    if (performance.now() - heard > LOST_MS) underway = 0;
    for (; underway < WINDOW; underway++) client.inject(request);
    await setImmediate();
  }
  signal.throwIfAborted();
  const elapsed = performance.now() - start;
  return { up: rate(bytes.up, elapsed), down: rate(bytes.down, elapsed) };
}

/** @returns bits per second */
function rate(bytes: number, milliseconds: number): number {
  return Math.round((bytes * 8 * 1000) / milliseconds);
}
