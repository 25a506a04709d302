import { ByteReader, ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import { checkField, expectEnd, rebased, restOfStructure, writeSized } from '../wire/codec.js';
import { decodeFixedHeader, encodeFixedHeader, HEADER_LENGTH } from '../wire/header.js';
import type { MalformedPayload } from '../wire/payloads.js';
import { decodePayloadBody, encodePayloadBody } from './payloads.js';
import { type Ikev1Header, type Ikev1Message, type Ikev1Payload, Ikev1PayloadType } from './types.js';

const FLAG_ENCRYPTION = 0x01;
const FLAG_COMMIT = 0x02;
const FLAG_AUTHENTICATION = 0x04;
const GENERIC_HEADER = 4;
/** More than any sane message has, and few enough to bound the work on a hostile one. */
const MAX_PAYLOADS = 1000;

export type LenientIkev1Payload = Ikev1Payload | MalformedPayload;

/** A header whose `length` and `nextPayload` follow from the payloads. */
export type Ikev1HeaderFields = Omit<Ikev1Header, 'length' | 'nextPayload'>;

/** A message as lenient reading finds it. */
export interface LenientIkev1Message {
  header: Ikev1Header;
  payloads: LenientIkev1Payload[];
  /** What follows the header, when flag E is set; `payloads` is empty then. */
  encrypted?: Uint8Array;
  /** Set when the header's length is not that of the data. */
  lengthError?: WireError;
}

/** How a chain of payloads may end. */
export interface ChainOptions {
  /** Bytes after the last payload are the padding of the cipher (RFC 2409 appendix B) and no error. */
  padded?: boolean;
}

/**
 * Reads the header (RFC 2408 3.1); `length` is returned as it stands and not compared with the data.
 * @throws WireError `E_TRUNCATED` when there are fewer than 28 bytes
 */
export function decodeIkev1Header(data: Uint8Array): Ikev1Header {
  const { flags, ...header } = decodeFixedHeader(data, 'ISAKMP');
  return {
    ...header,
    encrypted: (flags & FLAG_ENCRYPTION) !== 0,
    commit: (flags & FLAG_COMMIT) !== 0,
    authenticationOnly: (flags & FLAG_AUTHENTICATION) !== 0,
  };
}

/** Appends the 28 bytes of a header. */
export function encodeIkev1Header(header: Ikev1Header, writer: ByteWriter): void {
  const { encrypted, commit, authenticationOnly } = header;
  const flags =
    (encrypted ? FLAG_ENCRYPTION : 0) |
    (commit ? FLAG_COMMIT : 0) |
    (authenticationOnly ? FLAG_AUTHENTICATION : 0);
  encodeFixedHeader({ ...header, flags }, writer);
}

/**
 * Reads one whole message strictly; an encrypted part is left closed.
 * @throws WireError with an offset that counts from the start of `data`
 */
export function decodeIkev1Message(data: Uint8Array): Ikev1Message {
  const header = decodeIkev1Header(data);
  const error = lengthError(header, data);
  if (error !== undefined) throw error;
  const reader = payloadReader(data);
  if (isClosed(header)) return { header, payloads: [], encrypted: reader.rest() };
  return { header, payloads: readChain(header.nextPayload, reader, {}) };
}

/**
 * Reads a message for display, up to the length its header tells; see {@link decodeIkev1PayloadsLenient}.
 * @throws WireError `E_TRUNCATED` when there is not even a header
 */
export function decodeIkev1MessageLenient(data: Uint8Array): LenientIkev1Message {
  const header = decodeIkev1Header(data);
  const error = lengthError(header, data);
  const reader = payloadReader(data);
  const message: LenientIkev1Message = isClosed(header)
    ? { header, payloads: [], encrypted: reader.rest() }
    : { header, payloads: readChainLenient(header.nextPayload, reader, {}) };
  if (error !== undefined) message.lengthError = error;
  return message;
}

/** Fragments are cut from a message that may be encrypted itself; their own payload never is. */
function isClosed(header: Ikev1Header): boolean {
  return header.encrypted && header.nextPayload !== Ikev1PayloadType.FRAGMENT;
}

/**
 * The bytes of a message; `length` and `nextPayload` are filled in. To send encrypted payloads, encode them with
 * {@link encodeIkev1Payloads}, encrypt, and use {@link encodeEncryptedIkev1Message}.
 * @throws KitError `E_PAYLOAD_SIZE`
 */
export function encodeIkev1Message(header: Ikev1HeaderFields, payloads: readonly Ikev1Payload[]): Uint8Array {
  const { first, bytes } = encodeIkev1Payloads(payloads);
  return joined(header, first, bytes);
}

/** The bytes of a message whose payloads, the first one of type `first`, are already encrypted. */
export function encodeEncryptedIkev1Message(
  header: Ikev1HeaderFields,
  first: number,
  encrypted: Uint8Array,
): Uint8Array {
  return joined({ ...header, encrypted: true }, first, encrypted);
}

function joined(header: Ikev1HeaderFields, first: number, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  encodeIkev1Header({ ...header, nextPayload: first, length: HEADER_LENGTH + body.length }, writer);
  return writer.bytes(body).finish();
}

/**
 * Reads a chain of payloads strictly; unknown types come back whole.
 * @param first type of the first payload, 0 when there is none
 * @throws WireError with an offset that counts from the start of `data`
 */
export function decodeIkev1Payloads(
  first: number,
  data: Uint8Array,
  options: ChainOptions = {},
): Ikev1Payload[] {
  return readChain(first, new ByteReader(data), options);
}

/** As {@link decodeIkev1Payloads}; what cannot be read becomes a `malformed` payload. Never throws. */
export function decodeIkev1PayloadsLenient(
  first: number,
  data: Uint8Array,
  options: ChainOptions = {},
): LenientIkev1Payload[] {
  return readChainLenient(first, new ByteReader(data), options);
}

/** The bytes of a chain of payloads and the type of the first one. @throws KitError `E_PAYLOAD_SIZE` */
export function encodeIkev1Payloads(payloads: readonly Ikev1Payload[]): { first: number; bytes: Uint8Array } {
  const writer = new ByteWriter();
  payloads.forEach((payload, i) => {
    writeSized(writer, 2, 'a payload', () => {
      writer
        .u8(typeOf(payloads[i + 1]))
        .u8(0)
        .u16(0);
      if (payload.type === 'unknown') writer.bytes(payload.body);
      else encodePayloadBody(payload, writer);
    });
  });
  return { first: typeOf(payloads[0]), bytes: writer.finish() };
}

function typeOf(payload: Ikev1Payload | undefined): number {
  if (payload === undefined) return Ikev1PayloadType.NONE;
  return payload.type === 'unknown' ? checkField(payload.payloadType, 0xff, 'a payload type') : payload.type;
}

function payloadReader(data: Uint8Array): ByteReader {
  const reader = new ByteReader(data);
  reader.bytes(HEADER_LENGTH);
  return reader;
}

function lengthError(header: Ikev1Header, data: Uint8Array): WireError | undefined {
  if (header.length === data.length) return undefined;
  return new WireError('E_LENGTH', `the header says ${header.length} bytes, there are ${data.length}`, 24);
}

interface Link {
  type: number;
  next: number;
  body: Uint8Array;
  bodyAt: number;
}

function readChain(first: number, reader: ByteReader, options: ChainOptions): Ikev1Payload[] {
  const payloads: Ikev1Payload[] = [];
  for (let type = first; type !== Ikev1PayloadType.NONE; ) {
    const link = readLink(type, reader, payloads.length);
    payloads.push(decodeLink(link));
    type = link.next;
  }
  if (!options.padded) expectEnd(reader, 'the message');
  return payloads;
}

function readChainLenient(first: number, reader: ByteReader, options: ChainOptions): LenientIkev1Payload[] {
  const payloads: LenientIkev1Payload[] = [];
  let type = first;
  let offset = reader.offset;
  try {
    while (type !== Ikev1PayloadType.NONE) {
      const link = readLink(type, reader, payloads.length);
      payloads.push(decodeLinkLenient(link, offset));
      type = link.next;
      offset = reader.offset;
    }
    if (!options.padded) expectEnd(reader, 'the message');
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const body = reader.data.subarray(offset);
    payloads.push({ type: 'malformed', payloadType: type, body, error, offset });
  }
  return payloads;
}

function readLink(type: number, reader: ByteReader, count: number): Link {
  if (count === MAX_PAYLOADS) {
    throw new WireError('E_TOO_MANY', `more than ${MAX_PAYLOADS} payloads`, reader.offset);
  }
  const next = reader.u8();
  reader.u8();
  const size = restOfStructure(reader, reader.u16(), GENERIC_HEADER, `payload type ${type}`);
  const bodyAt = reader.offset;
  return { type, next, body: reader.bytes(size), bodyAt };
}

function decodeLink({ type, body, bodyAt }: Link): Ikev1Payload {
  try {
    return decodePayloadBody(type, body);
  } catch (error) {
    throw rebased(error, bodyAt);
  }
}

function decodeLinkLenient(link: Link, offset: number): LenientIkev1Payload {
  try {
    return decodeLink(link);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { type: 'malformed', payloadType: link.type, body: link.body, error, offset };
  }
}
