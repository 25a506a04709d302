import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/lib/core/bytes.js';
import { WireError } from '../../../src/lib/core/errors.js';
import { ikev1ExchangeName, ikev1NotifyName, ikev1TransformName } from '../../../src/lib/ike/v1/names.js';
import type { Ikev1Payload } from '../../../src/lib/ike/v1/types.js';
import {
  decodeIkev1Header,
  decodeIkev1Message,
  decodeIkev1MessageLenient,
  decodeIkev1Payloads,
  decodeIkev1PayloadsLenient,
  encodeEncryptedIkev1Message,
  encodeIkev1Message,
  encodeIkev1Payloads,
} from '../../../src/lib/ike/v1/wire.js';
import { allPayloads, header, mainMode1 } from './samples.js';

describe('a Main Mode message as a peer sends it', () => {
  /** First message of an Openswan to a Juniper gateway, 3DES, MD5, RSA signatures, group 2. */
  const wire = fromHex(
    'fafaeb49382a763c0000000000000000011002000000000000000074' +
      '0d0000340000000100000001000000280001000100000020000100008' +
      '00b0001800c708080010005800200018003000380040002' +
      '0d0000104f4568794c64414365636661' +
      '00000014afcad71368a1f1c96b8696fc77570100',
  );

  test('is read field by field', () => {
    const message = decodeIkev1Message(wire);
    expect(message.header).toEqual({
      initiatorSpi: 0xfafaeb49382a763cn,
      responderSpi: 0n,
      nextPayload: 1,
      majorVersion: 1,
      minorVersion: 0,
      exchangeType: 2,
      encrypted: false,
      commit: false,
      authenticationOnly: false,
      messageId: 0,
      length: 116,
    });
    expect(message.payloads.map(({ type }) => type)).toEqual([1, 13, 13]);
    expect(message.payloads[0]).toEqual({
      type: 1,
      doi: 1,
      situation: fromHex('00000001'),
      proposals: [
        {
          number: 0,
          protocolId: 1,
          spi: new Uint8Array(0),
          transforms: [
            {
              number: 0,
              id: 1,
              attributes: [
                { type: 11, value: 1 },
                { type: 12, value: 28800 },
                { type: 1, value: 5 },
                { type: 2, value: 1 },
                { type: 3, value: 3 },
                { type: 4, value: 2 },
              ],
            },
          ],
        },
      ],
    });
  });

  test('is written back byte for byte', () => {
    const { header: fields, payloads } = decodeIkev1Message(wire);
    expect(toHex(encodeIkev1Message(fields, payloads))).toBe(toHex(wire));
  });
});

describe('payloads', () => {
  test.each(allPayloads.map((payload) => [payload.type, payload] as const))(
    'type %s survives the round trip',
    (_, payload) => {
      const { first, bytes } = encodeIkev1Payloads([payload]);
      expect(decodeIkev1Payloads(first, bytes)).toEqual([payload]);
    },
  );

  test('all of them in one message survive the round trip', () => {
    const message = encodeIkev1Message(header, allPayloads);
    expect(decodeIkev1Message(message).payloads).toEqual(allPayloads);
  });

  test('labels belong to the situation (RFC 2407 4.6.1)', () => {
    // Labeled domain 7, secrecy level of 5 bytes padded to 8 and a category bitmap of 9 bits, no integrity.
    const situation = fromHex('0000000300000007' + '000500000102030405000000' + '00090000ff800000');
    const payload: Ikev1Payload = { type: 1, doi: 1, situation, proposals: mainMode1.proposals };
    const { first, bytes } = encodeIkev1Payloads([payload]);
    expect(decodeIkev1Payloads(first, bytes)).toEqual([payload]);
  });

  test('of another DOI are kept as they came', () => {
    const { first, bytes } = encodeIkev1Payloads([
      { type: 1, doi: 2, situation: fromHex('0011223344'), proposals: [] },
    ]);
    expect(decodeIkev1Payloads(first, bytes)).toEqual([
      { type: 1, doi: 2, situation: fromHex('0011223344'), proposals: [] },
    ]);
  });
});

describe('an encrypted message', () => {
  const body = fromHex('00112233445566778899aabbccddeeff');
  const wire = encodeEncryptedIkev1Message({ ...header, exchangeType: 32, messageId: 0x12345678 }, 8, body);

  test('stays closed', () => {
    const message = decodeIkev1Message(wire);
    expect(message).toMatchObject({ payloads: [], encrypted: body });
    expect(message.header).toMatchObject({ encrypted: true, nextPayload: 8, messageId: 0x12345678 });
  });

  test('may end in padding once opened, and only then', () => {
    const chain = fromHex('00000008deadbeef00000000');
    expect(decodeIkev1Payloads(8, chain, { padded: true })).toEqual([{ type: 8, data: fromHex('deadbeef') }]);
    expect(() => decodeIkev1Payloads(8, chain)).toThrow(WireError);
  });
});

