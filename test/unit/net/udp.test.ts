import { createSocket, type Socket } from 'node:dgram';
import { fstatSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { toHex } from '../../../src/lib/core/bytes.js';
import type { Endpoint, Path } from '../../../src/lib/core/endpoint.js';
import { silent } from '../../../src/lib/core/log.js';
import { loadLibc } from '../../../src/lib/net/libc.js';
import {
  type Datagram,
  localAddressFor,
  openUdp,
  type UdpBinding,
  type UdpTransport,
} from '../../../src/lib/net/udp.js';

const ike = Uint8Array.from({ length: 28 }, (_, i) => i + 1);
const esp = Uint8Array.from({ length: 40 }, (_, i) => 0xa0 + i);

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A transport whose datagrams can be awaited one by one. */
async function open(
  bindings: UdpBinding[],
  toGive = false,
): Promise<{ udp: UdpTransport; next: () => Promise<Datagram> }> {
  const arrived: Datagram[] = [];
  const waiting: ((datagram: Datagram) => void)[] = [];
  const udp = await openUdp(
    bindings,
    (datagram) => {
      const taker = waiting.shift();
      if (taker !== undefined) taker(datagram);
      else arrived.push(datagram);
    },
    silent,
    toGive,
  );
  cleanups.push(() => udp.close());
  const next = async (): Promise<Datagram> => {
    const first = arrived.shift();
    return first ?? new Promise((resolve) => waiting.push(resolve));
  };
  return { udp, next };
}

async function rawSocket(): Promise<{ socket: Socket; port: number; next: () => Promise<Uint8Array> }> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => socket.close(() => resolve())));
  const next = () => new Promise<Uint8Array>((resolve) => socket.once('message', resolve));
  return { socket, port: socket.address().port, next };
}

function endpointOf(udp: UdpTransport, index: number): Endpoint {
  const { address, port } = udp.bindings[index]!;
  return { address, port };
}

const pathTo = (udp: UdpTransport, index: number, remote: Endpoint): Path => ({
  local: endpointOf(udp, index),
  remote,
  natT: udp.bindings[index]!.natT,
});

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((entry) => entry?.address === '::1');
if (!hasIpv6) console.warn('Skipped for IPv6: this host has no address ::1');
const loopbacks = hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];

describe.each(loopbacks)('UDP at %s', (address) => {
  const both: UdpBinding[] = [
    { address, port: 0, natT: false },
    { address, port: 0, natT: true },
  ];

  it('carries IKE bare and IKE and ESP with the framing of RFC 3948', async () => {
    const a = await open(both);
    const b = await open(both);
    for (const { port } of [...a.udp.bindings, ...b.udp.bindings]) expect(port).toBeGreaterThan(0);

    a.udp.send(pathTo(a.udp, 0, endpointOf(b.udp, 0)), ike);
    const plain = await b.next();
    expect(plain.kind).toBe('ike');
    expect(toHex(plain.data)).toBe(toHex(ike));
    expect(plain.path).toEqual({ local: endpointOf(b.udp, 0), remote: endpointOf(a.udp, 0), natT: false });

    a.udp.send(pathTo(a.udp, 1, endpointOf(b.udp, 1)), ike);
    const marked = await b.next();
    expect(marked.kind).toBe('ike');
    expect(toHex(marked.data)).toBe(toHex(ike));
    expect(marked.path).toEqual({ local: endpointOf(b.udp, 1), remote: endpointOf(a.udp, 1), natT: true });

    b.udp.sendEsp(esp, marked.path.local, marked.path.remote);
    const back = await a.next();
    expect(back.kind).toBe('esp');
    expect(toHex(back.data)).toBe(toHex(esp));
  });
});

describe('UDP framing', () => {
  it('puts the marker before IKE on the NAT-T port and sends keepalives as they are', async () => {
    const { udp } = await open([{ address: '127.0.0.1', port: 0, natT: true }]);
    const raw = await rawSocket();
    const path = pathTo(udp, 0, { address: '127.0.0.1', port: raw.port });
    const first = raw.next();
    udp.send(path, ike);
    expect(toHex(await first)).toBe(`00000000${toHex(ike)}`);
    const second = raw.next();
    udp.send(path, Uint8Array.of(0xff), true);
    expect(toHex(await second)).toBe('ff');
  });

  it('drops keepalives and datagrams too short to be anything', async () => {
    const { udp, next } = await open([
      { address: '127.0.0.1', port: 0, natT: true },
      { address: '127.0.0.1', port: 0, natT: false },
    ]);
    const raw = await rawSocket();
    const dropped = ['', 'ff', '000000', '00000000', `00000000${'11'.repeat(27)}`];
    for (const hex of dropped) raw.socket.send(Buffer.from(hex, 'hex'), udp.bindings[0]!.port, '127.0.0.1');
    raw.socket.send(esp, udp.bindings[0]!.port, '127.0.0.1');
    expect(toHex((await next()).data)).toBe(toHex(esp));
    raw.socket.send(ike.subarray(0, 27), udp.bindings[1]!.port, '127.0.0.1');
    raw.socket.send(ike, udp.bindings[1]!.port, '127.0.0.1');
    expect(toHex((await next()).data)).toBe(toHex(ike));
  });
});

