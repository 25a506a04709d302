import type { TrafficSelector } from './wire/types.js';

/** Each octet as eight binary digits. */
const octets = Array.from({ length: 256 }, (_, octet) => octet.toString(2).padStart(8, '0'));

/** What is kept under prefixes of one length, by prefix. */
type Prefixes<T> = Map<string, Set<T>>;

/**
 * Finds who has traffic selectors for an address among many thousands. Each selector is kept under the longest prefix
 * that its range of addresses lies in, written as binary digits, and a search looks once into each length of prefix
 * that is in use. What it yields is therefore a little too much: protocols, ports, and ranges that are no prefix are
 * the caller's to compare. It may yield the same value more than once.
 */
export class SelectorIndex<T> {
  /** By length of prefix, for IPv4 and IPv6. */
  readonly #four = new Map<number, Prefixes<T>>();
  readonly #six = new Map<number, Prefixes<T>>();

  add(selectors: readonly TrafficSelector[], value: T): void {
    for (const selector of selectors) {
      const lengths = this.#lengthsOf(selector.startAddress);
      const prefix = commonPrefix(selector);
      const prefixes = lengths.get(prefix.length) ?? new Map<string, Set<T>>();
      lengths.set(prefix.length, prefixes);
      const values = prefixes.get(prefix) ?? new Set();
      prefixes.set(prefix, values.add(value));
    }
  }

  /** Takes back {@link add} with the same selectors. */
  remove(selectors: readonly TrafficSelector[], value: T): void {
    for (const selector of selectors) {
      const lengths = this.#lengthsOf(selector.startAddress);
      const prefix = commonPrefix(selector);
      const prefixes = lengths.get(prefix.length);
      const values = prefixes?.get(prefix);
      if (!prefixes || !values) continue;
      values.delete(value);
      if (values.size === 0) prefixes.delete(prefix);
      if (prefixes.size === 0) lengths.delete(prefix.length);
    }
  }

  /** Everybody with a selector that may cover the address (4 or 16 bytes). */
  *covering(address: Uint8Array): Generator<T> {
    const digits = digitsOf(address);
    for (const [length, prefixes] of this.#lengthsOf(address)) {
      const values = prefixes.get(digits.slice(0, length));
      if (values) yield* values;
    }
  }

  /** Everybody with a selector that may share an address with one of these. */
  *meeting(selectors: readonly TrafficSelector[]): Generator<T> {
    for (const selector of selectors) {
      const own = commonPrefix(selector);
      // Prefixes that share an address lie one in the other.
      for (const [length, prefixes] of this.#lengthsOf(selector.startAddress)) {
        if (length <= own.length) {
          yield* prefixes.get(own.slice(0, length)) ?? [];
          continue;
        }
        for (const [prefix, values] of prefixes) if (prefix.startsWith(own)) yield* values;
      }
    }
  }

  #lengthsOf(address: Uint8Array): Map<number, Prefixes<T>> {
    return address.length === 4 ? this.#four : this.#six;
  }
}

function commonPrefix({ startAddress, endAddress }: TrafficSelector): string {
  const start = digitsOf(startAddress);
  const end = digitsOf(endAddress);
  let length = 0;
  while (length < start.length && start[length] === end[length]) length++;
  return start.slice(0, length);
}

function digitsOf(address: Uint8Array): string {
  let digits = '';
  for (const octet of address) digits += octets[octet]!;
  return digits;
}
