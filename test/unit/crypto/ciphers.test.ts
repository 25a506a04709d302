import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transforms } from '../../../src/lib/crypto/registry.js';
import { type EncrTransform, TransformType } from '../../../src/lib/crypto/transform.js';

const implemented = transforms(TransformType.ENCR).filter(({ bind }) => bind);
const variants = implemented.flatMap((row) =>
  (row.keyLengths.length > 0 ? row.keyLengths : [row.fixedKeyLength!]).map((bits) => ({
    label: `${row.name} ${bits}`,
    row,
    bits,
  })),
);
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

function inputs(row: EncrTransform, bits: number) {
  return fc.record({
    key: bytesOf(bits / 8 + row.saltBytes),
    iv: bytesOf(row.ivBytes),
    aad: fc.uint8Array({ maxLength: 40 }),
    blocks: fc.integer({ min: 0, max: 40 }),
    filler: fc.integer({ min: 0, max: 255 }),
  });
}

describe('bound ciphers', () => {
  it.each(variants)('$label opens what it sealed', ({ row, bits }) => {
    fc.assert(
      fc.property(inputs(row, bits), ({ key, iv, aad, blocks, filler }) => {
        const plaintext = new Uint8Array(blocks * row.blockBytes).fill(filler);
        const cipher = row.bind!(key);
        const sealed = cipher.seal(iv, aad, plaintext);
        expect(sealed.length).toBe(plaintext.length + row.icvBytes);
        expect(cipher.open(iv, aad, sealed)).toEqual(plaintext);
        // The key is bound once and used often; nothing of one call stays for the next.
        expect(cipher.seal(iv, aad, plaintext)).toEqual(sealed);
      }),
      { numRuns: 40 },
    );
  });

  const aeads = variants.filter(({ row }) => row.kind === 'aead');
  it.each(aeads)('$label refuses every changed byte of data, AAD and IV', ({ row, bits }) => {
    const cipher = row.bind!(new Uint8Array(bits / 8 + row.saltBytes).fill(3));
    const [iv, aad] = [new Uint8Array(row.ivBytes).fill(1), new Uint8Array(13).fill(2)];
    const sealed = cipher.seal(iv, aad, new Uint8Array(70).fill(7));
    const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));
    for (let i = 0; i < sealed.length; i++) expect(cipher.open(iv, aad, flipped(sealed, i))).toBeUndefined();
    for (let i = 0; i < aad.length; i++) expect(cipher.open(iv, flipped(aad, i), sealed)).toBeUndefined();
    for (let i = 0; i < iv.length; i++) expect(cipher.open(flipped(iv, i), aad, sealed)).toBeUndefined();
    for (let i = 0; i < sealed.length; i++)
      expect(cipher.open(iv, aad, sealed.subarray(0, i))).toBeUndefined();
    expect(cipher.open(iv, aad, sealed)).toHaveLength(70);
  });

  const chained = variants.filter(({ row }) => row.blockBytes > 1);
  it.each(chained)('$label takes whole blocks only', ({ row, bits }) => {
    const cipher = row.bind!(new Uint8Array(bits / 8 + row.saltBytes));
    const iv = new Uint8Array(row.ivBytes);
    const broken = new Uint8Array(row.blockBytes + 1);
    expect(() => cipher.seal(iv, iv, broken)).toThrow(RangeError);
    expect(cipher.open(iv, iv, broken)).toBeUndefined();
  });

  it.each(variants.filter(({ row }) => row.ivBytes > 0))(
    '$label takes IVs of its own length only',
    ({ row, bits }) => {
      const cipher = row.bind!(new Uint8Array(bits / 8 + row.saltBytes));
      const none = new Uint8Array(0);
      expect(() => cipher.seal(new Uint8Array(row.ivBytes + 1), none, none)).toThrow(RangeError);
      const data = new Uint8Array(row.blockBytes + row.icvBytes);
      expect(() => cipher.open(new Uint8Array(row.ivBytes - 1), none, data)).toThrow(RangeError);
    },
  );

  it('keep a copy of the key material', () => {
    for (const { row, bits } of variants) {
      const key = new Uint8Array(bits / 8 + row.saltBytes).fill(9);
      const cipher = row.bind!(key);
      const args = [new Uint8Array(row.ivBytes), new Uint8Array(4), new Uint8Array(48)] as const;
      const before = cipher.seal(...args);
      key.fill(0);
      expect(cipher.seal(...args)).toEqual(before);
    }
  });
});
