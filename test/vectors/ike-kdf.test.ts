import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../src/lib/core/bytes.js';
import { Secret } from '../../src/lib/core/secret.js';
import { encrTransform, integTransform, keTransform, prfTransform } from '../../src/lib/crypto/registry.js';
import type { PrfTransform } from '../../src/lib/crypto/transform.js';
import { deriveChildKeys, deriveIkeKeys, type IkeKeys, prfPlus } from '../../src/lib/ike/keys.js';
import { type IkeKdfVector, ikeKdfVectors } from './data/ike-kdf.js';
import { otherPrfs } from './second-opinion.js';

/** SK_d, then AES-CBC-128 with SHA-1 keys: 20 + 20 + 16 + 16 bytes after it, then two SK_p. */
function ikeKeys(vector: IkeKdfVector, prf: PrfTransform): IkeKeys {
  return deriveIkeKeys({
    suite: { prf, encr: encrTransform(12)!, keyLength: 128, integ: integTransform(2), ke: keTransform(14)! },
    keSecret: new Secret(fromHex(vector.keSecret)),
    nonceI: fromHex(vector.nonceI),
    nonceR: fromHex(vector.nonceR),
    spiI: BigInt(`0x${vector.spiI}`),
    spiR: BigInt(`0x${vector.spiR}`),
  });
}

const providers = ikeKdfVectors.flatMap((vector) => {
  const row = prfTransform(vector.prf)!;
  return [
    { name: `${vector.hash}`, vector, prf: row },
    { name: `${vector.hash}, second provider`, vector, prf: { ...row, compute: otherPrfs[vector.prf]! } },
  ];
});

describe('NIST CAVP IKEv2 key derivation', () => {
  it.each(providers)('SKEYSEED and KEYMAT of an IKE SA: $name', ({ vector, prf }) => {
    const keys = ikeKeys(vector, prf);
    expect(toHex(keys.skeyseed.reveal())).toBe(vector.skeyseed);
    const { skD, skAi, skAr, skEi, skEr, skPi, skPr } = keys;
    const pieces = [skD, skAi, skAr, skEi, skEr, skPi, skPr].map((key) => key.reveal());
    const all = toHex(concatBytes(...pieces));
    const shared = Math.min(all.length, vector.keymat.length);
    expect(all.slice(0, shared)).toBe(vector.keymat.slice(0, shared));
    expect(pieces.map((piece) => piece.length)).toEqual([
      prf.keyBytes,
      20,
      20,
      16,
      16,
      prf.keyBytes,
      prf.keyBytes,
    ]);
  });

  it.each(providers)('prf+ cut anywhere: $name', ({ vector, prf }) => {
    const seed = fromHex(vector.nonceI + vector.nonceR + vector.spiI + vector.spiR);
    for (const length of [0, 1, 15, prf.keyBytes, prf.keyBytes + 1, 132]) {
      const expected = vector.keymat.slice(0, 2 * length);
      expect(toHex(prfPlus(prf, fromHex(vector.skeyseed), seed, length))).toBe(expected);
    }
  });

  it.each(providers)('SKEYSEED of a rekeyed IKE SA: $name', ({ vector, prf }) => {
    const skD = new Secret(fromHex(vector.keymat.slice(0, 2 * prf.keyBytes)));
    const rekeyed = deriveIkeKeys({
      // The new SA has another PRF: SKEYSEED comes from the old SA's (RFC 7296 2.18).
      suite: {
        prf: prfTransform(4)!,
        encr: encrTransform(20)!,
        keyLength: 256,
        integ: undefined,
        ke: keTransform(31)!,
      },
      keSecret: new Secret(fromHex(vector.newKeSecret)),
      nonceI: fromHex(vector.nonceI),
      nonceR: fromHex(vector.nonceR),
      spiI: 1n,
      spiR: 2n,
      rekeyOf: { prf, skD },
    });
    expect(toHex(rekeyed.skeyseed.reveal())).toBe(vector.rekeySkeyseed);
    expect(rekeyed.skEi.length).toBe(36);
    expect(rekeyed.skAi.length).toBe(0);
  });

  const children = providers.filter(({ vector }) => vector.child !== undefined);
  it.each(children)('KEYMAT of a child SA: $name', ({ vector, prf }) => {
    const skD = new Secret(fromHex(vector.keymat.slice(0, 2 * prf.keyBytes)));
    // 32 + 32 bytes a side: 128 of the 132 that are published.
    const suite = {
      encr: encrTransform(12)!,
      keyLength: 256,
      integ: integTransform(12),
      ke: undefined,
      esn: false,
    };
    const args = { suite, prf, skD, nonceI: fromHex(vector.nonceI), nonceR: fromHex(vector.nonceR) };
    const flat = ({
      initiatorEncr,
      initiatorInteg,
      responderEncr,
      responderInteg,
    }: ReturnType<typeof deriveChildKeys>): string =>
      [initiatorEncr, initiatorInteg, responderEncr, responderInteg]
        .map((key) => toHex(key.reveal()))
        .join('');
    expect(flat(deriveChildKeys(args))).toBe(vector.child!.slice(0, 256));
    const keSecret = new Secret(fromHex(vector.newKeSecret));
    expect(flat(deriveChildKeys({ ...args, keSecret }))).toBe(vector.childKe!.slice(0, 256));
  });
});
