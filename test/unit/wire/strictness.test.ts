import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../src/lib/core/bytes.js';
import { KitError, WireError } from '../../../src/lib/core/errors.js';
import { HEADER_LENGTH } from '../../../src/lib/ike/wire/header.js';
import {
  decodeMessage,
  decodeMessageLenient,
  decodePayloads,
  decodePayloadsLenient,
  encodePayloads,
} from '../../../src/lib/ike/wire/message.js';
import type { Payload } from '../../../src/lib/ike/wire/types.js';
import { messages } from './samples.js';

/** Spaces between fields are for the reader. */
function bytes(hex: string): Uint8Array {
  return fromHex(hex.replace(/\s/g, ''));
}

/** A chain of one payload: the generic header before a body. */
function single(body: string): Uint8Array {
  const inner = bytes(body);
  return Uint8Array.of(0, 0, (inner.length + 4) >> 8, (inner.length + 4) & 0xff, ...inner);
}

/** What strict reading throws; lenient reading has to report the same in place. */
function refusal(type: number, data: Uint8Array): { code: string; offset: number } {
  const [payload] = decodePayloadsLenient(type, data);
  try {
    decodePayloads(type, data);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const { code, offset } = error;
    if (payload?.type === 'malformed') expect(payload.error).toMatchObject({ code, offset });
    return { code, offset };
  }
  throw new Error('was accepted');
}

