import { describe, expect, it } from 'vitest';
import { formatKeyword, keywords, parseKeyword, similarKeywords } from '../../../src/lib/crypto/keywords.js';
import {
  encrTransform,
  esnTransform,
  integTransform,
  keTransform,
  prfTransform,
  transformName,
  transforms,
  transformTypeName,
} from '../../../src/lib/crypto/registry.js';
import { type TransformRow, TransformType } from '../../../src/lib/crypto/transform.js';

const { ENCR, PRF, INTEG, KE, ESN } = TransformType;
const types = [ENCR, PRF, INTEG, KE, ESN];
const rows: readonly TransformRow[] = types.flatMap((type) => transforms(type));

function isImplemented(row: TransformRow): boolean {
  if (row.type === ENCR) return row.bind !== undefined;
  if (row.type === KE) return row.generate !== undefined;
  if (row.type === ESN) return row.id < 2;
  return row.compute !== undefined;
}

describe('the registry', () => {
  it('has unique ids, ascending, and unique names within a type', () => {
    for (const type of types) {
      const ids = transforms(type).map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      const names = transforms(type).map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(transforms(type).every((row) => row.type === type)).toBe(true);
    }
  });

  it('names every id that IANA assigned', () => {
    const range = (from: number, to: number): number[] =>
      Array.from({ length: to - from + 1 }, (_, i) => from + i);
    const ids = (type: number): number[] => transforms(type).map(({ id }) => id);
    expect(ids(ENCR)).toEqual([...range(1, 9), ...range(11, 16), ...range(18, 35)]);
    expect(ids(PRF)).toEqual(range(1, 9));
    expect(ids(INTEG)).toEqual(range(0, 14));
    expect(ids(KE)).toEqual([0, 1, 2, 5, ...range(14, 40)]);
    expect(ids(ESN)).toEqual([0, 1, 2]);
  });

  it('implements what the project promises', () => {
    const implemented = (type: number): number[] =>
      transforms(type)
        .filter(isImplemented)
        .map(({ id }) => id);
    expect(implemented(ENCR)).toEqual([3, 11, 12, 13, 14, 15, 16, 18, 19, 20, 28]);
    expect(implemented(PRF)).toEqual([2, 4, 5, 6, 7, 8]);
    expect(implemented(INTEG)).toEqual([2, 5, 8, 12, 13, 14]);
    expect(implemented(KE)).toEqual([
      1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
    ]);
  });

  it.each(rows.filter(({ offered }) => offered))(
    'may offer $name: implemented and nowhere below SHOULD',
    (row) => {
      expect(isImplemented(row)).toBe(true);
      // `unlisted`: the RFCs are silent; what they advise against is listed.
      const acceptable = ['MUST', 'SHOULD+', 'SHOULD', 'unlisted'];
      expect(acceptable).toContain(row.ikeLevel);
      expect(acceptable).toContain(row.espLevel);
      if (row.type === KE) expect(row.strength).toBeGreaterThanOrEqual(112);
    },
  );

  it('never offers what is legacy or for probing', () => {
    const names = rows.filter(({ offered }) => offered).map(({ type, id }) => `${type}/${id}`);
    const never = ['1/3', '1/11', '2/2', '3/2', '4/1', '4/2', '4/5', '4/22', '4/23', '4/24', '4/25', '4/26'];
    expect(names.filter((name) => never.includes(name))).toEqual([]);
  });

  it('keeps the sizes of ciphers coherent', () => {
    for (const row of transforms(ENCR)) {
      if (!row.bind) continue;
      const lengths = row.keyLengths.length > 0 ? row.keyLengths : [row.fixedKeyLength!];
      expect(row.keyLengths.length > 0).toBe(row.fixedKeyLength === undefined);
      expect(row.icvBytes > 0).toBe(row.kind === 'aead');
      for (const bits of lengths) {
        const cipher = row.bind(new Uint8Array(bits / 8 + row.saltBytes));
        const [iv, aad] = [new Uint8Array(row.ivBytes), new Uint8Array(8)];
        const sealed = cipher.seal(iv, aad, new Uint8Array(3 * row.blockBytes));
        expect(sealed.length).toBe(3 * row.blockBytes + row.icvBytes);
        expect(cipher.open(iv, aad, sealed)).toEqual(new Uint8Array(3 * row.blockBytes));
        expect(row.wiresharkIke?.(bits) ?? '').not.toContain('undefined');
      }
      expect(() => row.bind!(new Uint8Array(lengths[0]! / 8 + row.saltBytes + 1))).toThrow(RangeError);
    }
  });

  it('keeps the sizes of PRFs, MACs and groups coherent', () => {
    for (const row of transforms(PRF)) {
      if (row.compute)
        expect(row.compute(new Uint8Array(row.keyBytes), new Uint8Array(5))).toHaveLength(row.keyBytes);
    }
    for (const row of transforms(INTEG)) {
      if (row.compute)
        expect(row.compute(new Uint8Array(row.keyBytes), new Uint8Array(5))).toHaveLength(row.icvBytes);
    }
    for (const row of transforms(KE)) {
      if (row.generate) expect(row.generate().publicValue).toHaveLength(row.publicBytes);
    }
  });

  it('finds rows by id and names unknown ones', () => {
    expect(encrTransform(20)?.name).toBe('ENCR_AES_GCM_16');
    expect(prfTransform(5)?.keyBytes).toBe(32);
    expect(integTransform(12)?.icvBytes).toBe(16);
    expect(keTransform(31)?.publicBytes).toBe(32);
    expect(esnTransform(1)?.keyword).toBe('esn');
    expect(encrTransform(65001)).toBeUndefined();
    expect(transformName(ENCR, 65001)).toBe('ENCR_65001');
    expect(transformName(TransformType.ADDKE3, 36)).toBe('ml-kem-768');
    expect(transformName(200, 7)).toBe('TYPE_200_7');
    expect(transformTypeName(6)).toBe('ADDKE1');
    expect(transforms(200)).toEqual([]);
  });
});

