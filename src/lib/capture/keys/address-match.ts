import { isIP } from 'node:net';
import { parseIp } from '../../core/ip.js';

/**
 * Whether an address fits an entry of a key file: the address itself, `address/prefix`, `*`, or a pattern in which `*`
 * stands for one group between dots or colons, and at its end for all that follow.
 * @param address canonical text
 */
export function isIpIn(address: string, pattern: string): boolean {
  if (pattern === '*' || pattern === address) return true;
  if (pattern.includes('*')) return groupsFit(address, pattern);
  const slash = pattern.indexOf('/');
  if (slash < 0 || isIP(address) === 0) return false;
  const ours = parseIp(address);
  const theirs = parseIp(pattern.slice(0, slash));
  return ours.length === theirs.length && samePrefix(ours, theirs, Number(pattern.slice(slash + 1)));
}

function samePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let i = 0; i < a.length; i++) {
    const inByte = Math.min(8, Math.max(0, bits - i * 8));
    const mask = (0xff << (8 - inByte)) & 0xff;
    if ((a[i]! & mask) !== (b[i]! & mask)) return false;
  }
  return true;
}

function groupsFit(address: string, pattern: string): boolean {
  const separator = address.includes(':') ? ':' : '.';
  const ours = address.split(separator);
  const theirs = pattern.split(separator);
  const open = theirs.at(-1) === '*';
  if (open ? theirs.length > ours.length : theirs.length !== ours.length) return false;
  return theirs.every((group, i) => group === '*' || group === ours[i]);
}
