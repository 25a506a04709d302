import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/lib/core/arena.js';

const make = (size = 65_536): Arena => new Arena(size, () => 0x7000_0000_0000);

describe('an arena', () => {
  it('sets regions apart that do not overlap', () => {
    const arena = make();
    const a = arena.reserve('a', 100);
    const b = arena.reserve('b', 7);
    expect(b.at).toBeGreaterThanOrEqual(a.at + a.length + 28);
    expect([a.at % 64, b.at % 64]).toEqual([0, 0]);
    expect(arena.damaged()).toEqual([]);
  });

  it('gives addresses of bytes that it has, and of no others', () => {
    const arena = make();
    expect(arena.address(0, 65_536)).toBe(0x7000_0000_0000);
    expect(arena.address(65_535, 1)).toBe(0x7000_0000_ffff);
    for (const [offset, length] of [
      [65_535, 2],
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [Number.NaN, 1],
      [0, Number.NaN],
      [Number.MAX_SAFE_INTEGER, 1],
    ] as const) {
      expect(() => arena.address(offset, length)).toThrow(RangeError);
    }
  });

  it('tells next to which region somebody wrote past the end', () => {
    for (const [offset, named] of [
      [-1, ['a']],
      [0, []],
      [99, []],
      [100, ['a']],
      [127, ['a']],
      [128, ['a', 'b']],
      [191, ['a', 'b']],
    ] as const) {
      const arena = make();
      const { at } = arena.reserve('a', 100);
      arena.reserve('b', 100);
      arena.bytes[at + offset] = 1;
      expect(arena.damaged(), `a byte at ${offset}`).toEqual(named);
    }
  });

  it('refuses what it has no room for', () => {
    const arena = make();
    expect(() => arena.reserve('all', 65_536)).toThrow(RangeError);
    arena.reserve('most', 65_536 - 128);
    expect(() => arena.reserve('more', 1)).toThrow(RangeError);
  });
});
