import type { Arena, Region } from '../../core/arena.js';
import {
  type DatagramSender,
  MAX_PAYLOAD,
  MAX_SEGMENTS,
  PathDiscovery,
  type Sent,
} from '../../net/datagram-io.js';
import type { NativeIo } from '../../net/native-io.js';
import { MAX_QUOTED, mayBeFragmented } from '../icmp.js';
import { readInnerPacket } from '../inner.js';
import type { MssClamp } from '../mss.js';
import { HEADER_BYTES, NextHeader } from '../packet.js';
import type { PathPolicy } from '../path-policy.js';
import type { LifetimeReason } from '../plane/plane.js';
import { padLengthOf, TRAILER_BYTES, writeTrailer } from '../trailer.js';
import { PathCounter, SaCounter } from './counters.js';
import { ECN_MASK, trafficClassOf } from './ecn.js';
import { UnreadablePackets } from './failures.js';
import type { FastEntry, FastTable } from './fast-sa.js';
import { FlowCache } from './flow-cache.js';
import { DONT_FRAGMENT } from './headers.js';
import type { PathMtu } from './path-mtu.js';
import { Segmenter } from './segmenter.js';
import { VIRTIO_BYTES, writePlainVirtio } from './virtio.js';

/** Padding of a block cipher and the two fields. */
const MAX_TRAILER_BYTES = 32;
const MAX_PACKET_BYTES = 65_535;
export interface OutboundOptions {
  io: NativeIo;
  arena: Arena;
  sender: DatagramSender;
  table: FastTable;
  counters: Float64Array;
  tun: { fd: number; mtu: number; offload: boolean };
  policy: PathPolicy;
  pathMtu: PathMtu;
  mss: MssClamp;
  /** Sends something again that the queue of a socket had no room for, until it has, but not for long. */
  insist: (fd: number, send: () => Sent) => Sent;
  /** See `PlaneEvents.softLifetimeReached`. */
  onSoftLifetime: (entry: FastEntry, reason: LifetimeReason) => void;
  /** See `PlaneEvents.hardLifetimeReached`. */
  onHardLifetime: (entry: FastEntry) => void;
}

/** Packets of applications: read from the device, cut, sealed, and sent in batches. */
export class Outbound {
  /** The queue of a socket was full since somebody set this to false: the device had better wait. */
  crowded = false;
  readonly #options: OutboundOptions;
  readonly #arena: Arena;
  readonly #segmenter: Segmenter;
  readonly #flows: FlowCache<FastEntry>;
  readonly #unreadable = new UnreadablePackets();
  readonly #in: Region;
  readonly #out: Region;
  /** What a trailer covers of the next segment. */
  readonly #covered = new Uint8Array(MAX_TRAILER_BYTES);
  /** The batch at hand: whose it is, its bytes, the bytes of each packet in it, and whether one more may follow. */
  #entry: FastEntry | undefined;
  #used = 0;
  #size = 0;
  #packets = 0;
  #trafficClass = 0;
  #discovery: PathDiscovery = PathDiscovery.DO;
  /** How the first packet of the batch begins, to be quoted when the batch is too big, and its bytes. */
  readonly #first: Region;
  #firstLength = 0;
  /** What stays of an inner traffic class, and what is added: its DSCP is the upper six bits. */
  readonly #classMask: number;
  readonly #classBits: number;

  constructor(options: OutboundOptions) {
    const { arena } = options;
    this.#options = options;
    this.#arena = arena;
    this.#segmenter = new Segmenter(arena);
    this.#flows = new FlowCache(arena);
    this.#in = arena.reserve('read from the device', VIRTIO_BYTES + MAX_PACKET_BYTES + MAX_TRAILER_BYTES);
    this.#out = arena.reserve('sealed packets', MAX_PAYLOAD);
    this.#first = arena.reserve('beginning of a batch', MAX_QUOTED);
    const { dscp } = options.policy;
    this.#classMask = dscp === 'copy' ? 0xff : ECN_MASK;
    this.#classBits = typeof dscp === 'number' ? dscp << 2 : 0;
  }

  /** SAs have changed. */
  forgetFlows(): void {
    this.#flows.clear();
  }

