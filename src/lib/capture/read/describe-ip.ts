import type { Endpoint } from '../../core/endpoint.js';
import { AddressBook } from './addresses.js';
import { createIpHeader, type IpHeader, Protocol, readIp, u16, u32 } from './ip.js';

const ICMP_TYPES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'destination unreachable',
  5: 'redirect',
  8: 'echo request',
  11: 'time exceeded',
  12: 'parameter problem',
  13: 'timestamp',
  14: 'timestamp reply',
};
const ICMPV6_TYPES: Readonly<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  4: 'parameter problem',
  128: 'echo request',
  129: 'echo reply',
  130: 'multicast listener query',
  131: 'multicast listener report',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
  143: 'multicast listener report v2',
};
const PROTOCOLS: Readonly<Record<number, string>> = {
  2: 'IGMP',
  4: 'IPv4',
  41: 'IPv6',
  47: 'GRE',
  59: 'nothing',
  89: 'OSPF',
  103: 'PIM',
  112: 'VRRP',
  115: 'L2TP',
  132: 'SCTP',
};
/** From the lowest bit of the flags on. */
const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];
const TCP_FLAG_TEXTS = Array.from(
  { length: 64 },
  (_, flags) => `[${TCP_FLAGS.filter((_name, bit) => (flags & (1 << bit)) !== 0).join(', ')}]`,
);
/** Destination unreachable with "fragmentation needed": the one code worth its words. */
const TOO_BIG = { type: 3, code: 4 };

const reused = createIpHeader();

/** One line on a plaintext IP packet, such as `ICMP 10.0.0.1 → 10.0.0.2 echo request`. */
export function describeIp(packet: Uint8Array): string {
  const header = reused;
  if (!readIp(packet, 0, header)) return `no IP packet, ${packet.length} bytes`;
  if (header.fragmentOffset > 0) {
    return `${nameOf(header.protocol)} ${between(packet, header)} fragment from byte ${header.fragmentOffset}`;
  }
  const rest = header.moreFragments ? ' (first fragment)' : '';
  return describe(packet, header) + rest;
}

function describe(data: Uint8Array, header: IpHeader): string {
  const { protocol, payload: at, end } = header;
  const length = header.declaredEnd - at;
  switch (protocol) {
    case Protocol.UDP:
      if (at + 8 > end) break;
      return `UDP ${between(data, header, true)} ${Math.max(length - 8, 0)} bytes`;
    case Protocol.TCP:
      if (at + 20 > end) break;
      return `TCP ${between(data, header, true)} ${tcpDetails(data, at, length)}`;
    case Protocol.ICMP:
    case Protocol.ICMPV6:
      if (at + 4 > end) break;
      return `${nameOf(protocol)} ${between(data, header)} ${icmpDetails(data, at, end, protocol)}`;
    case Protocol.ESP:
      if (at + 8 > end) break;
      return `ESP ${between(data, header)} SPI ${hex(u32(data, at))} sequence ${u32(data, at + 4)}`;
    case Protocol.AH:
      if (at + 12 > end) break;
      return `AH ${between(data, header)} SPI ${hex(u32(data, at + 4))} sequence ${u32(data, at + 8)}`;
  }
  return `${nameOf(protocol)} ${between(data, header)} ${length} bytes`;
}

function tcpDetails(data: Uint8Array, at: number, length: number): string {
  const bytes = Math.max(length - (data[at + 12]! >> 4) * 4, 0);
  return `${TCP_FLAG_TEXTS[data[at + 13]! & 0x3f]!} ${bytes} bytes`;
}

function icmpDetails(data: Uint8Array, at: number, end: number, protocol: number): string {
  const type = data[at]!;
  const code = data[at + 1]!;
  const names = protocol === Protocol.ICMP ? ICMP_TYPES : ICMPV6_TYPES;
  const name = names[type] ?? `type ${type}`;
  if (name.startsWith('echo') && at + 8 <= end)
    return `${name} id ${u16(data, at + 4)} sequence ${u16(data, at + 6)}`;
  const isTooBig = protocol === Protocol.ICMP && type === TOO_BIG.type && code === TOO_BIG.code;
  if (isTooBig && at + 8 <= end) return `fragmentation needed, MTU ${u16(data, at + 6)}`;
  if (protocol === Protocol.ICMPV6 && type === 2 && at + 8 <= end) return `${name}, MTU ${u32(data, at + 4)}`;
  return code === 0 ? name : `${name}, code ${code}`;
}

function between(data: Uint8Array, header: IpHeader, withPorts = false): string {
  const { payload } = header;
  const src = ends.source(data, header, withPorts ? u16(data, payload) : 0);
  const dst = ends.destination(data, header, withPorts ? u16(data, payload + 2) : 0);
  return withPorts ? `${withPort(src)} → ${withPort(dst)}` : `${src.address} → ${dst.address}`;
}

/** Addresses that were written before cost nothing to write again. */
const ends = new AddressBook();

function withPort({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(Protocol).map(([name, number]): [number, string] => [
    number,
    name.replace('ICMPV6', 'ICMPv6'),
  ]),
  ...Object.entries(PROTOCOLS).map(([number, name]): [number, string] => [Number(number), name]),
]);

function nameOf(protocol: number): string {
  return NAMES.get(protocol) ?? `IP protocol ${protocol}`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
