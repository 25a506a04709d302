import { createSocket } from 'node:dgram';

/** UDP ports that nobody has at this moment, on all addresses of loopback. */
export async function freePorts(count: number): Promise<number[]> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = createSocket('udp6');
      await new Promise<void>((resolve) => socket.bind(0, resolve));
      return socket;
    }),
  );
  const ports = sockets.map((socket) => socket.address().port);
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  return ports;
}
