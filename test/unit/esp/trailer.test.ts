import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../src/lib/core/bytes.js';
import { padLengthOf, unpaddedBytes, writeTrailer } from '../../../src/lib/esp/trailer.js';

const bytesOf = (hex: string): Uint8Array => fromHex(hex.replaceAll(' ', ''));

describe('padding of ESP (RFC 4303 2.4)', () => {
  it('puts the trailer at the end of a word or block', () => {
    const padLengths = (alignment: number) =>
      [0, 1, 2, 3, 4, 13, 14, 15].map((n) => padLengthOf(n, alignment));
    expect(padLengths(4)).toEqual([2, 1, 0, 3, 2, 1, 0, 3]);
    expect(padLengths(8)).toEqual([6, 5, 4, 3, 2, 1, 0, 7]);
    expect(padLengths(16)).toEqual([14, 13, 12, 11, 10, 1, 0, 15]);
  });

  it('is written as 1, 2, 3, …, and nothing else with it', () => {
    for (const [padLength, trailer] of [
      [0, '0029'],
      [1, '01 0129'],
      [3, '010203 0329'],
      [15, '0102030405060708090a0b0c0d0e0f 0f29'],
    ] as const) {
      const bytes = new Uint8Array(22).fill(0x5a);
      writeTrailer(bytes, 3, padLength, 41);
      const expected = new Uint8Array(22).fill(0x5a);
      expected.set(bytesOf(trailer), 3);
      expect(toHex(bytes)).toBe(toHex(expected));
    }
  });

  it('is taken off', () => {
    for (const [plaintext, payload] of [
      ['aabb 0004', 2],
      ['aabbcc 010203 0304', 3],
      ['010203 01 0104', 3],
      ['010203 0304', 0],
      ['0004', 0],
      [`ee ${Array.from({ length: 255 }, (_, i) => toHex(Uint8Array.of(i + 1))).join('')} ff04`, 1],
    ] as const) {
      const bytes = bytesOf(plaintext);
      expect(unpaddedBytes(bytes, 0, bytes.length), plaintext).toBe(payload);
    }
  });

  it('is wrong when it counts otherwise', () => {
    for (const plaintext of [
      'aabb 00 0104',
      'aabb 02 0104',
      'aabb 000102 0304',
      'aabb 020203 0304',
      'aabb 010303 0304',
      'aabb 010204 0304',
      'aabb 030201 0304',
      'aabb 000000 0304',
      'aabb 030303 0304',
    ]) {
      const bytes = bytesOf(plaintext);
      expect(unpaddedBytes(bytes, 0, bytes.length), plaintext).toBe(-1);
    }
  });

  it('is wrong when it begins before the payload or is not there', () => {
    for (const plaintext of ['', '04', '00', '0104', 'ff04', '0203 0304', '02030405 0504']) {
      const bytes = bytesOf(plaintext);
      expect(unpaddedBytes(bytes, 0, bytes.length), plaintext).toBe(-1);
    }
  });

  it('is that of the packet, whatever lies around it', () => {
    const bytes = bytesOf('0102 aabb 010203 0304 0004');
    expect(unpaddedBytes(bytes, 2, 7)).toBe(2);
    // The padding would be right, but begins before the packet.
    expect(unpaddedBytes(bytes, 6, 3)).toBe(-1);
    expect(unpaddedBytes(bytes, 4, 5)).toBe(0);
    expect(unpaddedBytes(bytes, 7, 1)).toBe(-1);
  });
});
