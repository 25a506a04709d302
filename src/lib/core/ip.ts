import { isIPv4, isIPv6 } from 'node:net';
import { KitError } from './errors.js';

/** An address and how many of its leading bits count. Host bits are kept as written. */
export interface Cidr {
  address: Uint8Array;
  prefix: number;
}

/**
 * The 4 or 16 bytes of an IPv4 or IPv6 address in any text form of RFC 4291, without a zone.
 * @throws KitError `E_ADDRESS`
 */
export function parseIp(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (isIPv6(text) && !text.includes('%')) return parseIpv6(text);
  throw new KitError('usage', 'E_ADDRESS', `${JSON.stringify(text)} is not an IP address`, {
    hint: 'Write an IPv4 address such as 192.0.2.1 or an IPv6 address such as 2001:db8::1, without a zone.',
  });
}

/** Bytes of a text already known to be an IPv6 address. */
function parseIpv6(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = '', tail] = text.split('::');
  const front = groupBytes(head);
  const back = groupBytes(tail ?? '');
  bytes.set(front, 0);
  bytes.set(back, 16 - back.length);
  return bytes;
}

/** Bytes of colon-separated groups, the last of which may be an IPv4 address. */
function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** Canonical text of 4 or 16 address bytes (RFC 5952). @throws KitError `E_ADDRESS` for any other length */
export function formatIp(bytes: Uint8Array): string {
  if (ipFamily(bytes) === 4) return bytes.join('.');
  if (isIpv4Mapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** ::ffff:0:0/96, for which RFC 5952 5 recommends the mixed notation. */
function isIpv4Mapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** The first of the longest runs of zeros (RFC 5952 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  });
  return best;
}

/** The IP version of 4 or 16 address bytes. @throws KitError `E_ADDRESS` for any other length */
export function ipFamily(bytes: Uint8Array): 4 | 6 {
  if (bytes.length === 4) return 4;
  if (bytes.length === 16) return 6;
  throw new KitError('usage', 'E_ADDRESS', `an IP address has 4 or 16 bytes, not ${bytes.length}`);
}

/** Reads `address/prefix`; a bare address is a /32 or /128. @throws KitError `E_ADDRESS` */
export function parseCidr(text: string): Cidr {
  const [, host = '', prefixText] = /^([^/]*)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const bits = host === '' ? 0 : parseIp(host).length * 8;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (bits === 0 || prefix > bits) {
    throw new KitError('usage', 'E_ADDRESS', `${JSON.stringify(text)} is not an address range`, {
      hint: 'Write an address and a prefix length, such as 10.0.0.0/24 or 2001:db8::/64.',
    });
  }
  return { address: parseIp(host), prefix };
}

/** `address/prefix`, always with the prefix. */
export function formatCidr({ address, prefix }: Cidr): string {
  return `${formatIp(address)}/${prefix}`;
}

/** Address bytes as an unsigned number, for arithmetic. */
export function ipToBigInt(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** The address bytes of a number. */
export function ipFromBigInt(value: bigint, family: 4 | 6): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  let rest = value;
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
