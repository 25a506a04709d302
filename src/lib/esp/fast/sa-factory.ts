import type { Arena } from '../../core/arena.js';
import type { Endpoint } from '../../core/endpoint.js';
import { KitError } from '../../core/errors.js';
import type { SendingSocket } from '../../net/datagram-io.js';
import { socketAddress } from '../../net/socket-address.js';
import { ReplayWindow } from '../replay.js';
import { byteLifetime, type ChildSa } from '../sa.js';
import type { EspCipher } from './esp-cipher.js';
import { createEspCipher } from './esp-cipher-create.js';
import type { FastSa, PathLimits } from './fast-sa.js';

/** Child SAs that a data path may have at a time. */
export const MAX_CHILD_SAS = 8192;
/** struct sockaddr_in6, rounded up. */
const SLOT_BYTES = 32;

/** Makes what packets of a child SA need, and frees it: ciphers, and a place in the arena for the peer's address. */
export class SaFactory {
  readonly #arena: Arena;
  readonly #initialSequence: number;
  /** Places that nobody has. */
  readonly #free: number[];

  /** @param initialSequence sequence number before the first packet's of every SA */
  constructor(arena: Arena, initialSequence: number) {
    this.#arena = arena;
    this.#initialSequence = initialSequence;
    const { at } = arena.reserve('names of peers', MAX_CHILD_SAS * SLOT_BYTES);
    this.#free = Array.from({ length: MAX_CHILD_SAS }, (_, i) => at + i * SLOT_BYTES);
  }

  /**
   * To be asked before a child SA is made that replaces no other: half of the places are kept for those that do, so
   * that newcomers do not keep others from rekeying.
   * @throws {KitError} `E_CHILD_SA_LIMIT` (environment) when there are as many as can be
   */
  checkRoom(): void {
    if (this.#free.length <= MAX_CHILD_SAS / 2) throw tooMany();
  }

  /**
   * @param counters shared with the main thread; see `SaCounter`
   * @throws {KitError} `E_CHILD_SA_LIMIT` (environment), and what {@link createEspCipher} throws
   */
  make(child: ChildSa, socket: SendingSocket, counters: Float64Array, path: PathLimits): FastSa {
    const name = this.#free.pop();
    if (name === undefined) throw tooMany();
    let seal: EspCipher | undefined;
    let open: EspCipher;
    try {
      seal = createEspCipher(this.#arena, child.outbound, 'seal');
      open = createEspCipher(this.#arena, child.inbound, 'open');
    } catch (error) {
      seal?.free();
      this.#free.push(name);
      throw error;
    }
    const sa: FastSa = {
      seal,
      open,
      window: new ReplayWindow(child.inbound.esn),
      counters,
      sequence: this.#initialSequence,
      // With ESN the counter is held in a Number; it ends at 2^53 - 1 instead of 2^64 - 1.
      lastSequence: child.outbound.esn ? Number.MAX_SAFE_INTEGER : 2 ** 32 - 1,
      ...byteLifetime(child),
      warned: false,
      ended: false,
      socket,
      name,
      nameLength: 0,
      path,
    };
    this.address(sa, child.remote);
    return sa;
  }

  /** Writes where the packets of an SA go. */
  address(sa: FastSa, remote: Endpoint): void {
    const name = socketAddress(remote);
    this.#arena.bytes.set(name.subarray(0, SLOT_BYTES), sa.name);
    sa.nameLength = name.length;
  }

  free(sa: FastSa): void {
    sa.seal.free();
    sa.open.free();
    this.#free.push(sa.name);
  }
}

function tooMany(): KitError {
  return new KitError('environment', 'E_CHILD_SA_LIMIT', 'There are too many child SAs for the fast plane');
}
