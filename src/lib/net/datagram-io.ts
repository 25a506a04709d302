import type { Address, Arena, Region } from '../core/arena.js';
import { type NativeIo, noFastIo } from './native-io.js';
import { SOCKADDR_IN6_BYTES } from './socket-address.js';

/*
 * Many datagrams with one system call: recvmmsg with UDP_GRO, sendmsg with UDP_SEGMENT (linux/udp.h). The structures
 * are those of Linux on 64-bit little-endian machines, which are all that koffi has prebuilt packages for.
 */

/** struct iovec: base, length. */
const IOVEC_BYTES = 16;
/** struct msghdr: name, name length, iov, count, control, control length, flags. */
const MSGHDR_BYTES = 56;
/** struct mmsghdr: struct msghdr, bytes received or sent. */
const MMSGHDR_BYTES = 64;
const MSG = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovCount: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  received: 56,
};
/** struct cmsghdr: length, level, type; then its data. */
const CMSG_HEADER = 16;
/** A control message of up to 8 bytes. */
const CMSG_SPACE = 24;
const NAME_SPACE = 32;
const CONTROL_SPACE = 3 * CMSG_SPACE;

const MSG_DONTWAIT = 0x40;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;
const SOL_IP = 0;
const IP_TOS = 1;
const IP_MTU_DISCOVER = 10;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const SOL_IPV6 = 41;
const IPV6_MTU_DISCOVER = 23;
const IPV6_TCLASS = 67;

const EPERM = 1;
const EINTR = 4;
const EIO = 5;
const EAGAIN = 11;
const EINVAL = 22;
const ENOSYS = 38;
const EMSGSIZE = 90;
const ENOBUFS = 105;

/** Bytes of a UDP payload that fit into one IP packet of either version. */
export const MAX_PAYLOAD = 65_487;
/** UDP_MAX_SEGMENTS of Linux before 6.9. */
export const MAX_SEGMENTS = 64;

/** Reads datagrams in batches. What the getters tell is true until the next {@link receive}. */
export class DatagramReceiver {
  readonly #io: NativeIo;
  readonly #arena: Arena;
  readonly #count: number;
  readonly #size: number;
  readonly #vector: Region;
  readonly #names: Region;
  readonly #controls: Region;
  /** Where each datagram goes; a region each, so that nothing written past one falls into the next unseen. */
  readonly #data: readonly number[];
  /** Of the last batch. */
  #received = 0;

