import { describe, expect, it } from 'vitest';
import { type Address, Arena, PinnedBytes } from '../../src/lib/core/arena.js';
import type { EvpFunctions } from '../../src/lib/crypto/evp-functions.js';
import type { NativeIo } from '../../src/lib/net/native-io.js';

const addressOf = (): Address => 0x7000_0000_0000 as Address;
const make = (size = 65_536): Arena => new Arena(size, addressOf);

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

describe('bytes outside of the heap', () => {
  it('have addresses as far as they reach', () => {
    const bytes = new PinnedBytes(new Uint8Array(100), addressOf);
    expect(bytes.address(99, 1)).toBe(0x7000_0000_0063);
    expect(bytes.address(100, 0)).toBe(0x7000_0000_0064);
    expect(() => bytes.address(99, 2)).toThrow(RangeError);
  });

  it('have none that a number could not hold', () => {
    const far = () => (Number.MAX_SAFE_INTEGER - 99) as Address;
    expect(() => new PinnedBytes(new Uint8Array(99), far)).not.toThrow();
    expect(() => new PinnedBytes(new Uint8Array(100), far)).toThrow(RangeError);
  });
});

/** What C would be given. The compiler is what tests here: `npm run check` fails where it lets one of these pass. */
describe('an address', () => {
  const arena = make();
  const { at, length } = arena.reserve('a', 100);
  const address = arena.address(at, length);

  it('is all that a system call is given', () => {
    const read: NativeIo['read'] = (_fd, into) => into;
    const given = [
      read(0, address, length),
      // @ts-expect-error an offset
      read(0, at, length),
      // @ts-expect-error a length
      read(0, length, length),
      // @ts-expect-error a sum that nobody has checked
      read(0, address + 8, length),
      // @ts-expect-error a null pointer where C needs something
      read(0, 0, length),
    ];
    expect(given).toEqual([address, at, length, address + 8, 0]);
  });

  it('is all that OpenSSL is given', () => {
    const update: EvpFunctions['update'] = (_context, out, _outLength, data) => out + data;
    const given = [
      update(address, address, address, address, length),
      update(address, 0, address, 0, length),
      // @ts-expect-error a context that may not be there
      update(0, 0, address, address, length),
      // @ts-expect-error an offset
      update(address, at, address, address, length),
      // @ts-expect-error a sum that nobody has checked
      update(address, 0, address, address + 8, length),
    ];
    expect(given).toEqual([2 * address, 0, address, at + address, address + 8]);
  });
});
