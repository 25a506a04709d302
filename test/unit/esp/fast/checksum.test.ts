import { describe, expect, it } from 'vitest';
import { Checksum, fold } from '../../../../src/lib/esp/fast/checksum.js';
import { createRandom } from '../../../fuzz/mutate.js';
import { plainArena } from '../../plain-arena.js';
import { slowSum } from './slow-checksum.js';

const SIZE = 131_072;

function make(fill: (index: number) => number) {
  const arena = plainArena(SIZE);
  for (let i = 0; i < SIZE; i++) arena.bytes[i] = fill(i);
  return { arena, checksum: new Checksum(arena) };
}

describe('the Internet checksum', () => {
  it('is that of the example in RFC 1071 3', () => {
    const { arena, checksum } = make(() => 0);
    arena.bytes.set([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 100);
    expect(checksum.sum(100, 8, 0)).toBe(0xddf2);
  });

  it('is that of a plain loop for each short length, at even and odd places', () => {
    const random = createRandom(1071);
    const { arena, checksum } = make(() => random(256));
    for (let length = 0; length <= 300; length++) {
      for (const offset of [0, 1, 16, 61, SIZE - length]) {
        const plain = slowSum(arena.bytes.subarray(offset, offset + length));
        expect(checksum.sum(offset, length, 0), `${length} at ${offset}`).toBe(plain);
      }
    }
  });

  it('is that of a plain loop for any place, length and initial sum', () => {
    const random = createRandom(792);
    const { arena, checksum } = make(() => random(256));
    for (let i = 0; i < 2000; i++) {
      const length = random(65_536);
      const offset = random(SIZE - length);
      const initial = random(2 ** 32);
      const plain = slowSum(arena.bytes.subarray(offset, offset + length), initial);
      expect(checksum.sum(offset, length, initial), `${length} at ${offset} and ${initial}`).toBe(plain);
    }
  });

  it('carries as often as there is something to carry', () => {
    const ones = make(() => 0xff).checksum;
    for (const length of [1, 2, 3, 64, 1400, 65_534, 65_535]) {
      expect(ones.sum(3, length, 2 ** 32 - 1)).toBe(slowSum(new Uint8Array(length).fill(0xff), 2 ** 32 - 1));
    }
    const { arena, checksum } = make(() => 0);
    arena.bytes.set([0xff, 0xff, 0x00, 0x01], 8);
    expect(checksum.sum(8, 4, 0)).toBe(1);
    expect(checksum.sum(8, 2, 1)).toBe(1);
    expect(checksum.sum(8, 2, 0)).toBe(0xffff);
  });

  it('is zero of zeroes only', () => {
    const { checksum } = make(() => 0);
    expect(checksum.sum(5, 65_535, 0)).toBe(0);
    expect(checksum.sum(5, 0, 0xffff)).toBe(0xffff);
    expect(fold(0xffff_ffff | 0)).toBe(0xffff);
    expect(fold(0x1_fffe)).toBe(0xffff);
  });

  it('looks at its own memory only', () => {
    const { checksum } = make(() => 0);
    expect(() => checksum.sum(0, 65_536, 0)).toThrow(RangeError);
    for (const [offset, length] of [
      [SIZE - 1, 2],
      [-1, 1],
      [0, -1],
      [Number.NaN, 1],
      [0, Number.NaN],
      [2 ** 32, 1],
    ] as const) {
      expect(() => checksum.sum(offset, length, 0)).toThrow(RangeError);
      expect(() => checksum.copy(offset, 0, length)).toThrow(RangeError);
      expect(() => checksum.copy(0, offset, length)).toThrow(RangeError);
    }
  });

  it('copies, also where the places overlap', () => {
    const { arena, checksum } = make((index) => index);
    checksum.copy(10, 0, 100);
    expect([...arena.bytes.subarray(8, 110)]).toEqual([8, 9, ...Array.from({ length: 100 }, (_, i) => i)]);
  });
});
