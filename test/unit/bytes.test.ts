import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/lib/core/bytes.js';
import { WireError } from '../../src/lib/core/errors.js';

describe('ByteWriter', () => {
  it.each(Array.from({ length: 16 }, (_, i) => 245 + i))(
    'writes numbers across its first buffer at %i',
    (before) => {
      const out = new ByteWriter()
        .bytes(new Uint8Array(before))
        .u8(1)
        .u16(0x0203)
        .u32(0x04050607)
        .u64(8n)
        .finish();
      expect(out.length).toBe(before + 15);
      const reader = new ByteReader(out);
      reader.bytes(before);
      expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([1, 0x0203, 0x04050607, 8n]);
      expect(reader.remaining).toBe(0);
    },
  );
});

describe('ByteReader', () => {
  it('refuses to read past the end, with the offset', () => {
    const reader = new ByteReader(new Uint8Array(3));
    reader.u16();
    expect(() => reader.u16()).toThrow(WireError);
    expect(() => reader.bytes(-1)).toThrow(WireError);
    expect(reader.offset).toBe(2);
    expect(reader.rest()).toHaveLength(1);
  });
});
