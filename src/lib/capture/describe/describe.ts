import { ByteReader, toHex } from '../../core/bytes.js';
import { ikev1ExchangeName, ikev1PayloadName } from '../../ike/v1/names.js';
import type { Ikev1Payload } from '../../ike/v1/types.js';
import { decodeIkev1MessageLenient, decodeIkev1PayloadsLenient } from '../../ike/v1/wire.js';
import { decodeHeader, HEADER_LENGTH } from '../../ike/wire/header.js';
import { exchangeName, payloadName } from '../../ike/wire/names.js';
import {
  decodePayloadsLenient,
  type MalformedPayload,
  readPayloadsLenient,
} from '../../ike/wire/payloads.js';
import type { IkeHeader, Payload } from '../../ike/wire/types.js';
import type { DecodedIke, DecodedPacket, DescribedPayload } from '../types.js';
import { type Fields, opaque } from './fields.js';
import { describeIkev1Payload } from './ikev1.js';
import { describeIkev2Payload } from './ikev2.js';
import { RememberedSas } from './sa-memo.js';

/** What describing may cost. */
export interface DescribeOptions {
  /** Parse and summarise certificates; without it only their size is told, which is a hundred times cheaper. */
  certificates?: boolean;
}

/** Where a chain of payloads stands. */
export interface ChainContext extends DescribeOptions {
  /** The chain comes from a decrypted part: payloads are marked, offsets count from its start. Default true. */
  inside?: boolean;
}

/** A message in words, and why it could not be read wholly. */
export interface DescribedMessage {
  ike: DecodedIke;
  error?: NonNullable<DecodedPacket['error']>;
}

const rememberedSas = new RememberedSas();

const SKF = 53;
const IKEV1_FRAGMENT = 132;
const LAST_FRAGMENT = 0x01;

/**
 * Describes one IKE message of either version, leniently: what cannot be read becomes a payload with an `error`.
 * Encrypted parts stay closed. Never throws.
 */
export function describeMessage(message: Uint8Array, options: DescribeOptions = {}): DescribedMessage {
  if (message.length < HEADER_LENGTH) return describeStump(message);
  const header = decodeHeader(message);
  const error = lengthError(header, message.length);
  const whole = error === undefined ? message : message.subarray(0, Math.max(header.length, HEADER_LENGTH));
  const described = describeWhole(header, whole, options);
  if (error !== undefined) described.error ??= error;
  return described;
}

/**
 * Describes a chain of payloads, for example what an SK payload held. Never throws.
 * @param first type number of the first payload
 */
export function describePayloads(
  version: 1 | 2,
  first: number,
  bytes: Uint8Array,
  context: ChainContext = {},
): DescribedPayload[] {
  const inside = context.inside ?? true;
  const certificates = context.certificates ?? false;
  if (version === 1) {
    const payloads = decodeIkev1PayloadsLenient(first, bytes, { padded: inside });
    return describeChain(payloads, { data: bytes, start: 0, inside }, ikev1PayloadName, (payload) =>
      describeIkev1Payload(payload, certificates),
    );
  }
  const payloads = decodePayloadsLenient(first, bytes);
  return describeChain(payloads, { data: bytes, start: 0, inside }, payloadName, (payload) =>
    describeIkev2Payload(payload, certificates),
  );
}

function describeWhole(header: IkeHeader, message: Uint8Array, options: DescribeOptions): DescribedMessage {
  const certificates = options.certificates ?? false;
  if (header.majorVersion === 1) return { ike: describeIkev1(header, message, certificates) };
  if (header.majorVersion === 2) return { ike: describeIkev2(header, message, certificates) };
  return {
    ike: { ...headerFields(2, header, message), initiator: header.fromInitiator, payloads: [] },
    error: { code: 'E_VERSION', message: `IKE major version ${header.majorVersion} is unknown`, offset: 17 },
  };
}

/** The data of a header that was cut off count as zero. */
function describeStump(message: Uint8Array): DescribedMessage {
  const padded = new Uint8Array(HEADER_LENGTH);
  padded.set(message);
  const header = decodeHeader(padded);
  return {
    ike: { ...headerFields(header.majorVersion === 1 ? 1 : 2, header, padded), payloads: [] },
    error: {
      code: 'E_TRUNCATED',
      message: `an IKE header has 28 bytes, not ${message.length}`,
      offset: message.length,
    },
  };
}

