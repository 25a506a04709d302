/** Numbers of IANA's protocol registry. */
export const Protocol = {
  HOP_BY_HOP: 0,
  ICMP: 1,
  IPV4: 4,
  TCP: 6,
  UDP: 17,
  IPV6: 41,
  ROUTING: 43,
  FRAGMENT: 44,
  ESP: 50,
  AH: 51,
  ICMPV6: 58,
  NO_NEXT: 59,
  DESTINATION: 60,
  MOBILITY: 135,
} as const;

/** RFC 8200 4.1 knows seven extension headers in one packet; nothing legitimate has many more. */
const MAX_EXTENSIONS = 16;

/** The headers of an IP packet up to the first that is no IPv6 extension header. Reused from packet to packet. */
export interface IpHeader {
  version: 4 | 6;
  /** Bounds of the packet in the data; `end` is cut to what was captured. */
  start: number;
  end: number;
  /** Where the packet ends by its own account, which may be after the end of the data. */
  declaredEnd: number;
  /** What stands at `payload`. */
  protocol: number;
  payload: number;
  /** Address bytes: `source` to `source + addressBytes`, then the destination. */
  source: number;
  addressBytes: 4 | 16;
  /** Fragment offset in bytes, and whether more follow. Both zero or false: not a fragment. */
  fragmentOffset: number;
  moreFragments: boolean;
  identification: number;
  /** IPv6 fragments: where the number of the fragment header stands, and where that header is. */
  fragmentNextAt: number;
  fragmentAt: number;
}

export function createIpHeader(): IpHeader {
  return {
    version: 4,
    start: 0,
    end: 0,
    declaredEnd: 0,
    protocol: 0,
    payload: 0,
    source: 0,
    addressBytes: 4,
    fragmentOffset: 0,
    moreFragments: false,
    identification: 0,
    fragmentNextAt: 0,
    fragmentAt: 0,
  };
}

/** Reads the headers of the packet at `start`. @returns false when they are no whole IP headers */
export function readIp(data: Uint8Array, start: number, into: IpHeader): boolean {
  if (start >= data.length) return false;
  const version = data[start]! >> 4;
  if (version === 4) return readIpv4(data, start, into);
  return version === 6 && readIpv6(data, start, into);
}

function readIpv4(data: Uint8Array, start: number, into: IpHeader): boolean {
  if (start + 20 > data.length) return false;
  const headerBytes = (data[start]! & 15) * 4;
  const total = u16(data, start + 2);
  // Length 0 is what a capture of segmentation offload shows: the packet is as long as the frame.
  const declaredEnd = total === 0 ? data.length : start + total;
  if (headerBytes < 20 || start + headerBytes > Math.min(declaredEnd, data.length)) return false;
  const flags = u16(data, start + 6);
  into.version = 4;
  into.start = start;
  into.declaredEnd = declaredEnd;
  into.end = Math.min(declaredEnd, data.length);
  into.protocol = data[start + 9]!;
  into.payload = start + headerBytes;
  into.source = start + 12;
  into.addressBytes = 4;
  into.fragmentOffset = (flags & 0x1fff) * 8;
  into.moreFragments = (flags & 0x2000) !== 0;
  into.identification = u16(data, start + 4);
  return true;
}

function readIpv6(data: Uint8Array, start: number, into: IpHeader): boolean {
  if (start + 40 > data.length) return false;
  const length = u16(data, start + 4);
  const declaredEnd = length === 0 ? data.length : start + 40 + length;
  into.version = 6;
  into.start = start;
  into.declaredEnd = declaredEnd;
  into.end = Math.min(declaredEnd, data.length);
  into.source = start + 8;
  into.addressBytes = 16;
  into.fragmentOffset = 0;
  into.moreFragments = false;
  into.identification = 0;
  return readExtensions(data, start + 40, start + 6, into);
}

/** @param at of the first header after the fixed one @param numberAt where the number of that header stands */
function readExtensions(data: Uint8Array, at: number, numberAt: number, into: IpHeader): boolean {
  let next = at;
  let number = numberAt;
  for (let seen = 0; seen <= MAX_EXTENSIONS; seen++) {
    const protocol = data[number]!;
    const isFragment = protocol === Protocol.FRAGMENT;
    if (!isFragment && !isExtension(protocol)) {
      into.protocol = protocol;
      into.payload = next;
      return next <= into.end;
    }
    if (next + 8 > into.end) return false;
    const pointer = number;
    number = next;
    if (isFragment) {
      into.fragmentAt = next;
      into.fragmentNextAt = pointer;
      const offsetAndFlag = u16(data, next + 2);
      into.fragmentOffset = offsetAndFlag & 0xfff8;
      into.moreFragments = (offsetAndFlag & 1) !== 0;
      into.identification = ((u16(data, next + 4) << 16) | u16(data, next + 6)) >>> 0;
      next += 8;
      if (into.fragmentOffset > 0 || into.moreFragments) {
        // What follows belongs to the reassembled packet (RFC 8200 4.5).
        into.protocol = data[number]!;
        into.payload = next;
        return true;
      }
    } else {
      next += (data[next + 1]! + 1) * 8;
    }
  }
  return false;
}

function isExtension(protocol: number): boolean {
  return (
    protocol === Protocol.HOP_BY_HOP ||
    protocol === Protocol.ROUTING ||
    protocol === Protocol.DESTINATION ||
    protocol === Protocol.MOBILITY
  );
}

/** Two bytes, most significant first. */
export function u16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}

/** Four bytes, most significant first, unsigned. */
export function u32(data: Uint8Array, at: number): number {
  return ((u16(data, at) << 16) | u16(data, at + 2)) >>> 0;
}
