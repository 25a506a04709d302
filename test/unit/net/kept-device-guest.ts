import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KitError } from '../../../src/lib/core/errors.js';
import { addAddress, setUp } from '../../../src/lib/net/ip-command.js';
import { type Libc, loadLibc } from '../../../src/lib/net/libc.js';
import { openTunDescriptor } from '../../../src/lib/net/tun-descriptor.js';

const run = promisify(execFile);

const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUNSETVNETBE = 0x400454de;
/** IFF_TUN, NO_PI and VNET_HDR. */
const WITH_HEADER = 0x0001 | 0x1000 | 0x4000;
const IFF_VNET_HDR = 0x4000;
const EINVAL = 22;
const UDP = 17;
const PAYLOAD = Buffer.from('0123456789');

/** Leaves a persistent device whose header is 12 bytes, and big-endian where the system can, as a hypervisor might. */
function leaveForeign(libc: Libc, name: string): void {
  const fd = openSync('/dev/net/tun', constants.O_RDWR);
  const ifreq = Buffer.alloc(40);
  ifreq.write(name, 'latin1');
  ifreq.writeUInt16LE(WITH_HEADER, 16);
  const int = (value: number) => new Uint8Array(Int32Array.of(value).buffer);
  const made =
    libc.ioctl(fd, TUNSETIFF, ifreq) === 0 &&
    libc.ioctl(fd, TUNSETVNETHDRSZ, int(12)) === 0 &&
    libc.ioctlValue(fd, TUNSETPERSIST, 1) === 0;
  if (!made) throw new Error(`no device: errno ${libc.errno()}`);
  libc.ioctl(fd, TUNSETVNETBE, int(1));
  closeSync(fd);
}

/** The first datagram that the system sends through a device, with all that is before it. */
async function firstDatagram(libc: Libc, fd: number): Promise<Uint8Array> {
  const socket = createSocket('udp4');
  const buffer = new Uint8Array(70_000);
  for (;;) {
    socket.send(PAYLOAD, 9, '10.99.0.2');
    await delay(10);
    for (let length = 1; length > 0; ) {
      length = libc.read(fd, buffer);
      if (length < PAYLOAD.length || !PAYLOAD.equals(buffer.subarray(length - PAYLOAD.length, length)))
        continue;
      socket.close();
      return buffer.slice(0, length);
    }
  }
}

/** The sum over pseudo-header and datagram, which is 0xffff when the checksum is right (RFC 768). */
function udpSum(packet: Uint8Array): number {
  let sum = UDP + packet.length - 20;
  for (let i = 12; i < packet.length; i += 2) sum += (packet[i]! << 8) | (packet[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** What devices are like that somebody used before, and what a system without virtio headers gives. */
export async function keptDevices() {
  const libc = await loadLibc();
  await run('ip', ['tuntap', 'add', 'mode', 'tun', 'name', 'kept0']);
  closeSync((await openTunDescriptor({ name: 'kept0', mtu: 1400 }, true)).fd);
  const plain = await openTunDescriptor({ name: 'kept0', mtu: 1400 });
  await addAddress('kept0', '10.99.0.1/24');
  await setUp('kept0');
  const datagram = await firstDatagram(libc, plain.fd);
  closeSync(plain.fd);
  await run('ip', ['link', 'delete', 'kept0']);

  leaveForeign(libc, 'kept1');
  const fast = await openTunDescriptor({ name: 'kept1', mtu: 1400 }, true);
  await addAddress('kept1', '10.99.0.1/24');
  await setUp('kept1');
  const withHeader = await firstDatagram(libc, fast.fd);
  closeSync(fast.fd);

  const { ioctl, errno } = libc;
  let refused = false;
  libc.ioctl = (fd, request, argument) => {
    const asked = Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
    refused = request === TUNSETIFF && (asked.readUInt16LE(16) & IFF_VNET_HDR) !== 0;
    return refused ? -1 : ioctl(fd, request, argument);
  };
  libc.errno = () => (refused ? EINVAL : errno());
  const bare = await openTunDescriptor({ mtu: 1400 }, true);
  closeSync(bare.fd);
  const taken = await openTunDescriptor({ name: 'lo', mtu: 1400 }, true).catch((error: unknown) => error);

  return {
    checksum: udpSum(datagram),
    checksumStart: new DataView(withHeader.buffer).getUint16(6, true),
    length: withHeader.length,
    bare: [bare.name, bare.offload ?? 'none'],
    taken: taken instanceof KitError ? taken.code : String(taken),
  };
}
