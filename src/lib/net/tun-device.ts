import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KitError } from '../core/errors.js';
import { type Libc, loadLibc } from './libc.js';

/** A TUN device: whole IP packets, no link layer. */
export interface TunDevice {
  readonly name: string;
  readonly mtu: number;
  /** Called for each packet the system routes into the device; the bytes are valid during the call only. */
  onPacket: ((packet: Uint8Array) => void) | undefined;
  /** Called at most once, when the device is gone. */
  onError: ((error: Error) => void) | undefined;
  /** Packets that {@link write} dropped. */
  readonly dropped: number;
  /** Hands a packet to the system. @returns false when it took none: device down, or its queue full */
  write(packet: Uint8Array): boolean;
  /** Removes the device with its routes and addresses; does not wait for traffic. */
  close(): Promise<void>;
}

const TUN_PATH = '/dev/net/tun';
/** linux/if_tun.h, linux/sockios.h, sys/eventfd.h, poll.h; the same on x86-64, arm64 and riscv64. */
const TUNSETIFF = 0x400454ca;
const SIOCSIFMTU = 0x8922;
const IFF_TUN = 0x0001;
const IFF_PERSIST = 0x0800;
const IFF_NO_PI = 0x1000;
/** linux/capability.h: the bit in the masks of /proc/self/status. */
const CAP_NET_ADMIN = 12n;
const EFD_NONBLOCK_CLOEXEC = 0o2004000;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const POLLIN = 1;
const POLL_BROKEN = 0x8 | 0x10 | 0x20;
const EINTR = 4;
const EAGAIN = 11;
/** struct ifreq: 16 bytes of name, then a union of 24. */
const IFREQ_BYTES = 40;
const IFNAME_MAX = 15;
const MAX_PACKET = 65_535;
/** Packets read in a row before timers and sockets get their turn. */
const BURST = 64;
/**
 * A poll never lasts longer than this: `close` wakes it at once, but `process.exit` without `close` has to wait for
 * the pool's thread.
 */
const POLL_MS = 500;

/**
 * Creates a TUN device (down, without addresses).
 * @param settings.name undefined: the system picks `ikit0`, `ikit1`, …
 * @param settings.mtu bytes, 576 to 65535
 * @throws {KitError} `E_NO_KOFFI`, `E_NO_TUN`, `E_PRIVILEGE`, `E_TUN_BUSY` (environment); `E_TUN_NAME`, `E_MTU` (usage)
 */
export async function openTun(settings: { name?: string | undefined; mtu: number }): Promise<TunDevice> {
  const wanted = settings.name ?? 'ikit%d';
  checkName(settings.name);
  if (!Number.isInteger(settings.mtu) || settings.mtu < 576 || settings.mtu > MAX_PACKET) {
    throw new KitError('usage', 'E_MTU', `An MTU of ${settings.mtu} is outside 576 to ${MAX_PACKET}`);
  }
  const libc = await loadLibc();
  const fd = openTunFile();
  try {
    const name = attach(libc, fd, wanted);
    setMtu(libc, name, settings.mtu);
    const wake = libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
    if (wake < 0) throw deviceError('no wake-up descriptor', libc.errno());
    return new LinuxTun(libc, fd, wake, name, settings.mtu);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Says what would keep {@link openTun} from working, as far as that shows without making a device: for whoever wants
 * to know before a peer hears of us.
 * @throws {KitError} `E_NO_KOFFI`, `E_NO_TUN`, `E_PRIVILEGE`, `E_TUN_BUSY` (environment); `E_TUN_NAME` (usage)
 */
export async function checkTun(name?: string): Promise<void> {
  checkName(name);
  await loadLibc();
  closeSync(openTunFile());
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readIfThere('/proc/self/status') ?? '')?.[1];
  if (capabilities !== undefined && ((BigInt(`0x${capabilities}`) >> CAP_NET_ADMIN) & 1n) === 0n)
    throw privilegeError();
  if (name === undefined) return;
  // Unlike /sys, which keeps to the namespace it was mounted in, this lists the devices of ours.
  const devices = readIfThere('/proc/net/dev') ?? '';
  const isThere = devices.split('\n').some((line) => line.trim().startsWith(`${name}:`));
  const known = existsSync(`/sys/class/net/${name}`);
  // A persistent TUN device waits for somebody to use it.
  const flags = Number(readIfThere(`/sys/class/net/${name}/tun_flags`) ?? 0);
  if (isThere && known && (flags & IFF_PERSIST) === 0) throw busyError(name);
}

class LinuxTun implements TunDevice {
  onPacket: ((packet: Uint8Array) => void) | undefined;
  onError: ((error: Error) => void) | undefined;
  dropped = 0;
  #closing = false;
  readonly #done: Promise<void>;

  constructor(
    readonly libc: Libc,
    readonly fd: number,
    readonly wake: number,
    readonly name: string,
    readonly mtu: number,
  ) {
    this.#done = this.#run();
  }

  write(packet: Uint8Array): boolean {
    const { length } = packet;
    const fits = !this.#closing && length > 0 && length <= MAX_PACKET;
    // EAGAIN and ENOBUFS: queue full. EIO: device down. IP is lossy, and what is above it knows what to do.
    const sent = fits && this.libc.write(this.fd, packet, length) === length;
    if (!sent) this.dropped += 1;
    return sent;
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      const one = new Uint8Array(new BigUint64Array([1n]).buffer);
      this.libc.write(this.wake, one, one.length);
    }
    await this.#done;
  }

  async #run(): Promise<void> {
    // struct pollfd twice: int fd, short events, short revents.
    const set = Buffer.alloc(16);
    set.writeInt32LE(this.fd, 0);
    set.writeInt16LE(POLLIN, 4);
    set.writeInt32LE(this.wake, 8);
    set.writeInt16LE(POLLIN, 12);
    const packet = new Uint8Array(MAX_PACKET);
    try {
      while (!this.#closing) {
        await this.libc.poll(set, 2, POLL_MS);
        if (this.#closing) break;
        if ((set.readInt16LE(6) & POLL_BROKEN) !== 0) throw deviceError(`${this.name} is gone`);
        while (!this.#closing && this.#drain(packet)) await nextTurn();
      }
    } catch (error) {
      this.#closing = true;
      this.onError?.(error instanceof Error ? error : deviceError(String(error)));
    } finally {
      closeSync(this.fd);
      closeSync(this.wake);
    }
  }

  /** Reads until the queue is empty or a burst is full. @returns true when there may be more */
  #drain(into: Uint8Array): boolean {
    for (let i = 0; i < BURST && !this.#closing; i++) {
      const length = this.libc.read(this.fd, into, into.length);
      if (length <= 0) {
        const errno = this.libc.errno();
        if (length < 0 && errno !== EAGAIN && errno !== EINTR)
          throw deviceError(`${this.name} is gone`, errno);
        return false;
      }
      this.onPacket?.(into.subarray(0, length));
    }
    return true;
  }
}

