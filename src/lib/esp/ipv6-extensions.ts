/** Headers between that of IPv6 and the protocol above it (RFC 8200 4); ESP and AH are not passed, they are protocols here. */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION = 60;
/** RFC 8200 4.1 knows seven in a packet at most. */
const MAX_EXTENSIONS = 8;

export const IPV6_BYTES = 40;

/** Whether a Next Header field of IPv6 names an extension header, behind which another one is. */
export function isExtension(nextHeader: number): boolean {
  return (
    nextHeader === HOP_BY_HOP ||
    nextHeader === ROUTING ||
    nextHeader === FRAGMENT ||
    nextHeader === DESTINATION
  );
}

/** What the headers of an IPv6 packet come to, as numbers, to be used again for each packet. */
export class Ipv6Extensions {
  /** IPv6 header and extension headers, bytes. */
  networkBytes = 0;
  /** Of what follows those; of a later fragment what its whole packet has there, which may be an extension header. */
  protocol = 0;
  /** Any fragment, also the first. */
  fragment = false;
  /** What follows is not where a header begins. */
  laterFragment = false;

  /**
   * @param at where the packet begins
   * @param length bytes that it claims, of which all are in the view and at least the IPv6 header is there
   * @returns false when a header is not whole, or there are too many; the fields mean nothing then
   */
  read(view: DataView, at: number, length: number): boolean {
    this.fragment = false;
    this.laterFragment = false;
    let protocol = view.getUint8(at + 6);
    let bytes = IPV6_BYTES;
    for (let seen = 0; !this.laterFragment && isExtension(protocol); seen++) {
      if (seen === MAX_EXTENSIONS || bytes + 8 > length) return false;
      const header = at + bytes;
      if (protocol === FRAGMENT) {
        this.fragment = true;
        this.laterFragment = view.getUint16(header + 2) >> 3 !== 0;
        bytes += 8;
      } else {
        // In units of 8 bytes, not counting the first (RFC 8200 4.3, 4.4, 4.6).
        bytes += (view.getUint8(header + 1) + 1) * 8;
      }
      protocol = view.getUint8(header);
      if (bytes > length) return false;
    }
    this.networkBytes = bytes;
    this.protocol = protocol;
    return true;
  }
}