function lengthError(header: IkeHeader, length: number): DescribedMessage['error'] {
  if (header.length === length) return undefined;
  return {
    code: 'E_LENGTH',
    message: `the header says ${header.length} bytes, there are ${length}`,
    offset: 24,
  };
}

function describeIkev2(header: IkeHeader, message: Uint8Array, certificates: boolean): DecodedIke {
  const reader = new ByteReader(message);
  reader.bytes(HEADER_LENGTH);
  const payloads = readPayloadsLenient(header.nextPayload, reader, rememberedSas);
  const ike: DecodedIke = {
    version: 2,
    spiI: toHex(message.subarray(0, 8)),
    spiR: toHex(message.subarray(8, 16)),
    exchange: exchangeName(header.exchangeType),
    exchangeNumber: header.exchangeType,
    messageId: header.messageId,
    response: header.isResponse,
    initiator: header.fromInitiator,
    payloads: describeChain(payloads, outer(message), payloadName, (payload) =>
      describeIkev2Payload(payload, certificates),
    ),
  };
  const last = payloads.at(-1);
  if (last?.type === SKF) ike.fragment = { number: last.fragmentNumber, total: last.totalFragments };
  return ike;
}

function describeIkev1(header: IkeHeader, message: Uint8Array, certificates: boolean): DecodedIke {
  const { payloads, encrypted } = decodeIkev1MessageLenient(message);
  const ike: DecodedIke = {
    ...headerFields(1, header, message),
    payloads: describeChain(payloads, outer(message), ikev1PayloadName, (payload) =>
      describeIkev1Payload(payload, certificates),
    ),
  };
  if (encrypted !== undefined) {
    ike.encrypted = {
      firstPayload: ikev1PayloadName(header.nextPayload),
      firstPayloadNumber: header.nextPayload,
      offset: HEADER_LENGTH,
      length: encrypted.length,
    };
  }
  const [first] = payloads;
  if (first?.type === IKEV1_FRAGMENT) {
    const number = first.fragmentNumber;
    ike.fragment = { number, total: (first.flags & LAST_FRAGMENT) === 0 ? 0 : number };
  }
  return ike;
}

function headerFields(version: 1 | 2, header: IkeHeader, message: Uint8Array): Omit<DecodedIke, 'payloads'> {
  return {
    version,
    spiI: toHex(message.subarray(0, 8)),
    spiR: toHex(message.subarray(8, 16)),
    exchange: (version === 1 ? ikev1ExchangeName : exchangeName)(header.exchangeType),
    exchangeNumber: header.exchangeType,
    messageId: header.messageId,
    response: version === 2 && header.isResponse,
  };
}

/** Where a chain stands: in `data`, from `start` on. */
interface Place {
  data: Uint8Array;
  start: number;
  inside: boolean;
}

function outer(message: Uint8Array): Place {
  return { data: message, start: HEADER_LENGTH, inside: false };
}

function describeChain<P extends Payload | Ikev1Payload>(
  payloads: readonly (P | MalformedPayload)[],
  { data, start, inside }: Place,
  nameOf: (type: number) => string,
  fieldsOf: (payload: P) => Fields,
): DescribedPayload[] {
  let offset = start;
  return payloads.map((payload) => {
    const typeNumber = numberOf(payload);
    const described: DescribedPayload = {
      type: nameOf(typeNumber),
      typeNumber,
      offset,
      length: lengthOf(payload, data, offset),
      fields: isMalformed(payload) ? opaque(payload.body) : fieldsOf(payload),
    };
    if ('critical' in payload) described.critical = true;
    if (inside) described.inside = true;
    if (isMalformed(payload)) {
      const { code, message, offset: at } = payload.error;
      described.error = { code, message, offset: at };
    }
    offset += described.length;
    return described;
  });
}

function isMalformed(payload: { type: unknown }): payload is MalformedPayload {
  return payload.type === 'malformed';
}

function numberOf(payload: Payload | Ikev1Payload | MalformedPayload): number {
  return payload.type === 'malformed' || payload.type === 'unknown' ? payload.payloadType : payload.type;
}

/** The length field of the generic header, which lies at the same place in both versions; all that is left if unusable. */
function lengthOf(payload: { type: unknown }, data: Uint8Array, offset: number): number {
  const rest = data.length - offset;
  if (isMalformed(payload) && payload.body.length === rest) return rest;
  return (data[offset + 2]! << 8) | data[offset + 3]!;
}