  /**
   * @param count datagrams, or super-segments of them, that one call may bring
   * @param size bytes that each may have
   */
  constructor(io: NativeIo, arena: Arena, count: number, size: number) {
    this.#io = io;
    this.#arena = arena;
    this.#count = count;
    this.#size = size;
    this.#vector = arena.reserve('received message headers', count * MMSGHDR_BYTES);
    const vectors = arena.reserve('receive vectors', count * IOVEC_BYTES);
    this.#names = arena.reserve('received names', count * NAME_SPACE);
    this.#controls = arena.reserve('received control data', count * CONTROL_SPACE);
    this.#data = Array.from({ length: count }, (_, i) => arena.reserve(`received datagram ${i}`, size).at);
    for (let i = 0; i < count; i++) {
      const header = this.#vector.at + i * MMSGHDR_BYTES;
      const vector = vectors.at + i * IOVEC_BYTES;
      setPointer(arena, vector, this.#data[i]!, size);
      setNumber(arena, vector + 8, size);
      setPointer(arena, header + MSG.name, this.#names.at + i * NAME_SPACE, NAME_SPACE);
      setPointer(arena, header + MSG.iov, vector, IOVEC_BYTES);
      setNumber(arena, header + MSG.iovCount, 1);
      setPointer(arena, header + MSG.control, this.#controls.at + i * CONTROL_SPACE, CONTROL_SPACE);
    }
    this.#received = count;
  }

  /** Reads what has come, without waiting. @returns how many; 0 when there is nothing; minus errno when it failed */
  receive(fd: number): number {
    const { view } = this.#arena;
    for (let i = 0; i < this.#received; i++) {
      const header = this.#vector.at + i * MMSGHDR_BYTES;
      view.setUint32(header + MSG.nameLength, SOCKADDR_IN6_BYTES, true);
      view.setUint32(header + MSG.controlLength, CONTROL_SPACE, true);
      view.setUint32(header + MSG.flags, 0, true);
    }
    const { at, length } = this.#vector;
    const received = this.#io.recvmmsg(fd, this.#arena.address(at, length), this.#count, MSG_DONTWAIT, 0);
    this.#received = Math.min(Math.max(received, 0), this.#count);
    if (received >= 0) return this.#received;
    const errno = this.#io.errno();
    return errno === EAGAIN || errno === EINTR ? 0 : -errno;
  }

  /** Where a datagram begins. */
  at(index: number): number {
    return this.#data[index]!;
  }

  /** Bytes; 0 when it did not fit and is cut off. */
  length(index: number): number {
    const header = this.#vector.at + index * MMSGHDR_BYTES;
    const { view } = this.#arena;
    const cut = (view.getUint32(header + MSG.flags, true) & (MSG_TRUNC | MSG_CTRUNC)) !== 0;
    return cut ? 0 : Math.min(view.getUint32(header + MSG.received, true), this.#size);
  }

  /** Where the struct sockaddr of the sender is. */
  nameAt(index: number): number {
    return this.#names.at + index * NAME_SPACE;
  }

  /** Bytes of each datagram but the last, when several came as one; else 0. */
  segmentSize(index: number): number {
    const at = this.#control(index, SOL_UDP, UDP_GRO, SOL_UDP, UDP_GRO);
    return at < 0 ? 0 : Math.max(0, this.#arena.view.getInt32(at, true));
  }

  /** TOS or traffic class of the outer packet; 0 where it is not known. */
  trafficClass(index: number): number {
    const at = this.#control(index, SOL_IP, IP_TOS, SOL_IPV6, IPV6_TCLASS);
    return at < 0 ? 0 : this.#arena.bytes[at]!;
  }

  /** Where the data of a control message of one of two kinds are; -1 when there is none. */
  #control(index: number, level: number, type: number, otherLevel: number, otherType: number): number {
    const { view } = this.#arena;
    const header = this.#vector.at + index * MMSGHDR_BYTES;
    const begin = this.#controls.at + index * CONTROL_SPACE;
    const end = begin + Math.min(view.getUint32(header + MSG.controlLength, true), CONTROL_SPACE);
    for (let at = begin; at + CMSG_HEADER < end; ) {
      const length = view.getUint32(at, true);
      if (length <= CMSG_HEADER || at + length > end) return -1;
      const itsLevel = view.getInt32(at + 8, true);
      const itsType = view.getInt32(at + 12, true);
      if ((itsLevel === level && itsType === type) || (itsLevel === otherLevel && itsType === otherType)) {
        return at + CMSG_HEADER;
      }
      at += (length + 7) & ~7;
    }
    return -1;
  }
}

/**
 * What a socket does about the path MTU: IP_PMTUDISC_… of linux/in.h, which IPv6 has too. DONT: no DF, fragments where
 * they must be. WANT: DF on what fits the path, as far as it is known, and fragments of the rest. DO: DF on everything;
 * what does not fit does not leave.
 */
export const PathDiscovery = { DONT: 0, WANT: 1, DO: 2 } as const;

export type PathDiscovery = (typeof PathDiscovery)[keyof typeof PathDiscovery];

/** How a sending went. `full`: the queue of the socket; `tooBig`: larger than the path takes. */
export type Sent = 'ok' | 'full' | 'tooBig' | 'failed';

/** A socket to send datagrams with. */
export interface SendingSocket {
  readonly fd: number;
  /** Whether the system cuts super-segments for it (UDP_SEGMENT); false from when it refused to. */
  segments: boolean;
}

/** Sends datagrams of equal size, the last of which may be smaller, that lie one after the other. */
export class DatagramSender {
  readonly #io: NativeIo;
  readonly #arena: Arena;
  readonly #onRefused: () => void;
  readonly #header: Region;
  readonly #vector: Region;
  readonly #control: Region;
  /** Headers for the way without UDP_SEGMENT. */
  readonly #headers: Region;
  readonly #vectors: Region;
  /** A number for setsockopt, and what sockets do about the path MTU at present, by descriptor. */
  readonly #option: Region;
  readonly #discovery: PathDiscovery[] = [];
  /** System calls that sent something. */
  calls = 0;
  /** Datagrams of the last batch that left. */
  sent = 0;

  /** @param onRefused called when the system refuses UDP_SEGMENT to a socket, which sends each datagram by itself from then on */
  constructor(io: NativeIo, arena: Arena, onRefused = () => {}) {
    this.#io = io;
    this.#arena = arena;
    this.#onRefused = onRefused;
    this.#header = arena.reserve('sent message header', MSGHDR_BYTES);
    this.#vector = arena.reserve('send vector', IOVEC_BYTES);
    this.#control = arena.reserve('sent control data', 2 * CMSG_SPACE);
    this.#option = arena.reserve('socket option', 4);
    this.#headers = arena.reserve('sent message headers', MAX_SEGMENTS * MMSGHDR_BYTES);
    this.#vectors = arena.reserve('send vectors', MAX_SEGMENTS * IOVEC_BYTES);
    setPointer(arena, this.#header.at + MSG.iov, this.#vector.at, IOVEC_BYTES);
    setNumber(arena, this.#header.at + MSG.iovCount, 1);
    setPointer(arena, this.#header.at + MSG.control, this.#control.at, this.#control.length);
    for (let i = 0; i < MAX_SEGMENTS; i++) {
      const header = this.#headers.at + i * MMSGHDR_BYTES;
      setPointer(arena, header + MSG.iov, this.#vectors.at + i * IOVEC_BYTES, IOVEC_BYTES);
      setNumber(arena, header + MSG.iovCount, 1);
      setPointer(arena, header + MSG.control, this.#control.at, this.#control.length);
    }
  }

  /**
   * @param at where the first datagram begins
   * @param length bytes of all of them: at most 65,487, in at most 64 datagrams
   * @param size bytes of each but the last
   * @param name where the struct sockaddr of the receiver is
   * @param trafficClass TOS or traffic class of the outer packets
   * @param discovery whether they may be fragmented
   * @throws {KitError} `E_NO_FAST_IO` (environment) when the system has no such call
   */
  send(
    socket: SendingSocket,
    at: number,
    length: number,
    size: number,
    name: number,
    nameLength: number,
    trafficClass: number,
    discovery: PathDiscovery,
  ): Sent {
    const count = Math.ceil(length / size);
    if (length > MAX_PAYLOAD || count > MAX_SEGMENTS || size < 1) {
      throw new RangeError(`${length} bytes in datagrams of ${size} are no batch`);
    }
    if (this.#discovery[socket.fd] !== discovery) this.#discover(socket.fd, nameLength, discovery);
    if (count > 1 && !socket.segments) {
      return this.#sendEach(socket, at, length, size, name, nameLength, trafficClass);
    }
    this.sent = 0;
    const { view } = this.#arena;
    const header = this.#header.at;
    this.#address(header, this.#vector.at, at, length, name, nameLength);
    view.setUint32(
      header + MSG.controlLength,
      this.#controlFor(nameLength, trafficClass, count > 1 ? size : 0),
      true,
    );
    const sent = this.#io.sendmsg(socket.fd, this.#arena.address(header, MSGHDR_BYTES), MSG_DONTWAIT);
    if (sent >= 0) {
      this.calls += 1;
      this.sent = count;
      return 'ok';
    }
    const errno = this.#io.errno();
    if (count === 1) return outcomeOf(errno);
    if (errno !== EIO && errno !== EINVAL && errno !== EMSGSIZE) return outcomeOf(errno);
    // EMSGSIZE, and EINVAL of older kernels: one datagram is too big for the path. EINVAL is also a kernel that does
    // not know UDP_SEGMENT, and EIO a device without checksums of its own: they leave the cutting to us.
    const each = this.#sendEach(socket, at, length, size, name, nameLength, trafficClass);
    const isFragmented = discovery !== PathDiscovery.DO;
    if (errno === EIO || (errno === EINVAL && each === 'ok' && !isFragmented)) {
      socket.segments = false;
      this.#onRefused();
    }
    return each;
  }

  /** A call only where the wish changes: traffic is mostly of one kind. */
  #discover(fd: number, nameLength: number, discovery: PathDiscovery): void {
    const { at } = this.#option;
    const six = nameLength === SOCKADDR_IN6_BYTES;
    this.#arena.view.setInt32(at, discovery, true);
    const level = six ? SOL_IPV6 : SOL_IP;
    const option = six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
    this.#io.setsockopt(fd, level, option, this.#arena.address(at, 4), 4);
    this.#discovery[fd] = discovery;
  }

  #sendEach(
    socket: SendingSocket,
    at: number,
    length: number,
    size: number,
    name: number,
    nameLength: number,
    trafficClass: number,
  ): Sent {
    const { view } = this.#arena;
    const count = Math.ceil(length / size);
    const controlLength = this.#controlFor(nameLength, trafficClass, 0);
    for (let i = 0; i < count; i++) {
      const header = this.#headers.at + i * MMSGHDR_BYTES;
      const begin = i * size;
      this.#address(
        header,
        this.#vectors.at + i * IOVEC_BYTES,
        at + begin,
        Math.min(size, length - begin),
        name,
        nameLength,
      );
      view.setUint32(header + MSG.controlLength, controlLength, true);
    }
    for (this.sent = 0; this.sent < count; ) {
      const vector = this.#arena.address(
        this.#headers.at + this.sent * MMSGHDR_BYTES,
        (count - this.sent) * MMSGHDR_BYTES,
      );
      const sent = this.#sendSome(socket.fd, vector, count - this.sent);
      if (sent <= 0) return outcomeOf(-sent);
      this.calls += 1;
      this.sent += sent;
    }
    return 'ok';
  }

  /** @returns how many left; minus errno when none did */
  #sendSome(fd: number, vector: Address, count: number): number {
    const sent = this.#io.sendmmsg(fd, vector, count, MSG_DONTWAIT);
    if (sent >= 0) return sent;
    const errno = this.#io.errno();
    if (errno !== ENOSYS && errno !== EPERM) return -errno;
    // A sandbox may forbid this call and allow the other, which takes the first part of a struct mmsghdr.
    return this.#io.sendmsg(fd, vector, MSG_DONTWAIT) < 0 ? -this.#io.errno() : 1;
  }

  #address(
    header: number,
    vector: number,
    at: number,
    length: number,
    name: number,
    nameLength: number,
  ): void {
    const { view } = this.#arena;
    setPointer(this.#arena, vector, at, length);
    view.setUint32(vector + 8, length, true);
    setPointer(this.#arena, header + MSG.name, name, nameLength);
    view.setUint32(header + MSG.nameLength, nameLength, true);
  }

  /** @returns bytes of control data */
  #controlFor(nameLength: number, trafficClass: number, size: number): number {
    const { view } = this.#arena;
    let { at } = this.#control;
    if (size > 0) {
      this.#controlHeader(at, SOL_UDP, UDP_SEGMENT, 2);
      view.setUint16(at + CMSG_HEADER, size, true);
      at += CMSG_SPACE;
    }
    if (trafficClass > 0) {
      const six = nameLength === SOCKADDR_IN6_BYTES;
      this.#controlHeader(at, six ? SOL_IPV6 : SOL_IP, six ? IPV6_TCLASS : IP_TOS, 4);
      view.setInt32(at + CMSG_HEADER, trafficClass, true);
      at += CMSG_SPACE;
    }
    return at - this.#control.at;
  }

  #controlHeader(at: number, level: number, type: number, length: number): void {
    setNumber(this.#arena, at, CMSG_HEADER + length);
    this.#arena.view.setInt32(at + 8, level, true);
    this.#arena.view.setInt32(at + 12, type, true);
  }
}

/** EPERM is a failure like others: firewalls answer with it, and may change their mind. */
function outcomeOf(errno: number): Sent {
  if (errno === ENOSYS) throw noFastIo('the system has no sendmsg');
  if (errno === EAGAIN || errno === ENOBUFS) return 'full';
  return errno === EMSGSIZE ? 'tooBig' : 'failed';
}

/** Writes the address of bytes of the arena. */
function setPointer(arena: Arena, at: number, target: number, length: number): void {
  setNumber(arena, at, arena.address(target, length));
}

/** Writes 64 bits, of which the upper eleven stay zero. */
function setNumber(arena: Arena, at: number, value: number): void {
  arena.view.setUint32(at, value % 2 ** 32, true);
  arena.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
