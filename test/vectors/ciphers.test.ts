import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/lib/core/bytes.js';
import { encrTransform, transforms } from '../../src/lib/crypto/registry.js';
import { type BoundCipher, TransformType } from '../../src/lib/crypto/transform.js';
import { type CipherVector, cipherVectors } from './data/ciphers.js';
import { otherCiphers } from './second-opinion.js';

function check(cipher: BoundCipher, vector: CipherVector, open: boolean): void {
  const iv = fromHex(vector.iv);
  const aad = fromHex(vector.aad ?? '');
  expect(toHex(cipher.seal(iv, aad, fromHex(vector.plaintext)))).toBe(vector.sealed);
  if (open) expect(toHex(cipher.open(iv, aad, fromHex(vector.sealed))!)).toBe(vector.plaintext);
}

describe('published cipher vectors', () => {
  it.each(cipherVectors)('$source', (vector) => {
    check(encrTransform(vector.encr)!.bind!(fromHex(vector.key)), vector, true);
  });

  const both = cipherVectors.filter(({ encr }) => encr in otherCiphers);
  it.each(both)('$source, second provider', (vector) => {
    const icvBytes = encrTransform(vector.encr)!.icvBytes;
    check(otherCiphers[vector.encr]!(fromHex(vector.key)), vector, icvBytes === 0 || icvBytes === 16);
  });

  it('cover every implemented cipher in every key length', () => {
    const wanted = transforms(TransformType.ENCR)
      .filter(({ bind }) => bind)
      // The CCM and GCM variants differ in the length of the ICV only; each has one key length at least.
      .flatMap((row) =>
        row.icvBytes === 8 || row.icvBytes === 12
          ? [`${row.id}`]
          : lengths(row).map((bits) => `${row.id}/${bits}`),
      );
    const covered = new Set(
      cipherVectors.flatMap(({ encr, key }) => {
        const bits = (fromHex(key).length - encrTransform(encr)!.saltBytes) * 8;
        return [`${encr}`, `${encr}/${bits}`];
      }),
    );
    expect(wanted.filter((need) => !covered.has(need))).toEqual([]);
  });
});

function lengths(row: { keyLengths: readonly number[]; fixedKeyLength?: number }): readonly number[] {
  return row.keyLengths.length > 0 ? row.keyLengths : [row.fixedKeyLength!];
}
