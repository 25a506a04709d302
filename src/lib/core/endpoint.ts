/** A UDP endpoint. `address` is the canonical text form of an IPv4 or IPv6 address (RFC 5952), without zone. */
export interface Endpoint {
  address: string;
  port: number;
}

/** The same address and port. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

/** Where a datagram travels. `natT` says that the port-4500 framing of RFC 3948 applies (non-ESP marker before IKE). */
export interface Path {
  local: Endpoint;
  remote: Endpoint;
  natT: boolean;
}

/** How ESP travels: in UDP (RFC 3948), or by itself as IP protocol 50 (RFC 4303). */
export type Encapsulation = 'udp' | 'none';

/** Where ESP of a child SA travels. Without UDP the ports are 0. */
export interface EspPath {
  local: Endpoint;
  remote: Endpoint;
  encapsulation: Encapsulation;
}
