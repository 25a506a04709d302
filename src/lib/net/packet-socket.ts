import { noKoffi } from './libc.js';

/** What a packet socket needs of the C library besides `libc.ts`; here too C is told the length of each array. */
export interface PacketCalls {
  /** @param name where the sender goes, a struct sockaddr */
  recvfrom(fd: number, into: Uint8Array, flags: number, name: Uint8Array): number;
  getsockopt(fd: number, level: number, option: number, into: Uint8Array): number;
  if_nametoindex(name: string): number;
}

/** Binds the calls through koffi. @throws {KitError} `E_NO_KOFFI` (environment) */
export async function loadPacketCalls(): Promise<PacketCalls> {
  try {
    const { default: koffi } = await import('koffi');
    const lib = koffi.load(null);
    const recvfrom = lib.func(
      'long recvfrom(int fd, void *into, size_t length, int flags, void *name, void *nameLength)',
    );
    const getsockopt = lib.func('int getsockopt(int fd, int level, int option, void *value, void *length)');
    /** What C reads as the room there is, and writes how much it took. */
    const room = new Uint32Array(1);
    return {
      recvfrom: (fd, into, flags, name) => {
        room[0] = name.length;
        return recvfrom(fd, into, into.length, flags, name, room);
      },
      getsockopt: (fd, level, option, into) => {
        room[0] = into.length;
        return getsockopt(fd, level, option, into, room);
      },
      if_nametoindex: lib.func('unsigned int if_nametoindex(const char *name)'),
    };
  } catch (cause) {
    throw noKoffi(cause);
  }
}
