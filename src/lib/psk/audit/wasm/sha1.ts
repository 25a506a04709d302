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
/** FIPS 180-4 6.1.2: which earlier words a word comes from. */
const taps = [3, 8, 14, 16] as const;

export const sha1: HashDesign = {
  words: words32,
  littleEndian: false,
  initial: [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n],
  digestWords: 5,
  constants: Array.from({ length: ROUNDS }, (_, at) => quarterOf(at).constant),
  schedule(block) {
    const words = [...block];
    for (let at = 16; at < ROUNDS; at++) {
      const mixed = taps.reduce((sum, tap) => sum ^ words[at - tap]!, 0n);
      words.push(BigInt.asUintN(32, mixed << 1n) | (mixed >> 31n));
    }
    return words;
  },
  rounds(to, state) {
    let [a, b, c, d, e] = state as [Local, Local, Local, Local, Local];
    const mixed = to.local();
    return {
      round(at, word) {
        const mix = quarterOf(at).mix(b.get, c.get, d.get);
        to.emit(e.set(add(add(e.get, word), mix)));
        to.emit(e.set(add(rotateLeft(a.get, 5), e.get)));
        to.emit(b.set(rotateLeft(b.get, 30)));
        [a, b, c, d, e] = [e, a, b, c, d];
      },
      message(at, block) {
        if (at < 16) return block.get(at);
        const [first, ...more] = taps.map((tap) => block.get(at - tap)) as [Code, ...Code[]];
        to.emit(mixed.set(xor(first, ...more)), mixed.set(rotateLeft(mixed.get, 1)));
        to.emit(block.set(at, mixed.get));
        return mixed.get;
      },
      result: () => [a, b, c, d, e].map(({ get }) => get),
    };
  },
};
