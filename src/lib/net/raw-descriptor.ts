import { isIPv6 } from 'node:net';
import { KitError } from '../core/errors.js';
import { prepareForPlane, systemError } from './descriptor.js';
import type { Libc } from './libc.js';
import { AF_INET, AF_INET6, socketAddress } from './socket-address.js';

/** bits/socket.h, linux/in.h. */
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
const IPPROTO_ESP = 50;

/**
 * A raw socket for ESP without UDP from and to one address of this host, ready for a plane. It gets a copy of every
 * packet of IP protocol 50 to that address, also of those that the IPsec of the system is meant for; with IPv4 the IP
 * header comes along (raw(7)), with IPv6 it does not (RFC 3542 3). While it is open, the system tells no peer that
 * nobody wants the protocol.
 * @throws {KitError} `E_PLAIN_ESP` (environment), which is what happens without CAP_NET_RAW
 */
export function openEspDescriptor(libc: Libc, address: string): number {
  const six = isIPv6(address);
  const fd = libc.socket(six ? AF_INET6 : AF_INET, SOCK_RAW_NONBLOCK_CLOEXEC, IPPROTO_ESP);
  if (fd < 0) throw noPlainEsp(address, systemError(libc));
  const name = socketAddress({ address, port: 0 });
  if (libc.bind(fd, name) !== 0) {
    const error = systemError(libc);
    libc.close(fd);
    throw noPlainEsp(address, error);
  }
  prepareForPlane(libc, fd, six);
  return fd;
}

function noPlainEsp(address: string, cause: Error & { code?: string | undefined }): KitError {
  const isForbidden = cause.code === 'EPERM' || cause.code === 'EACCES';
  const reason = isForbidden ? 'this user may not open' : `cannot be opened (${cause.message})`;
  return new KitError(
    'environment',
    'E_PLAIN_ESP',
    `Without a NAT in between this tunnel needs ESP without UDP, and with it a raw socket at ${address} that ${reason}`,
    {
      hint: 'Run as root or grant CAP_NET_RAW; or use --encap (the default), so that ESP travels in UDP.',
      cause,
    },
  );
}
