/**
 * Runs inside a user and network namespace of its own: `reflect-guest.ts 4|6`. A TUN device sends everything back with
 * its addresses swapped, so that a process talks to itself through it; packets go through a segmenter and a coalescer
 * on the way. Prints one line of JSON.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Arena } from '../../../../src/lib/core/arena.js';
import { Coalescer } from '../../../../src/lib/esp/fast/coalescer.js';
import { Segmenter } from '../../../../src/lib/esp/fast/segmenter.js';
import { addAddress, setUp } from '../../../../src/lib/net/ip-command.js';
import { loadLibc } from '../../../../src/lib/net/libc.js';
import { loadNativeIo } from '../../../../src/lib/net/native-io.js';
import { openTunDescriptor } from '../../../../src/lib/net/tun-descriptor.js';

const READ_BYTES = 10 + 65_535;
const BYTES = 48 << 20;
const BURSTS = 20;
const DATAGRAM = 900;
/** sys/socket.h, linux/udp.h. */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const version = process.argv[2] === '6' ? 6 : 4;
const [ours, mirrored] = version === 4 ? ['10.9.0.1', '10.9.0.2'] : ['fd00:9::1', 'fd00:9::2'];

const io = await loadNativeIo();
const device = await openTunDescriptor({ mtu: 1400 }, true);
await setUp(device.name);
await addAddress(device.name, version === 4 ? `${ours}/24` : `${ours}/64`);

const seen = { reads: 0, segments: 0, writes: 0, malformed: 0, refusedWrites: 0 };
const arena = new Arena(4 << 20, io.addressOf);
const read = arena.reserve('read', READ_BYTES).at;
const segmenter = new Segmenter(arena);
const coalescer = new Coalescer(
  arena,
  (offset, length) => {
    seen.writes += 1;
    if (io.write(device.fd, arena.address(offset, length), length) !== length) seen.refusedWrites += 1;
  },
  { udp: device.offload?.udp ?? false },
);

function reflect(): boolean {
  const length = io.read(device.fd, arena.address(read, READ_BYTES), READ_BYTES);
  if (length <= 0) return false;
  seen.reads += 1;
  if (!segmenter.start(read, length)) seen.malformed += 1;
  while (segmenter.next()) {
    seen.segments += 1;
    const { offset, length: size } = segmenter;
    const at = coalescer.place(size);
    arena.bytes.copyWithin(at, offset, offset + size);
    swapAddresses(at);
    coalescer.accept(at, size);
  }
  return true;
}

/** No checksum notices: their sum stays. */
function swapAddresses(at: number): void {
  const [from, size] = arena.bytes[at]! >> 4 === 4 ? [12, 4] : [8, 16];
  const source = arena.bytes.slice(at + from, at + from + size);
  arena.bytes.copyWithin(at + from, at + from + size, at + from + 2 * size);
  arena.bytes.set(source, at + from + size);
}

let running = true;
async function reflectAll(): Promise<void> {
  while (running) {
    for (let i = 0; i < 64 && reflect(); i++);
    coalescer.flush();
    await nextTurn();
  }
}

/** Sends so much random data; resolves to the hashes of what was sent and received. */
async function exchange(socket: Socket): Promise<{ sent: string; received: string }> {
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  socket.on('data', (chunk) => received.update(chunk));
  const end = once(socket, 'end');
  for (let left = BYTES; left > 0; ) {
    const chunk = randomBytes(Math.min(left, 100_000));
    left -= chunk.length;
    sent.update(chunk);
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  await end;
  return { sent: sent.digest('hex'), received: received.digest('hex') };
}

async function tcp(): Promise<{ up: boolean; down: boolean }> {
  const server = createServer({ allowHalfOpen: true }).listen(4500, ours);
  await once(server, 'listening');
  const client = connect({ host: mirrored, port: 4500, localAddress: ours, allowHalfOpen: true });
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const [a, b] = await Promise.all([exchange(client), exchange(accepted)]);
  server.close();
  return { up: a.sent === b.received, down: b.sent === a.received };
}

/** A socket whose datagrams the system cuts into pieces of a size: as super-segments, up to the device. */
async function openCuttingSocket(size: number): Promise<number> {
  const libc = await loadLibc();
  const fd = libc.socket(version === 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
  const value = Uint8Array.from([size & 0xff, size >> 8, 0, 0]);
  if (fd < 0 || libc.setsockopt(fd, SOL_UDP, UDP_SEGMENT, value) !== 0) throw new Error('no UDP_SEGMENT');
  return fd;
}

/** Datagrams that are sent many at once, of one size but the last, arrive as they were sent. */
async function udp(fd?: number): Promise<{ equal: boolean }> {
  const type = version === 4 ? 'udp4' : 'udp6';
  const [sender, receiver] = [createSocket(type), createSocket({ type, recvBufferSize: 4 << 20 })];
  receiver.bind(4501, ours);
  await once(receiver, 'listening');
  const received: string[] = [];
  receiver.on('message', (message) => received.push(message.toString('hex')));
  // With a descriptor it listens at once.
  const listening = once(sender, 'listening');
  sender.bind(fd === undefined ? { port: 0, address: ours } : { fd });
  await listening;
  const sent: string[] = [];
  for (let burst = 0; burst < BURSTS; burst++) {
    const messages = Array.from({ length: 20 }, (_, i) => randomBytes(i === 19 ? 77 : DATAGRAM));
    for (const message of messages) sent.push(message.toString('hex'));
    if (fd === undefined) {
      for (const message of messages) sender.send(message, 4501, mirrored);
    } else {
      sender.send(Buffer.concat(messages), 4501, mirrored);
    }
    while (received.length < sent.length) await nextTurn();
  }
  sender.close();
  receiver.close();
  return { equal: sent.join() === received.join() };
}

const reflecting = reflectAll();
/** What an action gave, and how many segments a read had and a write took meanwhile. */
async function measured<T extends object>(action: () => Promise<T>): Promise<T & Record<string, number>> {
  const before = { ...seen };
  const result = await action();
  const segments = seen.segments - before.segments;
  const perRead = segments / (seen.reads - before.reads);
  return { ...result, perRead, perWrite: segments / (seen.writes - before.writes) };
}

const result = {
  tcp: await measured(tcp),
  udp: await measured(() => udp()),
  cutUdp: await measured(async () => udp(await openCuttingSocket(DATAGRAM))),
};
running = false;
await reflecting;
const { malformed, refusedWrites } = seen;
const { udp: takesUdp } = device.offload ?? { udp: false };
console.log(JSON.stringify({ ...result, malformed, refusedWrites, damaged: arena.damaged(), takesUdp }));
