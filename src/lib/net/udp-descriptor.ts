import { isIPv6 } from 'node:net';
import { constants } from 'node:os';
import type { Endpoint } from '../core/endpoint.js';
import { type Libc, loadLibc } from './libc.js';
import { AF_INET, AF_INET6, socketAddress } from './socket-address.js';

/** bits/socket.h, asm-generic/socket.h, linux/in6.h. */
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IP_RECVTOS = 13;
const IPPROTO_UDP = 17;
const UDP_GRO = 104;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPV6_RECVTCLASS = 66;

/** Bytes that may wait in a socket for a plane: some milliseconds of a fast link. */
const BUFFER_BYTES = 8 << 20;

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
  const isBound =
    (!six || setOption(libc, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
    libc.bind(fd, address, address.length) === 0;
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
  // Beyond what the system allows everybody takes CAP_NET_ADMIN; with less, bursts lose packets sooner.
  if (!setOption(libc, fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)) {
    setOption(libc, fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
  }
  if (!setOption(libc, fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES)) {
    setOption(libc, fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
  }
  if (six) setOption(libc, fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  else setOption(libc, fd, IPPROTO_IP, IP_RECVTOS, 1);
  return setOption(libc, fd, IPPROTO_UDP, UDP_GRO, 1);
}

function setOption(libc: Libc, fd: number, level: number, option: number, value: number): boolean {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  return libc.setsockopt(fd, level, option, bytes, bytes.length) === 0;
}

function systemError(libc: Libc): Error {
  const errno = libc.errno();
  const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
  return Object.assign(new Error(code ?? `errno ${errno}`), { code });
}
