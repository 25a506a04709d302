import type { Code, Local } from './assembler.js';
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

export const md5: HashDesign = {
  words: words32,
  littleEndian: true,
  initial: [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n],
  digestWords: 4,
  constants: md5Constants,
  wordOf: (round) => quarterOf(round).word(round) & 15,
  runs: [{ rounds: 64, times: 1 }],
  round(at, state, word) {
    const [a, b, c, d] = state as [Local, Local, Local, Local];
    const { mix, shifts } = quarterOf(at);
    return [
      a.set(add(add(a.get, word), mix(b.get, c.get, d.get))),
      a.set(add(rotateLeft(a.get, shifts[at & 3]!), b.get)),
    ];
  },
};
