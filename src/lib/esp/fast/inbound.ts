import type { Arena } from '../../core/arena.js';
import type { Encapsulation, Endpoint } from '../../core/endpoint.js';
import type { DatagramReceiver, SendingSocket } from '../../net/datagram-io.js';
import type { NativeIo } from '../../net/native-io.js';
import { endpointOf, SOCKADDR_IN6_BYTES } from '../../net/socket-address.js';
import { readInnerPacket } from '../inner.js';
import type { MssClamp } from '../mss.js';
import { HEADER_BYTES, NextHeader } from '../packet.js';
import { mayArrive } from '../plane/sa-table.js';
import { TRAILER_BYTES, unpaddedBytes } from '../trailer.js';
import { Coalescer } from './coalescer.js';
import { PathCounter, SaCounter } from './counters.js';
import { combineEcn } from './ecn.js';
import { noteReceived } from './failures.js';
import { type FastEntry, type FastTable, sameName } from './fast-sa.js';
import { FlowCache } from './flow-cache.js';
import { ipv4HeaderBytes } from './headers.js';
import type { PathMtu } from './path-mtu.js';
import { VIRTIO_BYTES } from './virtio.js';

export interface InboundOptions {
  io: NativeIo;
  arena: Arena;
  receiver: DatagramReceiver;
  table: FastTable;
  counters: Float64Array;
  tun: { fd: number; offload: { udp: boolean } | undefined };
  mss: MssClamp;
  pathMtu: PathMtu;
  /** An IKE message, without its marker; the bytes are the taker's. */
  onIke: (socket: ReceivingSocket, remote: Endpoint, message: Uint8Array) => void;
  /** An authenticated packet came on a pair that waited for one. */
  onConfirmed: (entry: FastEntry) => void;
  /** An authenticated packet came from another outer address. */
  onMoved: (entry: FastEntry, remote: Endpoint, now: number) => void;
  /** A child SA has brought as many bytes as are good for one key. */
  onSoftLifetime: (entry: FastEntry, reason: 'bytes') => void;
  /** A packet came for a child SA that may carry no more. */
  onHardLifetime: (entry: FastEntry) => void;
  /** The device refused a super-segment, which it is not given anymore. */
  onUnmerged: () => void;
}

/** A socket for ESP; without UDP it is a raw one, and its port is 0. */
export interface ReceivingSocket extends SendingSocket {
  readonly local: Endpoint;
  readonly encapsulation: Encapsulation;
  /** What comes has its IP header before it. */
  readonly hasIpHeader: boolean;
  /** Reads that failed in a row. */
  failures: number;
}

const EINVAL = 22;

/** Instead of a name, where the sender does not matter. */
const NOWHERE = -1;

/** Packets of peers: read in batches, checked, opened, merged, and written to the device. */
export class Inbound {
  readonly #options: InboundOptions;
  readonly #arena: Arena;
  readonly #coalescer: Coalescer;
  /** Which pair a flow may arrive on. */
  readonly #flows: FlowCache<FastEntry>;
  /** Milliseconds since the epoch when the batch at hand was read. */
  #now = 0;
  /** Of the packet at hand. */
  #nextHeader = 0;
  #innerLength = 0;

