import { NextHeader } from '../../esp/packet.js';

/**
 * What ESP carried as a whole IP packet. In tunnel mode it is one, without the padding for traffic-flow
 * confidentiality (RFC 4303 2.7); in transport mode the outer IP header is put before it again.
 * @param outer the packet that ESP came in
 * @returns undefined for a dummy packet, or when it is no IP packet although it should be
 */
export function innerPacket(
  nextHeader: number,
  payload: Uint8Array,
  outer: Uint8Array,
): Uint8Array | undefined {
  if (nextHeader === NextHeader.NONE) return undefined;
  if (nextHeader === NextHeader.IPV4 || nextHeader === NextHeader.IPV6) return tunnelled(payload);
  const version = (outer[0] ?? 0) >> 4;
  if (version === 4) return afterIpv4(nextHeader, payload, outer);
  return version === 6 ? afterIpv6(nextHeader, payload, outer) : undefined;
}

function tunnelled(payload: Uint8Array): Uint8Array | undefined {
  const version = (payload[0] ?? 0) >> 4;
  const isWhole = (version === 4 && payload.length >= 20) || (version === 6 && payload.length >= 40);
  if (!isWhole) return undefined;
  const length = version === 4 ? u16(payload, 2) : u16(payload, 4) + 40;
  return length >= 20 && length < payload.length ? payload.subarray(0, length) : payload;
}

function afterIpv4(protocol: number, payload: Uint8Array, outer: Uint8Array): Uint8Array | undefined {
  const headerBytes = (outer[0]! & 15) * 4;
  if (headerBytes < 20 || headerBytes > outer.length || headerBytes + payload.length > 0xffff)
    return undefined;
  const packet = new Uint8Array(headerBytes + payload.length);
  packet.set(outer.subarray(0, headerBytes));
  packet.set(payload, headerBytes);
  const view = new DataView(packet.buffer);
  view.setUint16(2, packet.length);
  packet[9] = protocol;
  view.setUint16(10, 0);
  view.setUint16(10, checksum(packet, headerBytes));
  return packet;
}

/** Extension headers are left out: they belonged to the way of the ESP packet. */
function afterIpv6(protocol: number, payload: Uint8Array, outer: Uint8Array): Uint8Array | undefined {
  if (outer.length < 40 || payload.length > 0xffff) return undefined;
  const packet = new Uint8Array(40 + payload.length);
  packet.set(outer.subarray(0, 40));
  packet.set(payload, 40);
  new DataView(packet.buffer).setUint16(4, payload.length);
  packet[6] = protocol;
  return packet;
}

/** Internet checksum (RFC 1071) of a header. */
function checksum(packet: Uint8Array, length: number): number {
  let sum = 0;
  for (let at = 0; at < length; at += 2) sum += u16(packet, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function u16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}

/** Whether a packet may carry IPsec again, told from its first bytes: asking for units costs more. */
export function mayCarryIpsec(packet: Uint8Array): boolean {
  const protocol = packet[0]! >> 4 === 4 ? packet[9] : packet[6];
  // All but ICMP, TCP and ICMPv6: ESP, AH, UDP, tunnels, and extension headers before any of them.
  return protocol !== 1 && protocol !== 6 && protocol !== 58;
}
