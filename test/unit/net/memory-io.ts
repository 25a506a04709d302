import type { Address } from '../../../src/lib/core/arena.js';
import { loadNativeIo, type NativeIo } from '../../../src/lib/net/native-io.js';

const DEVICE = 100;
const SOCKET = 101;
const WAKE = 102;
const IDLE = 103;

const POLLIN = 1;
const POLLOUT = 4;
const EAGAIN = 11;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

/** Sizes of struct pollfd, mmsghdr and cmsghdr, and where fields of struct msghdr are; see datagram-io.ts. */
const POLLFD_BYTES = 8;
const MMSGHDR_BYTES = 64;
const CMSG_HEADER = 16;
const MSG = { name: 0, nameLength: 8, iov: 16, control: 32, controlLength: 40, received: 56 };

const { addressOf } = await loadNativeIo();

/** What is at the other end of the device and of the socket of a {@link MemoryIo}. Bytes are in the arena. */
export interface MemoryEnds {
  /** Something can be read. */
  readonly deviceReady: boolean;
  readonly socketReady: boolean;
  /** Writes what one read of the device brings. @returns bytes, at most `room`; 0 when there is nothing */
  fromDevice(arena: Uint8Array, at: number, room: number): number;
  /** Takes what was written to the device. */
  toDevice(arena: Uint8Array, at: number, length: number): void;
  /** Writes the next datagram, or a super-segment. @returns bytes, at most `room`; 0 when there is nothing */
  receive(arena: Uint8Array, at: number, room: number): number;
  /** Bytes of each datagram but the last in what was received last; 0 when it is one. */
  readonly segmentSize: number;
  /** The struct sockaddr of its sender. */
  readonly sender: Uint8Array;
  /** Takes datagrams of `size` bytes, the last of which may be smaller. @returns false when there is no room for them */
  send(arena: Uint8Array, at: number, length: number, size: number): boolean;
}

/**
 * The system calls of a data path without a system: reads the structures that C would read, and refuses every address
 * that is not in the arena. One arena, one device and one socket each.
 */
export class MemoryIo implements NativeIo {
  static readonly device = DEVICE;
  static readonly socket = SOCKET;
  static readonly wake = WAKE;
  /** A socket on which nothing ever comes. */
  static readonly idle = IDLE;
  readonly #ends: MemoryEnds;
  /** Where the arena begins. */
  #base = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #errno = 0;

  constructor(ends: MemoryEnds) {
    this.#ends = ends;
  }

  /** Takes the arena; to be called once, as an arena does. */
  readonly addressOf = (bytes: Uint8Array): Address => {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    const base = addressOf(bytes);
    this.#base = base;
    return base;
  };

