import { toHex } from '../../core/bytes.js';
import { ipFamily, parseIp } from '../../core/ip.js';

/** Counts half-open SAs, in all and by where they come from, so that asking costs nothing under a flood. */
export class HalfOpenCount {
  #total = 0;
  readonly #bySite = new Map<string, number>();

  get total(): number {
    return this.#total;
  }

  /** Half-open SAs from one site, see {@link siteOf}. */
  from(site: string): number {
    return this.#bySite.get(site) ?? 0;
  }

  add(site: string): void {
    this.#total += 1;
    this.#bySite.set(site, this.from(site) + 1);
  }

  remove(site: string): void {
    this.#total -= 1;
    const left = this.from(site) - 1;
    if (left > 0) this.#bySite.set(site, left);
    else this.#bySite.delete(site);
  }
}

/** An IPv4 address, or the /64 that one host has all addresses of. */
export function siteOf(address: string): string {
  const bytes = parseIp(address);
  return ipFamily(bytes) === 6 ? toHex(bytes.subarray(0, 8)) : address;
}
