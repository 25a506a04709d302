import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../../src/lib/core/bytes.js';
import {
  formatIdentity,
  type Identity,
  IdType,
  identityFromAddress,
  identityMatches,
  parseIdentity,
  sameIdentity,
} from '../../src/lib/ike/identity.js';

function identity(text: string): Identity {
  const parsed = parseIdentity(text);
  if (parsed === undefined) throw new Error(`${text} is any`);
  return parsed;
}

/** C=CH, O=Lab, CN=bob, all PrintableStrings. */
const LAB_BOB = '3029310b3009060355040613024348310c300a060355040a13034c6162310c300a06035504031303626f62';
/** The same name with UTF8Strings, as most certificate tools write it, but for the country. */
const LAB_BOB_UTF8 = '3029310b3009060355040613024348310c300a060355040a0c034c6162310c300a06035504030c03626f62';

describe('reading', () => {
  it.each([
    ['moon.example.com', IdType.FQDN, toHex(utf8('moon.example.com'))],
    ['@moon.example.com', IdType.FQDN, toHex(utf8('moon.example.com'))],
    ['fqdn:10.0.0.1', IdType.FQDN, toHex(utf8('10.0.0.1'))],
    ['dns:moon', IdType.FQDN, toHex(utf8('moon'))],
    ['carol@example.com', IdType.RFC822_ADDR, toHex(utf8('carol@example.com'))],
    ['@@carol@example.com', IdType.RFC822_ADDR, toHex(utf8('carol@example.com'))],
    ['email:carol', IdType.RFC822_ADDR, toHex(utf8('carol'))],
    ['RFC822:carol', IdType.RFC822_ADDR, toHex(utf8('carol'))],
    ['userfqdn:carol', IdType.RFC822_ADDR, toHex(utf8('carol'))],
    ['10.0.0.1', IdType.IPV4_ADDR, '0a000001'],
    ['ipv4:10.0.0.1', IdType.IPV4_ADDR, '0a000001'],
    ['2001:db8::1', IdType.IPV6_ADDR, '20010db8000000000000000000000001'],
    ['ipv6:::1', IdType.IPV6_ADDR, '00000000000000000000000000000001'],
    ['@#0aFF', IdType.KEY_ID, '0aff'],
    ['@#0a:ff', IdType.KEY_ID, '0aff'],
    ['keyid:group', IdType.KEY_ID, toHex(utf8('group'))],
    ['keyid:#00ff', IdType.KEY_ID, '00ff'],
    ['{11}:#00ff', IdType.KEY_ID, '00ff'],
    ['{2}:moon', IdType.FQDN, toHex(utf8('moon'))],
    ['no=name', IdType.KEY_ID, toHex(utf8('no=name'))],
    ['no:address', IdType.KEY_ID, toHex(utf8('no:address'))],
    ['C=CH, O=Lab, CN=bob', IdType.DER_ASN1_DN, LAB_BOB],
    ['/C=CH/O=Lab/CN=bob', IdType.DER_ASN1_DN, LAB_BOB],
    ['c = CH,o= Lab , cn =bob ,', IdType.DER_ASN1_DN, LAB_BOB],
    ['2.5.4.6=CH, O=Lab, CN=bob', IdType.DER_ASN1_DN, LAB_BOB],
    ['dn:C=CH, O=Lab, CN=bob', IdType.DER_ASN1_DN, LAB_BOB],
    [`asn1dn:#${LAB_BOB}`, IdType.DER_ASN1_DN, LAB_BOB],
    ['asn1gn:#8203616263', IdType.DER_ASN1_GN, '8203616263'],
    ['%null', IdType.NULL, ''],
  ])('%s', (text, idType, hex) => {
    const { data, ...rest } = identity(text);
    expect({ ...rest, data: toHex(data) }).toEqual({ idType, data: hex });
  });

  it.each(['%any', '%any6', '*', '0.0.0.0', '::', '0::0'])('%s is anyone', (text) => {
    expect(parseIdentity(text)).toBeUndefined();
  });

  it.each([
    '',
    '@',
    '@@',
    '@#',
    '@#xyz',
    '@#abc',
    'ipv4:::1',
    'ipv6:1.2.3.4',
    'dn:bob',
    'asn1gn:x',
    '{300}:x',
  ])('%j is refused', (text) => {
    expect(() => parseIdentity(text)).toThrowError(
      expect.objectContaining({ code: 'E_IDENTITY', kind: 'usage' }),
    );
  });

  it('chooses string types as strongSwan does', () => {
    expect(toHex(identity('CN=Zürich').data)).toContain('0c075ac3bc72696368');
    expect(toHex(identity('E=a@b.c').data)).toContain('16056140622e63');
  });

  it('makes an identity of an address', () => {
    expect(identityFromAddress('::1')).toEqual(identity('::1'));
    expect(() => identityFromAddress('moon')).toThrowError(expect.objectContaining({ code: 'E_ADDRESS' }));
  });
});

