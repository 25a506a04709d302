/** Bytes of the header that a TUN device with IFF_VNET_HDR has before each packet: `struct virtio_net_hdr`. */
export const VIRTIO_BYTES = 10;

/** `gso_type`: what the packet has to be cut into (Virtual I/O Device 1.2, 5.1.6; linux/virtio_net.h). */
export const GsoType = {
  NONE: 0,
  TCPV4: 1,
  TCPV6: 4,
  /** UDP datagrams, of IPv4 or IPv6. */
  UDP_L4: 5,
} as const;

/** `gso_type`: the first segment has CWR, and no other may (RFC 3168 6.1.2). */
const GSO_ECN = 0x80;
/** `flags`: a checksum is to be completed. */
const NEEDS_CSUM = 1;

/**
 * A virtio header as numbers, to be used again for each packet. It is little-endian, as TUNSETVNETLE asks of a TUN
 * device. Whether it fits the packet is for the reader of the packet to tell.
 */
export class VirtioHeader {
  needsChecksum = false;
  /** One of {@link GsoType}, or a number that is none of it; without the ECN bit. */
  gsoType = 0;
  ecn = false;
  /** Bytes of headers; a hint only, which Linux fills with something else. */
  headerBytes = 0;
  /** Payload of each segment but the last, bytes. */
  gsoSize = 0;
  /** Where the checksum begins to count, from the packet's first byte. */
  checksumStart = 0;
  /** Where the checksum is, from there. */
  checksumOffset = 0;

  /** @param at where the header is, all of it */
  read(view: DataView, at: number): void {
    const type = view.getUint8(at + 1);
    this.needsChecksum = (view.getUint8(at) & NEEDS_CSUM) !== 0;
    this.gsoType = type & ~GSO_ECN;
    this.ecn = (type & GSO_ECN) !== 0;
    this.headerBytes = view.getUint16(at + 2, true);
    this.gsoSize = view.getUint16(at + 4, true);
    this.checksumStart = view.getUint16(at + 6, true);
    this.checksumOffset = view.getUint16(at + 8, true);
  }

  write(view: DataView, at: number): void {
    view.setUint8(at, this.needsChecksum ? NEEDS_CSUM : 0);
    view.setUint8(at + 1, this.gsoType | (this.ecn ? GSO_ECN : 0));
    view.setUint16(at + 2, this.headerBytes, true);
    view.setUint16(at + 4, this.gsoSize, true);
    view.setUint16(at + 6, this.checksumStart, true);
    view.setUint16(at + 8, this.checksumOffset, true);
  }
}

/** A header that asks for nothing. */
export function writePlainVirtio(view: DataView, at: number): void {
  view.setUint32(at, 0);
  view.setUint32(at + 4, 0);
  view.setUint16(at + 8, 0);
}
