import type { Arena } from '../../core/arena.js';
import { IPV6_BYTES } from '../ipv6-extensions.js';
import type { Checksum } from './checksum.js';
import {
  addressesAt,
  DONT_FRAGMENT,
  IpProtocol,
  type PacketHeaders,
  TCP_CHECKSUM,
  TcpFlag,
  UDP_CHECKSUM,
} from './headers.js';
import { GsoType, VIRTIO_BYTES, VirtioHeader, writePlainVirtio } from './virtio.js';

/** The largest IP packet that is made, bytes. */
export const MAX_PACKET = 65_535;
/** UDP sockets of Linux take no more at a time. */
const MAX_SEGMENTS = 64;
/** In the fourth 32-bit word of a TCP header: flags that only the last segment may have, and only the first. */
const ENDING = (TcpFlag.FIN | TcpFlag.PSH) << 16;
const CWR = TcpFlag.CWR << 16;

/**
 * A super-segment that grows: the first packet of it as it came, then payload of others. Packets handed to it have
 * headers without options of IP, and checksums that are right.
 */
export class Building {
  /** False when there is none here. */
  open = false;
  /** Tells which was begun first. */
  begun = 0;
  /** Where the next payload belongs. */
  end = 0;
  headerBytes = 0;

  readonly #arena: Arena;
  readonly #checksum: Checksum;
  readonly #virtio = new VirtioHeader();
  #version: 4 | 6 = 4;
  #protocol = 0;
  #networkBytes = 0;
  /** Payload of the first packet; others have as much, the last one may have less. */
  #gsoSize = 0;
  #count = 0;
  /** Of the next packet, as a signed number. */
  #sequence = 0;
  #identification = 0;
  #identificationStep = 0;
  /** FIN and PSH of the last packet, in their place of the fourth word. */
  #ending = 0;
  /** The last packet had less payload than others. */
  #short = false;

  /** @param packet where it has room for a packet, with a virtio header before it */
  constructor(
    arena: Arena,
    checksum: Checksum,
    readonly packet: number,
  ) {
    this.#arena = arena;
    this.#checksum = checksum;
  }

  /** Makes the packet that lies here the first one. */
  begin(headers: PacketHeaders, begun: number): void {
    const { view } = this.#arena;
    const { version, protocol, networkBytes, transportBytes, length } = headers;
    const { packet } = this;
    this.open = true;
    this.begun = begun;
    this.end = packet + length;
    this.headerBytes = networkBytes + transportBytes;
    this.#version = version;
    this.#protocol = protocol;
    this.#networkBytes = networkBytes;
    this.#gsoSize = length - this.headerBytes;
    this.#count = 1;
    this.#ending = 0;
    this.#short = false;
    if (version === 4) this.#identification = view.getUint16(packet + 4);
    if (protocol === IpProtocol.TCP) {
      this.#sequence = (view.getInt32(packet + networkBytes + 4) + this.#gsoSize) | 0;
      this.#ending = view.getInt32(packet + networkBytes + 12) & ENDING;
    }
  }

