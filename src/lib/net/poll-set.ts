import type { Arena, Region } from '../core/arena.js';
import { KitError } from '../core/errors.js';
import type { NativeIo } from './native-io.js';

/** struct pollfd: descriptor, events, what happened. */
const POLLFD_BYTES = 8;

/** poll.h. BROKEN: an error, the other end gone, or no open descriptor; told without being asked for. */
export const PollEvent = { IN: 0x1, OUT: 0x4, BROKEN: 0x8 | 0x10 | 0x20 } as const;

/** Descriptors that are waited for together. */
export class PollSet {
  readonly #io: NativeIo;
  readonly #arena: Arena;
  readonly #region: Region;
  #count = 0;

  /** @param room descriptors it may have at most */
  constructor(io: NativeIo, arena: Arena, name: string, room: number) {
    this.#io = io;
    this.#arena = arena;
    this.#region = arena.reserve(name, room * POLLFD_BYTES);
  }

  /** Adds a descriptor, under the next number. @throws {KitError} `E_SOCKETS` (bug) when there is no room */
  add(fd: number, events: number): void {
    if ((this.#count + 1) * POLLFD_BYTES > this.#region.length) {
      throw new KitError('bug', 'E_SOCKETS', 'The plane has no room for another socket');
    }
    this.#arena.view.setInt16(this.#at(this.#count) + 4, events, true);
    this.change(this.#count++, fd);
  }

  /** Puts another descriptor in the place of one. */
  change(index: number, fd: number): void {
    this.#arena.view.setInt32(this.#at(index), fd, true);
  }

  /** Waits until something happens. @returns how many descriptors it happened to; 0 after so long; -1 when it failed */
  poll(milliseconds: number): number {
    const { at } = this.#region;
    return this.#io.poll(this.#arena.address(at, this.#count * POLLFD_BYTES), this.#count, milliseconds);
  }

  /** What happened to a descriptor: bits of {@link PollEvent}. */
  happened(index: number): number {
    return this.#arena.view.getInt16(this.#at(index) + 6, true);
  }

  #at(index: number): number {
    return this.#region.at + index * POLLFD_BYTES;
  }
}
