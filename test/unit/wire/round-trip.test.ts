import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireError } from '../../../src/lib/core/errors.js';
import {
  decodeMessage,
  decodeMessageLenient,
  decodePayloads,
  decodePayloadsLenient,
  encodeMessage,
  encodePayloads,
} from '../../../src/lib/ike/wire/message.js';
import type { Payload } from '../../../src/lib/ike/wire/types.js';
import { chain, closedPayloads, headerFields, openPayloads, unknownPayload } from './arbitraries.js';
import { chains, messages } from './samples.js';

function expectRoundTrip(payloads: Payload[]): void {
  const { first, bytes } = encodePayloads(payloads);
  expect(decodePayloads(first, bytes)).toEqual(payloads);
  expect(decodePayloadsLenient(first, bytes)).toEqual(payloads);
}

/** Reads every proper prefix strictly; each has to fail with an error of ours whose offset lies within. */
function expectEveryPrefixRefused(whole: Uint8Array, decode: (data: Uint8Array) => unknown): void {
  for (let length = 0; length < whole.length; length++) {
    let caught: unknown;
    try {
      decode(whole.subarray(0, length));
    } catch (error) {
      caught = error;
    }
    expect(caught, `prefix of ${length} bytes`).toBeInstanceOf(WireError);
    const { offset } = caught as WireError;
    expect(offset).toBeGreaterThanOrEqual(0);
    expect(offset).toBeLessThanOrEqual(length);
  }
}

describe('every payload codec', () => {
  const all = Object.entries({ ...openPayloads, ...closedPayloads, unknown: unknownPayload });

  it.each(all)('round-trips payload type %s', (_type, arbitrary) => {
    fc.assert(fc.property(arbitrary as fc.Arbitrary<Payload>, (payload) => expectRoundTrip([payload])));
  });

  it.each(all)('refuses every truncation of payload type %s', (_type, arbitrary) => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<Payload>, (payload) => {
        const { first, bytes } = encodePayloads([payload]);
        expectEveryPrefixRefused(bytes, (data) => decodePayloads(first, data));
      }),
      { numRuns: 25 },
    );
  });
});

describe('whole messages', () => {
  it('round-trip with any header and chain of payloads', () => {
    fc.assert(
      fc.property(headerFields, chain, (header, payloads) => {
        const bytes = encodeMessage(header, payloads);
        const message = decodeMessage(bytes);
        expect(message.payloads).toEqual(payloads);
        expect(message.header).toMatchObject(header);
        expect(message.header.length).toBe(bytes.length);
      }),
    );
  });

  it('keep every byte of what cannot be parsed strictly when read leniently', () => {
    fc.assert(
      fc.property(fc.nat(0xff), fc.uint8Array({ maxLength: 200 }), (first, data) => {
        const payloads = decodePayloadsLenient(first, data);
        const malformed = payloads.filter((payload) => payload.type === 'malformed');
        for (const { offset, body, error } of malformed) {
          expect(error).toBeInstanceOf(WireError);
          expect(offset + body.length).toBeLessThanOrEqual(data.length);
        }
        let strict: Payload[] | WireError;
        try {
          strict = decodePayloads(first, data);
        } catch (error) {
          strict = error as WireError;
        }
        if (strict instanceof WireError) {
          expect(malformed[0]?.error).toMatchObject({ code: strict.code, offset: strict.offset });
        } else expect(payloads).toEqual(strict);
      }),
    );
  });

  it.each(Object.entries(messages))('are byte for byte what strongSwan sent: %s', (_name, bytes) => {
    const { header, payloads } = decodeMessage(bytes);
    expect(encodeMessage(header, payloads)).toEqual(bytes);
    expectEveryPrefixRefused(bytes, decodeMessage);
  });

  it.each(Object.entries(chains))('are byte for byte what strongSwan sealed: %s', (_name, sample) => {
    const payloads = decodePayloads(sample.first, sample.bytes);
    expect(encodePayloads(payloads)).toEqual(sample);
    expectEveryPrefixRefused(sample.bytes, (data) => decodePayloads(sample.first, data));
  });

  it('survive leniently when the capture cut them short', () => {
    const whole = messages.initRequest;
    const { payloads, lengthError } = decodeMessageLenient(whole.subarray(0, 100));
    expect(lengthError?.code).toBe('E_LENGTH');
    expect(payloads.map(({ type }) => type)).toEqual([33, 'malformed']);
    expect(payloads[1]).toMatchObject({ payloadType: 34, offset: 68, error: { code: 'E_LENGTH' } });
  });
});
