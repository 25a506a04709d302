import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { KitError } from '../core/errors.js';
import { checkNetworkRights, privilegeError } from './capabilities.js';
import { type Libc, loadLibc } from './libc.js';

/** An open TUN device, for whoever reads and writes its packets. */
export interface TunDescriptor {
  /** Non-blocking; to be closed by its owner, with which the device goes. */
  readonly fd: number;
  readonly name: string;
  /** Bytes. */
  readonly mtu: number;
  /**
   * With offloads, packets come and go behind a virtio-net header of 10 bytes: TCP and, with `udp`, UDP in
   * super-segments of up to 64 KiB, checksums unfinished.
   */
  readonly offload: { readonly udp: boolean } | undefined;
}

export interface TunSettings {
  /** Undefined: the system picks `ikit0`, `ikit1`, … */
  name?: string | undefined;
  /** Bytes, 576 to 65280. */
  mtu: number;
}

const TUN_PATH = '/dev/net/tun';
/** linux/if_tun.h and linux/sockios.h; the same on x86-64, arm64 and riscv64. */
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUNSETVNETLE = 0x400454dc;
const SIOCSIFMTU = 0x8922;
const IFF_TUN = 0x0001;
const IFF_PERSIST = 0x0800;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** TUN_F_CSUM, TSO4, TSO6, TSO_ECN. */
const TCP_OFFLOADS = 0x1 | 0x2 | 0x4 | 0x8;
/** TUN_F_USO4, USO6; Linux 6.2 and later. */
const UDP_OFFLOADS = 0x20 | 0x40;
/** Bytes of struct virtio_net_hdr: the least that a TUN device takes, and all that we read and write. */
const VNET_HEADER_BYTES = 10;
const EPERM = 1;
const EACCES = 13;
const EBUSY = 16;
const EINVAL = 22;
/** What is refused without CAP_NET_ADMIN. */
const CREATING = 'Creating a TUN device';
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
/** struct ifreq: 16 bytes of name, then a union of 24. */
const IFREQ_BYTES = 40;
const IFNAME_MAX = 15;
/** What is larger does not fit into a UDP datagram once it is ESP. */
const MAX_MTU = 65_280;

/**
 * Creates a TUN device (down, without addresses).
 * @param offload asks for super-segments; a system that has none gives a device without
 * @throws {KitError} `E_NO_KOFFI`, `E_NO_TUN`, `E_PRIVILEGE`, `E_TUN_BUSY` (environment); `E_TUN_NAME`, `E_MTU` (usage)
 */
export async function openTunDescriptor(settings: TunSettings, offload = false): Promise<TunDescriptor> {
  const { name: wanted, mtu } = settings;
  checkName(wanted);
  if (!Number.isInteger(mtu) || mtu < 576 || mtu > MAX_MTU) {
    throw new KitError('usage', 'E_MTU', `An MTU of ${mtu} is outside 576 to ${MAX_MTU}`);
  }
  const libc = await loadLibc();
  if (offload) {
    const device = attempt(libc, wanted, mtu, true);
    if (device !== undefined) return device;
  }
  return attempt(libc, wanted, mtu, false)!;
}

