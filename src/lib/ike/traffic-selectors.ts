import { compareBytes, equalBytes } from '../core/bytes.js';
import { KitError } from '../core/errors.js';
import {
  type Cidr,
  formatCidr,
  formatIp,
  ipFamily,
  ipFromBigInt,
  ipToBigInt,
  parseCidr,
  parseIp,
} from '../core/ip.js';
import type { TrafficSelector, UnknownTrafficSelector } from './wire/types.js';

const ANY_PROTOCOL = 0;
const MAX_PORT = 0xffff;
/** What a TS payload can carry (RFC 7296 3.13). */
const MAX_SELECTORS = 255;

const protocolNames: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [4, 'ipencap'],
  [6, 'tcp'],
  [17, 'udp'],
  [41, 'ipv6'],
  [47, 'gre'],
  [50, 'esp'],
  [51, 'ah'],
  [58, 'ipv6-icmp'],
  [89, 'ospf'],
  [115, 'l2tp'],
  [132, 'sctp'],
]);
const protocolNumbers = new Map([...protocolNames].map(([number, name]) => [name, number]));

/**
 * The selector of a text as {@link formatSelector} writes it: `10.0.0.0/24`, `10.0.0.1-10.0.0.9`,
 * `10.0.0.1/32[tcp/80]`, `::/0[udp/1000-2000]`. Host bits of a CIDR are ignored.
 * @throws KitError `E_ADDRESS`, `E_SELECTOR`
 */
export function selectorFromCidr(text: string): TrafficSelector {
  const [, range = '', suffix] = /^([^[\]]*)(?:\[([^[\]]*)\])?$/.exec(text) ?? [];
  const { start, end } = parseRange(range);
  const scope = suffix === undefined ? anyPort : parseScope(suffix);
  return { type: ipFamily(start) === 4 ? 7 : 8, ...scope, startAddress: start, endAddress: end };
}

/** The selector of one address, any protocol and port. @throws KitError `E_ADDRESS` */
export function selectorFromAddress(address: string): TrafficSelector {
  const bytes = parseIp(address);
  return { type: ipFamily(bytes) === 4 ? 7 : 8, ...anyPort, startAddress: bytes, endAddress: bytes };
}

/** Everything of one IP version: 0.0.0.0/0 or ::/0. */
export function anySelector(family: 4 | 6): TrafficSelector {
  const size = family === 4 ? 4 : 16;
  return {
    type: family === 4 ? 7 : 8,
    ...anyPort,
    startAddress: new Uint8Array(size),
    endAddress: new Uint8Array(size).fill(0xff),
  };
}

type Scope = Pick<TrafficSelector, 'ipProtocol' | 'startPort' | 'endPort'>;
const anyPort: Scope = { ipProtocol: ANY_PROTOCOL, startPort: 0, endPort: MAX_PORT };
/** No ports can be seen, as in non-first fragments (RFC 4301 4.4.1.1, RFC 7296 3.13.1). */
const opaquePorts = { startPort: MAX_PORT, endPort: 0 };

function parseRange(text: string): { start: Uint8Array; end: Uint8Array } {
  const [from = '', to, ...more] = text.split('-');
  if (to === undefined) {
    const { address, prefix } = parseCidr(from);
    const hostBits = BigInt(address.length * 8 - prefix);
    const network = (ipToBigInt(address) >> hostBits) << hostBits;
    const family = ipFamily(address);
    return {
      start: ipFromBigInt(network, family),
      end: ipFromBigInt(network | ((1n << hostBits) - 1n), family),
    };
  }
  const start = parseIp(from);
  const end = parseIp(to);
  if (more.length > 0 || start.length !== end.length || compareBytes(start, end) > 0) {
    throw badSelector(text);
  }
  return { start, end };
}

