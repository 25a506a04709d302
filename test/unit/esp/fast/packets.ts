import { slowSum } from './slow-checksum.js';

/** A packet as a test thinks of it; everything that is left out is ordinary. */
export interface PacketOptions {
  version?: 4 | 6;
  protocol?: 'tcp' | 'udp';
  payload?: Uint8Array;
  /** Last byte of the addresses. */
  source?: number;
  destination?: number;
  sourcePort?: number;
  destinationPort?: number;
  trafficClass?: number;
  hopLimit?: number;
  /** IPv4: fragmentation flags and offset, identification, options. */
  fragmentation?: number;
  identification?: number;
  ipOptions?: Uint8Array;
  /** IPv6: flow label, and extension headers with the number of the first. */
  flowLabel?: number;
  extensions?: { first: number; bytes: Uint8Array };
  sequence?: number;
  acknowledgment?: number;
  flags?: number;
  /** Reserved bits of TCP. */
  reserved?: number;
  window?: number;
  urgent?: number;
  tcpOptions?: Uint8Array;
}

/** Twelve bytes of TCP options: two of padding and a timestamp. */
export function timestamp(value: number): Uint8Array {
  const options = Uint8Array.from([1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 7]);
  new DataView(options.buffer).setUint32(4, value);
  return options;
}

export function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((i + seed) * 167 + (i >> 8)) & 0xff);
}

/** A whole packet; its checksums are right unless it is to be `partial`: the pseudo-header's sum, to be completed. */
export function packetOf(options: PacketOptions, partial = false): Uint8Array {
  const { version = 4, protocol = 'tcp' } = options;
  const number = protocol === 'tcp' ? 6 : 17;
  const transport = protocol === 'tcp' ? tcp(options) : udp(options);
  const network =
    version === 4 ? ipv4(options, number, transport.length) : ipv6(options, number, transport.length);
  const packet = Uint8Array.from([...network, ...transport]);
  const view = new DataView(packet.buffer);
  const pseudo = slowSum(
    version === 4 ? packet.slice(12, 20) : packet.slice(8, 40),
    number + transport.length,
  );
  const field = network.length + (protocol === 'tcp' ? 16 : 6);
  const sum = ~slowSum(transport, pseudo) & 0xffff;
  view.setUint16(field, partial ? pseudo : protocol === 'udp' && sum === 0 ? 0xffff : sum);
  return packet;
}

function ipv4(o: PacketOptions, protocol: number, length: number): Uint8Array {
  const options = o.ipOptions ?? new Uint8Array(0);
  const header = new Uint8Array(20 + options.length);
  const view = new DataView(header.buffer);
  header[0] = 0x40 | (header.length / 4);
  header[1] = o.trafficClass ?? 0;
  view.setUint16(2, header.length + length);
  view.setUint16(4, o.identification ?? 0x1234);
  view.setUint16(6, o.fragmentation ?? 0x4000);
  header[8] = o.hopLimit ?? 64;
  header[9] = protocol;
  header.set([10, 0, 0, o.source ?? 1, 10, 0, 0, o.destination ?? 2], 12);
  header.set(options, 20);
  view.setUint16(10, ~slowSum(header));
  return header;
}

function ipv6(o: PacketOptions, protocol: number, length: number): Uint8Array {
  const { first, bytes } = o.extensions ?? { first: protocol, bytes: new Uint8Array(0) };
  const header = new Uint8Array(40 + bytes.length);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x6000_0000 + (o.trafficClass ?? 0) * 2 ** 20 + (o.flowLabel ?? 0x12345));
  view.setUint16(4, bytes.length + length);
  header[6] = first;
  header[7] = o.hopLimit ?? 64;
  header.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, o.source ?? 1], 8);
  header.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, o.destination ?? 2], 24);
  header.set(bytes, 40);
  return header;
}

function tcp(o: PacketOptions): Uint8Array {
  const options = o.tcpOptions ?? new Uint8Array(0);
  const payload = o.payload ?? new Uint8Array(0);
  const out = new Uint8Array(20 + options.length + payload.length);
  const view = new DataView(out.buffer);
  view.setUint16(0, o.sourcePort ?? 4000);
  view.setUint16(2, o.destinationPort ?? 80);
  view.setUint32(4, o.sequence ?? 1000);
  view.setUint32(8, o.acknowledgment ?? 77);
  out[12] = (((20 + options.length) / 4) << 4) | (o.reserved ?? 0);
  out[13] = o.flags ?? 0x10;
  view.setUint16(14, o.window ?? 500);
  view.setUint16(18, o.urgent ?? 0);
  out.set(options, 20);
  out.set(payload, 20 + options.length);
  return out;
}

function udp(o: PacketOptions): Uint8Array {
  const payload = o.payload ?? new Uint8Array(0);
  const out = new Uint8Array(8 + payload.length);
  const view = new DataView(out.buffer);
  view.setUint16(0, o.sourcePort ?? 4000);
  view.setUint16(2, o.destinationPort ?? 80);
  view.setUint16(4, out.length);
  out.set(payload, 8);
  return out;
}

/** What a TUN device brings: the virtio header, then the packet. */
export function withVirtio(
  packet: Uint8Array,
  { flags = 0, type = 0, headerBytes = 0, size = 0, start = 0, offset = 0 } = {},
): Uint8Array {
  const out = new Uint8Array(10 + packet.length);
  const view = new DataView(out.buffer);
  out[0] = flags;
  out[1] = type;
  view.setUint16(2, headerBytes, true);
  view.setUint16(4, size, true);
  view.setUint16(6, start, true);
  view.setUint16(8, offset, true);
  out.set(packet, 10);
  return out;
}

/** A super-segment as a TUN device brings it. */
export function superOf(options: PacketOptions, size: number): Uint8Array {
  const { version = 4, protocol = 'tcp', flags = 0x10 } = options;
  const packet = packetOf(options, true);
  const network =
    version === 4 ? 20 + (options.ipOptions?.length ?? 0) : 40 + (options.extensions?.bytes.length ?? 0);
  const transport = protocol === 'tcp' ? 20 + (options.tcpOptions?.length ?? 0) : 8;
  const tcpType = (version === 4 ? 1 : 4) | ((flags & 0x80) !== 0 ? 0x80 : 0);
  return withVirtio(packet, {
    flags: 1,
    type: protocol === 'tcp' ? tcpType : 5,
    headerBytes: network + transport,
    size,
    start: network,
    offset: protocol === 'tcp' ? 16 : 6,
  });
}
