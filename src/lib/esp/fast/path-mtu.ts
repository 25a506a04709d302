import type { Arena, Region } from '../../core/arena.js';
import type { NativeIo } from '../../net/native-io.js';
import { PathMtuQuestion } from '../../net/path-mtu.js';
import { SOCKADDR_IN6_BYTES, socketAddress } from '../../net/socket-address.js';
import { IPV4_MIN_MTU, IPV6_MIN_MTU, MAX_QUOTED, TooBigReplies } from '../icmp.js';
import { largestInner, outerBytes } from '../inner-mtu.js';
import type { FastEntry, FastSa, PathLimits } from './fast-sa.js';
import { VIRTIO_BYTES, writePlainVirtio } from './virtio.js';

/** Then a larger packet is tried again (RFC 1191 6.3, RFC 8201 4). */
export const LEARNED_FOR_MS = 600_000;

export interface PathMtuOptions {
  io: NativeIo;
  arena: Arena;
  tun: { fd: number; mtu: number; offload: boolean };
  /** A path MTU is news. */
  onLearned: (entry: FastEntry, pathMtu: number, innerMtu: number) => void;
  /** Milliseconds of a clock that does not jump. */
  now?: () => number;
}

/** Finds out what paths carry, and tells it those whose packets are larger (RFC 4301 8.2). */
export class PathMtu {
  readonly #options: PathMtuOptions;
  readonly #question: PathMtuQuestion;
  readonly #replies: TooBigReplies;
  readonly #now: () => number;
  readonly #message: Region;

  constructor(options: PathMtuOptions) {
    const { io, arena, now = () => performance.now() } = options;
    this.#options = options;
    this.#now = now;
    this.#question = new PathMtuQuestion(io, arena);
    this.#replies = new TooBigReplies(now);
    this.#message = arena.reserve('ICMP message', VIRTIO_BYTES + IPV6_MIN_MTU);
  }

  /** Of a path that nothing is known of. */
  unknown(): PathLimits {
    const { mtu } = this.#options.tun;
    return { largest: mtu, whole: mtu, pathMtu: 0, learnedAt: 0 };
  }

  /** The largest inner packet that fits; what was learned long ago is forgotten. */
  largest({ halves: { path } }: FastEntry): number {
    if (path.pathMtu !== 0 && this.#now() - path.learnedAt >= LEARNED_FOR_MS) {
      Object.assign(path, this.unknown());
    }
    return path.largest;
  }

  /** The system took a packet for too big: asks what fits. */
  learn(entry: FastEntry): void {
    const { path, halves } = entry;
    const mtu = this.#question.ask(socketAddress(path.local), halves.name, halves.nameLength);
    if (mtu === undefined) return;
    const isNews = mtu !== halves.path.pathMtu;
    this.#set(entry, mtu, this.#now());
    const { largest } = halves.path;
    if (isNews && largest < this.#options.tun.mtu) this.#options.onLearned(entry, mtu, largest);
  }

  /** A pair goes the way of the one that it replaces. */
  inherit(entry: FastEntry, { path: { pathMtu, learnedAt } }: FastSa): void {
    if (pathMtu !== 0) this.#set(entry, pathMtu, learnedAt);
  }

  /**
   * Tells the sender of a packet of the device that it does not fit, if he is to be told.
   * @param length bytes of it that are in the arena
   * @param mtu the largest packet that would fit
   */
  tell(at: number, length: number, mtu: number): void {
    const { io, arena, tun } = this.#options;
    const quoted = arena.bytes.subarray(at, at + Math.min(length, MAX_QUOTED));
    const message = this.#replies.reply(quoted, mtu);
    if (message === undefined) return;
    const begin = this.#message.at;
    writePlainVirtio(arena.view, begin);
    arena.bytes.set(message, begin + VIRTIO_BYTES);
    const skipped = tun.offload ? 0 : VIRTIO_BYTES;
    const size = VIRTIO_BYTES + message.length - skipped;
    // A device that takes nothing now hears of the next packet.
    io.write(tun.fd, arena.address(begin + skipped, size), size);
  }

  #set({ path, halves }: FastEntry, pathMtu: number, learnedAt: number): void {
    const family = halves.nameLength === SOCKADDR_IN6_BYTES ? 6 : 4;
    const inner = largestInner(pathMtu, outerBytes(family, path.encapsulation), halves.seal);
    const whole = Math.min(inner, this.#options.tun.mtu);
    Object.assign(halves.path, { largest: Math.max(whole, IPV4_MIN_MTU), whole, pathMtu, learnedAt });
  }
}