  /**
   * True when a packet of the flow goes on with it: nothing differs but what segmentation makes anew.
   * @param length its bytes
   */
  continues(at: number, length: number): boolean {
    const payload = length - this.headerBytes;
    return (
      payload <= this.#gsoSize &&
      this.end + payload - this.packet <= MAX_PACKET &&
      (this.#version === 4 ? this.#continuesIpv4(at) : this.#continuesIpv6(at)) &&
      (this.#protocol === IpProtocol.UDP || this.#continuesTcp(at))
    );
  }

  /** Takes a packet that {@link continues} and whose payload is at {@link end} now. */
  add(payload: number, at: number): void {
    const { view } = this.#arena;
    if (this.#count === 1 && this.#version === 4) {
      this.#identificationStep = (view.getUint16(at + 4) - this.#identification) & 0xffff;
    }
    if (this.#protocol === IpProtocol.TCP) {
      this.#ending = view.getInt32(at + this.#networkBytes + 12) & ENDING;
    }
    this.#count += 1;
    this.#sequence = (this.#sequence + payload) | 0;
    this.end += payload;
    this.#short = payload < this.#gsoSize;
  }

  /** How many are in it. */
  get packets(): number {
    return this.#count;
  }

  /** True when no other packet can follow. */
  get complete(): boolean {
    return this.#short || this.#ending !== 0 || this.#count === MAX_SEGMENTS;
  }

  /** True for a packet of the same addresses, protocol and ports. */
  hasFlow(at: number, { version, protocol, networkBytes }: PacketHeaders): boolean {
    return (
      version === this.#version &&
      protocol === this.#protocol &&
      this.#sameWords(at, addressesAt(version), networkBytes + 4)
    );
  }

  /**
   * Writes the headers of the whole; nothing may be added afterwards.
   * @returns bytes from the virtio header on, which is right before the packet
   */
  close(): number {
    this.open = false;
    const length = this.end - this.packet;
    if (this.#count === 1) {
      writePlainVirtio(this.#arena.view, this.packet - VIRTIO_BYTES);
    } else {
      this.#writeNetworkHeader(length);
      this.#writeTransportHeader(length - this.#networkBytes);
      this.#writeVirtio();
    }
    return VIRTIO_BYTES + length;
  }

  /** Identification counts on, or stays where it means nothing: in packets that are never fragmented (RFC 6864 4.1). */
  #continuesIpv4(at: number): boolean {
    const { view } = this.#arena;
    const { packet } = this;
    const fragmentation = view.getUint16(at + 6);
    const difference = (view.getUint16(at + 4) - this.#identification) & 0xffff;
    const counts =
      this.#count === 1
        ? difference === 1 || (difference === 0 && fragmentation === DONT_FRAGMENT)
        : difference === this.#identificationStep * this.#count;
    return (
      counts &&
      view.getUint16(at) === view.getUint16(packet) &&
      fragmentation === view.getUint16(packet + 6) &&
      view.getUint8(at + 8) === view.getUint8(packet + 8)
    );
  }

  /** Traffic class, flow label and hop limit. */
  #continuesIpv6(at: number): boolean {
    const { view } = this.#arena;
    const { packet } = this;
    return view.getInt32(at) === view.getInt32(packet) && view.getUint8(at + 7) === view.getUint8(packet + 7);
  }

  /**
   * Sequence number, acknowledgment, size of the header, flags, window, urgent pointer and options. Only the first may
   * have CWR (RFC 3168 6.1.2).
   */
  #continuesTcp(at: number): boolean {
    const { view } = this.#arena;
    const network = this.#networkBytes;
    const ours = this.packet + network;
    const other = at + network;
    const word = view.getInt32(other + 12);
    return (
      view.getInt32(other + 4) === this.#sequence &&
      view.getInt32(other + 8) === view.getInt32(ours + 8) &&
      (word & CWR) === 0 &&
      ((word ^ view.getInt32(ours + 12)) & ~(ENDING | CWR)) === 0 &&
      view.getUint16(other + 18) === view.getUint16(ours + 18) &&
      this.#sameWords(at, network + 20, this.headerBytes)
    );
  }

  #sameWords(at: number, from: number, to: number): boolean {
    const { view } = this.#arena;
    for (let i = from; i < to; i += 4) {
      if (view.getInt32(at + i) !== view.getInt32(this.packet + i)) return false;
    }
    return true;
  }

  #writeNetworkHeader(length: number): void {
    const { view } = this.#arena;
    if (this.#version === 6) {
      view.setUint16(this.packet + 4, length - IPV6_BYTES);
      return;
    }
    view.setUint16(this.packet + 2, length);
    view.setUint16(this.packet + 10, 0);
    view.setUint16(this.packet + 10, ~this.#checksum.sum(this.packet, this.#networkBytes, 0));
  }

  /** The Checksum field takes the sum of the pseudo-header, to be completed for each segment. */
  #writeTransportHeader(length: number): void {
    const { view } = this.#arena;
    const addresses = addressesAt(this.#version);
    const pseudoSum = this.#checksum.sum(
      this.packet + addresses,
      this.#networkBytes - addresses,
      this.#protocol + length,
    );
    const transport = this.packet + this.#networkBytes;
    if (this.#protocol === IpProtocol.TCP) {
      view.setInt32(transport + 12, view.getInt32(transport + 12) | this.#ending);
      view.setUint16(transport + TCP_CHECKSUM, pseudoSum);
    } else {
      view.setUint16(transport + 4, length);
      view.setUint16(transport + UDP_CHECKSUM, pseudoSum);
    }
  }

  #writeVirtio(): void {
    const { view } = this.#arena;
    const virtio = this.#virtio;
    const isTcp = this.#protocol === IpProtocol.TCP;
    const tcpType = this.#version === 4 ? GsoType.TCPV4 : GsoType.TCPV6;
    virtio.needsChecksum = true;
    virtio.gsoType = isTcp ? tcpType : GsoType.UDP_L4;
    virtio.ecn = isTcp && (view.getInt32(this.packet + this.#networkBytes + 12) & CWR) !== 0;
    virtio.headerBytes = this.headerBytes;
    virtio.gsoSize = this.#gsoSize;
    virtio.checksumStart = this.#networkBytes;
    virtio.checksumOffset = isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
    virtio.write(view, this.packet - VIRTIO_BYTES);
  }
}
