import { createSocket } from 'node:dgram';
import { type PeerRequest, tellParent } from './messages.js';
import { ECHO_PORT } from './pinger.js';
import { serveStreams } from './throughput.js';
import { startEcho } from './transfer.js';

/**
 * The host behind the server, and at the same time what keeps the server's network namespace alive.
 * Ends when the parent does.
 */
export async function runPeer(): Promise<void> {
  const gone = new Promise<void>((resolve) => process.once('disconnect', () => resolve()));
  process.once('message', async ({ address }: PeerRequest) => {
    await startEcho(address, (hex) => tellParent({ type: 'digest', hex }));
    await serveStreams(address);
    const echo = createSocket('udp4');
    echo.on('error', () => {});
    echo.on('message', (data, { port, address: sender }) => echo.send(data, port, sender, () => {}));
    echo.bind(ECHO_PORT, address, () => tellParent({ type: 'serving' }));
  });
  tellParent({ type: 'ready' });
  await gone;
  process.exit();
}
