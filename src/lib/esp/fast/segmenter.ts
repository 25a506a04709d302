import type { Arena } from '../../core/arena.js';
import { IPV6_BYTES } from '../ipv6-extensions.js';
import { Checksum, fold } from './checksum.js';
import { IpProtocol, PacketHeaders, TCP_CHECKSUM, TcpFlag, UDP_CHECKSUM } from './headers.js';
import { GsoType, VIRTIO_BYTES, VirtioHeader } from './virtio.js';

/** Headers of a packet that is cut; TCP with all options after a full routing header of IPv6 has less. */
const MAX_HEADER_BYTES = 2304;
/** Until after the Checksum field. */
const FIELD_BYTES = 2;

/**
 * Cuts what one read from a TUN device brought into IP packets, in place: a virtio header and then a packet, which may
 * be a super-segment of TCP or UDP, and whose checksum may have to be completed. The headers of each segment are
 * written right before its payload, over the payload of the segment before. Therefore segments must be used up in
 * order: {@link next} destroys the current one. Somebody who writes behind a segment, such as the ESP trailer, covers
 * payload of the next one, and has to put that back before {@link next}.
 */
export class Segmenter {
  /** Where the current segment is, and its bytes. */
  offset = 0;
  length = 0;
  /** Bytes of the largest segment; known from {@link start} on, to be compared with the path MTU. */
  largest = 0;
  /** How many segments there are in all. */
  count = 0;
  /** The headers of the whole packet, from {@link start} on. */
  readonly headers = new PacketHeaders();

  readonly #arena: Arena;
  readonly #checksum: Checksum;
  readonly #virtio = new VirtioHeader();
  /** The headers that all segments have in common, with zeroes in fields that differ. */
  readonly #template: number;
  #packet = 0;
  #index = 0;
  #headerBytes = 0;
  /** Where payload is that no segment had, and how much. */
  #payload = 0;
  #left = 0;
  #gsoSize = 0;
  /** Sums over template and pseudo-header. */
  #networkSum = 0;
  #transportSum = 0;
  #identification = 0;
  #sequence = 0;
  #flags = 0;

  /** @throws RangeError when the arena is too small */
  constructor(arena: Arena) {
    this.#arena = arena;
    this.#checksum = new Checksum(arena);
    this.#template = arena.reserve('headers of segments', MAX_HEADER_BYTES).at;
  }

