import { KitError } from '../core/errors.js';

/** The C functions that Node lacks. Sizes and buffers are the caller's to check: nothing behind this point does. */
export interface Libc {
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  read(fd: number, into: Uint8Array, length: number): number;
  write(fd: number, from: Uint8Array, length: number): number;
  eventfd(initial: number, flags: number): number;
  socket(domain: number, type: number, protocol: number): number;
  close(fd: number): number;
  /** On a thread of the pool. `set` must stay reachable until the promise is settled. */
  poll(set: Uint8Array, count: number, timeoutMs: number): Promise<number>;
  /** Of the last call that failed. */
  errno(): number;
}

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
    const poll = lib.func('int poll(void *fds, unsigned long count, int timeout)');
    return {
      ioctl: (fd, request, argument) => ioctl(fd, request, 'void *', argument),
      read: lib.func('long read(int fd, void *into, size_t length)'),
      write: lib.func('long write(int fd, const void *from, size_t length)'),
      eventfd: lib.func('int eventfd(unsigned int initial, int flags)'),
      socket: lib.func('int socket(int domain, int type, int protocol)'),
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
    throw new KitError(
      'environment',
      'E_NO_KOFFI',
      'The optional package koffi is missing or does not load',
      {
        hint: 'Install it with `npm install koffi`; without it there is no TUN device.',
        cause,
      },
    );
  }
}
