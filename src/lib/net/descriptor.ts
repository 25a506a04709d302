import { constants } from 'node:os';
import type { Libc } from './libc.js';

/** asm-generic/socket.h, linux/in.h, linux/in6.h. */
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IP_RECVTOS = 13;
const IPPROTO_IPV6 = 41;
const IPV6_RECVTCLASS = 66;

/** Bytes that may wait in a socket for a plane: some milliseconds of a fast link. */
const RECEIVE_BYTES = 8 << 20;
/** And for the network: what waits there on a slow link delays everything behind it. */
const SEND_BYTES = 1 << 20;

/** Lets a socket hold as much as a plane needs, and tell the traffic class of the packets that come. */
export function prepareForPlane(libc: Libc, fd: number, six: boolean): void {
  // Beyond what the system allows everybody takes CAP_NET_ADMIN; with less, bursts lose packets sooner.
  if (!setOption(libc, fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)) {
    setOption(libc, fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
  }
  if (!setOption(libc, fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BYTES)) {
    setOption(libc, fd, SOL_SOCKET, SO_SNDBUF, SEND_BYTES);
  }
  if (six) setOption(libc, fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  else setOption(libc, fd, IPPROTO_IP, IP_RECVTOS, 1);
}

/** setsockopt with a number. @returns whether the system took it */
export function setOption(libc: Libc, fd: number, level: number, option: number, value: number): boolean {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  return libc.setsockopt(fd, level, option, bytes) === 0;
}

/** The last failure of a call, with `code` as Node has it, e.g. `EADDRINUSE`. */
export function systemError(libc: Libc): Error & { code?: string | undefined } {
  const errno = libc.errno();
  const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
  return Object.assign(new Error(code ?? `errno ${errno}`), { code });
}
