/** Numbers of the link-layer type registry that carry IP in a way we read. */
export const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  /** Raw IP under the numbers that some systems wrote instead of 101. */
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

/** The frame carries something that is not IP. */
export const NOT_IP = -1;
/** Frames of this link type are not understood. */
export const UNKNOWN_LINK = -2;

const EtherType = { IPV4: 0x0800, IPV6: 0x86dd, PPPOE: 0x8864 } as const;
/** IEEE 802.1Q, 802.1ad (QinQ), and the number used before 802.1ad. */
const VLAN_TAGS = new Set([0x8100, 0x88a8, 0x9100]);
const MAX_TAGS = 8;
/** AF_INET, then AF_INET6 of Linux, Windows, NetBSD with OpenBSD, FreeBSD, macOS. */
const ADDRESS_FAMILIES = new Set([2, 10, 23, 24, 28, 30]);

/** Where the IP packet begins in a frame, or {@link NOT_IP} or {@link UNKNOWN_LINK}. */
export function ipOffset(linkType: number, data: Uint8Array): number {
  switch (linkType) {
    case LinkType.ETHERNET:
      return afterEthernet(data);
    case LinkType.RAW:
    case LinkType.IPV4:
    case LinkType.IPV6:
    case LinkType.RAW_BSD:
    case LinkType.RAW_OPENBSD:
      return 0;
    case LinkType.LINUX_SLL:
      return data.length < 16 ? NOT_IP : afterEtherType(data, 14);
    case LinkType.LINUX_SLL2:
      return data.length < 20 ? NOT_IP : afterEtherType(data, 0, 20);
    case LinkType.NULL:
    case LinkType.LOOP:
      return afterFamily(data);
    default:
      return UNKNOWN_LINK;
  }
}

function afterEthernet(data: Uint8Array): number {
  if (data.length < 14) return NOT_IP;
  // Up to 1500 it is the length of an 802.3 frame: LLC and SNAP (aa aa 03, no organisation) come before the type.
  const isLength = u16(data, 12) <= 1500;
  if (!isLength) return afterEtherType(data, 12);
  const isSnap =
    data.length >= 22 && u16(data, 14) === 0xaaaa && u16(data, 16) === 0x0300 && u16(data, 18) === 0;
  return isSnap ? afterEtherType(data, 20) : NOT_IP;
}

/** @param at of the type @param after what follows the type, when it does not follow at once */
function afterEtherType(data: Uint8Array, at: number, after = at + 2): number {
  let type = u16(data, at);
  let next = after;
  for (let tags = 0; VLAN_TAGS.has(type); tags++) {
    if (tags === MAX_TAGS || next + 4 > data.length) return NOT_IP;
    type = u16(data, next + 2);
    next += 4;
  }
  if (type === EtherType.IPV4 || type === EtherType.IPV6) return next;
  return type === EtherType.PPPOE ? afterPppoe(data, next) : NOT_IP;
}

/** A PPPoE session (RFC 2516): six bytes, then the PPP protocol number. */
function afterPppoe(data: Uint8Array, at: number): number {
  if (at + 8 > data.length) return NOT_IP;
  const protocol = u16(data, at + 6);
  return protocol === 0x0021 || protocol === 0x0057 ? at + 8 : NOT_IP;
}

/** The address family stands in the byte order of the machine that captured (NULL), or in that of the network (LOOP). */
function afterFamily(data: Uint8Array): number {
  if (data.length < 4) return NOT_IP;
  const low = u16(data, 0) === 0 ? u16(data, 2) : data[0]! | (data[1]! << 8);
  const isWhole = u16(data, 0) === 0 || u16(data, 2) === 0;
  return isWhole && ADDRESS_FAMILIES.has(low) ? 4 : NOT_IP;
}

function u16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}
