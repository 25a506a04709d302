import type { Arena, Region } from '../core/arena.js';
import type { NativeIo } from './native-io.js';
import { AF_INET, AF_INET6, SOCKADDR_IN6_BYTES } from './socket-address.js';

/** bits/socket.h, linux/in.h, linux/in6.h. */
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SOL_IP = 0;
const IP_MTU = 14;
const SOL_IPV6 = 41;
const IPV6_MTU = 24;

/** Asks what the system knows of the path to somebody: from routes, interfaces, and ICMP messages that it believed. */
export class PathMtuQuestion {
  readonly #io: NativeIo;
  readonly #arena: Arena;
  readonly #name: Region;
  /** The answer, and its length. */
  readonly #answer: Region;

  constructor(io: NativeIo, arena: Arena) {
    this.#io = io;
    this.#arena = arena;
    this.#name = arena.reserve('name of a path', SOCKADDR_IN6_BYTES);
    this.#answer = arena.reserve('path MTU', 8);
  }

  /**
   * @param local a struct sockaddr: where packets leave from, of which routes may depend; the port does not matter
   * @param name where the struct sockaddr of the receiver is in the arena
   * @returns bytes of the largest IP packet; undefined where the system does not say
   */
  ask(local: Uint8Array, name: number, nameLength: number): number | undefined {
    const io = this.#io;
    const arena = this.#arena;
    const six = nameLength === SOCKADDR_IN6_BYTES;
    // Connecting a UDP socket sends nothing; the system only looks up the route.
    const fd = io.socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    if (fd < 0) return undefined;
    try {
      arena.bytes.set(local.subarray(0, SOCKADDR_IN6_BYTES), this.#name.at);
      arena.view.setUint16(this.#name.at + 2, 0);
      io.bind(fd, arena.address(this.#name.at, local.length), local.length);
      if (io.connect(fd, arena.address(name, nameLength), nameLength) < 0) return undefined;
      const { at } = this.#answer;
      arena.view.setInt32(at + 4, 4, true);
      const level = six ? SOL_IPV6 : SOL_IP;
      const option = six ? IPV6_MTU : IP_MTU;
      const result = io.getsockopt(fd, level, option, arena.address(at, 4), arena.address(at + 4, 4));
      const mtu = arena.view.getInt32(at, true);
      return result === 0 && mtu > 0 ? mtu : undefined;
    } finally {
      io.close(fd);
    }
  }
}
