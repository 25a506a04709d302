import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { KitError } from '../../core/errors.js';
import { pause, scene } from './scene.js';

/** TCP port on which the host behind the server echoes. */
export const TCP_PORT = 7;

const CHUNKS = 140;

/**
 * Echoes every connection and reports the SHA-256 of what it received.
 * @param onDigest called when a sender has finished
 */
export function startEcho(address: string, onDigest: (hex: string) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash('sha256');
    socket.on('data', (data) => hash.update(data));
    socket.on('end', () => onDigest(hash.digest('hex')));
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(TCP_PORT, address, () => resolve(server));
  });
}

/**
 * Sends {@link scene.transferBytes} random bytes over TCP, evenly over {@link scene.transferMs}, and takes the echo.
 * @returns bytes echoed, and the SHA-256 of what was sent and of what came back
 */
export async function transfer(timeoutMs: number): Promise<{ bytes: number; sent: string; echoed: string }> {
  const data = randomBytes(scene.transferBytes);
  const echo = createHash('sha256');
  let bytes = 0;
  const socket = connect({ host: scene.innerHost, port: TCP_PORT, allowHalfOpen: true });
  const finished = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('it did not finish in time')), timeoutMs);
    socket.on('data', (chunk) => {
      echo.update(chunk);
      bytes += chunk.length;
    });
    socket.once('end', resolve);
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(late));
  });
  const sending = (async () => {
    const size = Math.ceil(data.length / CHUNKS);
    for (let at = 0; at < data.length && !socket.destroyed; at += size) {
      socket.write(data.subarray(at, at + size));
      await pause(scene.transferMs / CHUNKS);
    }
    socket.end();
  })();
  try {
    await Promise.all([finished, sending]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KitError('bug', 'E_DEMO', `The TCP transfer failed: ${reason}.`, { cause });
  } finally {
    socket.destroy();
  }
  const sent = createHash('sha256').update(data).digest('hex');
  return { bytes, sent, echoed: echo.digest('hex') };
}
