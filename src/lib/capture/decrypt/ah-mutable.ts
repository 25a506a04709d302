const HOP_BY_HOP = 0;
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;

/** IPv4 options that count as they are (RFC 4302 A1); all others are mutable or were experiments. */
const IMMUTABLE_OPTIONS: ReadonlySet<number> = new Set([0, 1, 130, 133, 134, 148, 149]);
const LOOSE_ROUTE = 131;
const STRICT_ROUTE = 137;

/**
 * A copy of an IP packet as AH authenticates it: what may change on the way is zero, what changes predictably is as
 * it will arrive (RFC 4302 3.3.3.1 and appendix A). The ICV itself is left to the caller.
 * @param end where the AH header begins: mutable fields are looked for up to there
 */
export function immutableIp(packet: Uint8Array, end: number): Uint8Array {
  const copy = packet.slice();
  if (copy[0]! >> 4 === 4) clearIpv4(copy, end);
  else clearIpv6(copy, end);
  return copy;
}

function clearIpv4(packet: Uint8Array, end: number): void {
  packet[1] = 0;
  // Flags, fragment offset, TTL; then the checksum.
  packet.fill(0, 6, 9);
  packet.fill(0, 10, 12);
  const optionsEnd = Math.min((packet[0]! & 15) * 4, end);
  for (let at = 20; at < optionsEnd; ) {
    const type = packet[at]!;
    if (type === 0) return;
    const length = type === 1 ? 1 : (packet[at + 1] ?? 0);
    if (length === 0 || at + length > optionsEnd) return;
    if (type === LOOSE_ROUTE || type === STRICT_ROUTE) arriveBySourceRoute(packet, at, length);
    if (!IMMUTABLE_OPTIONS.has(type)) packet.fill(0, at, at + length);
    at += length;
  }
}

/** The destination that counts is the last one of the route (RFC 4302 3.3.3.1.1.1). */
function arriveBySourceRoute(packet: Uint8Array, at: number, length: number): void {
  const pointer = packet[at + 2]!;
  if (length >= 7 && pointer <= length) packet.copyWithin(16, at + length - 4, at + length);
}

function clearIpv6(packet: Uint8Array, end: number): void {
  // DSCP, ECN, flow label, hop limit.
  packet[0]! &= 0xf0;
  packet.fill(0, 1, 4);
  packet[7] = 0;
  let type = packet[6]!;
  for (let at = 40; at + 8 <= end; ) {
    const length = (packet[at + 1]! + 1) * 8;
    if (at + length > end) return;
    if (type === HOP_BY_HOP || type === DESTINATION_OPTIONS) clearMutableOptions(packet, at + 2, at + length);
    else if (type === ROUTING) arriveByRoutingHeader(packet, at, length);
    type = packet[at]!;
    at += length;
  }
}

/** The third bit of an option's type tells that its data may change (RFC 8200 4.2); type and length count. */
function clearMutableOptions(packet: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const type = packet[at]!;
    if (type === 0) {
      at += 1;
      continue;
    }
    const length = packet[at + 1] ?? 0;
    if (at + 2 + length > to) return;
    if ((type & 0x20) !== 0) packet.fill(0, at + 2, at + 2 + length);
    at += 2 + length;
  }
}

/** Moves a type 0 routing header on to its last hop, as routers would (RFC 2460 4.4). */
function arriveByRoutingHeader(packet: Uint8Array, at: number, length: number): void {
  if (packet[at + 2] !== 0) return;
  const count = Math.floor((length - 8) / 16);
  for (let left = Math.min(packet[at + 3]!, count); left > 0; left--) {
    const next = at + 8 + (count - left) * 16;
    const destination = packet.slice(24, 40);
    packet.copyWithin(24, next, next + 16);
    packet.set(destination, next);
  }
  packet[at + 3] = 0;
}
