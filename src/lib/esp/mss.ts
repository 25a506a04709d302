import { IpProtocol, PacketHeaders, TCP_CHECKSUM, TcpFlag } from './fast/headers.js';
import { IPV6_MIN_MTU } from './icmp.js';
import { isExtension } from './ipv6-extensions.js';
import { mendChecksum } from './mend-checksum.js';
import type { PathPolicy } from './path-policy.js';

/** Headers without options: what an MSS does not count (RFC 9293 3.7.1; RFC 6691 2). */
const IPV4_AND_TCP = 40;
const IPV6_AND_TCP = 60;
const TCP_BYTES = 20;
/** Less makes some systems give up on a connection. */
const SMALLEST = 88;

/** TCP options (RFC 9293 3.1). */
const Option = { END: 0, NONE: 1, MSS: 2 } as const;
const MSS_BYTES = 4;

/**
 * Lets the ends of a TCP connection agree on segments that fit: lowers what a SYN says of the largest segment that its
 * sender takes. For paths where nobody hears that a packet was too big.
 */
export class MssClamp {
  readonly #policy: PathPolicy['mssClamp'];
  readonly #headers = new PacketHeaders();

  constructor(policy: PathPolicy['mssClamp']) {
    this.#policy = policy;
  }

  /**
   * Whether a packet looks like one that has to do with it, by a few bytes.
   * @param at where it begins
   * @param length bytes of it, all in the view
   */
  concerns(view: DataView, at: number, length: number): boolean {
    if (this.#policy === 'off' || length < IPV4_AND_TCP) return false;
    const first = view.getUint8(at);
    let tcp = at + IPV6_AND_TCP - TCP_BYTES;
    if (first >> 4 === 4) {
      if (view.getUint8(at + 9) !== IpProtocol.TCP) return false;
      tcp = at + (first & 15) * 4;
    } else if (view.getUint8(at + 6) !== IpProtocol.TCP) {
      // Extension headers: to be read. Nearly nobody sends them.
      return isExtension(view.getUint8(at + 6));
    }
    return tcp + TCP_BYTES <= at + length && (view.getUint8(tcp + 13) & TcpFlag.SYN) !== 0;
  }

  /**
   * Lowers the MSS of a SYN and mends its checksum, which has to be complete; other packets, fragments and malformed
   * ones stay as they are.
   * @param length bytes of the packet, all in the view
   * @param largest the largest packet that fits, bytes
   * @returns whether anything changed
   */
  apply(view: DataView, at: number, length: number, largest: number): boolean {
    const headers = this.#headers;
    if (this.#policy === 'off' || !headers.read(view, at, length)) return false;
    const { version, protocol, networkBytes, transportBytes } = headers;
    // Fragments, also the first, have no header of TCP here.
    if (protocol !== IpProtocol.TCP || transportBytes === 0) return false;
    const tcp = at + networkBytes;
    if ((view.getUint8(tcp + 13) & TcpFlag.SYN) === 0) return false;
    const most = this.#policy === 'auto' ? fitting(version, largest) : this.#policy;
    return lowerMss(view, tcp, transportBytes, most);
  }
}

/** IPv6 packets of the minimum MTU always arrive, in fragments if it must be. */
function fitting(version: 4 | 6, largest: number): number {
  return version === 4
    ? Math.max(largest - IPV4_AND_TCP, SMALLEST)
    : Math.max(largest, IPV6_MIN_MTU) - IPV6_AND_TCP;
}

/** @param bytes of the TCP header, all in the view */
function lowerMss(view: DataView, tcp: number, bytes: number, most: number): boolean {
  const end = tcp + bytes;
  let changed = false;
  for (let at = tcp + TCP_BYTES; at < end; ) {
    const kind = view.getUint8(at);
    if (kind === Option.END) break;
    if (kind === Option.NONE) {
      at += 1;
      continue;
    }
    if (at + 2 > end) break;
    const length = view.getUint8(at + 1);
    if (length < 2 || at + length > end) break;
    if (kind === Option.MSS && length === MSS_BYTES && view.getUint16(at + 2) > most) {
      const before = view.getUint16(at + 2);
      view.setUint16(at + 2, most);
      const isOdd = ((at - tcp) & 1) !== 0;
      mendChecksum(view, tcp + TCP_CHECKSUM, swapIf(isOdd, before), swapIf(isOdd, most));
      changed = true;
    }
    at += length;
  }
  return changed;
}

/** A value that begins at an odd byte lies across two words of the sum, as one with its bytes swapped (RFC 1071 2B). */
function swapIf(isOdd: boolean, word: number): number {
  return isOdd ? ((word & 0xff) << 8) | (word >> 8) : word;
}
