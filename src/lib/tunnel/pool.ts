import { equalBytes } from '../core/bytes.js';
import { KitError } from '../core/errors.js';
import { type Cidr, formatCidr, formatIp, ipFamily, parseCidr, parseIp } from '../core/ip.js';
import type { AddressPool, AssignedAddresses } from '../ike/session/types.js';
import { familyOf } from './routes.js';

/** Released addresses remembered so that a returning client finds its own again; the oldest are forgotten first. */
const rememberedAddresses = 4096;

/**
 * Virtual addresses from one or more CIDRs per family, lowest first. IPv4 skips the network and broadcast address of
 * prefixes shorter than /31; IPv6 skips the subnet-router anycast address (RFC 4291 2.6.1) of prefixes shorter than
 * /127. An identity that comes back gets an address it had before while nobody else holds it. Memory is bounded by the
 * leases ever held at once plus a fixed number of remembered addresses, never by the size of the prefixes; every call
 * takes constant time on average.
 *
 * An owner is `identity/connection` (or an identity alone): leases belong to owners, memories to identities, so that
 * two connections of one identity have an address each.
 */
export class VirtualAddressPool implements AddressPool {
  readonly #ranges: readonly Range[];
  readonly #dns: readonly string[];
  /** Held leases: owner to addresses, one a family. */
  readonly #leases = new Map<string, string[]>();
  readonly #held = new Set<string>();
  /** Addresses that nobody holds and the identity that did, oldest first; and the same by identity. */
  readonly #remembered = new Map<string, string>();
  readonly #former = new Map<string, Set<string>>();
  /** Addresses below a range's cursor that are neither held nor remembered. */
  readonly #free = { 4: new Set<string>(), 6: new Set<string>() };

  /**
   * @param cidrs prefixes to lease from
   * @param dns resolver addresses told to every client
   * @throws {KitError} usage `E_POOL` for overlapping prefixes, or when a prefix or address does not parse
   */
  constructor(cidrs: readonly string[], dns: readonly string[] = []) {
    this.#ranges = cidrs.map((text) => usableRange(parseCidr(text)));
    for (const [i, range] of this.#ranges.entries()) {
      const other = this.#ranges.slice(0, i).find((earlier) => overlaps(earlier, range));
      if (other) {
        throw new KitError('usage', 'E_POOL', `The pools ${other.text} and ${range.text} overlap`, {
          hint: 'Give each --pool its own addresses.',
        });
      }
    }
    this.#dns = dns.map((address) => formatIp(parseIp(address)));
  }

