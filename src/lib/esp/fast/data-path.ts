import { isIPv6 } from 'node:net';
import { Arena } from '../../core/arena.js';
import { type Encapsulation, type Endpoint, type EspPath, sameEndpoint } from '../../core/endpoint.js';
import { KitError } from '../../core/errors.js';
import {
  DatagramReceiver,
  DatagramSender,
  MAX_PAYLOAD,
  PathDiscovery,
  type Sent,
} from '../../net/datagram-io.js';
import type { NativeIo } from '../../net/native-io.js';
import { PollEvent, PollSet } from '../../net/poll-set.js';
import { socketAddress } from '../../net/socket-address.js';
import { MssClamp } from '../mss.js';
import { defaultPathPolicy } from '../path-policy.js';
import type { LifetimeReason, PlaneEvents } from '../plane/plane.js';
import { SaTable } from '../plane/sa-table.js';
import type { ChildSa } from '../sa.js';
import { PathCounter } from './counters.js';
import { gone } from './failures.js';
import type { FastEntry, FastSa } from './fast-sa.js';
import { Inbound, type ReceivingSocket } from './inbound.js';
import { Outbound } from './outbound.js';
import { PathMtu } from './path-mtu.js';
import { SaFactory } from './sa-factory.js';

/** Datagrams, or super-segments of them, that one call may bring. */
const BATCH = 32;
const MAX_DATAGRAM = 65_536;
/** Full batches of a socket before the device gets its turn: behind another there is seldom more. */
const SOCKET_READS = 4;
/** Reads of the device before sockets get their turn: some hundred microseconds of work at most. */
const DEVICE_READS = 8;
/** Reads that empty a socket unless it is flooded, as anybody can do. */
const DRAIN_READS = 16;
const ARENA_BYTES = 6 << 20;
/**
 * How often, a millisecond apart, something is sent again that a full queue did not take. A stream must not keep IKE
 * from being heard, and must not push it out of the queue either.
 */
const SEND_TRIES = 5;

/** A descriptor that poll passes over. */
const NOBODY = -1;
const EINTR = 4;
const EIO = 5;
const EAGAIN = 11;

/** The device as the data path knows it. */
export interface PathDevice {
  fd: number;
  mtu: number;
  offload: { udp: boolean } | undefined;
}

/** A socket that the data path reads and writes, and another owns. */
export interface PathSocket {
  fd: number;
  local: Endpoint;
}

export interface DataPathHooks extends Omit<PlaneEvents, 'refused' | 'failed'> {
  /** An IKE message came, without its marker. */
  ike(local: Endpoint, remote: Endpoint, message: Uint8Array): void;
  /** The system refuses a way to handle many packets at once; the next best way is taken. @param reason for people */
  degraded(reason: string): void;
}

/**
 * Carries packets between a TUN device and sockets for ESP, in UDP or without, with the child SAs it is given. It has
 * everything that a packet needs in one arena and makes no objects for it. {@link turn} waits, so it belongs into a
 * thread of its own.
 */
export class DataPath {
  readonly #io: NativeIo;
  readonly #arena: Arena;
  readonly #sockets: ReceivingSocket[];
  readonly #wake: number;
  readonly #counters: Float64Array;
  readonly #table: SaTable<FastSa>;
  readonly #sas: SaFactory;
  readonly #sender: DatagramSender;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #pathMtu: PathMtu;
  readonly #ikeName: number;
  readonly #ikeMessage: number;
  /** Poll sets: the device, the wake-up descriptor, the sockets; and one socket that is to have room. */
  readonly #set: PollSet;
  readonly #roomSet: PollSet;
  /** Where counters of SAs that are being made come from. */
  #nextCounters: Float64Array = new Float64Array(0);

