import type { Code, Local } from './assembler.js';
import type { HashDesign } from './design.js';
import { and, choose, or, words32, xor } from './words.js';

const { add, rotateLeft } = words32;

/** FIPS 180-4 4.1.1, 4.2.1: the function and the constant of each twenty rounds. */
const quarters: readonly { mix(b: Code, c: Code, d: Code): Code; constant: bigint }[] = [
  { mix: choose, constant: 0x5a827999n },
  { mix: (b, c, d) => xor(b, c, d), constant: 0x6ed9eba1n },
  { mix: (b, c, d) => or(and(b, c), and(d, or(b, c))), constant: 0x8f1bbcdcn },
  { mix: (b, c, d) => xor(b, c, d), constant: 0xca62c1d6n },
];

const ROUNDS = 80;
const quarterOf = (at: number) => quarters[Math.floor(at / 20)]!;

export const sha1: HashDesign = {
  words: words32,
  littleEndian: false,
  initial: [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n],
  digestWords: 5,
  constants: Array.from({ length: ROUNDS }, (_, at) => quarterOf(at).constant),
  wordOf: (round) => round,
  // FIPS 180-4 6.1.2.
  expand: {
    from: [3, 8, 14, 16],
    code: (first, ...more) => rotateLeft(xor(first!, ...more), 1),
    value(...words) {
      const mixed = words.reduce((sum, word) => sum ^ word);
      return (mixed << 1n) | (mixed >> 31n);
    },
  },
  runs: quarters.map(() => ({ rounds: 5, times: 4 })),
  round(at, state, word) {
    const [a, b, c, d, e] = state as [Local, Local, Local, Local, Local];
    const mix = quarterOf(at).mix(b.get, c.get, d.get);
    return [e.set(add(rotateLeft(a.get, 5), add(add(e.get, word), mix))), b.set(rotateLeft(b.get, 30))];
  },
};
