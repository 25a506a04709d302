import fc from 'fast-check';
import type { HeaderFields } from '../../../src/lib/ike/wire/message.js';
import type {
  EncryptedFragmentPayload,
  EncryptedPayload,
  KnownPayload,
  Payload,
  Proposal,
  TrafficSelector,
  Transform,
  UnknownPayload,
  UnknownTrafficSelector,
} from '../../../src/lib/ike/wire/types.js';

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });
const data = bytes(0, 64);

/** Drops keys that are undefined, as decoding never sets them. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

const transform: fc.Arbitrary<Transform> = fc
  .record({
    type: u8,
    id: u16,
    keyLength: fc.option(u16, { nil: undefined }),
    otherAttributes: fc.option(
      fc.array(
        fc.record({
          type: fc.nat(0x7fff).filter((type) => type !== 14),
          value: fc.oneof(u16, bytes(0, 8)),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      { nil: undefined },
    ),
  })
  .map((value) => present(value) as Transform);

const proposal: fc.Arbitrary<Proposal> = fc
  .oneof(
    fc.record({ protocolId: fc.constant(1), spi: fc.oneof(bytes(0), bytes(8)) }),
    fc.record({ protocolId: fc.constantFrom(2, 3), spi: bytes(4) }),
    fc.record({ protocolId: fc.integer({ min: 4, max: 255 }), spi: bytes(0, 16) }),
  )
  .chain((head) =>
    fc
      .record({ number: u8, transforms: fc.array(transform, { maxLength: 6 }) })
      .map((rest) => ({ ...head, ...rest })),
  );

const selector: fc.Arbitrary<TrafficSelector | UnknownTrafficSelector> = fc.oneof(
  fc.record({
    type: fc.constant(7 as const),
    ipProtocol: u8,
    startPort: u16,
    endPort: u16,
    startAddress: bytes(4),
    endAddress: bytes(4),
  }),
  fc.record({
    type: fc.constant(8 as const),
    ipProtocol: u8,
    startPort: u16,
    endPort: u16,
    startAddress: bytes(16),
    endAddress: bytes(16),
  }),
  fc.record({
    type: fc.constant('unknown' as const),
    selectorType: u8.filter((type) => type !== 7 && type !== 8),
    ipProtocol: u8,
    raw: data,
  }),
);

const eapMessage = fc.tuple(u8, u8, data).map(([code, identifier, rest]) => {
  const length = rest.length + 4;
  return Uint8Array.of(code, identifier, length >> 8, length & 0xff, ...rest);
});

/** Payloads that may stand anywhere, by type number. */
export const openPayloads: Record<Exclude<KnownPayload['type'], 46 | 53>, fc.Arbitrary<KnownPayload>> = {
  33: fc.record({
    type: fc.constant(33 as const),
    proposals: fc.array(proposal, { minLength: 1, maxLength: 4 }),
  }),
  34: fc.record({ type: fc.constant(34 as const), group: u16, data }),
  35: fc.record({ type: fc.constant(35 as const), idType: u8, data }),
  36: fc.record({ type: fc.constant(36 as const), idType: u8, data }),
  37: fc.record({ type: fc.constant(37 as const), encoding: u8, data }),
  38: fc.record({ type: fc.constant(38 as const), encoding: u8, data }),
  39: fc.record({ type: fc.constant(39 as const), method: u8, data }),
  40: fc.record({ type: fc.constant(40 as const), data: bytes(16, 256) }),
  41: fc.oneof(
    fc.record({
      type: fc.constant(41 as const),
      protocolId: fc.constantFrom(0, 1),
      spi: bytes(0),
      notifyType: u16,
      data,
    }),
    fc.record({
      type: fc.constant(41 as const),
      protocolId: fc.constantFrom(2, 3),
      spi: bytes(4),
      notifyType: u16,
      data,
    }),
  ),
  42: fc.oneof(
    fc.record({
      type: fc.constant(42 as const),
      protocolId: fc.constant(1),
      spiSize: fc.constant(0),
      spis: fc.constant<Uint8Array[]>([]),
    }),
    fc.record({
      type: fc.constant(42 as const),
      protocolId: fc.constantFrom(2, 3),
      spiSize: fc.constant(4),
      spis: fc.array(bytes(4), { maxLength: 8 }),
    }),
  ),
  43: fc.record({ type: fc.constant(43 as const), data }),
  44: fc.record({
    type: fc.constant(44 as const),
    selectors: fc.array(selector, { minLength: 1, maxLength: 5 }),
  }),
  45: fc.record({
    type: fc.constant(45 as const),
    selectors: fc.array(selector, { minLength: 1, maxLength: 5 }),
  }),
  47: fc.record({
    type: fc.constant(47 as const),
    cfgType: u8,
    attributes: fc.array(fc.record({ type: fc.nat(0x7fff), value: bytes(0, 24) }), { maxLength: 6 }),
  }),
  48: fc.record({ type: fc.constant(48 as const), message: eapMessage }),
};

/** Payloads that can only be the last one. */
export const closedPayloads: {
  46: fc.Arbitrary<EncryptedPayload>;
  53: fc.Arbitrary<EncryptedFragmentPayload>;
} = {
  46: fc.record({ type: fc.constant(46 as const), nextPayload: u8, body: data }),
  53: fc
    .record({ type: fc.constant(53 as const), nextPayload: u8, number: u16, total: u16, body: data })
    .filter(({ number, total }) => number > 0 && number <= total)
    .map(({ number, total, ...rest }) => ({ ...rest, fragmentNumber: number, totalFragments: total })),
};

export const unknownPayload: fc.Arbitrary<UnknownPayload> = fc.record({
  type: fc.constant('unknown' as const),
  payloadType: fc.constantFrom(1, 32, 49, 50, 51, 52, 54, 127, 200, 255),
  body: data,
});

/** Any payload that may stand anywhere, with or without the critical bit. */
export const openPayload: fc.Arbitrary<Payload> = fc
  .tuple(fc.oneof(...Object.values(openPayloads), unknownPayload), fc.boolean())
  .map(([payload, critical]) => (critical ? { ...payload, critical } : payload));

/** A chain as it may stand in a message: SK or SKF at most at its end. */
export const chain: fc.Arbitrary<Payload[]> = fc
  .tuple(
    fc.array(openPayload, { maxLength: 6 }),
    fc.option(fc.oneof(closedPayloads[46], closedPayloads[53]), { nil: undefined, freq: 3 }),
  )
  .map(([payloads, last]) => (last === undefined ? payloads : [...payloads, last]));

export const headerFields: fc.Arbitrary<HeaderFields> = fc.record({
  initiatorSpi: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  responderSpi: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  majorVersion: fc.nat(15),
  minorVersion: fc.nat(15),
  exchangeType: u8,
  fromInitiator: fc.boolean(),
  isResponse: fc.boolean(),
  higherVersion: fc.boolean(),
  messageId: fc.nat(0xffff_ffff),
});
