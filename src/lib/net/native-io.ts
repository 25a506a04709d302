import type { Address } from '../core/arena.js';
import { KitError } from '../core/errors.js';
import { noKoffi } from './libc.js';

/**
 * Reading and writing many packets with one call of C, by address. Nothing behind this point checks an address or a
 * length: they come from `PinnedBytes`, which does. All descriptors are non-blocking; results are those of C.
 */
export interface NativeIo {
  /** @param set an array of struct pollfd */
  poll(set: Address, count: number, timeoutMs: number): number;
  read(fd: number, into: Address, length: number): number;
  write(fd: number, from: Address, length: number): number;
  /** @param vector an array of struct mmsghdr; @param timeout a struct timespec, or 0 for none */
  recvmmsg(fd: number, vector: Address, count: number, flags: number, timeout: Address | 0): number;
  /** @param message a struct msghdr */
  sendmsg(fd: number, message: Address, flags: number): number;
  /** @param vector an array of struct mmsghdr */
  sendmmsg(fd: number, vector: Address, count: number, flags: number): number;
  setsockopt(fd: number, level: number, option: number, value: Address, length: number): number;
  /** @param length where a 32-bit number of bytes is */
  getsockopt(fd: number, level: number, option: number, into: Address, length: Address): number;
  socket(domain: number, type: number, protocol: number): number;
  /** @param name a struct sockaddr */
  bind(fd: number, name: Address, length: number): number;
  connect(fd: number, name: Address, length: number): number;
  close(fd: number): number;
  /** Of the last call that failed. */
  errno(): number;
  /** Where an array begins; it must not be on the heap of JavaScript, which moves. */
  addressOf(bytes: Uint8Array): Address;
}

/**
 * The C library of this process for the thread that asks.
 * @throws {KitError} `E_NO_KOFFI`, `E_NO_FAST_IO` (environment)
 */
export async function loadNativeIo(): Promise<NativeIo> {
  // The layouts of structures are those of 64-bit little-endian machines.
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)) {
    const system = `${process.platform} on ${process.arch}`;
    throw noFastIo(`this is ${system}`);
  }
  try {
    const { default: koffi } = await import('koffi');
    const lib = koffi.load(null);
    const pointer = 'uintptr_t';
    const size = 'size_t';
    return {
      poll: lib.func('poll', 'int', [pointer, 'unsigned long', 'int']),
      read: lib.func('read', 'long', ['int', pointer, size]),
      write: lib.func('write', 'long', ['int', pointer, size]),
      recvmmsg: lib.func('recvmmsg', 'int', ['int', pointer, 'unsigned int', 'int', pointer]),
      sendmsg: lib.func('sendmsg', 'long', ['int', pointer, 'int']),
      sendmmsg: lib.func('sendmmsg', 'int', ['int', pointer, 'unsigned int', 'int']),
      setsockopt: lib.func('setsockopt', 'int', ['int', 'int', 'int', pointer, 'unsigned int']),
      getsockopt: lib.func('getsockopt', 'int', ['int', 'int', 'int', pointer, pointer]),
      socket: lib.func('socket', 'int', ['int', 'int', 'int']),
      bind: lib.func('bind', 'int', ['int', pointer, 'unsigned int']),
      connect: lib.func('connect', 'int', ['int', pointer, 'unsigned int']),
      close: lib.func('close', 'int', ['int']),
      errno: () => koffi.errno(),
      addressOf: (bytes) => Number(koffi.address(bytes)) as Address,
    };
  } catch (cause) {
    throw noKoffi(cause);
  }
}

/** This system does not do what a `NativeIo` is for. @param reason for people */
export function noFastIo(reason: string): KitError {
  const message = `Many packets cannot be read and sent at once: ${reason}`;
  return new KitError('environment', 'E_NO_FAST_IO', message, {
    hint: 'The simple plane (--plane simple) works on every Linux.',
  });
}
