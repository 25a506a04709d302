import { formatIp } from '../../core/ip.js';
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
/** Destination unreachable with "fragmentation needed": the one code worth its words. */
const TOO_BIG = { type: 3, code: 4 };

/** One line on a plaintext IP packet, such as `ICMP 10.0.0.1 → 10.0.0.2 echo request`. */
export function describeIp(packet: Uint8Array): string {
  const header = createIpHeader();
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
  const flags = TCP_FLAGS.filter((_, bit) => (data[at + 13]! & (1 << bit)) !== 0);
  const bytes = Math.max(length - (data[at + 12]! >> 4) * 4, 0);
  return `[${flags.join(', ')}] ${bytes} bytes`;
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
  const { source, addressBytes, payload } = header;
  const [src, dst] = [source, source + addressBytes].map((at, i) => {
    const address = formatIp(data.subarray(at, at + addressBytes));
    if (!withPorts) return address;
    const port = u16(data, payload + 2 * i);
    return addressBytes === 4 ? `${address}:${port}` : `[${address}]:${port}`;
  });
  return `${src} → ${dst}`;
}

function nameOf(protocol: number): string {
  const known = Object.entries(Protocol).find(([, number]) => number === protocol)?.[0];
  return PROTOCOLS[protocol] ?? known?.replace('ICMPV6', 'ICMPv6') ?? `IP protocol ${protocol}`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
