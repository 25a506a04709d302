import { IPV6_BYTES, Ipv6Extensions } from '../ipv6-extensions.js';

export const IpProtocol = { TCP: 6, UDP: 17 } as const;

export const IPV4_BYTES = 20;
export const UDP_BYTES = 8;
const TCP_BYTES = 20;

/** Of the fragmentation flags and offset of IPv4. */
export const DONT_FRAGMENT = 0x4000;
/** More Fragments and Fragment Offset. */
const FRAGMENTED = 0x3fff;

/** Flags of TCP in the order of its byte 13. */
export const TcpFlag = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const;

/** Offset of the Checksum field in the header of TCP and of UDP. */
export const TCP_CHECKSUM = 16;
export const UDP_CHECKSUM = 6;

/** Where the addresses begin in an IP header; they are the last of it without options. */
export function addressesAt(version: 4 | 6): number {
  return version === 4 ? 12 : 8;
}

/**
 * Where the header of an IPv4 packet ends.
 * @param at where the packet begins
 * @param available bytes of it, which are in the array
 * @returns bytes with options (RFC 791 3.1: IHL counts words of four bytes); -1 when it is no whole header
 */
export function ipv4HeaderBytes(bytes: Uint8Array, at: number, available: number): number {
  if (available < IPV4_BYTES || bytes[at]! >> 4 !== 4) return -1;
  const length = (bytes[at]! & 0xf) * 4;
  return length < IPV4_BYTES || length > available ? -1 : length;
}

/** Where the headers of an IP packet end, as numbers, to be used again for each packet. */
export class PacketHeaders {
  version: 4 | 6 = 4;
  /** Bytes that the IP header claims. */
  length = 0;
  /** IP header with its options or extension headers, bytes. */
  networkBytes = 0;
  /** Of what follows those. */
  protocol = 0;
  /** Any fragment, also the first. */
  fragment = false;
  /** Header of TCP or UDP; 0 for other protocols, for fragments, and for headers that are not whole. */
  transportBytes = 0;
  readonly #extensions = new Ipv6Extensions();

  /**
   * @param at where the packet begins
   * @param available bytes of it, which are in the view
   * @returns false when it is no whole IPv4 or IPv6 packet; the fields mean nothing then
   */
  read(view: DataView, at: number, available: number): boolean {
    if (available < IPV4_BYTES) return false;
    const version = view.getUint8(at) >> 4;
    if (version === 4) {
      if (!this.#readIpv4(view, at, available)) return false;
    } else if (version !== 6 || !this.#readIpv6(view, at, available)) {
      return false;
    }
    this.transportBytes = this.fragment ? 0 : this.#transportBytes(view, at + this.networkBytes);
    return true;
  }

  #readIpv4(view: DataView, at: number, available: number): boolean {
    this.version = 4;
    this.networkBytes = (view.getUint8(at) & 15) * 4;
    this.length = view.getUint16(at + 2);
    this.fragment = (view.getUint16(at + 6) & FRAGMENTED) !== 0;
    this.protocol = view.getUint8(at + 9);
    return this.networkBytes >= IPV4_BYTES && this.length >= this.networkBytes && this.length <= available;
  }

  #readIpv6(view: DataView, at: number, available: number): boolean {
    if (available < IPV6_BYTES) return false;
    this.version = 6;
    this.length = IPV6_BYTES + view.getUint16(at + 4);
    const extensions = this.#extensions;
    if (this.length > available || !extensions.read(view, at, this.length)) return false;
    this.networkBytes = extensions.networkBytes;
    this.protocol = extensions.protocol;
    this.fragment = extensions.fragment;
    return true;
  }

  #transportBytes(view: DataView, at: number): number {
    const left = this.length - this.networkBytes;
    if (this.protocol === IpProtocol.UDP) return left < UDP_BYTES ? 0 : UDP_BYTES;
    if (this.protocol !== IpProtocol.TCP || left < TCP_BYTES) return 0;
    const bytes = (view.getUint8(at + 12) >> 4) * 4;
    return bytes < TCP_BYTES || bytes > left ? 0 : bytes;
  }
}
