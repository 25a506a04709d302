import { ByteReader, type ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import type { IkeHeader } from './types.js';

/** Bytes of the fixed header (RFC 7296 3.1). */
export const HEADER_LENGTH = 28;

const FLAG_INITIATOR = 0x08;
const FLAG_VERSION = 0x10;
const FLAG_RESPONSE = 0x20;

/** The header that both versions share, its flags as they stand. */
export interface FixedHeader extends Omit<IkeHeader, 'fromInitiator' | 'isResponse' | 'higherVersion'> {
  flags: number;
}

/**
 * Reads the header of a message of any version (RFC 7296 3.1, RFC 2408 3.1).
 * @param protocol names it in the error
 * @throws WireError `E_TRUNCATED` when there are fewer than 28 bytes
 */
export function decodeFixedHeader(data: Uint8Array, protocol: 'IKE' | 'ISAKMP'): FixedHeader {
  if (data.length < HEADER_LENGTH) {
    throw new WireError('E_TRUNCATED', `an ${protocol} header has 28 bytes, not ${data.length}`, data.length);
  }
  const reader = new ByteReader(data);
  const initiatorSpi = reader.u64();
  const responderSpi = reader.u64();
  const nextPayload = reader.u8();
  const version = reader.u8();
  return {
    initiatorSpi,
    responderSpi,
    nextPayload,
    majorVersion: version >> 4,
    minorVersion: version & 0x0f,
    exchangeType: reader.u8(),
    flags: reader.u8(),
    messageId: reader.u32(),
    length: reader.u32(),
  };
}

/** Appends the 28 bytes of a header of any version. */
export function encodeFixedHeader(header: FixedHeader, writer: ByteWriter): void {
  writer
    .u64(header.initiatorSpi)
    .u64(header.responderSpi)
    .u8(header.nextPayload)
    .u8((header.majorVersion << 4) | header.minorVersion)
    .u8(header.exchangeType)
    .u8(header.flags)
    .u32(header.messageId)
    .u32(header.length);
}

/**
 * Reads the header of a message of any major version, so that an unsupported one can be answered (RFC 7296 2.5).
 * Reserved flags are ignored (3.1); `length` is returned as it stands and not compared with the data.
 * @throws WireError `E_TRUNCATED` when there are fewer than 28 bytes
 */
export function decodeHeader(data: Uint8Array): IkeHeader {
  const { flags, ...header } = decodeFixedHeader(data, 'IKE');
  return {
    ...header,
    fromInitiator: (flags & FLAG_INITIATOR) !== 0,
    isResponse: (flags & FLAG_RESPONSE) !== 0,
    higherVersion: (flags & FLAG_VERSION) !== 0,
  };
}

/** Appends the 28 bytes of a header; reserved flags are zero. */
export function encodeHeader(header: IkeHeader, writer: ByteWriter): void {
  const { fromInitiator, isResponse, higherVersion } = header;
  const flags =
    (fromInitiator ? FLAG_INITIATOR : 0) |
    (isResponse ? FLAG_RESPONSE : 0) |
    (higherVersion ? FLAG_VERSION : 0);
  encodeFixedHeader({ ...header, flags }, writer);
}
