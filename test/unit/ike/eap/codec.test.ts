import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../../src/lib/core/bytes.js';
import { WireError } from '../../../../src/lib/core/errors.js';
import {
  decodeEap,
  EapCode,
  type EapPacket,
  eapMethodName,
  encodeEap,
} from '../../../../src/lib/ike/auth/eap/codec.js';

/** Packets written out by hand after RFC 3748 4 and 5. */
const samples: [name: string, hex: string, packet: EapPacket][] = [
  ['a request for the Identity', '0107000501', { code: 1, identifier: 7, type: 1, data: new Uint8Array(0) }],
  ['an Identity', '0207000801616263', { code: 2, identifier: 7, type: 1, data: fromHex('616263') }],
  ['a Nak', '020800060304', { code: 2, identifier: 8, type: 3, data: fromHex('04') }],
  ['a Success', '03ff0004', { code: 3, identifier: 255 }],
  ['a Failure', '04000004', { code: 4, identifier: 0 }],
  [
    'an expanded type',
    '0109000dfe00013700000001aa',
    { code: 1, identifier: 9, type: 254, expanded: { vendor: 311, type: 1 }, data: fromHex('aa') },
  ],
];

describe('EAP packets', () => {
  it.each(samples)('read and write %s', (_, hex, packet) => {
    expect(decodeEap(fromHex(hex))).toEqual(packet);
    expect(toHex(encodeEap(packet))).toBe(hex);
  });

  it.each(samples)('refuse %s cut short anywhere, and with bytes behind it', (_, hex) => {
    const whole = fromHex(hex);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeEap(whole.subarray(0, length))).toThrow(WireError);
      // The same with a length that fits: a header alone is still too short for a request.
      if (length < 4) continue;
      const fitting = whole.slice(0, length);
      fitting[3] = length;
      const [code] = fitting;
      const short = code! <= 2 && (length < 5 || (whole[4] === 254 && length < 12));
      if (short) expect(() => decodeEap(fitting)).toThrow(WireError);
      else expect(decodeEap(fitting)).toMatchObject({ code });
    }
    expect(() => decodeEap(Uint8Array.of(...whole, 0))).toThrow(WireError);
  });

  it.each([
    ['an unknown code', '0501000501'],
    ['code 0', '0001000501'],
    ['a Success with data', '0301000500'],
  ])('refuse %s', (_, hex) => {
    expect(() => decodeEap(fromHex(hex))).toThrow(expect.objectContaining({ code: 'E_EAP_PACKET' }));
  });

  it('survive a round trip', () => {
    const type = fc.integer({ min: 0, max: 255 }).filter((value) => value !== 254);
    const packet = fc.oneof(
      fc.record({
        code: fc.constantFrom(EapCode.Request, EapCode.Response),
        identifier: fc.nat(255),
        type,
        data: fc.uint8Array(),
      }),
      fc.record({
        code: fc.constantFrom(EapCode.Request, EapCode.Response),
        identifier: fc.nat(255),
        type: fc.constant(254),
        expanded: fc.record({ vendor: fc.nat(0xffffff), type: fc.nat(0xffffffff) }),
        data: fc.uint8Array(),
      }),
      fc.record({ code: fc.constantFrom(EapCode.Success, EapCode.Failure), identifier: fc.nat(255) }),
    );
    fc.assert(
      fc.property(packet, (value) => {
        expect(decodeEap(encodeEap(value))).toEqual(value);
      }),
    );
  });

  it('read back what they accept, byte for byte, and leave only errors of their own', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, fit) => {
      if (fit && bytes.length >= 4) bytes.set([bytes[0]! % 6, bytes[1]!, 0, bytes.length]);
      try {
        expect(encodeEap(decodeEap(bytes))).toEqual(bytes);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it('have room for 65,535 bytes', () => {
    const data = new Uint8Array(65_530);
    expect(encodeEap({ code: 1, identifier: 0, type: 13, data })).toHaveLength(65_535);
    expect(() => encodeEap({ code: 1, identifier: 0, type: 13, data: new Uint8Array(65_531) })).toThrow(
      RangeError,
    );
  });
});

describe('EAP methods', () => {
  it.each([
    [26, undefined, 'EAP-MSCHAPv2'],
    [25, undefined, 'PEAP'],
    [21, undefined, 'EAP-TTLS'],
    [13, undefined, 'EAP-TLS'],
    [200, undefined, 'EAP_200'],
    [254, { vendor: 311, type: 7 }, 'expanded type 311/7'],
    [254, { vendor: 0, type: 26 }, 'EAP-MSCHAPv2'],
  ])('have names: %s %o', (type, expanded, name) => {
    expect(eapMethodName(type, expanded)).toBe(name);
  });
});
