import type { TrafficSelector } from '../ike/wire/types.js';
import { IPV6_BYTES, Ipv6Extensions } from './ipv6-extensions.js';
import { NextHeader } from './packet.js';

/** What selectors look at in an inner packet (RFC 4301 4.4.1.1). */
export interface InnerPacket {
  /** Next Header value of tunnel mode: 4 or 41. */
  nextHeader: typeof NextHeader.IPV4 | typeof NextHeader.IPV6;
  /** Bytes that the IP header claims; what follows is TFC padding (RFC 4303 2.7). */
  length: number;
  /** 4 or 16 bytes, views into the packet. */
  source: Uint8Array;
  destination: Uint8Array;
  protocol: number;
  /** Undefined where there are none to see: other protocols, later fragments. ICMP: type in the high byte, code in the low. */
  sourcePort: number | undefined;
  destinationPort: number | undefined;
}

const ICMP = 1;
const ICMPV6 = 58;
/** TCP, UDP, DCCP, SCTP, UDP-Lite: source and destination port are the first four bytes. */
const WITH_PORTS = new Set([6, 17, 33, 132, 136]);
/** Of the packet at hand. */
const extensions = new Ipv6Extensions();

/** Reads the headers of an inner packet. @returns undefined when it is no whole IPv4 or IPv6 packet */
export function readInnerPacket(data: Uint8Array): InnerPacket | undefined {
  const version = data.length > 0 ? data[0]! >> 4 : 0;
  if (version === 4) return readIpv4(data);
  if (version === 6) return readIpv6(data);
  return undefined;
}

function readIpv4(data: Uint8Array): InnerPacket | undefined {
  if (data.length < 20) return undefined;
  const headerLength = (data[0]! & 15) * 4;
  const length = u16(data, 2);
  if (headerLength < 20 || length < headerLength || length > data.length) return undefined;
  const laterFragment = (u16(data, 6) & 0x1fff) !== 0;
  const protocol = data[9]!;
  return {
    nextHeader: NextHeader.IPV4,
    length,
    source: data.subarray(12, 16),
    destination: data.subarray(16, 20),
    protocol,
    ...portsAt(data.subarray(headerLength, length), protocol, laterFragment),
  };
}

function readIpv6(data: Uint8Array): InnerPacket | undefined {
  if (data.length < IPV6_BYTES) return undefined;
  const length = IPV6_BYTES + u16(data, 4);
  if (length > data.length) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, length);
  if (!extensions.read(view, 0, length)) return undefined;
  const { networkBytes, protocol, laterFragment } = extensions;
  return {
    nextHeader: NextHeader.IPV6,
    length,
    source: data.subarray(8, 24),
    destination: data.subarray(24, 40),
    protocol,
    ...portsAt(data.subarray(networkBytes, length), protocol, laterFragment),
  };
}

function portsAt(upper: Uint8Array, protocol: number, laterFragment: boolean) {
  if (!laterFragment && upper.length >= 4) {
    if (WITH_PORTS.has(protocol)) return { sourcePort: u16(upper, 0), destinationPort: u16(upper, 2) };
    if (protocol === ICMP || protocol === ICMPV6) {
      const typeAndCode = u16(upper, 0);
      return { sourcePort: typeAndCode, destinationPort: typeAndCode };
    }
  }
  return { sourcePort: undefined, destinationPort: undefined };
}

/**
 * How narrow the narrowest selector is that covers an address, protocol and port; bigger is narrower.
 * @returns undefined when none covers them
 */
export function narrowestMatch(
  selectors: readonly TrafficSelector[],
  address: Uint8Array,
  protocol: number,
  port: number | undefined,
): number | undefined {
  let best: number | undefined;
  for (const selector of selectors) {
    if (!covers(selector, address, protocol, port)) continue;
    const narrowness = narrownessOf(selector);
    if (best === undefined || narrowness > best) best = narrowness;
  }
  return best;
}

function covers(
  s: TrafficSelector,
  address: Uint8Array,
  protocol: number,
  port: number | undefined,
): boolean {
  if (s.startAddress.length !== address.length) return false;
  if (s.ipProtocol !== 0 && s.ipProtocol !== protocol) return false;
  if (port === undefined ? !coversUnseenPort(s) : port < s.startPort || port > s.endPort) return false;
  return !isBelow(address, s.startAddress) && !isBelow(s.endAddress, address);
}

/** ANY (0 to 65535) and OPAQUE (65535 to 0), RFC 7296 3.13.1. */
function coversUnseenPort(s: TrafficSelector): boolean {
  return (s.startPort === 0 && s.endPort === 65535) || (s.startPort === 65535 && s.endPort === 0);
}

/** Prefix bits first, then whether protocol and ports are restricted. */
function narrownessOf(s: TrafficSelector): number {
  let bits = 0;
  for (let i = 0; i < s.startAddress.length; i++) {
    const difference = s.startAddress[i]! ^ s.endAddress[i]!;
    bits += Math.clz32(difference) - 24;
    if (difference !== 0) break;
  }
  return bits * 4 + (s.ipProtocol === 0 ? 0 : 2) + (coversUnseenPort(s) ? 0 : 1);
}

function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]!;
  }
  return false;
}

function u16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}
