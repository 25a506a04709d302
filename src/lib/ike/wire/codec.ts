import { ByteReader, type ByteWriter } from '../../core/bytes.js';
import { KitError, WireError } from '../../core/errors.js';
import type { KnownPayload } from './types.js';

/** What the generic payload header (RFC 7296 3.2) says about a payload body. */
export interface PayloadContext<Type extends number = number> {
  type: Type;
  nextPayload: number;
}

/** Maps one payload type between its shape and the bytes after the generic payload header, both ways. */
export interface PayloadCodec<P extends KnownPayload> {
  /** Reads the whole body. @throws WireError with an offset that counts from the start of the body */
  decode(body: ByteReader, context: PayloadContext<P['type']>): P;
  /** Appends the body. @throws KitError `E_PAYLOAD_SIZE` when a value does not fit its field */
  encode(payload: P, writer: ByteWriter): void;
}

/** An error from inside a unit, with its offset counted from `base` bytes further out; others stay as they are. */
export function rebased(error: unknown, base: number): unknown {
  return error instanceof WireError ? new WireError(error.code, error.message, base + error.offset) : error;
}

/** Reads the next `length` bytes as a unit of its own; errors inside get the offsets of the outer unit. */
export function within<T>(outer: ByteReader, length: number, decode: (inner: ByteReader) => T): T {
  const base = outer.offset;
  const inner = new ByteReader(outer.bytes(length));
  try {
    return decode(inner);
  } catch (error) {
    throw rebased(error, base);
  }
}

/** Refuses bytes that no field accounts for. */
export function expectEnd(reader: ByteReader, what: string): void {
  if (reader.remaining > 0) {
    throw new WireError('E_TRAILING', `${reader.remaining} bytes too many in ${what}`, reader.offset);
  }
}

/** The length of a substructure that starts `consumed` bytes before the reader's place, without those bytes. */
export function restOfStructure(reader: ByteReader, length: number, consumed: number, what: string): number {
  if (length < consumed || length - consumed > reader.remaining) {
    throw new WireError(
      'E_LENGTH',
      `length ${length} of ${what} does not fit: ${consumed + reader.remaining} bytes are there`,
      reader.offset,
    );
  }
  return length - consumed;
}

/** Refuses to encode a value its field cannot hold, where truncation would change the meaning silently. */
export function checkField(value: number, limit: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > limit) {
    throw new KitError('bug', 'E_PAYLOAD_SIZE', `${what} must be 0 to ${limit}, not ${value}`);
  }
  return value;
}

/** Appends a structure whose 2-byte length field, `lengthAt` bytes from its start, counts the whole of it. */
export function writeSized(writer: ByteWriter, lengthAt: number, what: string, write: () => void): void {
  const start = writer.length;
  write();
  writer.patchU16(start + lengthAt, checkField(writer.length - start, 0xffff, `the length of ${what}`));
}
