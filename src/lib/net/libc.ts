import { KitError } from '../core/errors.js';

/**
 * The C functions that Node lacks. C is told the length of each array along with it, and reads and writes nothing else;
 * only what an ioctl takes is the caller's to know.
 */
export interface Libc {
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** For requests that take a number itself. */
  ioctlValue(fd: number, request: number, value: number): number;
  read(fd: number, into: Uint8Array): number;
  write(fd: number, from: Uint8Array): number;
  eventfd(initial: number, flags: number): number;
  socket(domain: number, type: number, protocol: number): number;
  /** @param name a struct sockaddr */
  bind(fd: number, name: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  /** A second descriptor for the same file, from `least` on, with the flag that it is closed when we run a program. */
  duplicate(fd: number, least: number): number;
  close(fd: number): number;
  /** On a thread of the pool. `set`, an array of struct pollfd, must stay reachable until the promise is settled. */
  poll(set: Uint8Array, timeoutMs: number): Promise<number>;
  /** Of the last call that failed. */
  errno(): number;
}

/** fcntl.h. */
const F_DUPFD_CLOEXEC = 1030;
/** poll.h: struct pollfd. */
const POLLFD_BYTES = 8;

let loaded: Promise<Libc> | undefined;

/**
 * The C library inside this process, through koffi.
 * @throws {KitError} `E_NO_KOFFI` (environment)
 */
export function loadLibc(): Promise<Libc> {
  loaded ??= bindFunctions();
  return loaded;
}

async function bindFunctions(): Promise<Libc> {
  try {
    const { default: koffi } = await import('koffi');
    const lib = koffi.load(null);
    const ioctl = lib.func('int ioctl(int fd, unsigned long request, ...)');
    const fcntl = lib.func('int fcntl(int fd, int command, ...)');
    const read = lib.func('long read(int fd, void *into, size_t length)');
    const write = lib.func('long write(int fd, const void *from, size_t length)');
    const bind = lib.func('int bind(int fd, const void *name, unsigned int length)');
    const setsockopt = lib.func(
      'int setsockopt(int fd, int level, int option, const void *value, unsigned int length)',
    );
    const poll = lib.func('int poll(void *fds, unsigned long count, int timeout)');
    return {
      ioctl: (fd, request, argument) => ioctl(fd, request, 'void *', argument),
      ioctlValue: (fd, request, value) => ioctl(fd, request, 'unsigned long', value),
      read: (fd, into) => read(fd, into, into.length),
      write: (fd, from) => write(fd, from, from.length),
      eventfd: lib.func('int eventfd(unsigned int initial, int flags)'),
      socket: lib.func('int socket(int domain, int type, int protocol)'),
      bind: (fd, name) => bind(fd, name, name.length),
      setsockopt: (fd, level, option, value) => setsockopt(fd, level, option, value, value.length),
      duplicate: (fd, least) => fcntl(fd, F_DUPFD_CLOEXEC, 'int', least),
      close: lib.func('int close(int fd)'),
      poll: (set, timeoutMs) =>
        new Promise((resolve, reject) => {
          poll.async(
            set,
            Math.floor(set.length / POLLFD_BYTES),
            timeoutMs,
            (error: Error | null, result: number) => (error ? reject(error) : resolve(result)),
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