  constructor(options: InboundOptions) {
    const { arena, tun } = options;
    this.#options = options;
    this.#arena = arena;
    this.#flows = new FlowCache(arena);
    this.#coalescer = new Coalescer(arena, (at, length, packets) => this.#write(at, length, packets), {
      udp: tun.offload?.udp ?? false,
    });
  }

  /** SAs have changed. */
  forgetFlows(): void {
    this.#flows.clear();
  }

  /**
   * Reads batches and handles them. Packets of a flow are merged across batches.
   * @param most how many batches
   * @param least a batch of fewer datagrams, or super-segments of them, is the last
   * @throws {KitError} `E_DEVICE`, `E_NO_FAST_IO` (environment) when reading fails for good
   */
  read(socket: ReceivingSocket, most: number, least: number): void {
    for (let i = 0; i < most && this.#readBatch(socket) >= least; i++);
    this.#coalescer.flush();
  }

  /** @returns datagrams, or super-segments of them; minus errno when it failed */
  #readBatch(socket: ReceivingSocket): number {
    const { receiver, counters } = this.#options;
    const count = receiver.receive(socket.fd);
    noteReceived(socket, count);
    if (count <= 0) return count;
    counters[PathCounter.socketReads]! += 1;
    this.#now = Date.now();
    for (let i = 0; i < count; i++) {
      const at = receiver.at(i);
      const length = receiver.length(i);
      const name = receiver.nameAt(i);
      const trafficClass = receiver.trafficClass(i);
      if (socket.encapsulation === 'none') {
        counters[PathCounter.datagramsIn]! += 1;
        this.#takeRaw(socket, at, length, trafficClass);
        continue;
      }
      const size = receiver.segmentSize(i) || length;
      for (let done = 0; done < length; done += size) {
        counters[PathCounter.datagramsIn]! += 1;
        this.#take(socket, at + done, Math.min(size, length - done), name, trafficClass);
      }
    }
    return count;
  }

  /** One datagram (RFC 3948 2): a zero SPI marks IKE, one byte 0xff is a keepalive. */
  #take(socket: ReceivingSocket, at: number, length: number, name: number, trafficClass: number): void {
    if (length <= HEADER_BYTES) {
      if (length !== 1) this.#options.counters[PathCounter.malformed]! += 1;
      return;
    }
    if (this.#arena.view.getUint32(at) === 0) {
      const remote = this.#endpointAt(name);
      const message = this.#arena.bytes.slice(at + 4, at + length);
      if (remote !== undefined) this.#options.onIke(socket, remote, message);
      return;
    }
    this.#takeEsp(at, length, name, trafficClass);
  }

  /**
   * One packet of IP protocol 50, behind its IP header when that is IPv4. There is no IKE here: SPI 0 is nobody's
   * (RFC 4303 2.1).
   */
  #takeRaw(socket: ReceivingSocket, at: number, length: number, trafficClass: number): void {
    const skipped = socket.hasIpHeader ? ipv4HeaderBytes(this.#arena.bytes, at, length) : 0;
    if (skipped < 0 || length - skipped <= HEADER_BYTES) {
      this.#options.counters[PathCounter.malformed]! += 1;
      return;
    }
    this.#takeEsp(at + skipped, length - skipped, NOWHERE, trafficClass);
  }

  /**
   * A packet for one of the pairs, which accept it in UDP and without: RFC 7296 2.23 wants both to be understood at
   * any time, whatever this side sends.
   */
  #takeEsp(at: number, length: number, name: number, trafficClass: number): void {
    const { table, counters } = this.#options;
    const entry = table.bySpi(this.#arena.view.getUint32(at));
    if (entry === undefined) counters[PathCounter.unknownSpi]! += 1;
    else this.#open(entry, at, length, name, trafficClass);
  }

  /** Order of RFC 4303 3.4.3: the window is asked before the ICV and moved only after it was right. */
  #open(entry: FastEntry, at: number, length: number, name: number, trafficClass: number): void {
    const { window, open: cipher, counters, hardBytes } = entry.halves;
    if (counters[SaCounter.BYTES_IN]! >= hardBytes) {
      this.#options.counters[PathCounter.expired]! += 1;
      this.#options.onHardLifetime(entry);
      return;
    }
    const sequence = window.sequenceOf(this.#arena.view.getUint32(at + 4));
    if (sequence === undefined || !window.isFresh(sequence)) {
      counters[SaCounter.REPLAYS]! += 1;
      return;
    }
    const room = length - HEADER_BYTES - cipher.ivBytes - cipher.icvBytes;
    if (room < TRAILER_BYTES) {
      counters[SaCounter.MALFORMED]! += 1;
      return;
    }
    const place = this.#coalescer.place(room);
    const opened = cipher.open(at, length, place, sequence);
    if (opened < 0) {
      counters[SaCounter.ICV_FAILURES]! += 1;
      this.#coalescer.refuse();
      return;
    }
    const newest = window.accept(sequence);
    this.#heard(entry, newest, name);
    const payload = this.#unpad(place, opened);
    if (payload === 0 && this.#nextHeader === NextHeader.NONE) {
      this.#coalescer.refuse();
      return;
    }
    if (
      payload < 0 ||
      !this.#mayPass(entry, place, payload) ||
      !combineEcn(this.#arena, place, trafficClass)
    ) {
      counters[SaCounter.MALFORMED]! += 1;
      this.#coalescer.refuse();
      return;
    }
    const { mss, pathMtu } = this.#options;
    if (mss.concerns(this.#arena.view, place, this.#innerLength)) {
      mss.apply(this.#arena.view, place, this.#innerLength, pathMtu.largest(entry));
    }
    if (!this.#coalescer.accept(place, payload)) {
      counters[SaCounter.MALFORMED]! += 1;
      return;
    }
    // A device without offloads takes packets one by one.
    if (this.#options.tun.offload === undefined) this.#coalescer.flush();
    counters[SaCounter.PACKETS_IN]! += 1;
    counters[SaCounter.BYTES_IN]! += this.#innerLength;
    const { warned, softBytes } = entry.halves;
    if (!warned && counters[SaCounter.BYTES_IN]! >= softBytes) this.#options.onSoftLifetime(entry, 'bytes');
  }

  /** Takes the trailer off. @returns bytes before it; -1 when it is wrong */
  #unpad(at: number, length: number): number {
    const { bytes } = this.#arena;
    const payload = unpaddedBytes(bytes, at, length);
    if (payload < 0) return -1;
    this.#nextHeader = bytes[at + length - 1]!;
    // A dummy packet may have any payload, which nobody looks at.
    return this.#nextHeader === NextHeader.NONE ? 0 : payload;
  }

  /** Inbound checks of RFC 4301 5.2. */
  #mayPass(entry: FastEntry, at: number, length: number): boolean {
    const { bytes, view } = this.#arena;
    if (length < 20) return false;
    const version = bytes[at]! >> 4;
    if (version === 4) {
      if (this.#nextHeader !== NextHeader.IPV4) return false;
      this.#innerLength = view.getUint16(at + 2);
    } else {
      if (version !== 6 || this.#nextHeader !== NextHeader.IPV6 || length < 40) return false;
      this.#innerLength = 40 + view.getUint16(at + 4);
    }
    // What follows is TFC padding (RFC 4303 2.7).
    if (this.#innerLength > length) return false;
    if (this.#flows.find(at, this.#innerLength) === entry) return true;
    const packet = readInnerPacket(bytes.subarray(at, at + length));
    if (packet === undefined || !mayArrive(entry.child, packet)) return false;
    this.#flows.remember(entry);
    return true;
  }

  /** An authenticated packet came: the peer lives, uses the pair, and is where the packet came from. */
  #heard(entry: FastEntry, newest: boolean, name: number): void {
    const { halves } = entry;
    halves.counters[SaCounter.LAST_INBOUND_AT] = this.#now;
    if (entry.pending) this.#options.onConfirmed(entry);
    // Only NATs make peers move by themselves, and ESP in UDP alone passes those.
    if (name === NOWHERE || entry.path.encapsulation !== 'udp') return;
    // A late packet must not lead back to an address that the peer has left.
    if (!newest || sameName(this.#arena, name, halves.name, halves.nameLength)) return;
    const remote = this.#endpointAt(name);
    if (remote !== undefined) this.#options.onMoved(entry, remote, this.#now);
  }

  #endpointAt(name: number): Endpoint | undefined {
    return endpointOf(this.#arena.bytes.subarray(name, name + SOCKADDR_IN6_BYTES));
  }

  /** Hands what a virtio header and the packet behind it are to the device: one packet, or several merged. */
  #write(at: number, length: number, packets: number): void {
    const { io, tun, counters, onUnmerged } = this.#options;
    const skipped = tun.offload === undefined ? VIRTIO_BYTES : 0;
    const address = this.#arena.address(at + skipped, length - skipped);
    if (io.write(tun.fd, address, length - skipped) >= 0) {
      counters[PathCounter.deviceWrites]! += 1;
      counters[PathCounter.devicePacketsIn]! += packets;
      return;
    }
    // EAGAIN and ENOBUFS: queue full. EIO: device down. IP is lossy, and what is above it knows what to do.
    counters[PathCounter.device]! += packets;
    if (packets === 1 || io.errno() !== EINVAL || !this.#coalescer.merging) return;
    this.#coalescer.merging = false;
    onUnmerged();
  }
}
