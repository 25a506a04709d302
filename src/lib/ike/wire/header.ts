import { ByteReader, type ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import type { IkeHeader } from './types.js';

/** Bytes of the fixed header (RFC 7296 3.1). */
export const HEADER_LENGTH = 28;

const FLAG_INITIATOR = 0x08;
const FLAG_VERSION = 0x10;
const FLAG_RESPONSE = 0x20;

/**
 * Reads the header of a message of any major version, so that an unsupported one can be answered (RFC 7296 2.5).
 * Reserved flags are ignored (3.1); `length` is returned as it stands and not compared with the data.
 * @throws WireError `E_TRUNCATED` when there are fewer than 28 bytes
 */
export function decodeHeader(data: Uint8Array): IkeHeader {
  if (data.length < HEADER_LENGTH) {
    throw new WireError('E_TRUNCATED', `an IKE header has 28 bytes, not ${data.length}`, data.length);
  }
  const reader = new ByteReader(data);
  const initiatorSpi = reader.u64();
  const responderSpi = reader.u64();
  const nextPayload = reader.u8();
  const version = reader.u8();
  const exchangeType = reader.u8();
  const flags = reader.u8();
  return {
    initiatorSpi,
    responderSpi,
    nextPayload,
    majorVersion: version >> 4,
    minorVersion: version & 0x0f,
    exchangeType,
    fromInitiator: (flags & FLAG_INITIATOR) !== 0,
    isResponse: (flags & FLAG_RESPONSE) !== 0,
    higherVersion: (flags & FLAG_VERSION) !== 0,
    messageId: reader.u32(),
    length: reader.u32(),
  };
}

/** Appends the 28 bytes of a header; reserved flags are zero. */
export function encodeHeader(header: IkeHeader, writer: ByteWriter): void {
  writer
    .u64(header.initiatorSpi)
    .u64(header.responderSpi)
    .u8(header.nextPayload)
    .u8((header.majorVersion << 4) | header.minorVersion)
    .u8(header.exchangeType)
    .u8(
      (header.fromInitiator ? FLAG_INITIATOR : 0) |
        (header.isResponse ? FLAG_RESPONSE : 0) |
        (header.higherVersion ? FLAG_VERSION : 0),
    )
    .u32(header.messageId)
    .u32(header.length);
}
