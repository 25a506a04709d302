import { type Code, i32Const, load32Splat, load64Splat, type Place, simd } from './assembler.js';

/** Operations on a vector of words that belong to different candidates: one lane each. */
export interface Words {
  /** Bytes of a word. */
  bytes: 4 | 8;
  add(first: Code, ...more: readonly Code[]): Code;
  /** The code of the value appears twice; the compiler computes it once unless it reads memory. */
  rotateLeft(value: Code, bits: number): Code;
  rotateRight(value: Code, bits: number): Code;
  shiftRight(value: Code, bits: number): Code;
  /** One word of memory in all lanes. */
  loadSplat(place: Place): Code;
  equal(a: Code, b: Code): Code;
  /** One bit for each lane. */
  bitmask(value: Code): Code;
}

export const and = (a: Code, b: Code): Code => simd(0x4e, a, b);
export const or = (a: Code, b: Code): Code => simd(0x50, a, b);
export const xor = (first: Code, ...more: readonly Code[]): Code =>
  more.reduce((sum, each) => simd(0x51, sum, each), first);
export const not = (a: Code): Code => simd(0x4d, a);
/** Bits of `a` where `mask` has ones, of `b` elsewhere. */
export const choose = (mask: Code, a: Code, b: Code): Code => xor(b, and(mask, xor(a, b)));

interface Opcodes {
  add: number;
  shiftLeft: number;
  shiftRight: number;
  equal: number;
  bitmask: number;
}

/** Vectors of `bytes`-sized words. */
function words(bytes: 4 | 8, op: Opcodes, loadSplat: (place: Place) => Code): Words {
  const shiftRight = (value: Code, bits: number): Code => simd(op.shiftRight, value, i32Const(bits));
  const rotateLeft = (value: Code, bits: number): Code =>
    or(simd(op.shiftLeft, value, i32Const(bits)), shiftRight(value, bytes * 8 - bits));
  return {
    bytes,
    add: (first, ...more) => more.reduce((sum, each) => simd(op.add, sum, each), first),
    shiftRight,
    rotateLeft,
    rotateRight: (value, bits) => rotateLeft(value, bytes * 8 - bits),
    loadSplat,
    equal: (a, b) => simd(op.equal, a, b),
    bitmask: (value) => simd(op.bitmask, value),
  };
}

/** Four lanes of 32 bits. */
export const words32 = words(
  4,
  { add: 0xae, shiftLeft: 0xab, shiftRight: 0xad, equal: 0x37, bitmask: 0xa4 },
  load32Splat,
);

/** Two lanes of 64 bits. */
export const words64 = words(
  8,
  { add: 0xce, shiftLeft: 0xcb, shiftRight: 0xcd, equal: 0xd6, bitmask: 0xc4 },
  load64Splat,
);
