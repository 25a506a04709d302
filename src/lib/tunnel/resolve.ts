import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Path } from '../core/endpoint.js';
import { KitError } from '../core/errors.js';
import { formatIp, parseIp } from '../core/ip.js';
import { localAddressFor } from '../net/udp.js';

/** The two ends of the way to a gateway. */
export interface Route {
  remote: Path['remote']['address'];
  local: Path['local']['address'];
}

/** Resolves a host name; stands in for the system's resolver in tests. */
export type Lookup = (host: string) => Promise<{ address: string; family: number }[]>;

const systemLookup: Lookup = (host) => lookup(host, { all: true, verbatim: true });

/**
 * The addresses of a gateway: a literal as it is, else IPv4 before IPv6, each in the resolver's order.
 * @throws {KitError} network `E_RESOLVE`
 */
export async function gatewayAddresses(gateway: string, resolve: Lookup = systemLookup): Promise<string[]> {
  const literal = gateway.replace(/^\[(.*)\]$/, '$1');
  if (isIP(literal) !== 0 && !literal.includes('%')) return [formatIp(parseIp(literal))];
  const found = await resolve(gateway).catch((cause: NodeJS.ErrnoException) => {
    throw new KitError(
      'network',
      'E_RESOLVE',
      `The name ${gateway} cannot be resolved (${cause.code ?? cause.message})`,
      {
        hint: 'Check the spelling and the resolver, or give the address of the gateway.',
        cause,
      },
    );
  });
  const byFamily = [4, 6].flatMap((family) => found.filter((entry) => entry.family === family));
  return byFamily.map(({ address }) => formatIp(parseIp(address.split('%', 1)[0]!)));
}

/**
 * The first address of the gateway that this host has a route to, and the local address for it.
 * @throws {KitError} network `E_RESOLVE`, `E_NO_ROUTE`
 */
export async function findGateway(gateway: string, resolve?: Lookup): Promise<Route> {
  let failure: unknown = new KitError('network', 'E_RESOLVE', `The name ${gateway} has no address`);
  for (const remote of await gatewayAddresses(gateway, resolve)) {
    try {
      return { remote, local: await localAddressFor(remote) };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