describe('strict reading refuses', () => {
  const cases: [what: string, type: number, body: string, code: string, offset: number][] = [
    ['an SA payload without a proposal', 33, '', 'E_TRUNCATED', 4],
    ['a proposal with a wrong marker', 33, '03 00 0008 01 01 00 00', 'E_MARKER', 4],
    [
      'a last proposal with another behind it',
      33,
      '00 00 0008 01 01 00 00 00 00 0008 02 01 00 00',
      'E_TRAILING',
      12,
    ],
    ['a proposal that promises another', 33, '02 00 0008 01 01 00 00', 'E_TRUNCATED', 12],
    ['a proposal longer than the payload', 33, '00 00 0009 01 01 00 00', 'E_LENGTH', 8],
    ['a proposal shorter than its header', 33, '00 00 0003 01 01 00 00', 'E_LENGTH', 8],
    ['an IKE SPI of 4 bytes', 33, '00 00 000c 01 01 04 00 00000000', 'E_SPI_SIZE', 10],
    ['an ESP proposal without SPI', 33, '00 00 0008 01 03 00 00', 'E_SPI_SIZE', 10],
    ['an ESP SPI of 8 bytes', 33, '00 00 0010 01 03 08 00 0000000000000000', 'E_SPI_SIZE', 10],
    ['fewer transforms than counted', 33, '00 00 0010 01 01 00 02 00 00 0008 01 00 000c', 'E_COUNT', 12],
    ['more transforms than counted', 33, '00 00 0010 01 01 00 01 03 00 0008 01 00 000c', 'E_COUNT', 12],
    [
      'transforms where none are counted',
      33,
      '00 00 0010 01 01 00 00 00 00 0008 01 00 000c',
      'E_TRAILING',
      12,
    ],
    ['a transform with a wrong marker', 33, '00 00 0010 01 01 00 01 02 00 0008 01 00 000c', 'E_MARKER', 12],
    [
      'a transform longer than its proposal',
      33,
      '00 00 0010 01 01 00 01 00 00 0009 01 00 000c',
      'E_LENGTH',
      16,
    ],
    ['half an attribute', 33, '00 00 0012 01 01 00 01 00 00 000a 01 00 000c 800e', 'E_TRUNCATED', 22],
    [
      'an attribute past its transform',
      33,
      '00 00 0014 01 01 00 01 00 00 000c 01 00 000c 0012 0001',
      'E_TRUNCATED',
      24,
    ],
    ['a KE payload without group', 34, '00', 'E_TRUNCATED', 4],
    ['an ID payload of 3 bytes', 35, '020000', 'E_TRUNCATED', 4],
    ['a CERT payload without encoding', 37, '', 'E_TRUNCATED', 4],
    ['an AUTH payload of 3 bytes', 39, '020000', 'E_TRUNCATED', 4],
    ['a nonce of 15 bytes', 40, '00'.repeat(15), 'E_NONCE_SIZE', 4],
    ['a nonce of 257 bytes', 40, '00'.repeat(257), 'E_NONCE_SIZE', 4],
    ['a notify about the IKE SA with SPI', 41, '01 08 4009 0000000000000000', 'E_SPI_SIZE', 5],
    ['a notify about ESP with an 8-byte SPI', 41, '03 08 4009 0000000000000000', 'E_SPI_SIZE', 5],
    ['a notify whose SPI is not there', 41, '03 04 4009 0000', 'E_TRUNCATED', 8],
    ['a delete of the IKE SA with SPI', 42, '01 08 0001 0000000000000000', 'E_SPI_SIZE', 5],
    ['a delete of ESP SAs without SPI', 42, '03 00 0001', 'E_SPI_SIZE', 5],
    ['a delete of thousands of SPIs of no bytes', 42, '01 00 ffff', 'E_COUNT', 6],
    ['a delete with fewer SPIs than counted', 42, '03 04 0002 00000000', 'E_TRUNCATED', 12],
    ['a delete with more SPIs than counted', 42, '03 04 0001 0000000000000000', 'E_TRAILING', 12],
    ['no traffic selector', 44, '00 000000', 'E_COUNT', 4],
    [
      'an IPv4 selector of the wrong length',
      44,
      '01 000000 07 00 000f 0000 ffff 00000000 000000',
      'E_TRUNCATED',
      20,
    ],
    [
      'an IPv6 selector of IPv4 length',
      45,
      '01 000000 08 00 0010 0000 ffff 00000000 ffffffff',
      'E_TRUNCATED',
      16,
    ],
    [
      'an IPv4 selector with bytes behind',
      44,
      '01 000000 07 00 0011 0000 ffff 00000000 ffffffff 00',
      'E_TRAILING',
      24,
    ],
    ['more selectors than counted', 44, '01 000000 0a 00 0004 0a 00 0004', 'E_TRAILING', 12],
    ['fewer selectors than counted', 44, '02 000000 0a 00 0004', 'E_TRUNCATED', 12],
    ['a selector past the payload', 44, '01 000000 0a 00 0005', 'E_LENGTH', 12],
    ['a configuration attribute past the payload', 47, '01 000000 0001 0004 0a00', 'E_TRUNCATED', 12],
    ['half a configuration attribute', 47, '01 000000 0001', 'E_TRUNCATED', 10],
    ['an EAP message shorter than it says', 48, '01 00 0006 01', 'E_LENGTH', 6],
    ['an EAP message longer than it says', 48, '01 00 0004 01', 'E_LENGTH', 6],
    ['an EAP message of 2 bytes', 48, '03 00', 'E_TRUNCATED', 6],
    ['fragment 0', 53, '0000 0001', 'E_FRAGMENT', 4],
    ['fragment 3 of 2', 53, '0003 0002', 'E_FRAGMENT', 4],
  ];

  it.each(cases)('%s', (_what, type, body, code, offset) => {
    expect(refusal(type, single(body))).toEqual({ code, offset });
  });

  it('a payload shorter than its header', () => {
    expect(refusal(43, bytes('00 00 0003'))).toEqual({ code: 'E_LENGTH', offset: 4 });
  });

  it('a payload longer than the message', () => {
    expect(refusal(43, bytes('00 00 0006 00'))).toEqual({ code: 'E_LENGTH', offset: 4 });
  });

  it('bytes behind the last payload', () => {
    expect(refusal(43, bytes('00 00 0004 00'))).toEqual({ code: 'E_TRAILING', offset: 4 });
    expect(refusal(0, bytes('00'))).toEqual({ code: 'E_TRAILING', offset: 0 });
  });

  it('anything behind the encrypted payload', () => {
    expect(refusal(46, bytes('2b 00 0005 00 00 00 0004'))).toEqual({ code: 'E_TRAILING', offset: 5 });
  });

  it('more than 1000 payloads', () => {
    const chain = bytes(`${'2b 00 0004'.repeat(1000)}00 00 0004`);
    expect(refusal(43, chain)).toEqual({ code: 'E_TOO_MANY', offset: 4000 });
    expect(decodePayloadsLenient(43, chain)).toHaveLength(1001);
    expect(decodePayloads(43, bytes(`${'2b 00 0004'.repeat(999)}00 00 0004`))).toHaveLength(1000);
  });

  it('a header whose length is not that of the data', () => {
    const longer = Uint8Array.of(...messages.initRequest, 0);
    expect(() => decodeMessage(longer)).toThrowError(
      expect.objectContaining({ code: 'E_LENGTH', offset: 24 }),
    );
    const { payloads, lengthError } = decodeMessageLenient(longer);
    expect(lengthError).toBeInstanceOf(WireError);
    expect(payloads.at(-1)).toMatchObject({ type: 'malformed', payloadType: 0, body: Uint8Array.of(0) });
    expect(payloads).toHaveLength(9);
  });

  it('less than a header, even leniently', () => {
    const cut = messages.initRequest.subarray(0, HEADER_LENGTH - 1);
    expect(() => decodeMessageLenient(cut)).toThrowError(expect.objectContaining({ code: 'E_TRUNCATED' }));
  });
});