  poll(set: Address, count: number): number {
    const at = this.#offset(set, count * POLLFD_BYTES);
    let ready = 0;
    for (let each = at; each < at + count * POLLFD_BYTES; each += POLLFD_BYTES) {
      const fd = this.#view.getInt32(each, true);
      const happened =
        (fd === DEVICE && this.#ends.deviceReady) || (fd === SOCKET && this.#ends.socketReady)
          ? POLLIN | POLLOUT
          : POLLOUT;
      const events = this.#view.getInt16(each + 4, true) & happened;
      this.#view.setInt16(each + 6, events, true);
      if (events !== 0) ready += 1;
    }
    return ready;
  }

  read(_fd: number, into: Address, length: number): number {
    const at = this.#offset(into, length);
    return this.#ends.fromDevice(this.#bytes, at, length) || this.#fail();
  }

  write(_fd: number, from: Address, length: number): number {
    this.#ends.toDevice(this.#bytes, this.#offset(from, length), length);
    return length;
  }

  recvmmsg(_fd: number, vector: Address, count: number): number {
    const headers = this.#offset(vector, count * MMSGHDR_BYTES);
    for (let i = 0; i < count; i++) {
      if (!this.#receive(headers + i * MMSGHDR_BYTES)) return i || this.#fail();
    }
    return count;
  }

  sendmsg(_fd: number, message: Address): number {
    return this.#send(this.#offset(message, MMSGHDR_BYTES - 8));
  }

  sendmmsg(_fd: number, vector: Address, count: number): number {
    const headers = this.#offset(vector, count * MMSGHDR_BYTES);
    for (let i = 0; i < count; i++) {
      if (this.#send(headers + i * MMSGHDR_BYTES) < 0) return i || -1;
    }
    return count;
  }

  setsockopt(_fd: number, _level: number, _option: number, value: Address, length: number): number {
    this.#offset(value, length);
    return 0;
  }

  /** There is nobody else to have sockets with. */
  socket(): number {
    return this.#fail();
  }

  getsockopt(): number {
    return this.#fail();
  }

  bind(): number {
    return this.#fail();
  }

  connect(): number {
    return this.#fail();
  }

  close(): number {
    return this.#fail();
  }

  errno(): number {
    return this.#errno;
  }

  /** What a struct msghdr says. @returns bytes that left, or -1 */
  #send(header: number): number {
    this.#pointer(header + MSG.name, this.#view.getUint32(header + MSG.nameLength, true));
    const length = this.#pieceLength(header);
    const at = this.#pieceAt(header, length);
    const size = this.#controlOf(header) || length;
    return this.#ends.send(this.#bytes, at, length, size) ? length : this.#fail();
  }

  #receive(header: number): boolean {
    const ends = this.#ends;
    const room = this.#pieceLength(header);
    const length = ends.receive(this.#bytes, this.#pieceAt(header, room), room);
    if (length === 0) return false;
    const { sender, segmentSize } = ends;
    this.#bytes.set(sender, this.#pointer(header + MSG.name, sender.length));
    this.#view.setUint32(header + MSG.nameLength, sender.length, true);
    this.#view.setUint32(header + MSG.received, length, true);
    if (segmentSize !== 0) {
      const control = this.#pointer(header + MSG.control, CMSG_HEADER + 4);
      this.#view.setBigUint64(control, BigInt(CMSG_HEADER + 4), true);
      this.#view.setInt32(control + 8, SOL_UDP, true);
      this.#view.setInt32(control + 12, UDP_GRO, true);
      this.#view.setInt32(control + CMSG_HEADER, segmentSize, true);
    }
    this.#view.setUint32(header + MSG.controlLength, segmentSize === 0 ? 0 : CMSG_HEADER + 8, true);
    return true;
  }

  /** The size of datagrams that UDP_SEGMENT asks for; 0 without. */
  #controlOf(header: number): number {
    const length = this.#view.getUint32(header + MSG.controlLength, true);
    if (length === 0) return 0;
    const at = this.#pointer(header + MSG.control, length);
    const isSize =
      this.#view.getInt32(at + 8, true) === SOL_UDP && this.#view.getInt32(at + 12, true) === UDP_SEGMENT;
    return isSize ? this.#view.getUint16(at + CMSG_HEADER, true) : 0;
  }

  /** Of the only piece of a message: struct iovec. */
  #pieceLength(header: number): number {
    return this.#view.getUint32(this.#pointer(header + MSG.iov, 16) + 8, true);
  }

  #pieceAt(header: number, length: number): number {
    return this.#pointer(this.#pointer(header + MSG.iov, 16), length);
  }

  /** Where the pointer at an offset leads to. */
  #pointer(at: number, length: number): number {
    const address = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
    return this.#offset(address, length);
  }

  #offset(address: number, length: number): number {
    const at = address - this.#base;
    if (!(at >= 0 && length >= 0 && at + length <= this.#bytes.length)) {
      throw new RangeError(`C was given ${length} bytes at ${at} of an arena of ${this.#bytes.length}`);
    }
    return at;
  }

  #fail(): -1 {
    this.#errno = EAGAIN;
    return -1;
  }
}