/** `tcp`, `tcp/80`, `17/1000-2000`, `any/53`, `udp/opaque`. */
function parseScope(text: string): Scope {
  const [, protocol = '', ports] = /^([a-z0-9-]+)(?:\/(.+))?$/i.exec(text) ?? [];
  const name = protocol.toLowerCase();
  const ipProtocol = name === 'any' ? ANY_PROTOCOL : (protocolNumbers.get(name) ?? parseNumber(name, 0xff));
  if (ipProtocol === undefined) throw badSelector(text);
  if (ports === undefined || ports === 'any') return { ...anyPort, ipProtocol };
  if (ports.toLowerCase() === 'opaque') return { ipProtocol, ...opaquePorts };
  const [from = '', to = from, ...more] = ports.split('-');
  const startPort = parseNumber(from, MAX_PORT);
  const endPort = parseNumber(to, MAX_PORT);
  if (startPort === undefined || endPort === undefined || startPort > endPort || more.length > 0) {
    throw badSelector(text);
  }
  return { ipProtocol, startPort, endPort };
}

function parseNumber(text: string, limit: number): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= limit ? Number(text) : undefined;
}

function badSelector(text: string): KitError {
  return new KitError('usage', 'E_SELECTOR', `${JSON.stringify(text)} is not a traffic selector`, {
    hint: 'Write a range such as 10.0.0.0/24, with [tcp/80] behind it to limit protocol and port.',
  });
}

/** The text of a selector: a CIDR where it is one, else `first-last`; `[protocol/port]` behind it unless any. */
export function formatSelector(selector: TrafficSelector): string {
  return formatAddresses(selector) + formatScope(selector);
}

function formatAddresses(selector: TrafficSelector): string {
  const [first, second] = selectorCidrs(selector);
  if (first !== undefined && second === undefined) return formatCidr(first);
  return `${formatIp(selector.startAddress)}-${formatIp(selector.endAddress)}`;
}

function formatScope({ ipProtocol, startPort, endPort }: TrafficSelector): string {
  const everyPort = startPort === 0 && endPort === MAX_PORT;
  if (ipProtocol === ANY_PROTOCOL && everyPort) return '';
  const protocol =
    ipProtocol === ANY_PROTOCOL ? 'any' : (protocolNames.get(ipProtocol) ?? String(ipProtocol));
  if (everyPort) return `[${protocol}]`;
  if (isOpaque({ startPort, endPort })) return `[${protocol}/opaque]`;
  return `[${protocol}/${startPort === endPort ? startPort : `${startPort}-${endPort}`}]`;
}

/**
 * What of an offer our policy allows (RFC 7296 2.9): every pairwise intersection, in the order of the offer, without
 * those that another one contains. Selectors of unknown types fall out.
 * @returns an empty array when nothing is left, which is TS_UNACCEPTABLE
 */
export function narrowSelectors(
  offered: readonly (TrafficSelector | UnknownTrafficSelector)[],
  allowed: readonly TrafficSelector[],
): TrafficSelector[] {
  const common = offered.flatMap((offer) =>
    offer.type === 'unknown' ? [] : allowed.flatMap((ours) => intersect(offer, ours) ?? []),
  );
  const kept: TrafficSelector[] = [];
  for (const selector of common) {
    if (kept.some((other) => contains(other, selector))) continue;
    const others = kept.filter((other) => !contains(selector, other));
    if (others.length === MAX_SELECTORS) continue;
    kept.splice(0, kept.length, ...others, selector);
  }
  return kept;
}

function intersect(a: TrafficSelector, b: TrafficSelector): TrafficSelector | undefined {
  if (a.type !== b.type) return undefined;
  if (a.ipProtocol !== b.ipProtocol && a.ipProtocol !== ANY_PROTOCOL && b.ipProtocol !== ANY_PROTOCOL) {
    return undefined;
  }
  const ports = intersectPorts(a, b);
  if (ports === undefined) return undefined;
  const startAddress = later(a.startAddress, b.startAddress);
  const endAddress = earlier(a.endAddress, b.endAddress);
  if (compareBytes(startAddress, endAddress) > 0) return undefined;
  return { type: a.type, ipProtocol: a.ipProtocol || b.ipProtocol, ...ports, startAddress, endAddress };
}