describe('proposal keywords', () => {
  it('are unique and go round', () => {
    expect(new Set(keywords).size).toBe(keywords.length);
    for (const keyword of keywords) {
      const transform = parseKeyword(keyword);
      expect(transform && formatKeyword(transform)).toBe(keyword);
    }
  });

  it.each([
    ['aes', 12, 128],
    ['AES256', 12, 256],
    ['aes192ctr', 13, 192],
    ['aes128gcm16', 20, 128],
    ['aes128gcm128', 20, 128],
    ['aes256gcm', 20, 256],
    ['aes256gcm96', 19, 256],
    ['aes256gcm64', 18, 256],
    ['aes192ccm8', 14, 192],
    ['aes192ccm64', 14, 192],
    ['aes256ccm12', 15, 256],
    ['aes256ccm', 16, 256],
    ['camellia256ccm96', 26, 256],
  ])('reads the cipher %s', (word, id, keyLength) => {
    expect(parseKeyword(word)).toEqual({ type: ENCR, id, keyLength });
  });

  it.each([
    ['chacha20poly1305', ENCR, 28],
    ['3des', ENCR, 3],
    ['null', ENCR, 11],
    ['sha', INTEG, 2],
    ['sha1', INTEG, 2],
    ['sha2_256', INTEG, 12],
    ['sha384', INTEG, 13],
    ['sha512', INTEG, 14],
    ['aesxcbc', INTEG, 5],
    ['aescmac', INTEG, 8],
    ['prfsha1', PRF, 2],
    ['prfsha256', PRF, 5],
    ['prfsha384', PRF, 6],
    ['prfsha512', PRF, 7],
    ['prfaesxcbc', PRF, 4],
    ['prfaescmac', PRF, 8],
    ['modp768', KE, 1],
    ['modp1024', KE, 2],
    ['modp1536', KE, 5],
    ['modp2048', KE, 14],
    ['modp8192', KE, 18],
    ['modp1024s160', KE, 22],
    ['modp2048s224', KE, 23],
    ['modp2048s256', KE, 24],
    ['ecp192', KE, 25],
    ['ecp521', KE, 21],
    ['ecp224bp', KE, 27],
    ['ecp512bp', KE, 30],
    ['curve25519', KE, 31],
    ['x25519', KE, 31],
    ['curve448', KE, 32],
    ['mlkem768', KE, 36],
    ['none', KE, 0],
    ['modpnone', KE, 0],
    ['esn', ESN, 1],
    ['noesn', ESN, 0],
  ])('reads %s', (word, type, id) => {
    expect(parseKeyword(word)).toEqual({ type, id });
  });

  it('refuses what is none and suggests what is near', () => {
    for (const word of ['', 'aes512', 'aes256gcm17', 'sha3', 'constructor', '__proto__', 'aes{bits}']) {
      expect(parseKeyword(word)).toBeUndefined();
    }
    expect(similarKeywords('aes256gmc16')[0]).toBe('aes256gcm16');
    expect(similarKeywords('modp2047')).toContain('modp2048');
    expect(similarKeywords('quantum')).toEqual([]);
  });

  it('writes transforms without a keyword by their IANA name', () => {
    expect(formatKeyword({ type: KE, id: 33 })).toBe('gost3410_2012_256');
    expect(formatKeyword({ type: ENCR, id: 30, keyLength: 256 })).toBe('encr_aes_gcm_16_iiv_256');
  });
});