  /** Families that have at least one prefix. */
  get families(): (4 | 6)[] {
    return ([4, 6] as const).filter((family) => this.#ranges.some((range) => range.family === family));
  }

  /** Number of owners that hold a lease. */
  get size(): number {
    return this.#leases.size;
  }

  assign(owner: string, families: (4 | 6)[], wanted: string[]): AssignedAddresses | undefined {
    const present = this.#leases.get(owner) ?? [];
    const identity = identityOf(owner);
    const preferred = [...wanted.flatMap(canonical), ...(this.#former.get(identity) ?? [])];
    const addresses: string[] = [];
    for (const family of new Set(families)) {
      const kept = present.find((address) => familyOf(address) === family);
      const address = kept ?? this.#choose(family, preferred, identity);
      if (address === undefined) continue;
      this.#held.add(address);
      addresses.push(address);
    }
    if (addresses.length === 0) return undefined;
    this.#leases.set(owner, [...new Set([...present, ...addresses])]);
    const dns = this.#dns.filter((resolver) => families.includes(familyOf(resolver)));
    return { addresses, dns };
  }

  release(owner: string): void {
    const lease = this.#leases.get(owner);
    if (!lease) return;
    this.#leases.delete(owner);
    const identity = identityOf(owner);
    const former = this.#former.get(identity) ?? new Set();
    this.#former.set(identity, former);
    for (const address of lease) {
      this.#held.delete(address);
      this.#remembered.set(address, identity);
      former.add(address);
    }
    while (this.#remembered.size > rememberedAddresses) this.#release(first(this.#remembered.keys())!);
  }

  /**
   * A preferred address that is ours and free, else one that nobody remembers, else the one released longest ago.
   * Addresses that others remember are left to them while there are more, whatever a client wishes.
   */
  #choose(family: 4 | 6, preferred: readonly string[], identity: string): string | undefined {
    const ranges = this.#ranges.filter((range) => range.family === family);
    const known = preferred.find(
      (address) =>
        familyOf(address) === family &&
        !this.#held.has(address) &&
        (this.#remembered.get(address) ?? identity) === identity &&
        within(ranges, address),
    );
    const address =
      known ?? first(this.#free[family]) ?? this.#fresh(ranges) ?? this.#longestReleased(family);
    if (address !== undefined) {
      this.#forget(address);
      this.#free[family].delete(address);
    }
    return address;
  }

  #fresh(ranges: readonly Range[]): string | undefined {
    for (const range of ranges) {
      while (range.cursor <= range.last) {
        const address = formatIp(toBytes(range.cursor++, range.family));
        if (!this.#held.has(address) && !this.#remembered.has(address)) return address;
      }
    }
    return undefined;
  }

  #longestReleased(family: 4 | 6): string | undefined {
    for (const address of this.#remembered.keys()) if (familyOf(address) === family) return address;
    return undefined;
  }

  #forget(address: string): void {
    const identity = this.#remembered.get(address);
    if (identity === undefined) return;
    this.#remembered.delete(address);
    const former = this.#former.get(identity);
    former?.delete(address);
    if (former?.size === 0) this.#former.delete(identity);
  }

  /** Makes a remembered address free for all. What lies at or above a cursor will be met by it. */
  #release(address: string): void {
    this.#forget(address);
    const family = familyOf(address);
    const value = toBigInt(parseIp(address));
    const passed = this.#ranges.some(
      (range) => range.family === family && value >= range.first && value < range.cursor,
    );
    if (passed) this.#free[family].add(address);
  }
}

interface Range {
  family: 4 | 6;
  first: bigint;
  last: bigint;
  /** The lowest address never looked at. */
  cursor: bigint;
  text: string;
}

/** @throws {KitError} usage `E_POOL` for addresses that no host can have */
function usableRange(cidr: Cidr): Range {
  const family = ipFamily(cidr.address);
  const [a = 0] = cidr.address;
  // 0.0.0.0/8, loopback, multicast and reserved; the unspecified block, loopback and multicast of IPv6.
  const impossible = family === 4 ? a === 0 || a === 127 || a >= 224 : a === 0 || a === 0xff;
  if (impossible) {
    throw new KitError(
      'usage',
      'E_POOL',
      `The pool ${formatCidr(cidr)} has no addresses that a client could use`,
      {
        hint: 'Give --pool a network of your own, e.g. 10.9.0.0/24 or fd09::/64.',
      },
    );
  }
  const bits = family === 4 ? 32 : 128;
  const size = 1n << BigInt(bits - cidr.prefix);
  const base = (toBigInt(cidr.address) / size) * size;
  const text = formatCidr({ address: toBytes(base, family), prefix: cidr.prefix });
  // RFC 3021: a /31 has no broadcast address; RFC 6164: nor has a /127 an anycast one.
  if (size <= 2n) return { family, first: base, last: base + size - 1n, cursor: base, text };
  return { family, first: base + 1n, last: base + size - (family === 4 ? 2n : 1n), cursor: base + 1n, text };
}

function overlaps(a: Range, b: Range): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

function within(ranges: readonly Range[], address: string): boolean {
  const value = toBigInt(parseIp(address));
  return ranges.some((range) => range.first <= value && value <= range.last);
}

function identityOf(owner: string): string {
  const end = owner.lastIndexOf('/');
  return end < 0 ? owner : owner.slice(0, end);
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

/** A client's wish in canonical text; one that is no address is no wish. */
function canonical(address: string): string[] {
  try {
    const bytes = parseIp(address);
    // 0.0.0.0 and :: stand for "any".
    return equalBytes(bytes, new Uint8Array(bytes.length)) ? [] : [formatIp(bytes)];
  } catch {
    return [];
  }
}

function toBigInt(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function toBytes(value: bigint, family: 4 | 6): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  for (let i = bytes.length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}
