import { isIP } from 'node:net';
import { KitError } from '../../lib/core/errors.js';
import { formatIp, ipFamily, ipFromBigInt, ipToBigInt, parseCidr, parseIp } from '../../lib/core/ip.js';
import { printable } from '../../lib/core/printable.js';

/** More than a /16: whoever means more divides it. */
export const MAX_TARGETS = 65_536;
/** Addresses that ranges may name in all, those named twice included: ranges that overlap cost time, not targets. */
const MAX_NAMED = 4 * MAX_TARGETS;

/** A target as it was named: an address in canonical form, or a host name. */
export interface NamedTarget {
  host: string;
  isAddress: boolean;
}

/**
 * Reads host names, addresses and address ranges, each target once, in their order.
 * @param words of the command line and of the target file
 * @throws KitError usage `E_TARGET`, `E_TARGETS`
 */
export function parseTargets(words: readonly string[]): NamedTarget[] {
  const found = new Map<string, NamedTarget>();
  let named = 0;
  for (const word of new Set(words)) {
    for (const target of expand(word)) {
      found.set(target.host, target);
      named += 1;
      if (found.size > MAX_TARGETS) throw tooMany(`More than ${MAX_TARGETS} targets`);
      if (named > MAX_NAMED) throw tooMany(`More than ${MAX_NAMED} targets, named twice or more often,`);
    }
  }
  return [...found.values()];
}

/** Targets of a file: one a line; blank lines and what follows a `#` do not count. */
export function targetLines(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|[\r\n]/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

function* expand(word: string): Generator<NamedTarget> {
  // As in addresses of the web.
  const bare = /^\[(.*:.*)\]$/.exec(word)?.[1] ?? word;
  if (word.includes('/')) yield* range(word);
  else if (isIP(bare) !== 0) yield zoned(bare);
  else yield { host: hostName(word), isAddress: false };
}

/** A link-local address goes with the interface that leads to it: `fe80::1%eth0` (RFC 4007 11). */
function zoned(text: string): NamedTarget {
  const [bytes = '', zone] = text.split('%', 2);
  const { host } = address(parseIp(bytes));
  if (zone === undefined) return { host, isAddress: true };
  return { host: `${host}%${zone}`, isAddress: true };
}

function* range(word: string): Generator<NamedTarget> {
  let cidr: ReturnType<typeof parseCidr>;
  try {
    cidr = parseCidr(word);
  } catch {
    throw badTarget(word, 'is not an address range');
  }
  const family = ipFamily(cidr.address);
  const hostBits = BigInt(cidr.address.length * 8 - cidr.prefix);
  const count = 1n << hostBits;
  if (count > BigInt(MAX_TARGETS)) {
    const size = family === 4 ? 'a /16' : 'a /112';
    throw new KitError(
      'usage',
      'E_TARGETS',
      `${printable(word)} has ${count} addresses; ${size} (${MAX_TARGETS}) is the most that one run asks.`,
      { hint: 'Divide it, or name the gateways in a file for --targets.' },
    );
  }
  const first = (ipToBigInt(cidr.address) >> hostBits) << hostBits;
  for (let at = 0n; at < count; at += 1n) yield address(ipFromBigInt(first + at, family));
}

function address(bytes: Uint8Array): NamedTarget {
  return { host: formatIp(bytes), isAddress: true };
}

/** Host names as resolvers take them; the rest would only be looked up in vain. */
function hostName(word: string): string {
  const name = word.toLowerCase().replace(/\.$/, '');
  if (/^\[.*\](:\d+)?$/.test(word) || /^[^:]+:\d+$/.test(word)) {
    throw badTarget(word, 'is not a host name or an address; ports go to --port and --nat-port');
  }
  const isName =
    name.length <= 253 &&
    name.split('.').every((label) => /^[\p{L}\p{N}_]([\p{L}\p{N}_-]{0,62})$/u.test(label));
  // Four numbers that are no address are a mistake, not a name.
  if (!isName || /^[\d.]+$/.test(name)) throw badTarget(word, 'is neither a host name nor an address');
  return name;
}

function badTarget(word: string, complaint: string): KitError {
  return new KitError('usage', 'E_TARGET', `"${printable(word.slice(0, 300))}" ${complaint}.`, {
    hint: 'Write vpn.example.com, 192.0.2.1, 2001:db8::1, fe80::1%eth0 or 192.0.2.0/24.',
  });
}

function tooMany(what: string): KitError {
  return new KitError('usage', 'E_TARGETS', `${what} are too many for one run.`, {
    hint: 'Divide the list, or take ranges out that others contain.',
  });
}
