import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/lib/core/bytes.js';
import { integTransform, prfTransform, transforms } from '../../src/lib/crypto/registry.js';
import { TransformType } from '../../src/lib/crypto/transform.js';
import { macVectors } from './data/macs.js';
import { otherPrfs } from './second-opinion.js';

describe('published MAC and PRF vectors', () => {
  it.each(macVectors.filter(({ prf }) => prf !== undefined))(
    '$source as PRF',
    ({ prf, key, data, output }) => {
      const row = prfTransform(prf!)!;
      const computed = row.compute!(fromHex(key), fromHex(data));
      expect(computed.length).toBe(row.keyBytes);
      expect(toHex(computed).slice(0, output.length)).toBe(output);
    },
  );

  it.each(macVectors.filter(({ integ }) => integ !== undefined))('$source as INTEG', (vector) => {
    const row = integTransform(vector.integ!)!;
    const computed = toHex(row.compute!(fromHex(vector.key), fromHex(vector.data)));
    const length = Math.min(2 * row.icvBytes, vector.output.length);
    expect(computed).toHaveLength(2 * row.icvBytes);
    expect(computed.slice(0, length)).toBe(vector.output.slice(0, length));
  });

  const both = macVectors.filter(({ prf }) => prf !== undefined && prf in otherPrfs);
  it.each(both)('$source, second provider', ({ prf, key, data, output }) => {
    expect(toHex(otherPrfs[prf!]!(fromHex(key), fromHex(data))).slice(0, output.length)).toBe(output);
  });

  it('cover every implemented PRF and INTEG', () => {
    const prfs = transforms(TransformType.PRF).filter(({ compute }) => compute);
    const integs = transforms(TransformType.INTEG).filter(({ compute }) => compute);
    expect(prfs.filter(({ id }) => !macVectors.some(({ prf }) => prf === id))).toEqual([]);
    expect(integs.filter(({ id }) => !macVectors.some(({ integ }) => integ === id))).toEqual([]);
  });
});