function checkName(name: string | undefined): void {
  if (name === undefined || /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name)) return;
  throw new KitError('usage', 'E_TUN_NAME', `'${name}' is no name for a network device`, {
    hint: `Use up to ${IFNAME_MAX} letters, digits, dots, dashes and underscores.`,
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function openTunFile(): number {
  try {
    return openSync(TUN_PATH, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw privilegeError(cause);
    throw new KitError('environment', 'E_NO_TUN', `This system has no TUN device (${TUN_PATH}: ${code})`, {
      hint: 'Load the kernel module with `modprobe tun`; in a container, hand in /dev/net/tun.',
      cause,
    });
  }
}

/** @returns the device's name */
function attach(libc: Libc, fd: number, wanted: string): string {
  const ifreq = Buffer.alloc(IFREQ_BYTES);
  ifreq.write(wanted, 0, IFNAME_MAX, 'latin1');
  ifreq.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
  if (libc.ioctl(fd, TUNSETIFF, ifreq) < 0) {
    const errno = libc.errno();
    if (errno === 1 || errno === 13) throw privilegeError();
    if (errno === 16 || errno === 22) throw busyError(wanted);
    throw deviceError(`the device ${wanted} cannot be created`, errno);
  }
  return ifreq.toString('latin1', 0, ifreq.indexOf(0));
}

function setMtu(libc: Libc, name: string, mtu: number): void {
  const ifreq = Buffer.alloc(IFREQ_BYTES);
  ifreq.write(name, 0, IFNAME_MAX, 'latin1');
  ifreq.writeInt32LE(mtu, 16);
  const socket = libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) throw deviceError('no socket to set the MTU with', libc.errno());
  const result = libc.ioctl(socket, SIOCSIFMTU, ifreq);
  const errno = libc.errno();
  libc.close(socket);
  if (result < 0) throw deviceError(`${name} does not take an MTU of ${mtu}`, errno);
}

function privilegeError(cause?: unknown): KitError {
  return new KitError('environment', 'E_PRIVILEGE', 'Creating a TUN device needs CAP_NET_ADMIN', {
    hint: 'Run as root, or inside a user and network namespace (`unshare -Urn`).',
    cause,
  });
}

function busyError(name: string): KitError {
  return new KitError('environment', 'E_TUN_BUSY', `A network device named ${name} exists already`, {
    hint: 'Choose another name (`--tun-name`).',
  });
}

function deviceError(what: string, errno?: number): KitError {
  const detail = errno === undefined ? '' : ` (errno ${errno})`;
  return new KitError('environment', 'E_TUN', `TUN: ${what}${detail}`);
}
