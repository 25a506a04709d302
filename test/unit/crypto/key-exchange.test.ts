import { getDiffieHellman } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex } from '../../../src/lib/core/bytes.js';
import { KitError } from '../../../src/lib/core/errors.js';
import { modpGroups } from '../../../src/lib/crypto/modp-groups.js';
import { keTransform, transforms } from '../../../src/lib/crypto/registry.js';
import { type KeTransform, type KeyExchange, TransformType } from '../../../src/lib/crypto/transform.js';

const groups = transforms(TransformType.KE).filter(({ generate }) => generate);
const modp = groups.filter(({ id }) => id in modpGroups);
const ecp = groups.filter(({ name }) => /ECP|brainpool/i.test(name));

/** The code of the error with which a fresh exchange answers this public value. */
function refusal(group: KeTransform, peer: Uint8Array): string | undefined {
  try {
    group.generate!().agree(peer);
    return undefined;
  } catch (error) {
    if (!(error instanceof KitError)) throw error;
    expect(error.kind).toBe('protocol');
    return error.code;
  }
}

function numberOf(value: bigint, length: number): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * length, '0'));
}

describe('every implemented group', () => {
  it.each(groups)('$name: both sides agree, and each run differs', (group) => {
    const [a, b] = [group.generate!(), group.generate!()];
    const secret = a.agree(b.publicValue);
    expect(b.agree(a.publicValue)).toEqual(secret);
    expect(a.publicValue).not.toEqual(b.publicValue);
    const secretBytes = ecp.includes(group) ? group.publicBytes / 2 : group.publicBytes;
    expect(secret).toHaveLength(secretBytes);
  });

  it.each(groups)('$name refuses public values of another length', (group) => {
    const { publicValue } = group.generate!();
    expect(refusal(group, publicValue.subarray(1))).toBe('E_KE_VALUE');
    expect(refusal(group, concatBytes(publicValue, Uint8Array.of(0)))).toBe('E_KE_VALUE');
    expect(refusal(group, new Uint8Array(0))).toBe('E_KE_VALUE');
  });
});

describe('MODP public values (RFC 6989 2.1, 2.2)', () => {
  it.each(modp)('$name refuses 0, 1, p-1, p and p+1', (group) => {
    const p = BigInt(`0x${modpGroups[group.id]!.prime}`);
    for (const value of [0n, 1n, p - 1n, p, p + 1n]) {
      expect(refusal(group, numberOf(value, group.publicBytes))).toBe('E_KE_VALUE');
    }
    expect(refusal(group, new Uint8Array(group.publicBytes).fill(255))).toBe('E_KE_VALUE');
  });

  it.each([22, 23, 24])('group %i refuses values outside the prime-order subgroup', (id) => {
    // 2 generates a far larger subgroup; p - g^x has an even order.
    const group = keTransform(id)!;
    expect(refusal(group, numberOf(2n, group.publicBytes))).toBe('E_KE_VALUE');
    const p = BigInt(`0x${modpGroups[id]!.prime}`);
    const g = BigInt(`0x${modpGroups[id]!.generator}`);
    expect(refusal(group, numberOf(p - g, group.publicBytes))).toBe('E_KE_VALUE');
    expect(refusal(group, numberOf(g, group.publicBytes))).toBeUndefined();
  });

  it('pads public values and secrets on the left to the size of the prime', () => {
    // One in 256 public values begins with a zero byte; agreeing with the generator yields the public value again.
    const group = keTransform(5)!;
    let short: KeyExchange | undefined;
    for (let draws = 0; !short && draws < 8000; draws++) {
      const candidate = group.generate!();
      if (candidate.publicValue[0] === 0) short = candidate;
    }
    expect(short?.publicValue).toHaveLength(192);
    expect(short?.agree(numberOf(2n, 192))).toEqual(short?.publicValue);
  });

  it('uses the constants of the registry for the groups that OpenSSL has by name', () => {
    for (const { id } of modp) {
      const { prime, generator, order } = modpGroups[id]!;
      if (order !== undefined) continue;
      const named = getDiffieHellman(`modp${id}`);
      expect([named.getPrime('hex'), named.getGenerator('hex')]).toEqual([prime, generator]);
    }
  });
});

describe('ECP public values (RFC 6989 2.3)', () => {
  it.each(ecp)('$name refuses points off the curve and the zero point', (group) => {
    const off = group.generate!().publicValue.slice();
    off[off.length - 1]! ^= 1;
    expect(refusal(group, off)).toBe('E_KE_VALUE');
    expect(refusal(group, new Uint8Array(group.publicBytes))).toBe('E_KE_VALUE');
    expect(refusal(group, new Uint8Array(group.publicBytes).fill(255))).toBe('E_KE_VALUE');
  });
});

describe('points of small order (RFC 7748 6, RFC 8031 3.2)', () => {
  const order8 = 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800';
  it.each([
    [31, '00'.repeat(32)],
    [31, `01${'00'.repeat(31)}`],
    [31, order8],
    [31, `ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f`],
    [32, '00'.repeat(56)],
    [32, `01${'00'.repeat(55)}`],
  ])('group %i refuses %s', (id, point) => {
    expect(refusal(keTransform(id)!, fromHex(point))).toBe('E_KE_VALUE');
  });
});
