import type { Arena } from '../../core/arena.js';
import * as wasm from '../../core/wasm/assembler.js';
import { instantiate } from '../../core/wasm/engine.js';

/** Bytes of a vector. */
const VECTOR = 16;
/** Vectors that one round of the main loop takes. */
const UNROLLED = 4;
const MAX_LENGTH = 65_535;

interface ChecksumExports {
  sum(offset: number, length: number, initial: number): number;
  copy(to: number, from: number, length: number): void;
}

/**
 * The Internet checksum (RFC 1071) over bytes of an arena, and copies of a few bytes, which the engine's own
 * `copyWithin` is slow at.
 */
export class Checksum {
  readonly #exports: ChecksumExports;
  readonly #size: number;

  constructor(arena: Arena) {
    this.#exports = instantiate(checksumModule(), arena.memory) as ChecksumExports;
    this.#size = arena.bytes.length;
  }

  /**
   * One's complement sum of the 16-bit words in network order, not inverted; an odd last byte counts as the high
   * half of a word.
   * @param offset first byte, even or odd
   * @param length bytes, 0 to 65535
   * @param initial what to add, less than 2^32
   * @returns 0 to 65535; 0 only if everything is zero
   * @throws RangeError when the bytes are not all in the arena
   */
  sum(offset: number, length: number, initial: number): number {
    if (!(length <= MAX_LENGTH)) throw new RangeError(`${length} bytes are too many for a sum`);
    this.#check(offset, length);
    return this.#exports.sum(offset, length, initial);
  }

  /**
   * Copies bytes; the places may overlap.
   * @throws RangeError when they are not all in the arena
   */
  copy(to: number, from: number, length: number): void {
    this.#check(to, length);
    this.#check(from, length);
    this.#exports.copy(to, from, length);
  }

  #check(offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.#size)) {
      throw new RangeError(`${length} bytes at ${offset} are outside of an arena of ${this.#size}`);
    }
  }
}

/** A one's complement sum of up to 32 bits as one of 16. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

function checksumModule(): Uint8Array {
  return wasm.assemble([sumFunction(), copyFunction()], { sum: 0, copy: 1 });
}

function copyFunction(): wasm.FunctionBuilder {
  const f = new wasm.FunctionBuilder(3);
  f.emit(wasm.copyBytes(f.parameter(0).get, f.parameter(1).get, f.parameter(2).get));
  return f;
}

/**
 * Sums words as they lie in memory, little-endian, and swaps the result: the sum does not depend on the byte order
 * (RFC 1071 2B). 65535 bytes of ones do not overflow the 32 bits of a lane, nor of all lanes together.
 */
function sumFunction(): wasm.FunctionBuilder {
  const f = new wasm.FunctionBuilder(3, true);
  const [at, left, initial] = [f.parameter(0), f.parameter(1), f.parameter(2)];
  const total = f.local('i32');
  const sums = Array.from({ length: UNROLLED }, () => f.local());

  const advance = (bytes: number): void => {
    f.emit(at.set(wasm.i32Add(at.get, wasm.i32Const(bytes))));
    f.emit(left.set(wasm.i32Sub(left.get, wasm.i32Const(bytes))));
  };
  const addTo = (sum: wasm.Local, vector: wasm.Code): void => f.emit(sum.set(add(sum.get, pairs(vector))));
  const atLeast = (bytes: number): wasm.Code => wasm.i32GeU(left.get, wasm.i32Const(bytes));
  const here = (offset = 0): wasm.Place => ({ base: at.get, offset });

  f.when(atLeast(VECTOR * UNROLLED), () => {
    f.loop(
      () => {
        sums.forEach((sum, index) => {
          addTo(sum, wasm.load128(here(index * VECTOR)));
        });
        advance(VECTOR * UNROLLED);
      },
      atLeast(VECTOR * UNROLLED),
    );
  });
  const [first] = sums as [wasm.Local];
  f.when(atLeast(VECTOR), () => {
    f.loop(() => {
      addTo(first, wasm.load128(here()));
      advance(VECTOR);
    }, atLeast(VECTOR));
  });
  f.when(atLeast(8), () => {
    addTo(first, wasm.load64Zero(here()));
    advance(8);
  });
  f.when(atLeast(4), () => {
    addTo(first, wasm.load32Zero(here()));
    advance(4);
  });
  f.emit(first.set(sums.slice(1).reduce((sum, each) => add(sum, each.get), first.get)));
  const lane = (index: number): wasm.Code => wasm.extractLane32(first.get, index);
  f.emit(total.set(wasm.i32Add(wasm.i32Add(lane(0), lane(1)), wasm.i32Add(lane(2), lane(3)))));
  f.when(atLeast(2), () => {
    f.emit(total.set(wasm.i32Add(total.get, wasm.i32Load16(here()))));
    advance(2);
  });
  f.when(left.get, () => f.emit(total.set(wasm.i32Add(total.get, wasm.i32Load8(here())))));

  f.emit(total.set(folded(folded(total.get))));
  const swapped = wasm.i32Or(
    wasm.i32Shl(wasm.i32And(total.get, wasm.i32Const(0xff)), wasm.i32Const(8)),
    wasm.i32ShrU(total.get, wasm.i32Const(8)),
  );
  f.emit(folded(folded(wasm.i32Add(swapped, folded(initial.get)))));
  return f;
}

/** i32x4.extadd_pairwise_i16x8_u */
const pairs = (vector: wasm.Code): wasm.Code => wasm.simd(0x7f, vector);
/** i32x4.add */
const add = (a: wasm.Code, b: wasm.Code): wasm.Code => wasm.simd(0xae, a, b);
/** Both halves added. */
const folded = (value: wasm.Code): wasm.Code =>
  wasm.i32Add(wasm.i32And(value, wasm.i32Const(0xffff)), wasm.i32ShrU(value, wasm.i32Const(16)));