  /**
   * @param wake a descriptor that becomes readable when {@link turn} is to end early
   * @param counters see `PathCounter`
   * @param policy what outer packets show, and what fits
   * @param initialSequence sequence number before the first packet's of every SA; tests start near the end
   */
  constructor(
    io: NativeIo,
    device: PathDevice,
    sockets: readonly PathSocket[],
    wake: number,
    counters: Float64Array,
    hooks: DataPathHooks,
    policy = defaultPathPolicy,
    initialSequence = 0,
  ) {
    this.#io = io;
    this.#sockets = sockets.map((socket) => pathSocket(socket, 'udp'));
    this.#wake = wake;
    this.#counters = counters;
    const arena = new Arena(ARENA_BYTES, io.addressOf);
    this.#arena = arena;
    this.#sas = new SaFactory(arena, initialSequence);
    this.#ikeName = arena.reserve('name of an IKE peer', 32).at;
    this.#ikeMessage = arena.reserve('IKE message', MAX_PAYLOAD).at;
    // Where there is a socket for ESP in UDP there may come one for ESP without.
    this.#set = new PollSet(io, arena, 'poll set', 2 + 2 * sockets.length);
    const descriptors = [device.fd, wake, ...sockets.map(({ fd }) => fd)];
    for (const fd of descriptors) this.#set.add(fd, PollEvent.IN);
    this.#roomSet = new PollSet(io, arena, 'poll set of a sender', 1);
    this.#roomSet.add(NOBODY, PollEvent.OUT);
    this.#table = new SaTable(
      (child) => this.#makeSa(child),
      () => {
        this.#inbound.forgetFlows();
        this.#outbound.forgetFlows();
      },
    );
    const table = this.#table;
    const onSoftLifetime = ({ child, halves }: FastEntry, reason: LifetimeReason): void => {
      halves.warned = true;
      hooks.softLifetimeReached(child.id, reason);
    };
    const onHardLifetime = ({ child, halves }: FastEntry): void => {
      if (!halves.ended) hooks.hardLifetimeReached(child.id);
      halves.ended = true;
    };
    const sender = new DatagramSender(io, arena, () =>
      hooks.degraded('the system refuses to cut super-segments (UDP_SEGMENT): datagrams are sent one by one'),
    );
    this.#sender = sender;
    const tun = { fd: device.fd, mtu: device.mtu, offload: device.offload !== undefined };
    const mss = new MssClamp(policy.mssClamp);
    const pathMtu = new PathMtu({
      io,
      arena,
      tun,
      onLearned: ({ child }, mtu, inner) => hooks.pathMtu(child.id, mtu, inner),
    });
    this.#pathMtu = pathMtu;
    this.#outbound = new Outbound({
      io,
      arena,
      sender,
      table,
      counters,
      tun,
      policy,
      pathMtu,
      mss,
      insist: (fd, send) => this.#insist(fd, send),
      onSoftLifetime,
      onHardLifetime,
    });
    this.#inbound = new Inbound({
      io,
      arena,
      receiver: new DatagramReceiver(io, arena, BATCH, MAX_DATAGRAM),
      table,
      counters,
      tun: device,
      mss,
      pathMtu,
      onIke: ({ local }, remote, message) => hooks.ike(local, remote, message),
      onConfirmed: (entry) => table.confirm(entry),
      onMoved: (entry, remote, now) => {
        if (table.moved(entry, remote, now)) hooks.peerMoved(entry.child.id, remote);
      },
      onSoftLifetime,
      onHardLifetime,
      onUnmerged: () =>
        hooks.degraded('the TUN device refuses super-segments: packets are written one by one'),
    });
  }

  /** See `Plane.install`. @param counters of the child SA, see `SaCounter` */
  install(child: ChildSa, counters: Float64Array): void {
    this.#sas.checkRoom();
    this.#nextCounters = counters;
    this.#table.install(child);
  }

  /** See `Plane.replace`. */
  replace(oldId: string, child: ChildSa, sendOn: 'new' | 'old', counters: Float64Array): void {
    this.#nextCounters = counters;
    const old = this.#table.known(oldId).halves;
    this.#pathMtu.inherit(this.#table.replace(oldId, child, sendOn), old);
  }

  /** See `Plane.movePeer`. */
  movePeer(id: string, path: EspPath): void {
    this.#outbound.flush();
    const socket = this.#socketFor(path);
    const { halves } = this.#table.movePeer(id, path);
    this.#sas.address(halves, path.remote);
    halves.socket = socket;
    Object.assign(halves.path, this.#pathMtu.unknown());
  }

  /** See `Plane.remove`. */
  remove(id: string): void {
    this.#outbound.flush();
    const { path } = this.#table.known(id);
    // IKE on a port of its own overtakes ESP that waits here, and the peer may have sent that before it let the pair go.
    if (path.encapsulation === 'none') this.#inbound.read(this.#socketFor(path), DRAIN_READS, 1);
    this.#sas.free(this.#table.remove(id).halves);
  }

  /** Sends and receives ESP without UDP from and to `address` through a raw socket from now on. */
  addRaw(fd: number, address: string): void {
    const local = { address, port: 0 };
    this.#set.add(fd, PollEvent.IN);
    this.#sockets.push(pathSocket({ fd, local }, 'none'));
  }

  /** Sends an IKE message or a keepalive, marker included; counts what cannot be sent. */
  sendIke(local: Endpoint, remote: Endpoint, message: Uint8Array): void {
    this.#outbound.flush();
    const socket = this.#sockets.find((each) => sameEndpoint(each.local, local));
    if (socket === undefined || message.length === 0 || message.length > MAX_PAYLOAD) {
      this.#counters[PathCounter.unsent]! += 1;
      return;
    }
    const name = socketAddress(remote);
    this.#arena.bytes.set(name, this.#ikeName);
    this.#arena.bytes.set(message, this.#ikeMessage);
    const { length } = message;
    const send = () =>
      this.#sender.send(
        socket,
        this.#ikeMessage,
        length,
        length,
        this.#ikeName,
        name.length,
        0,
        PathDiscovery.WANT,
      );
    const first = send();
    const sent = first === 'full' ? this.#insist(socket.fd, send) : first;
    if (sent !== 'ok') this.#counters[sent === 'full' ? PathCounter.sendQueue : PathCounter.unsent]! += 1;
  }

  /**
   * Waits until something comes, or somebody wakes us, and handles a bounded part of it.
   * @param milliseconds at most so long
   * @returns true when the wake-up descriptor is readable
   * @throws {KitError} `E_DEVICE` (environment) when the device or a socket is gone; `E_NO_FAST_IO` (environment)
   */
  turn(milliseconds: number): boolean {
    if (this.#set.poll(milliseconds) <= 0) return false;
    const device = this.#set.happened(0);
    if ((device & PollEvent.BROKEN) !== 0) throw gone('the device');
    for (let i = 0; i < this.#sockets.length; i++) {
      if (this.#set.happened(2 + i) !== 0) this.#inbound.read(this.#sockets[i]!, SOCKET_READS, BATCH);
    }
    if (device !== 0) this.#readDevice();
    return this.#set.happened(1) !== 0;
  }

  /** Somebody has looked after what he was woken for. */
  wakeSeen(): void {
    this.#io.read(this.#wake, this.#arena.address(this.#ikeName, 8), 8);
  }

  /** An IKE message came that nobody had time for. */
  countLostIke(): void {
    this.#counters[PathCounter.ikeQueue]! += 1;
  }

  /** Names of regions of memory next to which somebody wrote; see `Arena.damaged`. */
  damaged(): string[] {
    return this.#arena.damaged();
  }

  /** Frees what is held outside of the heap; descriptors are their owner's. */
  close(): void {
    for (const { child } of [...this.#table.entries()]) this.remove(child.id);
  }

  #readDevice(): void {
    this.#outbound.crowded = false;
    // What the network cannot take waits better in the queue of the device.
    for (let i = 0; i < DEVICE_READS && !this.#outbound.crowded; i++) {
      const result = this.#outbound.read();
      if (result > 0) continue;
      // EIO: the device is down.
      if (result < 0 && result !== -EAGAIN && result !== -EINTR && result !== -EIO) throw gone('the device');
      break;
    }
    this.#outbound.flush();
  }

  #makeSa(child: ChildSa): FastSa {
    return this.#sas.make(child, this.#socketFor(child), this.#nextCounters, this.#pathMtu.unknown());
  }

  #socketFor({ local, encapsulation }: EspPath): ReceivingSocket {
    const socket = this.#sockets.find(
      (each) => each.encapsulation === encapsulation && sameEndpoint(each.local, local),
    );
    if (socket === undefined) {
      throw new KitError(
        'bug',
        'E_NO_SOCKET',
        `The plane has no socket at ${local.address} port ${local.port}`,
      );
    }
    return socket;
  }

  /**
   * Sends again what the queue of a socket had no room for. Poll would say that there is room only when half of the
   * queue is free, which takes much longer than until one batch fits: what it says does not matter.
   */
  #insist(fd: number, send: () => Sent): Sent {
    this.#roomSet.change(0, fd);
    let sent: Sent = 'full';
    for (let i = 0; i < SEND_TRIES && sent === 'full'; i++) {
      this.#roomSet.poll(1);
      sent = send();
    }
    return sent;
  }
}

function pathSocket({ fd, local }: PathSocket, encapsulation: Encapsulation): ReceivingSocket {
  const raw = encapsulation === 'none';
  return {
    fd,
    local,
    encapsulation,
    segments: !raw,
    hasIpHeader: raw && !isIPv6(local.address),
    failures: 0,
  };
}
