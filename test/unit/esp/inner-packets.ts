import { concatBytes } from '../../../src/lib/core/bytes.js';
import { parseCidr, parseIp } from '../../../src/lib/core/ip.js';
import type { TrafficSelector } from '../../../src/lib/ike/wire/types.js';

/** An IPv4 packet without valid checksum: nothing here looks at it. */
export function ipv4(options: {
  from: string;
  to: string;
  protocol?: number;
  body?: Uint8Array;
  fragmentOffset?: number;
}): Uint8Array {
  const { from, to, protocol = 17, body = new Uint8Array(8), fragmentOffset = 0 } = options;
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  header[0] = 0x45;
  view.setUint16(2, 20 + body.length);
  view.setUint16(6, fragmentOffset);
  header[8] = 64;
  header[9] = protocol;
  header.set(parseIp(from), 12);
  header.set(parseIp(to), 16);
  return concatBytes(header, body);
}

export function ipv6(options: {
  from: string;
  to: string;
  nextHeader?: number;
  body?: Uint8Array;
}): Uint8Array {
  const { from, to, nextHeader = 17, body = new Uint8Array(8) } = options;
  const header = new Uint8Array(40);
  header[0] = 0x60;
  new DataView(header.buffer).setUint16(4, body.length);
  header[6] = nextHeader;
  header[7] = 64;
  header.set(parseIp(from), 8);
  header.set(parseIp(to), 24);
  return concatBytes(header, body);
}

/** The first bytes of TCP, UDP or SCTP, or of ICMP when only one number is given. */
export function ports(source: number, destination = 0): Uint8Array {
  const out = new Uint8Array(8);
  const view = new DataView(out.buffer);
  view.setUint16(0, source);
  view.setUint16(2, destination);
  return out;
}

/** A selector for a CIDR. */
export function selector(
  cidr: string,
  limits: { protocol?: number; startPort?: number; endPort?: number } = {},
): TrafficSelector {
  const { address, prefix } = parseCidr(cidr);
  const startAddress = address.slice();
  const endAddress = address.slice();
  for (let bit = prefix; bit < address.length * 8; bit++) {
    startAddress[bit >> 3]! &= ~(0x80 >> (bit & 7));
    endAddress[bit >> 3]! |= 0x80 >> (bit & 7);
  }
  return {
    type: address.length === 4 ? 7 : 8,
    ipProtocol: limits.protocol ?? 0,
    startPort: limits.startPort ?? 0,
    endPort: limits.endPort ?? 65535,
    startAddress,
    endAddress,
  };
}
