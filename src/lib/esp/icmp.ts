import { type InnerPacket, readInnerPacket } from './inner.js';
import { IPV6_BYTES } from './ipv6-extensions.js';
import { NextHeader } from './packet.js';

/** What every link must carry of IPv4 (RFC 791 3.2) and of IPv6 (RFC 8200 5), bytes. */
export const IPV4_MIN_MTU = 68;
export const IPV6_MIN_MTU = 1280;

const ICMP = 1;
const ICMPV6 = 58;
const IPV4_BYTES = 20;
const ICMP_BYTES = 8;
/** Destination Unreachable, Fragmentation Needed and DF Set (RFC 1191 4). */
const FRAGMENTATION_NEEDED = [3, 4] as const;
/** Packet Too Big (RFC 4443 3.2). */
const PACKET_TOO_BIG = [2, 0] as const;
/** Precedence 6, as for all errors (RFC 1812 4.3.2.5). */
const INTERNETWORK_CONTROL = 0xc0;
const DONT_FRAGMENT = 0x40;
const HOP_LIMIT = 64;
/** The largest message with its IP header (RFC 1812 4.3.2.3); for IPv6 it is the minimum MTU (RFC 4443 2.4). */
const MAX_IPV4_MESSAGE = 576;
/** Bytes of a packet that a message may quote. */
export const MAX_QUOTED = IPV6_MIN_MTU - IPV6_BYTES - ICMP_BYTES;

/**
 * Messages of ICMP that ask something or answer it; all others, also unknown ones, may be errors, which are never
 * answered with an error (RFC 1122 3.2.2). Extended echo is of RFC 8335.
 */
const QUERIES = new Set([0, 8, 9, 10, 13, 14, 15, 16, 17, 18, 42, 43]);
/** ICMPv6: errors are below, and Redirect counts as one (RFC 4443 2.1, 2.4 e.2). */
const FIRST_INFORMATIONAL = 128;
const REDIRECT = 137;

/** Messages that may leave at once, and how many come in a second (RFC 4443 2.4 f). */
const BURST = 50;
const PER_SECOND = 100;

/**
 * Tells senders that a packet does not fit, which is how they find the path MTU (RFC 1191, RFC 8201), so often as is
 * good for everybody.
 */
export class TooBigReplies {
  readonly #now: () => number;
  #left = BURST;
  #since: number;