describe('writing', () => {
  it.each([
    'moon.example.com',
    'carol@example.com',
    '10.0.0.1',
    '2001:db8::1',
    '@#00ff',
    'keyid:group',
    '@10.0.0.1',
    '@@carol',
    'C=CH, O=Lab, CN=bob',
    'C=CH, ST=ZH, L=Zürich, O=Lab, OU=VPN, CN=bob, E=bob@lab.test',
    'CN=Lab\\, Inc., UID=b\\\\b, SN=7',
    '%null',
    '{10}:#8203616263',
  ])('%s round-trips', (text) => {
    expect(formatIdentity(identity(text))).toBe(text);
  });

  it('reads back as the same identity wherever nothing had to be escaped', () => {
    const clean = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
    const idType = fc.constantFrom<number>(IdType.FQDN, IdType.RFC822_ADDR, IdType.KEY_ID);
    fc.assert(
      fc.property(idType, clean, (type, text) => {
        fc.pre(!/[\p{C}\p{Zl}\p{Zp}]/u.test(text));
        const whole = { idType: type, data: utf8(text) };
        expect(parseIdentity(formatIdentity(whole))).toEqual(whole);
      }),
    );
  });

  it('reads distinguished names back by value', () => {
    const value = fc.string({ minLength: 1, maxLength: 12 });
    const names = fc.array(fc.tuple(fc.constantFrom('C', 'O', 'OU', 'CN', 'DC'), value), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(names, (attributes) => {
        const text = attributes.map(([type, raw]) => `${type}=${raw.replace(/[,\\ ]/g, '\\$&')}`).join(',');
        const name = identity(text);
        expect(name.idType).toBe(IdType.DER_ASN1_DN);
        expect(identity(formatIdentity(name))).toEqual(name);
      }),
    );
  });

  it.each([
    [{ idType: IdType.FQDN, data: utf8('moon\x1b[2J') }, 'moon\\x1b[2J'],
    [{ idType: IdType.RFC822_ADDR, data: Uint8Array.of(0x61, 0xff) }, 'a\\xff'],
    [{ idType: IdType.KEY_ID, data: utf8('a\nb') }, '@#610a62'],
    [{ idType: IdType.IPV4_ADDR, data: Uint8Array.of(1, 2, 3) }, '{1}:#010203'],
    [{ idType: IdType.IPV6_ADDR, data: new Uint8Array(4) }, '{5}:#00000000'],
    [{ idType: IdType.DER_ASN1_DN, data: fromHex('3005310330ff') }, '{9}:#3005310330ff'],
    [{ idType: 200, data: utf8('x') }, '{200}:#78'],
    [{ idType: IdType.NULL, data: utf8('x') }, '{13}:#78'],
  ])('shows %j safely', (hostile, text) => {
    expect(formatIdentity(hostile)).toBe(text);
  });

  it('escapes inside names, and keeps one value from posing as two', () => {
    expect(formatIdentity(identity('CN=eve\x1b[0m'))).toBe('CN=eve\\x1b[0m');
    expect(formatIdentity(identity('CN=eve\\, O=Lab'))).toBe('CN=eve\\, O=Lab');
  });

  it('cuts what no log can bear, without the work of reading it back', () => {
    const text = formatIdentity({ idType: IdType.FQDN, data: new Uint8Array(60_000).fill(0x61) });
    expect(text).toBe(`@${'a'.repeat(511)}…`);
  });
});

