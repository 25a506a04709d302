import { KitError } from '../core/errors.js';

/** The C functions that Node lacks. Sizes and buffers are the caller's to check: nothing behind this point does. */
export interface Libc {
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** For requests that take a number itself. */
  ioctlValue(fd: number, request: number, value: number): number;
  read(fd: number, into: Uint8Array, length: number): number;
  write(fd: number, from: Uint8Array, length: number): number;
  eventfd(initial: number, flags: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  /** A second descriptor for the same file, from `least` on, with the flag that it is closed when we run a program. */
  duplicate(fd: number, least: number): number;
  close(fd: number): number;
  /** On a thread of the pool. `set` must stay reachable until the promise is settled. */
  poll(set: Uint8Array, count: number, timeoutMs: number): Promise<number>;
  /** Of the last call that failed. */
  errno(): number;
}

/** fcntl.h. */
const F_DUPFD_CLOEXEC = 1030;

let loaded: Promise<Libc> | undefined;

/**
 * The C library inside this process, through koffi.
 * @throws {KitError} `E_NO_KOFFI` (environment)
 */
export function loadLibc(): Promise<Libc> {
  loaded ??= bind();
  return loaded;
}

async function bind(): Promise<Libc> {
  try {
    const { default: koffi } = await import('koffi');
    const lib = koffi.load(null);
    const ioctl = lib.func('int ioctl(int fd, unsigned long request, ...)');
    const fcntl = lib.func('int fcntl(int fd, int command, ...)');
    const poll = lib.func('int poll(void *fds, unsigned long count, int timeout)');
    return {
      ioctl: (fd, request, argument) => ioctl(fd, request, 'void *', argument),
      ioctlValue: (fd, request, value) => ioctl(fd, request, 'unsigned long', value),
      read: lib.func('long read(int fd, void *into, size_t length)'),
      write: lib.func('long write(int fd, const void *from, size_t length)'),
      eventfd: lib.func('int eventfd(unsigned int initial, int flags)'),
      socket: lib.func('int socket(int domain, int type, int protocol)'),
      bind: lib.func('int bind(int fd, const void *address, unsigned int length)'),
      setsockopt: lib.func(
        'int setsockopt(int fd, int level, int option, const void *value, unsigned int length)',
      ),
      duplicate: (fd, least) => fcntl(fd, F_DUPFD_CLOEXEC, 'int', least),
      close: lib.func('int close(int fd)'),
      poll: (set, count, timeoutMs) =>
        new Promise((resolve, reject) => {
          poll.async(set, count, timeoutMs, (error: Error | null, result: number) =>
            error ? reject(error) : resolve(result),
          );
        }),
      errno: () => koffi.errno(),
    };
  } catch (cause) {
    throw noKoffi(cause);
  }
}

/** Without koffi nothing of this can be had. */
export function noKoffi(cause: unknown): KitError {
  return new KitError('environment', 'E_NO_KOFFI', 'The optional package koffi is missing or does not load', {
    hint: 'Install it with `npm install koffi`; without it there is no TUN device.',
    cause,
  });
}
