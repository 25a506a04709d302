import type { ByteReader, ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import { checkField, expectEnd, restOfStructure, within, writeSized } from '../wire/codec.js';
import type { DataAttribute, Ikev1Proposal, Ikev1SaPayload, Ikev1Transform } from './types.js';

const IPSEC_DOI = 1;
const SIT_SECRECY = 0x02;
const SIT_INTEGRITY = 0x04;
/** Attribute format bit: set for TV (a 2-byte value in place of the length), clear for TLV (RFC 2408 3.3). */
const TV_FORMAT = 0x8000;

/** Reads an SA payload body (RFC 2408 3.4). Of a DOI other than IPsec all that follows is kept as the situation. */
export function decodeSa(body: ByteReader): Ikev1SaPayload {
  const doi = body.u32();
  if (doi !== IPSEC_DOI) return { type: 1, doi, situation: body.rest(), proposals: [] };
  const situation = readSituation(body);
  return { type: 1, doi, situation, proposals: readChain(body, 2, 'proposal', decodeProposal) };
}

/** The bitmap and, with secrecy or integrity, the labels behind it (RFC 2407 4.6.1). */
function readSituation(body: ByteReader): Uint8Array {
  const start = body.offset;
  const bits = body.u32();
  if ((bits & (SIT_SECRECY | SIT_INTEGRITY)) !== 0) body.u32();
  for (const label of [SIT_SECRECY, SIT_INTEGRITY]) {
    if ((bits & label) === 0) continue;
    const levelBytes = body.u16();
    body.u16();
    body.bytes(padded(levelBytes));
    const categoryBits = body.u16();
    body.u16();
    body.bytes(padded(Math.ceil(categoryBits / 8)));
  }
  return body.data.subarray(start, body.offset);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

/** Proposals or transforms: each starts with the type of the next one, 0 for the last. */
function readChain<T>(
  outer: ByteReader,
  type: number,
  what: string,
  decode: (reader: ByteReader) => T,
  count?: number,
): T[] {
  const items: T[] = [];
  let next = type;
  while (next !== 0 && items.length !== count) {
    const at = outer.offset;
    next = outer.u8();
    if (next !== 0 && next !== type) {
      throw new WireError('E_MARKER', `a ${what} is followed by payload type ${next}`, at);
    }
    outer.u8();
    const size = restOfStructure(outer, outer.u16(), 4, `a ${what}`);
    items.push(within(outer, size, decode));
  }
  if (count !== undefined && (items.length !== count || next !== 0)) {
    throw new WireError('E_COUNT', `not ${count} ${what}s, as announced`, outer.offset);
  }
  expectEnd(outer, `the last ${what}`);
  return items;
}

function decodeProposal(reader: ByteReader): Ikev1Proposal {
  const number = reader.u8();
  const protocolId = reader.u8();
  const spiSize = reader.u8();
  const count = reader.u8();
  const spi = reader.bytes(spiSize);
  const transforms = count === 0 ? [] : readChain(reader, 3, 'transform', decodeTransform, count);
  return { number, protocolId, spi, transforms };
}

function decodeTransform(reader: ByteReader): Ikev1Transform {
  const number = reader.u8();
  const id = reader.u8();
  reader.u16();
  return { number, id, attributes: decodeAttributes(reader) };
}

/** Data attributes (RFC 2408 3.3) up to the end of the reader. */
export function decodeAttributes(reader: ByteReader): DataAttribute[] {
  const attributes: DataAttribute[] = [];
  while (reader.remaining > 0) {
    const head = reader.u16();
    const field = reader.u16();
    const value = (head & TV_FORMAT) === 0 ? reader.bytes(field) : field;
    attributes.push({ type: head & ~TV_FORMAT, value });
  }
  return attributes;
}

/** Appends an SA payload body. */
export function encodeSa({ doi, situation, proposals }: Ikev1SaPayload, writer: ByteWriter): void {
  writer.u32(doi).bytes(situation);
  proposals.forEach((proposal, i) => {
    writeSized(writer, 2, 'a proposal', () => {
      writer
        .u8(i === proposals.length - 1 ? 0 : 2)
        .u8(0)
        .u16(0)
        .u8(proposal.number)
        .u8(proposal.protocolId)
        .u8(checkField(proposal.spi.length, 0xff, 'the SPI size'))
        .u8(checkField(proposal.transforms.length, 0xff, 'the number of transforms'))
        .bytes(proposal.spi);
      proposal.transforms.forEach((transform, j) => {
        encodeTransform(transform, j === proposal.transforms.length - 1, writer);
      });
    });
  });
}

function encodeTransform(
  { number, id, attributes }: Ikev1Transform,
  last: boolean,
  writer: ByteWriter,
): void {
  writeSized(writer, 2, 'a transform', () => {
    writer
      .u8(last ? 0 : 3)
      .u8(0)
      .u16(0)
      .u8(number)
      .u8(id)
      .u16(0);
    encodeAttributes(attributes, writer);
  });
}

/** Appends data attributes: numbers in TV form, bytes in TLV form. */
export function encodeAttributes(attributes: readonly DataAttribute[], writer: ByteWriter): void {
  for (const { type, value } of attributes) {
    if (typeof value === 'number')
      writer.u16(TV_FORMAT | type).u16(checkField(value, 0xffff, 'an attribute'));
    else
      writer
        .u16(type)
        .u16(checkField(value.length, 0xffff, 'an attribute length'))
        .bytes(value);
  }
}
