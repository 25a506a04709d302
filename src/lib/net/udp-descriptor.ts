import { isIPv6 } from 'node:net';
import type { Endpoint } from '../core/endpoint.js';
import { prepareForPlane, setOption, systemError } from './descriptor.js';
import { loadLibc } from './libc.js';
import { AF_INET, AF_INET6, socketAddress } from './socket-address.js';

/** bits/socket.h, asm-generic/socket.h, linux/in6.h. */
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_UDP = 17;
const UDP_GRO = 104;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** Descriptors that a program may expect at fixed places end below this. */
const LEAST = 3;

/**
 * A bound UDP socket as a descriptor, IPv4 or IPv6 only by its address.
 * @throws Error with `code` as node:dgram has it, e.g. `EADDRINUSE`; {@link KitError} `E_NO_KOFFI`
 */
export async function openUdpDescriptor(wanted: Endpoint): Promise<number> {
  const libc = await loadLibc();
  const six = isIPv6(wanted.address);
  const fd = libc.socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(libc);
  const address = socketAddress(wanted);
  const isBound = (!six || setOption(libc, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) && libc.bind(fd, address) === 0;
  if (isBound) return fd;
  const error = systemError(libc);
  libc.close(fd);
  throw error;
}

/** Nobody else may bind the port of a socket, which node:dgram allows when it is given a descriptor. */
export async function keepForUs(fd: number): Promise<void> {
  setOption(await loadLibc(), fd, SOL_SOCKET, SO_REUSEADDR, 0);
}

/** A second descriptor of an open socket, which stays when the first is closed. */
export async function duplicate(fd: number): Promise<number> {
  const libc = await loadLibc();
  const copy = libc.duplicate(fd, LEAST);
  if (copy < 0) throw systemError(libc);
  return copy;
}

/**
 * Lets a socket receive super-segments, with the traffic class of their packets, and as much as a plane needs.
 * @returns whether super-segments may come (Linux 5.0 and later)
 */
export async function prepareForBatches(fd: number, six: boolean): Promise<boolean> {
  const libc = await loadLibc();
  prepareForPlane(libc, fd, six);
  return setOption(libc, fd, IPPROTO_UDP, UDP_GRO, 1);
}
