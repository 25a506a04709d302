import type { Code, Local } from './assembler.js';
import { sha2 as numbers } from './constants.js';
import type { HashDesign } from './design.js';
import { and, choose, type Words, words32, words64, xor } from './words.js';

/** How far the words are rotated, or shifted last of three (FIPS 180-4 4.1.2, 4.1.3). */
interface Distances {
  upper0: readonly [number, number, number];
  upper1: readonly [number, number, number];
  lower0: readonly [number, number, number];
  lower1: readonly [number, number, number];
}

const of32: Distances = {
  upper0: [2, 13, 22],
  upper1: [6, 11, 25],
  lower0: [7, 18, 3],
  lower1: [17, 19, 10],
};
const of64: Distances = {
  upper0: [28, 34, 39],
  upper1: [14, 18, 41],
  lower0: [1, 8, 7],
  lower1: [19, 61, 6],
};

type State = [Local, Local, Local, Local, Local, Local, Local, Local];

function design(
  words: Words,
  distances: Distances,
  digestWords: number,
  { initial, constants }: { initial: readonly bigint[]; constants: readonly bigint[] },
): HashDesign {
  const { add, rotateRight, shiftRight } = words;
  const upper = (value: Code, [x, y, z]: readonly [number, number, number]): Code =>
    xor(rotateRight(value, x), rotateRight(value, y), rotateRight(value, z));
  const lower = (value: Code, [x, y, z]: readonly [number, number, number]): Code =>
    xor(rotateRight(value, x), rotateRight(value, y), shiftRight(value, z));
  return {
    words,
    littleEndian: false,
    initial,
    digestWords,
    constants,
    schedule: (block) => schedule(block, words.bytes * 8, distances, constants.length),
    rounds(to, state) {
      let [a, b, c, d, e, f, g, h] = state as State;
      const mixed = to.local();
      // Maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)), and a ^ b of this round is b ^ c of the next.
      let [ab, bc] = [to.local(), to.local()];
      to.emit(bc.set(xor(b.get, c.get)));
      return {
        round(_at, word) {
          to.emit(h.set(add(add(h.get, word), choose(e.get, f.get, g.get), upper(e.get, distances.upper1))));
          to.emit(d.set(add(d.get, h.get)));
          to.emit(ab.set(xor(a.get, b.get)));
          const majority = xor(b.get, and(ab.get, bc.get));
          to.emit(h.set(add(add(h.get, majority), upper(a.get, distances.upper0))));
          [ab, bc] = [bc, ab];
          [a, b, c, d, e, f, g, h] = [h, a, b, c, d, e, f, g];
        },
        message(at, block) {
          if (at < 16) return block.get(at);
          const { lower0, lower1 } = distances;
          to.emit(mixed.set(add(block.get(at - 16), block.get(at - 7))));
          to.emit(mixed.set(add(mixed.get, lower(block.get(at - 15), lower0))));
          to.emit(mixed.set(add(mixed.get, lower(block.get(at - 2), lower1))));
          to.emit(block.set(at, mixed.get));
          return mixed.get;
        },
        result: () => [a, b, c, d, e, f, g, h].map(({ get }) => get),
      };
    },
  };
}

/** FIPS 180-4 6.2.2, 6.4.2, for a block that is known. */
function schedule(
  block: readonly bigint[],
  bits: number,
  { lower0, lower1 }: Distances,
  rounds: number,
): bigint[] {
  const trim = (value: bigint): bigint => BigInt.asUintN(bits, value);
  const rotate = (value: bigint, by: number): bigint =>
    (value >> BigInt(by)) | trim(value << BigInt(bits - by));
  const lower = (value: bigint, [x, y, z]: readonly [number, number, number]): bigint =>
    rotate(value, x) ^ rotate(value, y) ^ (value >> BigInt(z));
  const words = [...block];
  for (let at = 16; at < rounds; at++) {
    const [w16, w15, w7, w2] = [16, 15, 7, 2].map((back) => words[at - back]!) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    words.push(trim(w16 + lower(w15, lower0) + w7 + lower(w2, lower1)));
  }
  return words;
}

export const sha256 = design(words32, of32, 8, numbers.sha256);
export const sha384 = design(words64, of64, 6, numbers.sha384);
export const sha512 = design(words64, of64, 8, numbers.sha512);
