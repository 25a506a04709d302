import { compareBytes } from '../core/bytes.js';
import { formatCidr, parseCidr, parseIp } from '../core/ip.js';
import {
  anySelector,
  sameSelectors,
  selectorCidrs,
  selectorFromAddress,
  selectorsCover,
} from '../ike/traffic-selectors.js';
import type { TrafficSelector } from '../ike/wire/types.js';
import type { HostAddress } from './addresses.js';

/**
 * Destinations to route into the tunnel, as CIDRs: what the peer has, in the families that this side has. A default
 * route becomes its two halves, which win over the host's own default route without replacing it.
 */
export function tunnelRoutes(
  localTs: readonly TrafficSelector[],
  remoteTs: readonly TrafficSelector[],
): string[] {
  const types = new Set(localTs.map(({ type }) => type));
  const cidrs = remoteTs.filter(({ type }) => types.has(type)).flatMap(selectorCidrs);
  return [...new Set(cidrs.map(formatCidr).flatMap(halves))];
}

/**
 * Families of which everything was asked for and nothing was granted, while everything of another is tunnelled: whoever
 * believes that all traffic is in the tunnel is wrong about those.
 */
export function leftOutside(
  asked: readonly TrafficSelector[],
  granted: readonly TrafficSelector[],
): (4 | 6)[] {
  const everything = [anySelector(4), anySelector(6)];
  const full = everything.filter((any) => granted.some((selector) => sameSelectors([selector], [any])));
  if (full.length === 0) return [];
  return everything
    .filter((any) => asked.some((selector) => sameSelectors([selector], [any])))
    .filter(({ type }) => !granted.some((selector) => selector.type === type))
    .map(({ type }) => (type === 7 ? 4 : 6));
}

/** True when traffic to the address, of any protocol or port, falls under the selectors. */
export function coversAddress(selectors: readonly TrafficSelector[], address: string): boolean {
  const addresses = selectors.map((selector) => ({
    ...selector,
    ipProtocol: 0,
    startPort: 0,
    endPort: 65535,
  }));
  return selectorsCover(addresses, parseIp(address), 0, 0);
}

/** An address of this host that the selectors allow as source, for one family; undefined when there is none. */
export function sourceWithin(
  selectors: readonly TrafficSelector[],
  family: 4 | 6,
  addresses: readonly HostAddress[],
): string | undefined {
  const ours = addresses.filter(({ address }) => familyOf(address) === family);
  return ours.find(({ address }) => coversAddress(selectors, address))?.address;
}

/** True when a packet could match both lists. */
export function overlapping(a: readonly TrafficSelector[], b: readonly TrafficSelector[]): boolean {
  return a.some((one) =>
    b.some(
      (other) =>
        one.type === other.type &&
        (one.ipProtocol === 0 || other.ipProtocol === 0 || one.ipProtocol === other.ipProtocol) &&
        portsMeet(one, other) &&
        compareBytes(one.startAddress, other.endAddress) <= 0 &&
        compareBytes(other.startAddress, one.endAddress) <= 0,
    ),
  );
}

type Ports = Pick<TrafficSelector, 'startPort' | 'endPort'>;

/** A range that ends before it starts is OPAQUE: packets whose ports cannot be seen, which ANY takes too (RFC 7296 3.13.1). */
function portsMeet(a: Ports, b: Ports): boolean {
  const isOpaque = ({ startPort, endPort }: Ports): boolean => startPort > endPort;
  const takesUnseen = (p: Ports): boolean => isOpaque(p) || (p.startPort === 0 && p.endPort === 0xffff);
  if (isOpaque(a) || isOpaque(b)) return takesUnseen(a) && takesUnseen(b);
  return a.startPort <= b.endPort && b.startPort <= a.endPort;
}

/** The prefix of one address: `/32` or `/128`. */
export function hostCidr(address: string): string {
  return formatCidr(selectorCidrs(selectorFromAddress(address))[0]!);
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

function halves(cidr: string): string[] {
  if (parseCidr(cidr).prefix > 0) return [cidr];
  return familyOf(cidr) === 4 ? ['0.0.0.0/1', '128.0.0.0/1'] : ['::/1', '8000::/1'];
}