describe('UDP trouble', () => {
  it('of one datagram is counted and does not throw', async () => {
    const { udp } = await open([{ address: '127.0.0.1', port: 0, natT: false }]);
    const local = endpointOf(udp, 0);
    const send = (remote: Endpoint, data = ike) => udp.send({ local, remote, natT: false }, data);
    send({ address: '127.0.0.1', port: 0 });
    send({ address: '127.0.0.1', port: 70_000 });
    send({ address: '127.0.0.1', port: 9 }, new Uint8Array(65_508));
    udp.send({ local: { ...local, port: 1 }, remote: local, natT: false }, ike);
    udp.sendEsp(esp, local, local);
    expect(udp.unsent).toBe(5);
  });

  it('that the system reports later is counted too', async () => {
    const { udp, next } = await open([{ address: '127.0.0.1', port: 0, natT: false }]);
    // No route from a loopback address to elsewhere: EINVAL or ENETUNREACH, nothing leaves the host.
    udp.send({ local: endpointOf(udp, 0), remote: { address: '192.0.2.1', port: 500 }, natT: false }, ike);
    udp.send(pathTo(udp, 0, endpointOf(udp, 0)), ike);
    await next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(udp.unsent).toBe(1);
  });

  it('after close is none', async () => {
    const { udp } = await open([{ address: '127.0.0.1', port: 0, natT: false }]);
    const path = pathTo(udp, 0, { address: '127.0.0.1', port: 9 });
    await Promise.all([udp.close(), udp.close()]);
    udp.send(path, ike);
    expect(udp.unsent).toBe(1);
  });

  it('at opening has a code and leaves nothing open', async () => {
    const { udp } = await open([{ address: '127.0.0.1', port: 0, natT: false }]);
    const taken = { ...udp.bindings[0]! };
    const free = await rawSocket();
    free.socket.close();
    cleanups.pop();
    const before = { address: '127.0.0.1', port: free.port, natT: true };
    await expect(openUdp([before, taken], () => {}, silent)).rejects.toMatchObject({
      kind: 'environment',
      code: 'E_PORT_IN_USE',
    });
    await open([before]);
    await expect(
      openUdp([{ address: '192.0.2.77', port: 0, natT: false }], () => {}, silent),
    ).rejects.toMatchObject({
      code: 'E_ADDRESS',
    });
  });
});

describe('localAddressFor', () => {
  it.each(loopbacks)('finds the address that the system would send from to %s', async (address) => {
    expect(await localAddressFor(address)).toBe(address);
  });
});

describe('sockets that can be given away', () => {
  const bindings: UdpBinding[] = [
    { address: '127.0.0.1', port: 0, natT: false },
    { address: '127.0.0.1', port: 0, natT: true },
  ];

  it('work as others do, and let nobody else have their port', async () => {
    const { udp, next } = await open(bindings, true);
    const peer = await rawSocket();
    udp.send(pathTo(udp, 1, { address: '127.0.0.1', port: peer.port }), ike);
    expect(toHex(await peer.next())).toBe(`00000000${toHex(ike)}`);
    peer.socket.send([new Uint8Array(4), ike], udp.bindings[1]!.port, '127.0.0.1');
    expect(await next()).toMatchObject({ kind: 'ike', data: ike });
    await expect(open([{ ...udp.bindings[1]! }], true)).rejects.toMatchObject({ code: 'E_PORT_IN_USE' });
    const thief = createSocket({ type: 'udp4', reuseAddr: true });
    cleanups.push(() => new Promise((resolve) => thief.close(() => resolve())));
    const stolen = new Promise((resolve) => {
      thief.once('error', () => resolve(false));
      thief.bind(udp.bindings[1]!.port, '127.0.0.1', () => resolve(true));
    });
    expect(await stolen).toBe(false);
  });

  it('go on under another descriptor, and IKE takes the new way both in and out', async () => {
    const { udp, next } = await open(bindings, true);
    const sent: { remote: Endpoint; message: Uint8Array }[] = [];
    const given = await udp.giveAway((_local, remote, message) => sent.push({ remote, message }));
    const local = endpointOf(udp, 1);
    expect(given!.sockets).toEqual([{ local, fd: expect.any(Number), superSegments: expect.any(Boolean) }]);
    const taker = createSocket('udp4');
    cleanups.push(() => new Promise((resolve) => taker.close(() => resolve())));
    await new Promise<void>((resolve) => taker.bind({ fd: given!.sockets[0]!.fd }, resolve));
    const peer = await rawSocket();
    const heard = new Promise<Uint8Array>((resolve) => taker.once('message', resolve));
    peer.socket.send(esp, local.port, '127.0.0.1');
    expect(toHex(await heard)).toBe(toHex(esp));

    const remote = { address: '127.0.0.1', port: peer.port };
    udp.send(pathTo(udp, 1, remote), ike);
    udp.send(pathTo(udp, 1, remote), Uint8Array.of(0xff), true);
    expect(sent.map(({ message }) => toHex(message))).toEqual([`00000000${toHex(ike)}`, 'ff']);
    given!.receive(local, remote, ike);
    expect(await next()).toEqual({ kind: 'ike', path: { local, remote, natT: true }, data: ike });
  });

  it('are all closed when one cannot be given', async () => {
    const { udp } = await open([...bindings, bindings[1]!], true);
    const libc = await loadLibc();
    const real = libc.duplicate;
    const copies: number[] = [];
    const duplicate = vi.spyOn(libc, 'duplicate').mockImplementation((fd, least) => {
      if (copies.length > 0) return -1;
      copies.push(real(fd, least));
      return copies[0]!;
    });
    await expect(udp.giveAway(() => {})).rejects.toThrow();
    duplicate.mockRestore();
    expect(copies).toHaveLength(1);
    expect(() => fstatSync(copies[0]!)).toThrow('EBADF');
  });

  it('stay where they are when they were not opened for that', async () => {
    const { udp } = await open(bindings);
    expect(await udp.giveAway(() => {})).toBeUndefined();
  });
});