  /**
   * Begins with what was read.
   * @param at where the virtio header is
   * @param length bytes of it and the packet
   * @returns false when it is malformed and to be dropped: there are no segments
   * @throws RangeError when it is not in the arena
   */
  start(at: number, length: number): boolean {
    const { view } = this.#arena;
    this.count = 0;
    this.#index = 0;
    this.#arena.address(at, length);
    if (length < VIRTIO_BYTES) return false;
    this.#virtio.read(view, at);
    this.#packet = at + VIRTIO_BYTES;
    if (!this.headers.read(view, this.#packet, length - VIRTIO_BYTES)) return false;
    if (this.#virtio.gsoType === GsoType.NONE) return this.#startWhole();
    return this.headers.length === length - VIRTIO_BYTES && this.#startSuper();
  }

  /** Makes the next segment the current one. @returns false when there is none */
  next(): boolean {
    if (this.#index === this.count) return false;
    if (this.#gsoSize === 0) {
      this.#index = this.count;
      return true;
    }
    const payload = Math.min(this.#left, this.#gsoSize);
    this.offset = this.#payload - this.#headerBytes;
    this.length = this.#headerBytes + payload;
    this.#checksum.copy(this.offset, this.#template, this.#headerBytes);
    this.#left -= payload;
    this.#payload += payload;
    this.#index += 1;
    this.#writeNetworkHeader();
    const transport = this.offset + this.headers.networkBytes;
    if (this.headers.protocol === IpProtocol.TCP) {
      this.#writeTcpHeader(transport, payload);
    } else {
      this.#writeUdpHeader(transport);
    }
    return true;
  }

  /** A packet to be sent as it is, with its checksum completed. */
  #startWhole(): boolean {
    const { length } = this.headers;
    if (this.#virtio.needsChecksum && !this.#completeChecksum()) return false;
    this.offset = this.#packet;
    this.length = length;
    this.largest = length;
    this.count = 1;
    this.#gsoSize = 0;
    return true;
  }

  /** The field has the sum of the pseudo-header; zero would mean that UDP has no checksum (RFC 768). */
  #completeChecksum(): boolean {
    const { checksumStart, checksumOffset } = this.#virtio;
    const { length, networkBytes } = this.headers;
    if (checksumStart < networkBytes || checksumStart + checksumOffset + FIELD_BYTES > length) return false;
    const sum = this.#checksum.sum(this.#packet + checksumStart, length - checksumStart, 0);
    this.#arena.view.setUint16(this.#packet + checksumStart + checksumOffset, ~sum & 0xffff || 0xffff);
    return true;
  }

  #startSuper(): boolean {
    const { headers } = this;
    const { gsoType, gsoSize, needsChecksum, checksumStart, checksumOffset } = this.#virtio;
    const { version, protocol, networkBytes, transportBytes, length } = headers;
    const isTcp = gsoType === (version === 4 ? GsoType.TCPV4 : GsoType.TCPV6);
    if (!isTcp && gsoType !== GsoType.UDP_L4) return false;
    if (protocol !== (isTcp ? IpProtocol.TCP : IpProtocol.UDP) || transportBytes === 0) return false;
    // A super-segment always has its checksum to be completed (Virtual I/O Device 1.2, 5.1.6.2).
    if (!needsChecksum || checksumStart !== networkBytes) return false;
    if (checksumOffset !== (isTcp ? TCP_CHECKSUM : UDP_CHECKSUM) || gsoSize === 0) return false;
    const headerBytes = networkBytes + transportBytes;
    if (headerBytes > MAX_HEADER_BYTES) return false;
    if (!isTcp && this.#arena.view.getUint16(this.#packet + networkBytes + 4) !== length - networkBytes) {
      return false;
    }
    this.#headerBytes = headerBytes;
    this.#gsoSize = gsoSize;
    this.#payload = this.#packet + headerBytes;
    this.#left = length - headerBytes;
    this.largest = headerBytes + Math.min(this.#left, gsoSize);
    this.count = Math.max(1, Math.ceil(this.#left / gsoSize));
    this.#takeTemplate();
    return true;
  }

  #takeTemplate(): void {
    const { view } = this.#arena;
    const { version, protocol, networkBytes, transportBytes, length } = this.headers;
    const template = this.#template;
    this.#checksum.copy(template, this.#packet, this.#headerBytes);
    if (version === 4) {
      this.#identification = view.getUint16(template + 4);
      view.setUint32(template + 2, 0);
      view.setUint16(template + 10, 0);
      this.#networkSum = this.#checksum.sum(template, networkBytes, 0);
    }
    // The pseudo-header counts the length of the whole, each segment has its own: taken out here.
    const transport = template + networkBytes;
    const field = transport + this.#virtio.checksumOffset;
    const pseudoSum = view.getUint16(field) + (~(length - networkBytes) & 0xffff);
    view.setUint16(field, 0);
    if (protocol === IpProtocol.TCP) {
      this.#sequence = view.getUint32(transport + 4);
      this.#flags = view.getUint8(transport + 13);
      view.setUint32(transport + 4, 0);
      view.setUint8(transport + 13, 0);
    } else {
      view.setUint16(transport + 4, 0);
    }
    this.#transportSum = this.#checksum.sum(transport, transportBytes, pseudoSum);
  }

  #writeNetworkHeader(): void {
    const { view } = this.#arena;
    if (this.headers.version === 6) {
      view.setUint16(this.offset + 4, this.length - IPV6_BYTES);
      return;
    }
    const identification = (this.#identification + this.#index - 1) & 0xffff;
    view.setUint16(this.offset + 2, this.length);
    view.setUint16(this.offset + 4, identification);
    view.setUint16(this.offset + 10, ~fold(this.#networkSum + this.length + identification));
  }

  /** FIN and PSH belong to the last segment, CWR to the first (RFC 3168 6.1.2). */
  #writeTcpHeader(at: number, payload: number): void {
    const { view } = this.#arena;
    let flags = this.#flags;
    if (this.#index !== this.count) flags &= ~(TcpFlag.FIN | TcpFlag.PSH);
    if (this.#index !== 1) flags &= ~TcpFlag.CWR;
    const sequence = this.#sequence;
    const transportLength = this.length - this.headers.networkBytes;
    const header = (sequence & 0xffff) + (sequence >>> 16) + flags + transportLength + this.#transportSum;
    const sum = this.#checksum.sum(this.#payload - payload, payload, header);
    view.setUint32(at + 4, sequence);
    view.setUint8(at + 13, flags);
    view.setUint16(at + TCP_CHECKSUM, ~sum);
    this.#sequence = (sequence + payload) >>> 0;
  }

  /** The length is in the header and in the pseudo-header. */
  #writeUdpHeader(at: number): void {
    const { view } = this.#arena;
    const length = this.length - this.headers.networkBytes;
    const payload = this.length - this.#headerBytes;
    const sum = this.#checksum.sum(this.#payload - payload, payload, this.#transportSum + 2 * length);
    view.setUint16(at + 4, length);
    view.setUint16(at + UDP_CHECKSUM, ~sum & 0xffff || 0xffff);
  }
}
