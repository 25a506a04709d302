import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/lib/core/bytes.js';
import { systemEntropy } from '../../src/lib/core/environment.js';

describe('systemEntropy', () => {
  it('gives as many bytes as asked for, never the same ones, each piece in memory of its own', () => {
    const pieces = Array.from({ length: 500 }, (_, i) => systemEntropy.bytes(16 + (i % 40)));
    expect(pieces.map(({ length }) => length)).toEqual(pieces.map((_, i) => 16 + (i % 40)));
    // A pool that was not filled again, or was used up twice, would repeat itself.
    expect(new Set(pieces.map((piece) => toHex(piece.subarray(0, 16)))).size).toBe(pieces.length);
    const kept = toHex(pieces[1]!);
    pieces[0]!.fill(0);
    systemEntropy.bytes(1024);
    expect(toHex(pieces[1]!)).toBe(kept);
  });

  it.each([0, 1, 1023, 1024, 1025, 70_000])('gives %i bytes at once', (length) => {
    const bytes = systemEntropy.bytes(length);
    expect(bytes.length).toBe(length);
    if (length > 1000) expect(new Set(bytes).size).toBeGreaterThan(200);
  });
});
