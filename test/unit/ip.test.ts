import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatCidr,
  formatIp,
  ipFamily,
  ipFromBigInt,
  ipToBigInt,
  parseCidr,
  parseIp,
} from '../../src/lib/core/ip.js';
import { printable } from '../../src/lib/core/printable.js';

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Random bytes hardly ever have the runs of zeros that RFC 5952 shortens.
  fc
    .array(fc.constantFrom(0, 0, 1, 0xffff), { minLength: 8, maxLength: 8 })
    .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))),
);

describe('addresses', () => {
  it('round-trip through their text', () => {
    fc.assert(
      fc.property(address, (bytes) => {
        const text = formatIp(bytes);
        expect(parseIp(text)).toEqual(bytes);
        expect(isIPv6(text)).toBe(bytes.length === 16);
        expect(formatIp(ipFromBigInt(ipToBigInt(bytes), ipFamily(bytes)))).toBe(text);
      }),
    );
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::0:1', '2001:db8::1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('RFC 5952 writes %s as %s', (text, canonical) => {
    expect(formatIp(parseIp(text))).toBe(canonical);
  });

  it.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '::1%eth0', ':::', '1::2::3', 'localhost'])(
    'refuses %j',
    (text) => {
      expect(() => parseIp(text)).toThrowError(expect.objectContaining({ code: 'E_ADDRESS', kind: 'usage' }));
    },
  );

  it('have 4 or 16 bytes', () => {
    expect(() => formatIp(new Uint8Array(5))).toThrowError(expect.objectContaining({ code: 'E_ADDRESS' }));
  });
});

describe('CIDRs', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.5/24', '10.0.0.5/24'],
    ['10.0.0.5', '10.0.0.5/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:db8::/64', '2001:db8::/64'],
    ['::1', '::1/128'],
  ])('%s reads as %s', (text, canonical) => {
    expect(formatCidr(parseCidr(text))).toBe(canonical);
  });

  it.each(['', '/24', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/8/8', '::/129', '10.0.0.0/-1'])(
    'refuses %j',
    (text) => {
      expect(() => parseCidr(text)).toThrowError(expect.objectContaining({ code: 'E_ADDRESS' }));
    },
  );
});

describe('printable', () => {
  it('leaves ordinary text of any language alone', () => {
    for (const text of ['moon.example.com', 'Zürich', '東京', 'a b\\c']) {
      expect(printable(text)).toBe(text);
      expect(printable(new TextEncoder().encode(text))).toBe(text);
    }
  });

  it.each([
    ['\x1b[2J', '\\x1b[2J'],
    ['a\r\nb', 'a\\x0d\\x0ab'],
    ['\u009b', '\\xc2\\x9b'],
    ['\u202eevil', '\\xe2\\x80\\xaeevil'],
    ['\u2028', '\\xe2\\x80\\xa8'],
    ['a\0', 'a\\x00'],
  ])('escapes %j', (text, escaped) => {
    expect(printable(text)).toBe(escaped);
  });

  it('shows bytes that are no UTF-8 one by one', () => {
    expect(printable(Uint8Array.of(0x61, 0xff, 0xc3, 0x1b))).toBe('a\\xff\\xc3\\x1b');
  });

  it('never lets a control character through', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(printable(bytes)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
