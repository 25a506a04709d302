import { toHex } from '../../../core/bytes.js';
import type { Clock } from '../../../core/environment.js';
import { parseIp } from '../../../core/ip.js';

/** Counts wrong passwords, so that a password cannot be guessed through us. One for all conversations of a server. */
export interface AttemptLimiter {
  /** Whether this user may try a password from this address (IPv4, or IPv6 with or without a zone) now. */
  allows(address: string, user: string): boolean;
  /** A password was wrong, or there is no such user. */
  failed(address: string, user: string): void;
  /** The right password: the user's earlier mistakes from this address are forgotten. */
  succeeded(address: string, user: string): void;
}

export interface AttemptLimits {
  /** Wrong passwords of one user from one address; default 5. */
  perUser?: number;
  /** Wrong passwords of all users from one address, which may be a whole network behind NAT; default 50. */
  perAddress?: number;
  /** Milliseconds after the last wrong password until they are forgotten; default 5 minutes. */
  forgetAfter?: number;
  /** Entries kept at most; the oldest go first; default 20,000. */
  capacity?: number;
}

interface Count {
  failures: number;
  until: number;
}

/** An {@link AttemptLimiter} of bounded memory. */
export function createAttemptLimiter(clock: Clock, limits: AttemptLimits = {}): AttemptLimiter {
  const { perUser = 5, perAddress = 50, forgetAfter = 5 * 60_000, capacity = 20_000 } = limits;
  const counts = new Map<string, Count>();

  function failures(key: string): number {
    const count = counts.get(key);
    if (count === undefined) return 0;
    if (clock.now() < count.until) return count.failures;
    counts.delete(key);
    return 0;
  }

  function add(key: string): void {
    const count = { failures: failures(key) + 1, until: clock.now() + forgetAfter };
    // Deleting first puts the key at the end of the map's order: the front is the one that has rested longest.
    counts.delete(key);
    if (counts.size >= capacity) counts.delete(counts.keys().next().value ?? '');
    counts.set(key, count);
  }

  const userKey = (network: string, user: string) => `${network} ${user}`;
  return {
    allows(address, user) {
      const network = networkOf(address);
      return failures(userKey(network, user)) < perUser && failures(network) < perAddress;
    },
    failed(address, user) {
      const network = networkOf(address);
      add(userKey(network, user));
      add(network);
    },
    succeeded(address, user) {
      counts.delete(userKey(networkOf(address), user));
    },
  };
}

/** One host can have all addresses of an IPv6 /64, and take another for each guess. */
function networkOf(address: string): string {
  const [host = ''] = address.split('%');
  return host.includes(':') ? `${toHex(parseIp(host).subarray(0, 8))}/64` : address;
}