describe('strict reading refuses', () => {
  const offsetOf = (read: () => unknown): [string, number] => {
    try {
      read();
    } catch (error) {
      if (error instanceof WireError) return [error.code, error.offset];
      throw error;
    }
    throw new Error('it was taken');
  };

  test('a header cut short', () => {
    expect(offsetOf(() => decodeIkev1Header(new Uint8Array(27)))).toEqual(['E_TRUNCATED', 27]);
  });

  test('a length that is not that of the data', () => {
    const wire = encodeIkev1Message(header, allPayloads);
    expect(offsetOf(() => decodeIkev1Message(wire.subarray(0, wire.length - 1)))).toEqual(['E_LENGTH', 24]);
  });

  test('a payload longer than the message', () => {
    expect(offsetOf(() => decodeIkev1Payloads(10, fromHex('00000010aabbccdd')))).toEqual(['E_LENGTH', 4]);
  });

  test('fewer transforms than announced', () => {
    const { first, bytes } = encodeIkev1Payloads([mainMode1]);
    bytes[4 + 8 + 7] = 3;
    expect(offsetOf(() => decodeIkev1Payloads(first, bytes))[0]).toBe('E_COUNT');
  });

  test('a transform where a proposal should follow', () => {
    const { first, bytes } = encodeIkev1Payloads([mainMode1]);
    bytes[4 + 8] = 3;
    expect(offsetOf(() => decodeIkev1Payloads(first, bytes))).toEqual(['E_MARKER', 12]);
  });

  test('thousands of SPIs that take no bytes', () => {
    expect(offsetOf(() => decodeIkev1Payloads(12, fromHex('0000000c000000010300ffff')))).toEqual([
      'E_COUNT',
      10,
    ]);
  });

  test('more payloads than any message has', () => {
    const chain = new Uint8Array(4 * 1001);
    for (let at = 0; at < chain.length; at += 4) chain.set([13, 0, 0, 4], at);
    expect(offsetOf(() => decodeIkev1Payloads(13, chain))).toEqual(['E_TOO_MANY', 4000]);
  });
});

describe('lenient reading', () => {
  test('goes on behind a payload it cannot read', () => {
    const chain = fromHex('0a000008' + '00000001' + '0000000c' + '1122334455667788');
    const [sa, nonce] = decodeIkev1PayloadsLenient(1, chain);
    expect(sa).toMatchObject({ type: 'malformed', payloadType: 1, offset: 0 });
    expect(nonce).toEqual({ type: 10, data: fromHex('1122334455667788') });
  });

  test('ends where the chain breaks and keeps the bytes', () => {
    const chain = fromHex('0a000008aabbccdd' + '00001000');
    expect(decodeIkev1PayloadsLenient(13, chain)).toMatchObject([
      { type: 13 },
      { type: 'malformed', payloadType: 10, offset: 8, body: fromHex('00001000') },
    ]);
  });

  test('tells a wrong length and reads what is there', () => {
    const wire = encodeIkev1Message(header, allPayloads);
    const message = decodeIkev1MessageLenient(wire.subarray(0, wire.length - 1));
    expect(message.lengthError).toMatchObject({ code: 'E_LENGTH', offset: 24 });
    expect(message.payloads).toHaveLength(allPayloads.length);
  });
});

test('numbers have the names of the registries, and others a name too', () => {
  expect([2, 4, 6, 32, 99].map(ikev1ExchangeName)).toEqual([
    'Identity Protection (Main Mode)',
    'Aggressive',
    'Transaction (Config Mode)',
    'Quick Mode',
    'EXCHANGE_99',
  ]);
  expect([14, 18, 24576, 36136, 9999].map(ikev1NotifyName)).toEqual([
    'NO-PROPOSAL-CHOSEN',
    'INVALID-ID-INFORMATION',
    'RESPONDER-LIFETIME',
    'R-U-THERE',
    'NOTIFY_9999',
  ]);
  expect(ikev1TransformName(1, 1)).toBe('KEY_IKE');
  expect(ikev1TransformName(2, 3)).toBe('AH_SHA');
  expect(ikev1TransformName(3, 12)).toBe('ESP_AES-CBC');
  expect(ikev1TransformName(4, 2)).toBe('IPCOMP_DEFLATE');
  expect(ikev1TransformName(9, 1)).toBe('TRANSFORM_1');
});
