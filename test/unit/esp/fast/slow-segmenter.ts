import { slowSum } from './slow-checksum.js';

interface Parts {
  version: number;
  network: number;
  protocol: number;
  length: number;
  fragment: boolean;
}

/**
 * What a read from a TUN device has to be cut into, packet by packet with all of each checksum computed anew: slow, and
 * written to be looked at.
 * @returns undefined when it is malformed
 */
export function slowSegments(read: Uint8Array): Uint8Array[] | undefined {
  if (read.length < 10) return undefined;
  const virtio = new DataView(read.slice(0, 10).buffer);
  const [flags, type] = [virtio.getUint8(0), virtio.getUint8(1) & 0x7f];
  const [size, start, offset] = [4, 6, 8].map((at) => virtio.getUint16(at, true)) as [number, number, number];
  const packet = read.slice(10);
  const parts = partsOf(packet);
  if (parts === undefined) return undefined;
  const completes = (flags & 1) !== 0;
  if (type === 0) {
    const whole = packet.slice(0, parts.length);
    if (!completes) return [whole];
    if (start < parts.network || start + offset + 2 > whole.length) return undefined;
    const sum = ~slowSum(whole.slice(start)) & 0xffff;
    new DataView(whole.buffer).setUint16(start + offset, sum === 0 ? 0xffff : sum);
    return [whole];
  }
  const wanted = { 1: [4, 6, 16], 4: [6, 6, 16], 5: [parts.version, 17, 6] }[type];
  if (wanted === undefined || parts.fragment || parts.length !== packet.length || size === 0)
    return undefined;
  if (wanted[0] !== parts.version || wanted[1] !== parts.protocol) return undefined;
  if (!completes || start !== parts.network || offset !== wanted[2]) return undefined;
  const transport = transportBytes(packet, parts);
  if (transport === undefined) return undefined;
  return cut(packet, parts, transport, size);
}

function partsOf(packet: Uint8Array): Parts | undefined {
  if (packet.length < 20) return undefined;
  const view = new DataView(packet.buffer);
  const version = packet[0]! >> 4;
  if (version === 4) {
    const network = (packet[0]! & 15) * 4;
    const length = view.getUint16(2);
    if (network < 20 || length < network || length > packet.length) return undefined;
    return { version, network, protocol: packet[9]!, length, fragment: (view.getUint16(6) & 0x3fff) !== 0 };
  }
  if (version !== 6 || packet.length < 40) return undefined;
  const length = 40 + view.getUint16(4);
  if (length > packet.length) return undefined;
  let [protocol, network] = [packet[6]!, 40];
  for (let seen = 0; [0, 43, 44, 60].includes(protocol); seen++) {
    if (seen === 8 || network + 8 > length) return undefined;
    const next = packet[network]!;
    const fragment = protocol === 44;
    network += fragment ? 8 : packet[network + 1]! * 8 + 8;
    if (network > length) return undefined;
    protocol = next;
    if (fragment) return { version, network, protocol, length, fragment };
  }
  return { version, network, protocol, length, fragment: false };
}

function transportBytes(packet: Uint8Array, { network, protocol }: Parts): number | undefined {
  const left = packet.length - network;
  if (protocol === 17) {
    const claimed = left >= 8 ? new DataView(packet.buffer).getUint16(network + 4) : -1;
    return claimed === left ? 8 : undefined;
  }
  const bytes = left >= 20 ? (packet[network + 12]! >> 4) * 4 : 0;
  return bytes >= 20 && bytes <= left ? bytes : undefined;
}

function cut(packet: Uint8Array, parts: Parts, transport: number, size: number): Uint8Array[] {
  const { version, network, protocol } = parts;
  const headers = network + transport;
  const payload = packet.slice(headers);
  const starts = Array.from({ length: Math.max(1, Math.ceil(payload.length / size)) }, (_, i) => i * size);
  // The field has the pseudo-header's sum with the length of the whole; another length needs another sum.
  const field = network + (protocol === 6 ? 16 : 6);
  const partial = new DataView(packet.buffer).getUint16(field);
  return starts.map((from, index) => {
    const segment = Uint8Array.from([...packet.slice(0, headers), ...payload.slice(from, from + size)]);
    const view = new DataView(segment.buffer);
    const length = segment.length - network;
    if (version === 4) {
      view.setUint16(2, segment.length);
      view.setUint16(4, view.getUint16(4) + index);
      view.setUint16(10, 0);
      view.setUint16(10, ~slowSum(segment.slice(0, network)));
    } else {
      view.setUint16(4, segment.length - 40);
    }
    if (protocol === 6) {
      view.setUint32(network + 4, view.getUint32(network + 4) + from);
      if (index > 0) segment[network + 13]! &= 0x7f;
      if (index < starts.length - 1) segment[network + 13]! &= 0xf6;
    } else {
      view.setUint16(network + 4, length);
    }
    view.setUint16(field, 0);
    const pseudo = partial + (0xffff - (packet.length - network)) + length;
    const sum = ~slowSum(segment.slice(network), pseudo) & 0xffff;
    view.setUint16(field, protocol === 17 && sum === 0 ? 0xffff : sum);
    return segment;
  });
}
