import { closeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KitError } from '../core/errors.js';
import { setOption } from './descriptor.js';
import { type Libc, loadLibc } from './libc.js';
import type { LiveFrame } from './live-frame.js';
import { loadPacketCalls, type PacketCalls } from './packet-socket.js';
import { capturePcap } from './pcap-package.js';

export type { LiveFrame } from './live-frame.js';

/** linux/if_packet.h, linux/if_ether.h, linux/if_arp.h, asm-generic/socket.h, linux/sockios.h, poll.h, sys/eventfd.h. */
const AF_PACKET = 17;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 0o2004002;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_PROMISC = 1;
const PACKET_STATISTICS = 6;
const PACKET_OUTGOING = 4;
const ARPHRD_LOOPBACK = 772;
const MSG_TRUNC = 0x20;
const SIOCGSTAMPNS = 0x80108907;
const POLLIN = 1;
const EFD_NONBLOCK_CLOEXEC = 0o2004000;
const EPERM = 1;
const EINTR = 4;
const EAGAIN = 11;
const EACCES = 13;
const ENETDOWN = 100;

const LINUX_SLL2 = 276;
const SLL2_HEADER = 20;
/** struct sockaddr_ll. */
const ADDRESS_BYTES = 20;
/** Longer than any packet but a jumbogram. */
const MAX_PACKET = 262_144;
const RECEIVE_BUFFER = 16 << 20;
/** Packets read in a row before timers and sockets get their turn. */
const BURST = 256;
/** `process.exit` without the signal has to wait for the pool's thread; no longer than this. */
const POLL_MS = 500;

/**
 * Hands over every frame of an interface, sent and received, until the signal.
 * @param iface name of the interface, or `any`
 * @returns frames that the system dropped because they came too fast
 * @throws {KitError} `E_NO_CAPTURE`, `E_PRIVILEGE`, `E_CAPTURE` (environment); `E_INTERFACE` (usage)
 */
export async function liveCapture(
  iface: string,
  onFrame: (frame: LiveFrame) => void,
  signal: AbortSignal,
): Promise<{ dropped: number }> {
  if (process.platform !== 'linux') return capturePcap(iface, onFrame, signal);
  let libc: Libc;
  let calls: PacketCalls;
  try {
    libc = await loadLibc();
    calls = await loadPacketCalls();
  } catch (error) {
    if (error instanceof KitError && error.code === 'E_NO_KOFFI') return capturePcap(iface, onFrame, signal);
    throw error;
  }
  const fd = openSocket(libc, calls, iface);
  const wake = libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
  const one = new Uint8Array(new BigUint64Array([1n]).buffer);
  const stop = () => libc.write(wake, one);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (wake < 0) throw captureError(iface, libc.errno());
    await new SocketReader(libc, calls, fd, iface, onFrame).run(wake, signal);
    return { dropped: droppedBy(calls, fd) };
  } finally {
    signal.removeEventListener('abort', stop);
    closeSync(fd);
    if (wake >= 0) closeSync(wake);
  }
}

class SocketReader {
  readonly #packet = new Uint8Array(MAX_PACKET);
  readonly #address = Buffer.alloc(ADDRESS_BYTES);
  readonly #stamp = Buffer.alloc(16);
  #count = 0;

  constructor(
    readonly libc: Libc,
    readonly calls: PacketCalls,
    readonly fd: number,
    readonly iface: string,
    readonly onFrame: (frame: LiveFrame) => void,
  ) {}

