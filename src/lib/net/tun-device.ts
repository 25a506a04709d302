import { closeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Libc, loadLibc } from './libc.js';
import { deviceError, openTunDescriptor, type TunSettings } from './tun-descriptor.js';

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

/** sys/eventfd.h, poll.h. */
const EFD_NONBLOCK_CLOEXEC = 0o2004000;
const POLLIN = 1;
const POLL_BROKEN = 0x8 | 0x10 | 0x20;
const EINTR = 4;
const EAGAIN = 11;
const MAX_PACKET = 65_535;
/** Packets read in a row before timers and sockets get their turn. */
const BURST = 64;
/**
 * A poll never lasts longer than this: `close` wakes it at once, but `process.exit` without `close` has to wait for
 * the pool's thread.
 */
const POLL_MS = 500;

/**
 * Creates a TUN device (down, without addresses) and reads it.
 * @throws {KitError} of {@link openTunDescriptor}
 */
export async function openTun(settings: TunSettings): Promise<TunDevice> {
  const { fd, name, mtu } = await openTunDescriptor(settings);
  const libc = await loadLibc();
  const wake = libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
  if (wake < 0) {
    closeSync(fd);
    throw deviceError('no wake-up descriptor', libc.errno());
  }
  return new LinuxTun(libc, fd, wake, name, mtu);
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
    const sent = fits && this.libc.write(this.fd, packet) === length;
    if (!sent) this.dropped += 1;
    return sent;
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      const one = new Uint8Array(new BigUint64Array([1n]).buffer);
      this.libc.write(this.wake, one);
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
        await this.libc.poll(set, POLL_MS);
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
      const length = this.libc.read(this.fd, into);
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