type Ports = Pick<TrafficSelector, 'startPort' | 'endPort'>;

function intersectPorts(a: Ports, b: Ports): Ports | undefined {
  if (isOpaque(a) || isOpaque(b)) return admitsOpaque(a) && admitsOpaque(b) ? opaquePorts : undefined;
  const startPort = Math.max(a.startPort, b.startPort);
  const endPort = Math.min(a.endPort, b.endPort);
  return startPort <= endPort ? { startPort, endPort } : undefined;
}

function isOpaque({ startPort, endPort }: Ports): boolean {
  return startPort === opaquePorts.startPort && endPort === opaquePorts.endPort;
}

/** "Any" includes packets whose ports cannot be seen (RFC 4301 4.4.1.1). */
function admitsOpaque(ports: Ports): boolean {
  return isOpaque(ports) || (ports.startPort === 0 && ports.endPort === MAX_PORT);
}

function later(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) >= 0 ? a : b;
}

function earlier(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) <= 0 ? a : b;
}

/** Whether everything `inner` selects is selected by `outer`. */
function contains(outer: TrafficSelector, inner: TrafficSelector): boolean {
  const common = intersect(outer, inner);
  return common !== undefined && sameSelector(common, inner);
}

/**
 * Whether one of the selectors takes a packet.
 * @param address 4 or 16 bytes
 * @param port the port on that side; for ICMP type and code as `type << 8 | code` (RFC 7296 3.13.1)
 */
export function selectorsCover(
  selectors: readonly TrafficSelector[],
  address: Uint8Array,
  protocol: number,
  port: number,
): boolean {
  return selectors.some(
    (selector) =>
      selector.startAddress.length === address.length &&
      (selector.ipProtocol === ANY_PROTOCOL || selector.ipProtocol === protocol) &&
      port >= selector.startPort &&
      port <= selector.endPort &&
      compareBytes(address, selector.startAddress) >= 0 &&
      compareBytes(address, selector.endAddress) <= 0,
  );
}

/**
 * The fewest CIDRs that make up the addresses of a selector, in order: at most 62 for IPv4 and 254 for IPv6; none when
 * the range is empty.
 */
export function selectorCidrs(selector: TrafficSelector): Cidr[] {
  const family = selector.type === 7 ? 4 : 6;
  const bits = family === 4 ? 32 : 128;
  const end = ipToBigInt(selector.endAddress);
  const cidrs: Cidr[] = [];
  for (let at = ipToBigInt(selector.startAddress); at <= end; ) {
    let hostBits = 0;
    while (hostBits < bits && fits(at, hostBits + 1, end)) hostBits++;
    cidrs.push({ address: ipFromBigInt(at, family), prefix: bits - hostBits });
    at += 1n << BigInt(hostBits);
  }
  return cidrs;
}

/** Whether a block of `hostBits` may start at an address and stays within the end. */
function fits(at: bigint, hostBits: number, end: bigint): boolean {
  const size = 1n << BigInt(hostBits);
  return at % size === 0n && at + size - 1n <= end;
}

/** Whether both lists hold the same selectors in the same order. */
export function sameSelectors(a: readonly TrafficSelector[], b: readonly TrafficSelector[]): boolean {
  return a.length === b.length && a.every((selector, i) => sameSelector(selector, b[i]!));
}

function sameSelector(a: TrafficSelector, b: TrafficSelector): boolean {
  return (
    a.type === b.type &&
    a.ipProtocol === b.ipProtocol &&
    a.startPort === b.startPort &&
    a.endPort === b.endPort &&
    equalBytes(a.startAddress, b.startAddress) &&
    equalBytes(a.endAddress, b.endAddress)
  );
}