  async run(wake: number, signal: AbortSignal): Promise<void> {
    // struct pollfd twice: int fd, short events, short revents.
    const set = Buffer.alloc(16);
    set.writeInt32LE(this.fd, 0);
    set.writeInt16LE(POLLIN, 4);
    set.writeInt32LE(wake, 8);
    set.writeInt16LE(POLLIN, 12);
    while (!signal.aborted) {
      await this.libc.poll(set, POLL_MS);
      while (!signal.aborted && this.#drain(signal)) await nextTurn();
    }
  }

  /** Reads until the queue is empty or a burst is full. @returns true when there may be more */
  #drain(signal: AbortSignal): boolean {
    for (let i = 0; i < BURST && !signal.aborted; i++) {
      const { fd, calls, libc } = this;
      // With MSG_TRUNC the result is the length on the wire, even when the packet did not fit.
      const length = calls.recvfrom(fd, this.#packet, MSG_TRUNC, this.#address);
      if (length < 0) {
        const errno = libc.errno();
        if (errno === EAGAIN || errno === EINTR) return false;
        throw captureError(this.iface, errno);
      }
      this.#hand(length);
    }
    return true;
  }

  #hand(length: number): void {
    const address = this.#address;
    // The loopback interface shows everything twice, going out and coming in.
    if (address.readUInt16LE(8) === ARPHRD_LOOPBACK && address[10] === PACKET_OUTGOING) return;
    const captured = Math.min(length, MAX_PACKET);
    const data = new Uint8Array(SLL2_HEADER + captured);
    writeHeader(data, address);
    data.set(this.#packet.subarray(0, captured), SLL2_HEADER);
    this.#count += 1;
    this.onFrame({
      frame: this.#count,
      time: this.#time(),
      linkType: LINUX_SLL2,
      data,
      originalLength: SLL2_HEADER + length,
    });
  }

  /** When the kernel got the packet; when the first one has no stamp yet, the time now. */
  #time(): bigint {
    const stamp = this.#stamp;
    if (this.libc.ioctl(this.fd, SIOCGSTAMPNS, stamp) < 0) return BigInt(Date.now()) * 1_000_000n;
    return stamp.readBigInt64LE(0) * 1_000_000_000n + stamp.readBigInt64LE(8);
  }
}

/**
 * The pseudo-header of LINKTYPE_LINUX_SLL2, all in network byte order, from a struct sockaddr_ll, in that of the host
 * except for the protocol.
 */
function writeHeader(into: Uint8Array, address: Buffer): void {
  const view = new DataView(into.buffer);
  view.setUint16(0, address.readUInt16BE(2));
  view.setUint32(4, address.readUInt32LE(4));
  view.setUint16(8, address.readUInt16LE(8));
  into.set(address.subarray(10, 20), 10);
}

/** A socket that nothing arrives at before it is bound: it is made without a protocol. */
function openSocket(libc: Libc, calls: PacketCalls, iface: string): number {
  const index = iface === 'any' ? 0 : calls.if_nametoindex(iface);
  if (index === 0 && iface !== 'any') {
    throw new KitError('usage', 'E_INTERFACE', `There is no network interface ${JSON.stringify(iface)}`, {
      hint: 'List them with `ip link`; `any` stands for all of them.',
    });
  }
  const fd = libc.socket(AF_PACKET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) throw captureError(iface, libc.errno());
  if (!setOption(libc, fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)) {
    setOption(libc, fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  }
  const address = Buffer.alloc(ADDRESS_BYTES);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ETH_P_ALL, 2);
  address.writeInt32LE(index, 4);
  if (libc.bind(fd, address) < 0) {
    const errno = libc.errno();
    closeSync(fd);
    throw captureError(iface, errno);
  }
  if (index > 0) listenToAll(libc, fd, index);
  return fd;
}

/** Packets for others too, as a mirror port brings them; an interface that cannot do it is captured without. */
function listenToAll(libc: Libc, fd: number, index: number): void {
  // struct packet_mreq: int ifindex, unsigned short type, unsigned short alen, unsigned char address[8].
  const request = Buffer.alloc(16);
  request.writeInt32LE(index, 0);
  request.writeUInt16LE(PACKET_MR_PROMISC, 4);
  libc.setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request);
}

/** struct tpacket_stats: packets, drops. */
function droppedBy(calls: PacketCalls, fd: number): number {
  const stats = Buffer.alloc(8);
  return calls.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, stats) < 0 ? 0 : stats.readUInt32LE(4);
}

function captureError(iface: string, errno: number): KitError {
  if (errno === EPERM || errno === EACCES) {
    return new KitError('environment', 'E_PRIVILEGE', `Capturing on ${iface} needs CAP_NET_RAW`, {
      hint: 'Run as root or with CAP_NET_RAW, or pipe a capture in: `sudo tcpdump -w - | ipsec-kit decode -`.',
    });
  }
  const reason = errno === ENETDOWN ? 'the interface is down' : `errno ${errno}`;
  return new KitError('environment', 'E_CAPTURE', `Capturing on ${iface} failed: ${reason}`);
}