describe('strict reading accepts', () => {
  it('an unknown payload, critical or not, byte for byte', () => {
    expect(decodePayloads(200, bytes('c8 80 0006 aabb 00 00 0004'))).toEqual([
      { type: 'unknown', payloadType: 200, body: bytes('aabb'), critical: true },
      { type: 'unknown', payloadType: 200, body: bytes('') },
    ]);
  });

  it('reserved bits, which are then sent as zero', () => {
    const dirty: [number, string, string][] = [
      [34, '00 7f 0009 001f ffff 01', '00 00 0009 001f 0000 01'],
      [35, '00 00 0009 02 ffffff 61', '00 00 0009 02 000000 61'],
      [39, '00 00 0009 02 ffffff 61', '00 00 0009 02 000000 61'],
      [44, '00 00 000c 01 ffffff 0a 00 0004', '00 00 000c 01 000000 0a 00 0004'],
      [47, '00 00 000c 01 ffffff 8001 0000', '00 00 000c 01 000000 0001 0000'],
      [
        33,
        '00 00 0018 00 ff 0014 01 01 00 01 00 ff 000c 01 ff 0014 800e 0100',
        '00 00 0018 00 00 0014 01 01 00 01 00 00 000c 01 00 0014 800e 0100',
      ],
    ];
    for (const [type, received, sent] of dirty) {
      expect(encodePayloads(decodePayloads(type, bytes(received)))).toEqual({
        first: type,
        bytes: bytes(sent),
      });
    }
  });

  it('messages of other major versions, so that they can be answered', () => {
    const future = messages.initRequest.slice();
    future[17] = 0x31;
    expect(decodeMessage(future).header).toMatchObject({ majorVersion: 3, minorVersion: 1 });
  });

  it('reserved header flags', () => {
    const flagged = messages.initRequest.slice();
    flagged[19] = 0xff;
    expect(decodeMessage(flagged).header).toMatchObject({
      fromInitiator: true,
      isResponse: true,
      higherVersion: true,
    });
  });

  it('key lengths in forms that are not allowed, as attributes we do not know', () => {
    const [sa] = decodePayloads(
      33,
      single('00 00 0020 01 01 00 01 00 00 0018 01 00 0014 800e 0080 800e 0100 000e 0004 00000100'),
    );
    expect(sa).toMatchObject({
      proposals: [
        {
          transforms: [
            {
              keyLength: 128,
              otherAttributes: [
                { type: 14, value: 256 },
                { type: 14, value: bytes('00000100') },
              ],
            },
          ],
        },
      ],
    });
  });
});

describe('lenient reading', () => {
  it('goes on behind a payload it cannot read', () => {
    const chain = bytes('29 80 0006 0102 00 00 0008 00 00 4000');
    expect(decodePayloadsLenient(40, chain)).toEqual([
      {
        type: 'malformed',
        payloadType: 40,
        critical: true,
        body: bytes('0102'),
        offset: 0,
        error: expect.objectContaining({ code: 'E_NONCE_SIZE', offset: 4 }),
      },
      { type: 41, protocolId: 0, spi: bytes(''), notifyType: 16384, data: bytes('') },
    ]);
  });
});

describe('encoding refuses what would change its meaning', () => {
  const many = (count: number) => Array.from({ length: count });
  const transform = { type: 1, id: 12 };
  const proposal = { number: 1, protocolId: 1, spi: new Uint8Array(0), transforms: [transform] };
  const cases: [string, Payload[], string][] = [
    ['a body of 64 KiB', [{ type: 43, data: new Uint8Array(0x10000) }], 'E_PAYLOAD_SIZE'],
    [
      '256 transforms',
      [{ type: 33, proposals: [{ ...proposal, transforms: many(256).map(() => transform) }] }],
      'E_PAYLOAD_SIZE',
    ],
    [
      'an SPI of 256 bytes',
      [{ type: 41, protocolId: 9, spi: new Uint8Array(256), notifyType: 1, data: new Uint8Array(0) }],
      'E_PAYLOAD_SIZE',
    ],
    [
      '256 selectors',
      [
        {
          type: 44,
          selectors: many(256).map(() => ({
            type: 'unknown',
            selectorType: 10,
            ipProtocol: 0,
            raw: new Uint8Array(0),
          })),
        },
      ],
      'E_PAYLOAD_SIZE',
    ],
    ['payload type 256', [{ type: 'unknown', payloadType: 256, body: new Uint8Array(0) }], 'E_PAYLOAD_SIZE'],
    [
      'a payload behind SK',
      [
        { type: 46, nextPayload: 33, body: new Uint8Array(0) },
        { type: 43, data: new Uint8Array(0) },
      ],
      'E_PAYLOAD_ORDER',
    ],
  ];

  it.each(cases)('%s', (_what, payloads, code) => {
    expect(() => encodePayloads(payloads)).toThrowError(expect.objectContaining({ code }));
    expect(() => encodePayloads(payloads)).toThrowError(KitError);
  });
});
