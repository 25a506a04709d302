import { KitError } from '../core/errors.js';
import { formatIp, parseIp } from '../core/ip.js';
import type { UdpBinding } from '../net/udp.js';
import type { HostAddress } from './addresses.js';
import { familyOf } from './routes.js';

/**
 * The sockets of a server: for each address one for IKE and one for NAT-T. Every address has its own, so that answers
 * leave from the address that was asked. `0.0.0.0` and `::` stand for all addresses of their family.
 * @throws {KitError} usage `E_ADDRESS` for text that is no address, environment `E_ADDRESS` when there is none left
 */
export function listenBindings(
  listen: readonly string[],
  host: readonly HostAddress[],
  port: number,
  natPort: number,
): UdpBinding[] {
  const wanted = listen.length > 0 ? listen.map((text) => formatIp(parseIp(text))) : ['0.0.0.0', '::'];
  const addresses = wanted.flatMap((address) => {
    if (address !== '0.0.0.0' && address !== '::') return [address];
    return host
      .map((entry) => entry.address)
      .filter((candidate) => familyOf(candidate) === familyOf(address));
  });
  if (addresses.length === 0) {
    throw new KitError(
      'environment',
      'E_ADDRESS',
      `This host has no address to listen on (${wanted.join(', ')})`,
      {
        hint: 'Choose an address that `ip address` lists.',
      },
    );
  }
  return [...new Set(addresses)].flatMap((address) => [
    { address, port, natT: false },
    { address, port: natPort, natT: true },
  ]);
}
