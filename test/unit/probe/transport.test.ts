import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemEntropy } from '../../../src/lib/core/environment.js';
import { KitError } from '../../../src/lib/core/errors.js';
import { livenessCheck } from '../../../src/lib/probe/scheduler-message.js';
import type { TransportError } from '../../../src/lib/probe/transport.js';
import { askTcp, firstMessage, tcpFrame } from '../../../src/lib/probe/transport-tcp.js';
import { openUdpTransport } from '../../../src/lib/probe/transport-udp.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Answers each datagram with what `answer` makes of it. */
async function udpServer(answer: (data: Buffer) => Uint8Array[]): Promise<number> {
  const socket: Socket = createSocket('udp4');
  socket.on('message', (data, from) => {
    for (const reply of answer(data)) socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  closers.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return socket.address().port;
}

async function openTo(port: number, natT = false) {
  const transport = await openUdpTransport({ address: '127.0.0.1', port, natT, sourcePort: undefined });
  closers.push(() => transport.close());
  return transport;
}

describe('over UDP', () => {
  it('messages go out and come back, and the path is known', async () => {
    const port = await udpServer((data) => [data]);
    const transport = await openTo(port);
    const reply = new Promise<Uint8Array>((resolve) => transport.onReply(resolve));
    transport.send(Uint8Array.of(1, 2, 3));
    expect([...(await reply)]).toEqual([1, 2, 3]);
    expect(transport.path).toMatchObject({
      local: { address: '127.0.0.1' },
      remote: { address: '127.0.0.1', port },
    });
  });

  it('the NAT-T port has the non-ESP marker, and ESP is no answer', async () => {
    const seen: Buffer[] = [];
    const port = await udpServer((data) => {
      seen.push(data);
      return [Buffer.of(9, 9, 9, 9, 9), Buffer.of(0xff), Buffer.concat([Buffer.alloc(4), Buffer.of(7)])];
    });
    const transport = await openTo(port, true);
    const reply = new Promise<Uint8Array>((resolve) => transport.onReply(resolve));
    transport.send(Uint8Array.of(1));
    expect([...(await reply)]).toEqual([7]);
    expect([...seen[0]!]).toEqual([0, 0, 0, 0, 1]);
  });

  it('a closed port is told', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    const transport = await openTo(port);
    const error = new Promise<TransportError>((resolve) => transport.onError(resolve));
    transport.send(Uint8Array.of(1));
    expect(await error).toBe('closed');
  });

  it('what the system has no way to, as a broadcast address, is told before anything is sent', async () => {
    const target = { address: '255.255.255.255', port: 500, natT: false, sourcePort: undefined };
    await expect(openUdpTransport(target)).rejects.toMatchObject({ kind: 'network', code: 'E_NO_ROUTE' });
  });

  it('a source port may be chosen and shared, unless somebody else has it', async () => {
    const port = await udpServer(() => []);
    const first = await openTo(port);
    const taken = first.path.local.port;
    const target = { address: '127.0.0.1', port, natT: false, sourcePort: taken };
    await expect(openUdpTransport(target)).rejects.toThrow(KitError);
    await expect(openUdpTransport(target)).rejects.toMatchObject({
      code: 'E_PORT_IN_USE',
      kind: 'environment',
    });
    await first.close();
    const pair = await Promise.all([
      openUdpTransport(target),
      openUdpTransport({ ...target, port: port + 1 }),
    ]);
    for (const transport of pair) {
      expect(transport.path.local.port).toBe(taken);
      await transport.close();
    }
  });
});

describe('over TCP (RFC 9329)', () => {
  const { datagram, match } = livenessCheck(systemEntropy);

  async function tcpServer(onData: (held: Buffer) => Uint8Array | 'end' | undefined): Promise<number> {
    const server: Server = createServer((socket) => {
      let held = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (data) => {
        held = Buffer.concat([held, data]);
        const answer = onData(held);
        if (answer === 'end') socket.end();
        else if (answer !== undefined) socket.write(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    return (server.address() as { port: number }).port;
  }

  const ask = (port: number, timeout = 300) =>
    askTcp({
      address: '127.0.0.1',
      port,
      message: datagram,
      match,
      timeout,
      signal: new AbortController().signal,
      onSent: () => true,
      onReceived: () => {},
    });

  it('frames a message with prefix, length and marker', () => {
    expect([...tcpFrame(Uint8Array.of(1, 2))]).toEqual([0, 8, 0, 0, 0, 0, 1, 2]);
    expect(firstMessage(tcpFrame(Uint8Array.of(1, 2)))).toEqual(Uint8Array.of(1, 2));
    expect(firstMessage(tcpFrame(Uint8Array.of(1, 2)).subarray(0, 7))).toBeUndefined();
    expect(firstMessage(Uint8Array.of(0, 7, 1, 0, 0, 0, 1))).toBeUndefined();
  });

  it('is open where IKE answers, also in pieces', async () => {
    const port = await tcpServer((held) => {
      if (held.length < 6 + 6 + datagram.length) return undefined;
      expect(held.subarray(0, 6).toString()).toBe('IKETCP');
      return tcpFrame(held.subarray(12));
    });
    expect(await ask(port)).toBe('open');
  });

  it('is silent where something else listens, and closed where nobody does', async () => {
    expect(await ask(await tcpServer(() => undefined))).toBe('silent');
    expect(await ask(await tcpServer(() => 'end'))).toBe('silent');
    expect(await ask(await tcpServer(() => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')))).toBe('silent');
    const port = await tcpServer(() => undefined);
    await closers.pop()!();
    expect(await ask(port)).toBe('closed');
  });

  it('is silent where bytes trickle in without end', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(tcpFrame(new Uint8Array(1000)).subarray(0, 7));
      const trickle = setInterval(() => socket.write(Uint8Array.of(0)), 20);
      socket.on('close', () => clearInterval(trickle));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    expect(await ask((server.address() as { port: number }).port)).toBe('silent');
  });

  it('does not wait for a frame that is far too long for an answer', async () => {
    const port = await tcpServer(() => Uint8Array.of(0xff, 0xff, 0, 0, 0, 0));
    // A timeout that the test itself does not survive.
    expect(await ask(port, 600_000)).toBe('silent');
  });
});
