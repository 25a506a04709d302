import koffi from 'koffi';
import { PathDiscovery } from '../../../../src/lib/net/datagram-io.js';
import { loadNativeIo, type NativeIo } from '../../../../src/lib/net/native-io.js';

const system = await loadNativeIo();
const memory = koffi.load(null).func('void *memcpy(_Out_ uint8_t *to, uintptr_t from, size_t length)');

const EMSGSIZE = 90;
const IP_MTU = 14;
const IPV6_MTU = 24;
const UDP_HEADER = 8;

/** What C was given. */
export function numbers(address: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  memory(bytes, address, length);
  return new DataView(bytes.buffer);
}

/** A system whose path to anybody takes so many bytes: what Linux does, without its routes. */
export class NarrowSystem {
  mtu = 65_536;
  /** What sockets do about the path MTU. */
  discovery: number = PathDiscovery.WANT;
  questions = 0;
  /** What they did at each sending. */
  readonly sends: number[] = [];
  #failed = false;

  constructor(readonly ipHeader: 20 | 40) {}

  readonly io: NativeIo = {
    ...system,
    setsockopt: (fd, level, option, value, length) => {
      this.discovery = numbers(value, 4).getInt32(0, true);
      return system.setsockopt(fd, level, option, value, length);
    },
    getsockopt: (fd, level, option, into, length) => {
      if (option !== IP_MTU && option !== IPV6_MTU) return system.getsockopt(fd, level, option, into, length);
      this.questions += 1;
      koffi.encode(BigInt(into), 'int32_t', this.mtu);
      return 0;
    },
    sendmsg: (fd, message, flags) => (this.#refuses(message) ? -1 : system.sendmsg(fd, message, flags)),
    sendmmsg: (fd, vector, count, flags) =>
      this.#refuses(vector) ? -1 : system.sendmmsg(fd, vector, count, flags),
    errno: () => {
      const failed = this.#failed;
      this.#failed = false;
      return failed ? EMSGSIZE : system.errno();
    },
  };

  #refuses(message: number): boolean {
    const header = numbers(message, 56);
    const vector = numbers(Number(header.getBigUint64(16, true)), 16);
    let size = Number(vector.getBigUint64(8, true));
    const controls = header.getUint32(40, true);
    if (controls > 0) {
      const control = numbers(Number(header.getBigUint64(32, true)), controls);
      // UDP_SEGMENT comes first.
      if (control.getInt32(12, true) === 103) size = control.getUint16(16, true);
    }
    const fits = size + UDP_HEADER + this.ipHeader <= this.mtu;
    this.sends.push(this.discovery);
    this.#failed = !fits && this.discovery === PathDiscovery.DO;
    return this.#failed;
  }
}
