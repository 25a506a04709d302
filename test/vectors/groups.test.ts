import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/lib/core/bytes.js';
import { ecpExchange } from '../../src/lib/crypto/ecp.js';
import { modpExchange } from '../../src/lib/crypto/modp.js';
import { modpGroups } from '../../src/lib/crypto/modp-groups.js';
import { montgomeryExchange } from '../../src/lib/crypto/montgomery.js';
import { keTransform, transforms } from '../../src/lib/crypto/registry.js';
import { type KeyExchange, TransformType } from '../../src/lib/crypto/transform.js';
import { groupVectors } from './data/groups.js';
import { otherGroups } from './second-opinion.js';

const curves: Readonly<Record<number, string>> = {
  19: 'prime256v1',
  20: 'secp384r1',
  21: 'secp521r1',
  25: 'prime192v1',
  26: 'secp224r1',
  27: 'brainpoolP224r1',
  28: 'brainpoolP256r1',
  29: 'brainpoolP384r1',
  30: 'brainpoolP512r1',
};

/** The implementation behind a group, with a given private key. */
function exchange(ke: number, privateKey: Uint8Array): KeyExchange {
  if (ke in modpGroups) return modpExchange(ke, privateKey);
  const curve = curves[ke];
  if (curve) return ecpExchange(curve, keTransform(ke)!.publicBytes, privateKey);
  return montgomeryExchange(ke === 31 ? 'x25519' : 'x448', privateKey);
}

const implemented = transforms(TransformType.KE).filter(({ generate }) => generate);

describe('published key exchange vectors', () => {
  it.each(groupVectors)('$source', ({ ke, privateA, privateB, publicA, publicB, secret }) => {
    const a = exchange(ke, fromHex(privateA));
    const b = exchange(ke, fromHex(privateB));
    if (publicA) expect(toHex(a.publicValue)).toBe(publicA);
    if (publicB) expect(toHex(b.publicValue)).toBe(publicB);
    expect(toHex(a.agree(b.publicValue))).toBe(secret);
    expect(toHex(b.agree(a.publicValue))).toBe(secret);
  });

  const both = groupVectors.filter(({ ke }) => ke in otherGroups);
  it.each(both)('$source, second provider', ({ ke, privateA, privateB, publicA, publicB, secret }) => {
    const other = otherGroups[ke]!;
    const b = other.publicValue(fromHex(privateB));
    if (publicA) expect(toHex(other.publicValue(fromHex(privateA)))).toBe(publicA);
    if (publicB) expect(toHex(b)).toBe(publicB);
    expect(toHex(other.secret(fromHex(privateA), b))).toBe(secret);
  });

  it('cover every implemented group but those of RFC 2409 and RFC 3526, which publish none', () => {
    const without = implemented.filter(({ id }) => !groupVectors.some(({ ke }) => ke === id));
    expect(without.map(({ id }) => id)).toEqual([1, 2, 5, 14, 15, 16, 17, 18]);
  });
});

describe('key exchange against a second implementation', () => {
  it.each(implemented.filter(({ id }) => id in otherGroups))('group $id, $name', ({ id, generate }) => {
    const ours = generate!();
    const theirs = otherGroups[id]!;
    // Any scalar under the order of every one of these groups will do; the top byte stays clear for P-521.
    const sizes: Readonly<Record<number, number>> = { 20: 48, 21: 66, 32: 56 };
    const privateKey = Uint8Array.from({ length: sizes[id] ?? 32 }, (_, i) =>
      i === 0 ? 0 : (i * 89 + 7) & 0xff,
    );
    const secret = theirs.secret(privateKey, ours.publicValue);
    expect(toHex(ours.agree(theirs.publicValue(privateKey)))).toBe(toHex(secret));
  });
});
