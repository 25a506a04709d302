import { describe, expect, it } from 'vitest';
import { cutBatches } from '../../../../src/lib/psk/audit/batches.js';
import { LONGEST_WORD } from '../../../../src/lib/psk/audit/lines.js';

async function* inChunks(list: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < list.length; at += size) yield list.subarray(at, at + size);
}

async function cut(list: Uint8Array, size: number) {
  const batches = [];
  for await (const batch of cutBatches(inChunks(list, size))) batches.push(batch);
  return batches;
}

describe('batches of a word list', () => {
  const list = Buffer.from('one\ntwo\r\n\nthree\nfour and more\nlast');

  it.each([1, 2, 3, 4, 5, 7, 9, 20, 100])(
    'hold whole lines when it comes in pieces of %i bytes',
    async (size) => {
      const batches = await cut(list, size);
      expect(Buffer.concat(batches.map(({ bytes }) => bytes))).toEqual(list);
      for (const { bytes } of batches.slice(0, -1)) expect(bytes.at(-1)).toBe(0x0a);
      for (const { bytes, consumed } of batches) expect(consumed).toBe(bytes.length);
      for (const { bytes } of batches) expect(bytes.buffer.byteLength).toBe(bytes.length);
    },
  );

  it.each([1, 100, 1000, 4097, 4098, 4099, 65536])(
    'hold little of an endless line, and all of its neighbours (pieces of %i bytes)',
    async (size) => {
      const endless = Buffer.concat([Buffer.from('a\n'), Buffer.alloc(50_000, 0x78), Buffer.from('\nb\n')]);
      const batches = await cut(endless, size);
      const text = Buffer.concat(batches.map(({ bytes }) => bytes)).toString();
      const lines = text.split('\n');
      expect([lines.length, lines[0], lines[2], lines[3]]).toEqual([4, 'a', 'b', '']);
      expect(lines[1]!.length).toBeGreaterThan(LONGEST_WORD);
      expect(lines[1]!.length).toBeLessThanOrEqual(Math.max(LONGEST_WORD + 2 + size, size));
      expect(batches.reduce((sum, { consumed }) => sum + consumed, 0)).toBe(endless.length);
    },
  );

  it('of an endless last line stay too long', async () => {
    const batches = await cut(Buffer.alloc(20_000, 0x78), 999);
    expect(batches).toHaveLength(1);
    expect(batches[0]!.bytes.length).toBe(LONGEST_WORD + 2);
    expect(batches[0]!.consumed).toBe(20_000);
  });

  it('of an empty list are none', async () => {
    expect(await cut(new Uint8Array(0), 10)).toEqual([]);
  });
});
