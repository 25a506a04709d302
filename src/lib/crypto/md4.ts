/*
 * MD4 (RFC 1320), long broken: only for the password hash of MSCHAPv2 (RFC 2759 8.3), which OpenSSL 3 no longer serves
 * from its default provider.
 */

const BLOCK_BYTES = 64;

/** RFC 1320 3.4: each round's order of the block's words, rotations, function and constant. */
const rounds = [
  {
    words: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    rotations: [3, 7, 11, 19],
    mix: (x: number, y: number, z: number) => (x & y) | (~x & z),
    constant: 0,
  },
  {
    words: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    rotations: [3, 5, 9, 13],
    mix: (x: number, y: number, z: number) => (x & y) | (x & z) | (y & z),
    constant: 0x5a827999,
  },
  {
    words: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    rotations: [3, 9, 11, 15],
    mix: (x: number, y: number, z: number) => x ^ y ^ z,
    constant: 0x6ed9eba1,
  },
] as const;

/** The 16-byte MD4 digest. */
export function md4(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  const block = new DataView(padded.buffer);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    let [a, b, c, d] = state as unknown as [number, number, number, number];
    for (const { words, rotations, mix, constant } of rounds) {
      for (let step = 0; step < words.length; step++) {
        const sum = (a + mix(b, c, d) + block.getUint32(at + 4 * words[step]!, true) + constant) | 0;
        const rotation = rotations[step % 4]!;
        [a, b, c, d] = [d, (sum << rotation) | (sum >>> (32 - rotation)), b, c];
      }
    }
    for (const [i, word] of [a, b, c, d].entries()) state[i] = (state[i]! + word) | 0;
  }
  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  for (const [i, word] of state.entries()) out.setUint32(4 * i, word, true);
  return digest;
}

/** RFC 1320 3.1 and 3.2: a one bit, zeros, and the length in bits, little-endian. */
function pad(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n, true);
  return padded;
}
