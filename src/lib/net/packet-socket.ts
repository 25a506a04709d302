import { KitError } from '../core/errors.js';

/** What a packet socket needs of the C library besides `libc.ts`. Sizes and buffers are the caller's to check. */
export interface PacketCalls {
  bind(fd: number, address: Uint8Array, length: number): number;
  recvfrom(
    fd: number,
    into: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint8Array,
  ): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  if_nametoindex(name: string): number;
}

/** Binds the calls through koffi. @throws {KitError} `E_NO_KOFFI` (environment) */
export async function loadPacketCalls(): Promise<PacketCalls> {
  try {
    const { default: koffi } = await import('koffi');
    const lib = koffi.load(null);
    return {
      bind: lib.func('int bind(int fd, const void *address, unsigned int length)'),
      recvfrom: lib.func(
        'long recvfrom(int fd, void *into, size_t length, int flags, void *address, void *size)',
      ),
      setsockopt: lib.func(
        'int setsockopt(int fd, int level, int option, const void *value, unsigned int length)',
      ),
      getsockopt: lib.func('int getsockopt(int fd, int level, int option, void *value, void *length)'),
      if_nametoindex: lib.func('unsigned int if_nametoindex(const char *name)'),
    };
  } catch (cause) {
    throw new KitError(
      'environment',
      'E_NO_KOFFI',
      'The optional package koffi is missing or does not load',
      {
        hint: 'Install it with `npm install koffi`.',
        cause,
      },
    );
  }
}