  /**
   * Reads once from the device and seals what came.
   * @returns more than 0 when something came; 0 when nothing did; minus errno when it failed
   */
  read(): number {
    const { io, tun, counters } = this.#options;
    const skipped = tun.offload ? 0 : VIRTIO_BYTES;
    const room = VIRTIO_BYTES + MAX_PACKET_BYTES - skipped;
    const length = io.read(tun.fd, this.#arena.address(this.#in.at + skipped, room), room);
    if (length <= 0) return this.#nothingRead(length < 0 ? -io.errno() : 0);
    this.#unreadable.note(length);
    if (!tun.offload) writePlainVirtio(this.#arena.view, this.#in.at);
    counters[PathCounter.deviceReads]! += 1;
    this.#take(skipped + length);
    return length;
  }

  /** @param result minus errno, or 0 */
  #nothingRead(result: number): number {
    if (!this.#unreadable.note(result)) return result;
    this.#options.counters[PathCounter.malformed]! += 1;
    return 1;
  }

  /** Sends what was sealed and is not sent. */
  flush(): void {
    const entry = this.#entry;
    if (entry === undefined || this.#used === 0) return;
    const { sender, counters, insist } = this.#options;
    const { socket, name, nameLength } = entry.halves;
    const used = this.#used;
    const packets = this.#packets;
    this.#used = 0;
    this.#packets = 0;
    const { at } = this.#out;
    const size = this.#size;
    const trafficClass = this.#trafficClass;
    const discovery = this.#discovery;
    let sent = sender.send(socket, at, used, size, name, nameLength, trafficClass, discovery);
    // Without UDP_SEGMENT some leave and others do not.
    let left = sender.sent;
    if (sent === 'full') {
      this.crowded = true;
      sent = insist(socket.fd, () => {
        const done = left * size;
        const again = sender.send(
          socket,
          at + done,
          used - done,
          size,
          name,
          nameLength,
          trafficClass,
          discovery,
        );
        left += sender.sent;
        return again;
      });
    }
    const lost = packets - left;
    counters[PathCounter.datagramsOut]! += left;
    switch (sent) {
      case 'ok':
        break;
      case 'full':
        counters[PathCounter.sendQueue]! += lost;
        break;
      case 'tooBig':
        counters[PathCounter.tooBig]! += lost;
        if (discovery === PathDiscovery.DO) this.#learn(entry);
        break;
      default:
        counters[PathCounter.unsent]! += lost;
    }
    counters[PathCounter.socketWrites] = sender.calls;
  }

  #take(length: number): void {
    const { counters, tun, mss, pathMtu } = this.#options;
    const segmenter = this.#segmenter;
    if (!segmenter.start(this.#in.at, length)) {
      counters[PathCounter.malformed]! += 1;
      return;
    }
    counters[PathCounter.devicePacketsOut]! += segmenter.count;
    const packet = this.#in.at + VIRTIO_BYTES;
    if (segmenter.largest > tun.mtu) {
      this.#tooBig(tun.mtu);
      return;
    }
    const entry = this.#entryFor(packet, segmenter.headers.length);
    if (entry === undefined) {
      counters[PathCounter.noChild]! += segmenter.count;
      return;
    }
    const { view } = this.#arena;
    const { version, length: bytes } = segmenter.headers;
    if (segmenter.count === 1 && mss.concerns(view, packet, bytes)) {
      mss.apply(view, packet, bytes, pathMtu.largest(entry));
    }
    const discovery = this.#discoveryFor(entry, packet);
    if (discovery === undefined) return;
    // ECN of the inner packet is copied, DSCP by policy (RFC 4301 5.1.2.1; RFC 6040 4.1, normal mode).
    const trafficClass = (trafficClassOf(this.#arena, packet) & this.#classMask) | this.#classBits;
    if (trafficClass !== this.#trafficClass || discovery !== this.#discovery) this.flush();
    this.#trafficClass = trafficClass;
    this.#discovery = discovery;
    while (segmenter.next()) {
      this.#seal(
        entry,
        segmenter.offset,
        segmenter.length,
        version === 4 ? NextHeader.IPV4 : NextHeader.IPV6,
      );
    }
  }

  /**
   * Whether the outer packets may be fragmented (RFC 4301 8.1, 8.2.1): what does not fit is, or its sender is told.
   * @returns undefined when the packet at hand was dropped
   */
  #discoveryFor(entry: FastEntry, packet: number): PathDiscovery | undefined {
    const { policy, pathMtu } = this.#options;
    if (policy.df === 'clear') return PathDiscovery.DONT;
    const { largest } = this.#segmenter;
    const { view } = this.#arena;
    const { path } = entry.halves;
    if (largest > path.whole) {
      const fitting = pathMtu.largest(entry);
      if (largest > fitting) {
        if (mayBeFragmented(view, packet, largest)) return PathDiscovery.DONT;
        this.#tooBig(fitting);
        return undefined;
      }
      if (largest > path.whole) return PathDiscovery.DONT;
    }
    if (policy.df === 'set') return PathDiscovery.DO;
    // IPv6 is never fragmented on its way, as if it always had DF.
    return hasDf(view, packet) ? PathDiscovery.DO : PathDiscovery.DONT;
  }

  /** Drops what was read and tells its sender, of all segments once. */
  #tooBig(mtu: number): void {
    const segmenter = this.#segmenter;
    const { counters, pathMtu } = this.#options;
    counters[PathCounter.tooBig]! += segmenter.count;
    if (!segmenter.next()) return;
    const { offset, length } = segmenter;
    if (!mayBeFragmented(this.#arena.view, offset, length)) pathMtu.tell(offset, length, mtu);
  }

  /** A batch was too big, which nobody knew before. */
  #learn(entry: FastEntry): void {
    const { pathMtu } = this.#options;
    pathMtu.learn(entry);
    const { largest } = entry.halves.path;
    const length = this.#firstLength;
    if (length <= largest || mayBeFragmented(this.#arena.view, this.#first.at, length)) return;
    pathMtu.tell(this.#first.at, Math.min(length, MAX_QUOTED), largest);
  }

  #entryFor(at: number, length: number): FastEntry | undefined {
    const known = this.#flows.find(at, length);
    if (known !== undefined) return known;
    const packet = readInnerPacket(this.#arena.bytes.subarray(at, at + length));
    const entry = packet && this.#options.table.senderFor(packet);
    if (entry !== undefined) this.#flows.remember(entry);
    return entry;
  }

  #seal(entry: FastEntry, at: number, length: number, nextHeader: number): void {
    const { bytes } = this.#arena;
    const { halves } = entry;
    const { seal: cipher, counters } = halves;
    if (halves.sequence >= halves.lastSequence) {
      this.#options.counters[PathCounter.exhausted]! += 1;
      this.#options.onHardLifetime(entry);
      return;
    }
    if (counters[SaCounter.BYTES_OUT]! >= halves.hardBytes) {
      this.#options.counters[PathCounter.expired]! += 1;
      this.#options.onHardLifetime(entry);
      return;
    }
    const padLength = padLengthOf(length, cipher.alignment);
    const trailerBytes = padLength + TRAILER_BYTES;
    const size = HEADER_BYTES + cipher.ivBytes + length + trailerBytes + cipher.icvBytes;
    if (size > MAX_PAYLOAD) {
      this.#options.counters[PathCounter.tooBig]! += 1;
      return;
    }
    if (!this.#fits(entry, size)) this.flush();
    if (this.#used === 0) {
      this.#entry = entry;
      this.#size = size;
      if (this.#discovery === PathDiscovery.DO) {
        this.#firstLength = length;
        bytes.copyWithin(this.#first.at, at, at + Math.min(length, MAX_QUOTED));
      }
    }
    const trailer = at + length;
    for (let i = 0; i < trailerBytes; i++) this.#covered[i] = bytes[trailer + i]!;
    writeTrailer(bytes, trailer, padLength, nextHeader);
    halves.sequence += 1;
    this.#used += cipher.seal(this.#out.at + this.#used, at, length + trailerBytes, halves.sequence);
    this.#packets += 1;
    for (let i = 0; i < trailerBytes; i++) bytes[trailer + i] = this.#covered[i]!;
    counters[SaCounter.PACKETS_OUT]! += 1;
    counters[SaCounter.BYTES_OUT]! += length;
    if (halves.warned) return;
    if (halves.sequence >= halves.lastSequence * 0.75) this.#options.onSoftLifetime(entry, 'sequence');
    else if (counters[SaCounter.BYTES_OUT]! >= halves.softBytes) this.#options.onSoftLifetime(entry, 'bytes');
  }

  /** Datagrams of one batch have one receiver and one size; only the last may be smaller. */
  #fits(entry: FastEntry, size: number): boolean {
    return (
      this.#used === 0 ||
      (entry === this.#entry &&
        size <= this.#size &&
        this.#used === this.#packets * this.#size &&
        this.#packets < MAX_SEGMENTS &&
        this.#used + size <= MAX_PAYLOAD)
    );
  }
}

/** Of IPv4; IPv6 counts as if it had it. */
function hasDf(view: DataView, packet: number): boolean {
  return view.getUint8(packet) >> 4 !== 4 || (view.getUint16(packet + 6) & DONT_FRAGMENT) !== 0;
}
