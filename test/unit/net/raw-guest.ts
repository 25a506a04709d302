import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Arena } from '../../../src/lib/core/arena.js';
import { KitError } from '../../../src/lib/core/errors.js';
import { DatagramReceiver, DatagramSender, PathDiscovery } from '../../../src/lib/net/datagram-io.js';
import { addAddress, setUp } from '../../../src/lib/net/ip-command.js';
import { loadLibc } from '../../../src/lib/net/libc.js';
import { loadNativeIo } from '../../../src/lib/net/native-io.js';
import { openEspDescriptor } from '../../../src/lib/net/raw-descriptor.js';
import { socketAddress } from '../../../src/lib/net/socket-address.js';

const COUNT = 10;
const SIZE = 1400;
const TRAFFIC_CLASS = 0xb8;
/** linux/in.h, linux/ip.h. */
const SOL_IP = 0;
const IP_OPTIONS = 4;
const NO_OPERATION = 1;

/** What the system has told others that it does not want: all ICMP errors of a family. */
function errorsSent(six: boolean): number {
  if (six) return Number(/^Icmp6OutParmProblems\s+(\d+)/m.exec(readFileSync('/proc/net/snmp6', 'utf8'))?.[1]);
  const [names, values] = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Icmp:'))
    .map((line) => line.split(' '));
  return Number(values?.[names!.indexOf('OutDestUnreachs')]);
}

/** ESP without UDP between two addresses of the loopback device, through raw sockets. */
async function exchange(from: string, to: string, options?: Uint8Array) {
  const [io, libc] = [await loadNativeIo(), await loadLibc()];
  const six = to.includes(':');
  const arena = new Arena(8 << 20, io.addressOf);
  const data = arena.reserve('data', COUNT * SIZE);
  const name = arena.reserve('name', 32);
  for (let i = 0; i < data.length; i++) arena.bytes[data.at + i] = (i * 31) ^ (i >> 8);
  const target = socketAddress({ address: to, port: 0 });
  arena.bytes.set(target, name.at);
  const [sender, receiver] = [new DatagramSender(io, arena), new DatagramReceiver(io, arena, 32, 65_536)];
  const socket = { fd: openEspDescriptor(libc, from), segments: false };
  if (options !== undefined) libc.setsockopt(socket.fd, SOL_IP, IP_OPTIONS, options);
  const send = () =>
    sender.send(
      ...([socket, data.at, data.length, SIZE, name.at, target.length] as const),
      ...([TRAFFIC_CLASS, PathDiscovery.DO] as const),
    );

  const before = errorsSent(six);
  send();
  const unwanted = before + COUNT;
  while (errorsSent(six) < unwanted) await delay(1);

  const fd = openEspDescriptor(libc, to);
  const sent = send();
  const headers = new Set<number>();
  const classes = new Set<number>();
  let whole = 0;
  for (let got = 0; got < COUNT; ) {
    const count = receiver.receive(fd);
    if (count === 0) await delay(1);
    for (let i = 0; i < count; i++, got++) {
      const at = receiver.at(i);
      const skipped = six ? 0 : (arena.bytes[at]! & 0xf) * 4;
      headers.add(receiver.length(i) - SIZE);
      classes.add(receiver.trafficClass(i));
      const body = Buffer.from(arena.bytes.slice(at + skipped, at + receiver.length(i)));
      if (body.equals(arena.bytes.subarray(data.at + got * SIZE, data.at + (got + 1) * SIZE))) whole += 1;
    }
  }
  libc.close(fd);
  libc.close(socket.fd);
  return {
    ...{ sent, left: sender.sent, calls: sender.calls, whole },
    headers: [...headers],
    classes: [...classes],
    errorsMore: errorsSent(six) - unwanted,
    damaged: arena.damaged(),
  };
}

export async function rawEsp() {
  await setUp('lo');
  await addAddress('lo', '10.9.0.1/32');
  await addAddress('lo', 'fd00:9::1/128');
  const libc = await loadLibc();
  let refused: unknown;
  try {
    openEspDescriptor(libc, '192.0.2.1');
  } catch (error) {
    refused = error instanceof KitError ? { code: error.code, kind: error.kind } : String(error);
  }
  return {
    four: await exchange('127.0.0.1', '10.9.0.1'),
    options: await exchange('127.0.0.1', '10.9.0.1', new Uint8Array(8).fill(NO_OPERATION)),
    six: await exchange('::1', 'fd00:9::1'),
    refused,
  };
}