/** @returns undefined when there are no offloads though wanted */
function attempt(
  libc: Libc,
  wanted: string | undefined,
  mtu: number,
  offload: boolean,
): TunDescriptor | undefined {
  const fd = openTunFile();
  try {
    const name = attach(libc, fd, wanted, offload);
    const granted = name !== undefined && offload ? setOffloads(libc, fd) : undefined;
    if (name === undefined || (offload && granted === undefined)) {
      closeSync(fd);
      return undefined;
    }
    // A persistent device has the offloads of who used it last; a system that knows none has none to take back.
    if (!offload) libc.ioctlValue(fd, TUNSETOFFLOAD, 0);
    setMtu(libc, name, mtu);
    return { fd, name, mtu, offload: granted };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function setOffloads(libc: Libc, fd: number): TunDescriptor['offload'] {
  // A persistent device also has the header of who used it last. Systems without the second call know no other order
  // of bytes than the machine's.
  if (libc.ioctl(fd, TUNSETVNETHDRSZ, int(VNET_HEADER_BYTES)) < 0) return undefined;
  libc.ioctl(fd, TUNSETVNETLE, int(1));
  if (libc.ioctlValue(fd, TUNSETOFFLOAD, TCP_OFFLOADS | UDP_OFFLOADS) === 0) return { udp: true };
  return libc.ioctlValue(fd, TUNSETOFFLOAD, TCP_OFFLOADS) === 0 ? { udp: false } : undefined;
}

/** What a request that takes a pointer to an int is given. */
function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/**
 * Says what would keep {@link openTunDescriptor} from working, as far as that shows without making a device: for whoever wants
 * to know before a peer hears of us.
 * @throws {KitError} `E_NO_KOFFI`, `E_NO_TUN`, `E_PRIVILEGE`, `E_TUN_BUSY` (environment); `E_TUN_NAME` (usage)
 */
export async function checkTun(name?: string): Promise<void> {
  checkName(name);
  await loadLibc();
  closeSync(openTunFile());
  checkNetworkRights();
  if (name === undefined) return;
  // Unlike /sys, which keeps to the namespace it was mounted in, this lists the devices of ours.
  const devices = readIfThere('/proc/net/dev') ?? '';
  const isThere = devices.split('\n').some((line) => line.trim().startsWith(`${name}:`));
  const known = existsSync(`/sys/class/net/${name}`);
  // A persistent TUN device waits for somebody to use it.
  const flags = Number(readIfThere(`/sys/class/net/${name}/tun_flags`) ?? 0);
  if (isThere && known && (flags & IFF_PERSIST) === 0) throw busyError(name);
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
    if (code === 'EACCES' || code === 'EPERM') {
      throw new KitError('environment', 'E_PRIVILEGE', `This user may not open ${TUN_PATH}`, {
        hint: 'Run as root; or let this user read and write it, as most systems let everybody (mode 0666), and grant the capability CAP_NET_ADMIN.',
        cause,
      });
    }
    throw new KitError('environment', 'E_NO_TUN', `This system has no TUN device (${TUN_PATH}: ${code})`, {
      hint: 'Load the kernel module with `modprobe tun`; in a container, hand in /dev/net/tun.',
      cause,
    });
  }
}

/** @returns the device's name; undefined when there is none that has virtio headers, though wanted */
function attach(
  libc: Libc,
  fd: number,
  wanted: string | undefined,
  virtioHeaders: boolean,
): string | undefined {
  const ifreq = Buffer.alloc(IFREQ_BYTES);
  ifreq.write(wanted ?? 'ikit%d', 0, IFNAME_MAX, 'latin1');
  ifreq.writeUInt16LE(IFF_TUN | IFF_NO_PI | (virtioHeaders ? IFF_VNET_HDR : 0), 16);
  if (libc.ioctl(fd, TUNSETIFF, ifreq) < 0) {
    const errno = libc.errno();
    if (errno === EPERM || errno === EACCES) throw privilegeError(CREATING);
    // Besides a device of another kind EINVAL may mean the flag: who asks without it hears which.
    if (errno === EINVAL && virtioHeaders) return undefined;
    if (wanted !== undefined && (errno === EBUSY || errno === EINVAL)) throw busyError(wanted);
    throw deviceError(`the device ${wanted ?? 'ikit…'} cannot be created`, errno);
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

function busyError(name: string): KitError {
  return new KitError('environment', 'E_TUN_BUSY', `A network device named ${name} exists already`, {
    hint: 'Choose another name (`--tun-name`).',
  });
}

/** Something is wrong with the device. */
export function deviceError(what: string, errno?: number): KitError {
  const detail = errno === undefined ? '' : ` (errno ${errno})`;
  return new KitError('environment', 'E_TUN', `TUN: ${what}${detail}`);
}