  /** @param now milliseconds of a clock that does not jump */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /**
   * @param packet an inner packet, the headers at least
   * @param mtu the largest packet that would fit, bytes
   * @returns a packet for its sender; undefined when he is not to be told, or not now
   */
  reply(packet: Uint8Array, mtu: number): Uint8Array | undefined {
    const now = this.#now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#since) * PER_SECOND) / 1000);
    this.#since = now;
    if (this.#left < 1) return undefined;
    const message = tooBigMessage(packet, mtu);
    if (message !== undefined) this.#left -= 1;
    return message;
  }
}

/**
 * True when a packet that does not fit is sent in fragments, and nobody is told: IPv4 that may be fragmented, and IPv6
 * of a size that must arrive whole (RFC 8200 5; RFC 4301 8.2.1).
 * @param length bytes of it
 */
export function mayBeFragmented(view: DataView, at: number, length: number): boolean {
  return view.getUint8(at) >> 4 === 4
    ? (view.getUint8(at + 6) & DONT_FRAGMENT) === 0
    : length <= IPV6_MIN_MTU;
}

/**
 * The ICMP message that a packet was too big. It comes from the packet's destination: that is an address that this
 * host, and those behind it, take packets of the tunnel from.
 * @param packet whole, or cut after its first {@link MAX_QUOTED} bytes
 * @param mtu the largest packet that would fit, bytes
 * @returns undefined for packets that no error is sent about: errors, packets to or from many, later fragments of IPv4
 */
export function tooBigMessage(packet: Uint8Array, mtu: number): Uint8Array | undefined {
  const inner = readInnerPacket(claimingNoMore(packet));
  if (inner === undefined || !mayBeTold(packet, inner)) return undefined;
  return inner.nextHeader === NextHeader.IPV4 ? ipv4Message(packet, mtu) : ipv6Message(packet, mtu);
}

/** The packet with a length that fits what is there of it: the rest was cut off. */
function claimingNoMore(packet: Uint8Array): Uint8Array {
  if (packet.length < IPV4_BYTES) return packet;
  const copy = packet.slice();
  const view = new DataView(copy.buffer);
  if (copy[0]! >> 4 === 4) view.setUint16(2, Math.min(view.getUint16(2), copy.length));
  else if (copy.length >= IPV6_BYTES)
    view.setUint16(4, Math.min(view.getUint16(4), copy.length - IPV6_BYTES));
  return copy;
}

function mayBeTold(packet: Uint8Array, inner: InnerPacket): boolean {
  const { nextHeader, source, destination, protocol, sourcePort } = inner;
  if (nextHeader === NextHeader.IPV4) {
    // RFC 1122 3.2.2: no first fragment, not from or to one host.
    const offset = ((packet[6]! & 0x1f) << 8) | packet[7]!;
    if (offset !== 0 || !isOneIpv4Host(source) || !isOneIpv4Host(destination)) return false;
    return protocol !== ICMP || (sourcePort !== undefined && QUERIES.has(sourcePort >> 8));
  }
  if (!isOneIpv6Host(source) || !isOneIpv6Host(destination)) return false;
  if (protocol !== ICMPV6) return true;
  const type = sourcePort === undefined ? 0 : sourcePort >> 8;
  return type >= FIRST_INFORMATIONAL && type !== REDIRECT;
}

/** Not this network, loopback, multicast, reserved, or broadcast (RFC 1122 3.2.1.3). */
function isOneIpv4Host(address: Uint8Array): boolean {
  const first = address[0]!;
  return first !== 0 && first !== 127 && first < 224;
}

/** Not unspecified, loopback or multicast. */
function isOneIpv6Host(address: Uint8Array): boolean {
  return address[0] !== 0xff && (address[15]! > 1 || address.some((byte, i) => i < 15 && byte !== 0));
}

function ipv4Message(packet: Uint8Array, mtu: number): Uint8Array {
  const quoted = packet.subarray(0, MAX_IPV4_MESSAGE - IPV4_BYTES - ICMP_BYTES);
  const message = new Uint8Array(IPV4_BYTES + ICMP_BYTES + quoted.length);
  const view = new DataView(message.buffer);
  message[0] = 0x45;
  message[1] = INTERNETWORK_CONTROL;
  view.setUint16(2, message.length);
  message[6] = DONT_FRAGMENT;
  message[8] = HOP_LIMIT;
  message[9] = ICMP;
  message.set(packet.subarray(16, 20), 12);
  message.set(packet.subarray(12, 16), 16);
  view.setUint16(10, checksum(message.subarray(0, IPV4_BYTES)));
  const icmp = message.subarray(IPV4_BYTES);
  icmp.set(FRAGMENTATION_NEEDED);
  view.setUint16(IPV4_BYTES + 6, Math.min(Math.max(mtu, IPV4_MIN_MTU), 0xffff));
  icmp.set(quoted, ICMP_BYTES);
  view.setUint16(IPV4_BYTES + 2, checksum(icmp));
  return message;
}

function ipv6Message(packet: Uint8Array, mtu: number): Uint8Array {
  const quoted = packet.subarray(0, MAX_QUOTED);
  const message = new Uint8Array(IPV6_BYTES + ICMP_BYTES + quoted.length);
  const view = new DataView(message.buffer);
  message[0] = 0x60;
  view.setUint16(4, message.length - IPV6_BYTES);
  message[6] = ICMPV6;
  message[7] = HOP_LIMIT;
  message.set(packet.subarray(24, 40), 8);
  message.set(packet.subarray(8, 24), 24);
  const icmp = message.subarray(IPV6_BYTES);
  icmp.set(PACKET_TOO_BIG);
  // RFC 8200 5: no link carries less, and no sender would believe it.
  view.setUint32(IPV6_BYTES + 4, Math.max(mtu, IPV6_MIN_MTU));
  icmp.set(quoted, ICMP_BYTES);
  // The addresses, then what is left of the pseudo-header (RFC 8200 8.1).
  view.setUint16(IPV6_BYTES + 2, checksum(message.subarray(8), icmp.length + ICMPV6));
  return message;
}

/** RFC 1071. */
function checksum(data: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let i = 0; i < data.length; i += 2) sum += (data[i]! << 8) | (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
