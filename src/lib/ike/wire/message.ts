import { ByteReader, ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import { decodeHeader, encodeHeader, HEADER_LENGTH } from './header.js';
import { type LenientPayload, readPayloads, readPayloadsLenient, writePayloads } from './payloads.js';
import type { IkeHeader, IkeMessage, Payload } from './types.js';

export type { LenientPayload, MalformedPayload, PayloadOf } from './payloads.js';
export {
  decodePayloads,
  decodePayloadsLenient,
  encodePayloads,
  findPayload,
  findPayloads,
} from './payloads.js';

/** A header whose `length` and `nextPayload` follow from the payloads. */
export type HeaderFields = Omit<IkeHeader, 'length' | 'nextPayload'>;

/** A message as lenient reading finds it. */
export interface LenientMessage {
  header: IkeHeader;
  payloads: LenientPayload[];
  /** Set when the header's length is not that of the data. */
  lengthError?: WireError;
}

/**
 * Reads one whole message strictly, SK left closed.
 * The major version is not checked: that answer (INVALID_MAJOR_VERSION) is the session's.
 * @throws WireError with an offset that counts from the start of `data`
 */
export function decodeMessage(data: Uint8Array): IkeMessage {
  const header = decodeHeader(data);
  const error = lengthError(header, data);
  if (error !== undefined) throw error;
  return { header, payloads: readPayloads(header.nextPayload, payloadReader(data)) };
}

/**
 * Reads a message for display; see `decodePayloadsLenient`.
 * @throws WireError `E_TRUNCATED` when there is not even a header
 */
export function decodeMessageLenient(data: Uint8Array): LenientMessage {
  const header = decodeHeader(data);
  const payloads = readPayloadsLenient(header.nextPayload, payloadReader(data));
  const error = lengthError(header, data);
  return error === undefined ? { header, payloads } : { header, payloads, lengthError: error };
}

/**
 * The bytes of a message; `length` and `nextPayload` are filled in.
 * @throws KitError `E_PAYLOAD_SIZE`, `E_PAYLOAD_ORDER` as `encodePayloads`
 */
export function encodeMessage(header: HeaderFields, payloads: readonly Payload[]): Uint8Array {
  const body = new ByteWriter();
  const nextPayload = writePayloads(payloads, body);
  const writer = new ByteWriter();
  encodeHeader({ ...header, nextPayload, length: HEADER_LENGTH + body.length }, writer);
  return writer.bytes(body.finish()).finish();
}

function payloadReader(data: Uint8Array): ByteReader {
  const reader = new ByteReader(data);
  reader.bytes(HEADER_LENGTH);
  return reader;
}

function lengthError(header: IkeHeader, data: Uint8Array): WireError | undefined {
  if (header.length === data.length) return undefined;
  return new WireError('E_LENGTH', `the header says ${header.length} bytes, there are ${data.length}`, 24);
}
