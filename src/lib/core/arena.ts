import { createMemory } from './wasm.js';

declare const brand: unique symbol;

/**
 * An address of this process that a C function is given. An offset, a length or a sum is none, which the compiler sees:
 * addresses come from {@link PinnedBytes.address} and from C itself. Where C takes or gives a null pointer, `0` is it.
 */
export type Address = number & { readonly [brand]: true };

/** Bytes between two regions, to tell when somebody wrote past the end of one. */
const GUARD_BYTES = 64;
const GUARD = 0xa5;
/** Regions begin where a cache line does. */
const ALIGNMENT = 64;

/** A piece of an arena. */
export interface Region {
  readonly name: string;
  /** Where it begins, counted from the arena's first byte. */
  readonly at: number;
  /** Bytes. */
  readonly length: number;
}

/**
 * Memory outside of the heap of JavaScript, so that it never moves and an address stays good for as long as this lives.
 * Everything in it is named by its offset; {@link address} is the only way to an address, and checks that all the bytes
 * meant are here.
 */
export class PinnedBytes {
  readonly bytes: Uint8Array;
  readonly #base: Address;

  /** @param addressOf where the first byte of an array is */
  constructor(bytes: Uint8Array, addressOf: (bytes: Uint8Array) => Address) {
    this.bytes = bytes;
    this.#base = addressOf(bytes);
    if (!Number.isSafeInteger(this.#base + bytes.length)) throw new RangeError('addresses are too large');
  }

  /**
   * Where `length` bytes from `offset` on are.
   * @throws RangeError when not all of them are here
   */
  address(offset: number, length: number): Address {
    if (!(isCount(offset) && isCount(length) && offset + length <= this.bytes.length)) {
      throw new RangeError(`${length} bytes at ${offset} are outside of memory of ${this.bytes.length}`);
    }
    return (this.#base + offset) as Address;
  }
}

/**
 * Memory that C functions and WebAssembly share with us, which never grows. Regions lie between guards, which
 * {@link damaged} looks at.
 */
export class Arena extends PinnedBytes {
  readonly memory: { buffer: ArrayBuffer };
  readonly view: DataView;
  readonly #regions: Region[] = [];
  #used = 0;

  /**
   * @param size bytes; rounded up to whole pages of 64 KiB
   * @param addressOf where the first byte of an array is
   */
  constructor(size: number, addressOf: (bytes: Uint8Array) => Address) {
    const memory = createMemory(size);
    super(new Uint8Array(memory.buffer), addressOf);
    this.memory = memory;
    this.view = new DataView(memory.buffer);
  }

  /** Sets bytes apart. @throws RangeError when the arena is too small */
  reserve(name: string, length: number): Region {
    const guard = this.#used;
    const at = roundUp(guard + GUARD_BYTES);
    const end = roundUp(at + length);
    if (end + GUARD_BYTES > this.bytes.length) {
      throw new RangeError(`no ${length} bytes left for ${name} in an arena of ${this.bytes.length}`);
    }
    this.bytes.fill(GUARD, guard, at);
    this.bytes.fill(GUARD, at + length, end + GUARD_BYTES);
    this.#used = end;
    const region = { name, at, length };
    this.#regions.push(region);
    return region;
  }

  /** Regions next to which a guard changed: something was written where it does not belong. */
  damaged(): string[] {
    const whole = (from: number, to: number): boolean => {
      for (let i = from; i < to; i++) if (this.bytes[i] !== GUARD) return false;
      return true;
    };
    let guard = 0;
    return this.#regions.flatMap(({ name, at, length }) => {
      const before = guard;
      guard = roundUp(at + length);
      return whole(before, at) && whole(at + length, guard + GUARD_BYTES) ? [] : [name];
    });
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

function roundUp(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
