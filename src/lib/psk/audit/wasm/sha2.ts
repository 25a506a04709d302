import type { Code, Local } from './assembler.js';
import { sha2 as numbers } from './constants.js';
import type { HashDesign } from './design.js';
import { and, choose, type Words, words32, words64, xor } from './words.js';

type Three = readonly [number, number, number];

/** How far words are rotated; the last of the lower functions is a shift (FIPS 180-4 4.1.2, 4.1.3). */
interface Distances {
  upper0: Three;
  upper1: Three;
  lower0: Three;
  lower1: Three;
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
  { upper0, upper1, lower0, lower1 }: Distances,
  digestWords: number,
  { initial, constants }: { initial: readonly bigint[]; constants: readonly bigint[] },
): HashDesign {
  const { add, rotateRight, shiftRight } = words;
  const bits = words.bytes * 8;
  const upper = (value: Code, [x, y, z]: Three): Code =>
    xor(rotateRight(value, x), rotateRight(value, y), rotateRight(value, z));
  const lower = (value: Code, [x, y, z]: Three): Code =>
    xor(rotateRight(value, x), rotateRight(value, y), shiftRight(value, z));
  return {
    words,
    littleEndian: false,
    initial,
    digestWords,
    constants,
    wordOf: (round) => round,
    // FIPS 180-4 6.2.2, 6.4.2.
    expand: {
      from: [16, 15, 7, 2],
      code: (...[w16, w15, w7, w2]) => add(w16!, lower(w15!, lower0), w7!, lower(w2!, lower1)),
      value: (...[w16, w15, w7, w2]) =>
        w16! + lowerValue(w15!, lower0, bits) + w7! + lowerValue(w2!, lower1, bits),
    },
    runs: [{ rounds: 8, times: constants.length / 8 }],
    round(_at, state, word) {
      const [a, b, c, d, e, f, g, h] = state as State;
      // Maj(a, b, c); the compiler sees that a ^ b is the next round's b ^ c.
      const majority = xor(b.get, and(xor(a.get, b.get), xor(b.get, c.get)));
      return [
        h.set(add(add(h.get, word), choose(e.get, f.get, g.get), upper(e.get, upper1))),
        d.set(add(d.get, h.get)),
        h.set(add(add(h.get, majority), upper(a.get, upper0))),
      ];
    },
  };
}

function lowerValue(value: bigint, [x, y, z]: Three, bits: number): bigint {
  const rotate = (by: number): bigint =>
    (value >> BigInt(by)) | BigInt.asUintN(bits, value << BigInt(bits - by));
  return rotate(x) ^ rotate(y) ^ (value >> BigInt(z));
}

export const sha256 = design(words32, of32, 8, numbers.sha256);
export const sha384 = design(words64, of64, 6, numbers.sha384);
export const sha512 = design(words64, of64, 8, numbers.sha512);
