import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../src/lib/core/bytes.js';
import { md4 } from '../../src/lib/crypto/md4.js';

/** RFC 1320 A.5. */
const vectors = [
  ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
  ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
  ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
  ['message digest', 'd9130a8164549fe818874806e1c7014b'],
  ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
  ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
] as const;

describe('MD4 of RFC 1320', () => {
  it.each(vectors)('of %j', (message, digest) => {
    expect(toHex(md4(utf8(message)))).toBe(digest);
  });

  it('pads every length to whole blocks', () => {
    const digests = new Set<string>();
    for (let length = 0; length <= 130; length++) digests.add(toHex(md4(new Uint8Array(length))));
    expect(digests.size).toBe(131);
  });
});
