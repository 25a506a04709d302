/** Inner packets the demonstration makes itself where there is no system to make them: IPv4 with ICMP echo or UDP. */

const IPV4_HEADER = 20;
const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const PROTOCOL_ICMP = 1;
const PROTOCOL_UDP = 17;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;

/** Internet checksum (RFC 1071). */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipv4(source: Uint8Array, destination: Uint8Array, protocol: number, body: number): Buffer {
  const packet = Buffer.alloc(IPV4_HEADER + body);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(protocol, 9);
  packet.set(source, 12);
  packet.set(destination, 16);
  packet.writeUInt16BE(internetChecksum(packet.subarray(0, IPV4_HEADER)), 10);
  return packet;
}

/** An ICMP echo request (RFC 792) with 56 bytes of data. */
export function echoRequest(source: Uint8Array, destination: Uint8Array, sequence: number): Buffer {
  const packet = ipv4(source, destination, PROTOCOL_ICMP, ICMP_HEADER + 56);
  packet.writeUInt8(ECHO_REQUEST, IPV4_HEADER);
  packet.writeUInt16BE(sequence & 0xffff, IPV4_HEADER + 6);
  packet.writeUInt16BE(internetChecksum(packet.subarray(IPV4_HEADER)), IPV4_HEADER + 2);
  return packet;
}

/** A UDP datagram to and from the echo port; the checksum is optional over IPv4 (RFC 768). */
export function datagram(source: Uint8Array, destination: Uint8Array, payload: Uint8Array): Buffer {
  const packet = ipv4(source, destination, PROTOCOL_UDP, UDP_HEADER + payload.length);
  packet.writeUInt16BE(7, IPV4_HEADER);
  packet.writeUInt16BE(7, IPV4_HEADER + 2);
  packet.writeUInt16BE(UDP_HEADER + payload.length, IPV4_HEADER + 4);
  packet.set(payload, IPV4_HEADER + UDP_HEADER);
  return packet;
}

/** What a packet of ours is; undefined for anything else. */
export function readPacket(
  packet: Uint8Array,
):
  | { kind: 'echo-request' | 'echo-reply'; sequence: number }
  | { kind: 'datagram'; payload: Uint8Array }
  | undefined {
  if (packet.length < IPV4_HEADER + UDP_HEADER || packet[0] !== 0x45) return undefined;
  const view = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  const body = view.subarray(IPV4_HEADER);
  if (view[9] === PROTOCOL_UDP) return { kind: 'datagram', payload: body.subarray(UDP_HEADER) };
  if (view[9] !== PROTOCOL_ICMP) return undefined;
  const sequence = body.readUInt16BE(6);
  if (body[0] === ECHO_REQUEST) return { kind: 'echo-request', sequence };
  if (body[0] === ECHO_REPLY) return { kind: 'echo-reply', sequence };
  return undefined;
}

/** The packet as the other end sends it back: addresses swapped, an echo request turned into its reply. */
export function answer(packet: Uint8Array): Buffer {
  const back = Buffer.from(packet);
  back.set(packet.subarray(12, 16), 16);
  back.set(packet.subarray(16, 20), 12);
  if (back[9] === PROTOCOL_ICMP) {
    back.writeUInt8(ECHO_REPLY, IPV4_HEADER);
    back.writeUInt16BE(0, IPV4_HEADER + 2);
    back.writeUInt16BE(internetChecksum(back.subarray(IPV4_HEADER)), IPV4_HEADER + 2);
  }
  return back;
}
