import type { Code } from './assembler.js';
import { md5Constants } from './constants.js';
import type { HashDesign } from './design.js';
import { choose, not, or, words32, xor } from './words.js';

const { add, rotateLeft } = words32;

/** RFC 1321 3.4: F, G, H and I, and what belongs to the sixteen rounds of each. */
const quarters: readonly {
  mix(b: Code, c: Code, d: Code): Code;
  word(at: number): number;
  shifts: readonly number[];
}[] = [
  { mix: (b, c, d) => choose(b, c, d), word: (at) => at, shifts: [7, 12, 17, 22] },
  { mix: (b, c, d) => choose(d, b, c), word: (at) => 5 * at + 1, shifts: [5, 9, 14, 20] },
  { mix: (b, c, d) => xor(b, c, d), word: (at) => 3 * at + 5, shifts: [4, 11, 16, 23] },
  { mix: (b, c, d) => xor(c, or(b, not(d))), word: (at) => 7 * at, shifts: [6, 10, 15, 21] },
];

const quarterOf = (at: number) => quarters[at >> 4]!;
const wordOf = (at: number): number => quarterOf(at).word(at) & 15;

export const md5: HashDesign = {
  words: words32,
  littleEndian: true,
  initial: [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n],
  digestWords: 4,
  constants: md5Constants,
  schedule: (block) => md5Constants.map((_, at) => block[wordOf(at)]!),
  rounds(to, state) {
    let [a, b, c, d] = state as [(typeof state)[0], (typeof state)[0], (typeof state)[0], (typeof state)[0]];
    return {
      round(at, word) {
        const { mix, shifts } = quarterOf(at);
        to.emit(a.set(add(add(a.get, word), mix(b.get, c.get, d.get))));
        to.emit(a.set(add(rotateLeft(a.get, shifts[at & 3]!), b.get)));
        [a, b, c, d] = [d, a, b, c];
      },
      message: (at, block) => block.get(wordOf(at)),
      result: () => [a, b, c, d].map(({ get }) => get),
    };
  },
};
