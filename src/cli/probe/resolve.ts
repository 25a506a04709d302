import { ADDRCONFIG } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { formatIp, parseIp } from '../../lib/core/ip.js';
import type { ProbeTarget } from '../../lib/probe/probe-target.js';
import type { NamedTarget } from './targets.js';

/** A target that can be asked, or a name that leads nowhere. */
export interface ResolvedTarget extends ProbeTarget {
  /** Why there is no address. */
  problem?: string;
}

/** Looks names up; stands in for the system's resolver in tests. */
export type Resolver = (host: string) => Promise<{ address: string; family: number }[]>;

const systemResolver: Resolver = (host) => lookup(host, { all: true, hints: ADDRCONFIG });

/**
 * The first address of each IP version that a name has: gateways often behave differently on the two.
 * @param version undefined: both
 */
export async function resolveTarget(
  { host, isAddress }: NamedTarget,
  version: 4 | 6 | undefined,
  resolver: Resolver = systemResolver,
): Promise<ResolvedTarget[]> {
  if (isAddress) return [{ host, address: host }];
  try {
    const addresses = await resolver(host);
    const found = ([4, 6] as const)
      .filter((family) => version === undefined || family === version)
      .flatMap((family) => addresses.find((entry) => entry.family === family) ?? [])
      .map(({ address }) => ({ host, address: canonical(address) }));
    if (found.length > 0) return found;
    return [{ host, address: undefined, problem: `the name has no IPv${version ?? 4} address` }];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const problem =
      code === 'ENOTFOUND' || code === 'ENODATA'
        ? 'there is no such name'
        : `the name could not be looked up (${String(code ?? 'unknown reason')})`;
    return [{ host, address: undefined, problem }];
  }
}

/** Resolvers write IPv6 addresses with zones, and not always in the form of RFC 5952. */
function canonical(address: string): string {
  return formatIp(parseIp(address.replace(/%.*$/, '')));
}