describe('hostile bytes', () => {
  it('never make formatting or matching throw', () => {
    const hostile = fc.record({ idType: fc.nat(255), data: fc.uint8Array({ maxLength: 120 }) });
    const bob = identity('C=CH, O=Lab, CN=bob');
    fc.assert(
      fc.property(hostile, fc.boolean(), (peer, asName) => {
        const given = asName ? { ...peer, idType: IdType.DER_ASN1_DN } : peer;
        expect(formatIdentity(given)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(identityMatches(bob, given)).toBe(false);
      }),
    );
  });

  it('survive as mutated names', () => {
    const name = identity('C=CH, ST=ZH, O=Lab, CN=*, E=bob@lab.test').data;
    fc.assert(
      fc.property(fc.nat(name.length - 1), fc.nat(255), fc.nat(name.length), (at, byte, end) => {
        const data = name.slice(0, end);
        if (at < end) data[at] = byte;
        const mutated = { idType: IdType.DER_ASN1_DN, data };
        expect(typeof formatIdentity(mutated)).toBe('string');
        expect(typeof identityMatches(mutated, identity('CN=bob'))).toBe('boolean');
      }),
    );
  });

  it('nested as deep as a payload allows', () => {
    for (const tag of [0x30, 0x31, 0x24, 0xa0]) {
      const open = Uint8Array.from({ length: 60_000 }, (_, i) => (i % 2 === 0 ? tag : 0x80));
      expect(formatIdentity({ idType: IdType.DER_ASN1_DN, data: open })).toMatch(/^\{9\}:#/);
      expect(formatIdentity({ idType: IdType.DER_ASN1_DN, data: open.subarray(0, 8000) })).toMatch(
        /^\{9\}:#/,
      );
    }
  });
});

describe('being the same', () => {
  it('is a matter of type and bytes, not of the text', () => {
    const control = Uint8Array.of(1);
    const pairs: [Identity, Identity][] = [
      [
        { idType: IdType.FQDN, data: control },
        { idType: IdType.RFC822_ADDR, data: control },
      ],
      [
        { idType: IdType.FQDN, data: new Uint8Array(600).fill(0x61) },
        { idType: IdType.FQDN, data: new Uint8Array(601).fill(0x61) },
      ],
    ];
    for (const [a, b] of pairs) {
      expect(formatIdentity(a)).toBe(formatIdentity(b));
      expect(sameIdentity(a, b)).toBe(false);
      expect(sameIdentity(a, { ...a, data: a.data.slice() })).toBe(true);
    }
  });
});

describe('matching', () => {
  it.each([
    ['moon.example.com', 'MOON.Example.com'],
    ['carol@example.com', 'Carol@Example.Com'],
    ['@*.example.com', 'moon.example.com'],
    ['@*.example.com', 'a.b.example.com'],
    ['*@example.com', 'carol@example.com'],
    ['10.0.0.1', '10.0.0.1'],
    ['C=CH, O=Lab, CN=bob', 'C=ch, O=LAB, CN=Bob'],
    ['C=CH, O=Lab, CN=bob', `dn:#${LAB_BOB_UTF8}`],
    ['C=CH, O=Lab, CN=*', 'C=CH, O=Lab, CN=anyone'],
    ['E=Bob@lab.test', 'E=bob@LAB.test'],
  ])('%s takes %s', (expected, actual) => {
    expect(identityMatches(identity(expected), identity(actual))).toBe(true);
  });

  it.each([
    ['moon.example.com', 'sun.example.com'],
    ['moon.example.com', '@@moon.example.com'],
    ['@*.example.com', '@.example.com'],
    ['@*.example.com', 'example.com'],
    ['@*.example.com', 'moon.example.com.evil.test'],
    ['moon.example.com', '@*.example.com'],
    ['10.0.0.1', '@10.0.0.1'],
    ['@#00', '@#01'],
    ['keyid:Group', 'keyid:group'],
    ['C=CH, O=Lab, CN=bob', 'C=CH, O=Lab'],
    ['C=CH, O=Lab, CN=bob', 'O=Lab, C=CH, CN=bob'],
    ['C=CH, O=Lab, CN=bob', 'C=CH, O=Lab, CN=bob, OU=x'],
    ['C=CH, O=Lab, CN=bob', 'C=CH, O=Lab, UID=bob'],
    ['C=CH, O=Lab, CN=bob', 'C=CH, O=Lab, CN=*'],
    ['CN=Zürich', 'CN=ZÜRICH'],
  ])('%s does not take %s', (expected, actual) => {
    expect(identityMatches(identity(expected), identity(actual))).toBe(false);
  });

  it('anyone is taken where nobody is expected', () => {
    expect(identityMatches(undefined, identity('moon'))).toBe(true);
  });

  it('a NUL never matches', () => {
    const sly = { idType: IdType.FQDN, data: utf8('evil.test\0.example.com') };
    expect(identityMatches(identity('@*.example.com'), sly)).toBe(false);
  });

  it('does not fold letters outside ASCII', () => {
    const expected = { idType: IdType.FQDN, data: Uint8Array.of(0xc3, 0xa0) };
    const actual = { idType: IdType.FQDN, data: Uint8Array.of(0xe3, 0xa0) };
    expect(identityMatches(expected, actual)).toBe(false);
  });
});

describe('names of a hostile peer', () => {
  it.each(['300418024141', '30041702ffff', '3003180100', '30050603ffffff', '3005090341ff00'])(
    'prints %s as hex and matches nothing',
    (hex) => {
      const hostile = { idType: IdType.DER_ASN1_DN, data: fromHex(hex) };
      expect(formatIdentity(hostile)).toContain(hex);
      expect(identityMatches(parseIdentity('C=CH, CN=bob'), hostile)).toBe(false);
    },
  );

  it('never throws for mutated names', () => {
    const good = parseIdentity('C=CH, O=Lab, E=a@b.test, CN=bob')!.data;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const data = good.slice();
        for (const [at, byte] of changes) data[at] = byte;
        expect(typeof formatIdentity({ idType: IdType.DER_ASN1_DN, data })).toBe('string');
      }),
      { numRuns: 5_000 },
    );
  });
});
