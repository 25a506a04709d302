import type { ByteReader, ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import { checkField, expectEnd, type PayloadCodec, restOfStructure, within, writeSized } from './codec.js';
import { type Proposal, ProtocolId, type SaPayload, type Transform } from './types.js';

const LAST = 0;
const MORE_PROPOSALS = 2;
const MORE_TRANSFORMS = 3;
const KEY_LENGTH = 14;
/** Attribute format bit: set for TV (a 2-byte value in place of the length), clear for TLV. */
const TV_FORMAT = 0x8000;

/** Security Association (RFC 7296 3.3). */
export const saCodec: PayloadCodec<SaPayload> = {
  decode(body) {
    const proposals: Proposal[] = [];
    let more = true;
    while (more) {
      more = readMarker(body, MORE_PROPOSALS, 'proposal');
      proposals.push(decodeProposal(body));
    }
    expectEnd(body, 'the SA payload');
    return { type: 33, proposals };
  },
  encode({ proposals }, writer) {
    proposals.forEach((proposal, i) => {
      encodeProposal(proposal, i === proposals.length - 1, writer);
    });
  },
};

/** The first byte of a substructure: 0 for the last one, else the one value that announces another (3.3.1, 3.3.2). */
function readMarker(reader: ByteReader, moreValue: number, what: string): boolean {
  const at = reader.offset;
  const marker = reader.u8();
  if (marker !== LAST && marker !== moreValue) {
    throw new WireError('E_MARKER', `a ${what} starts with ${marker} instead of 0 or ${moreValue}`, at);
  }
  return marker !== LAST;
}

/** A proposal without its first byte (3.3.1). */
function decodeProposal(outer: ByteReader): Proposal {
  outer.u8();
  const length = outer.u16();
  return within(outer, restOfStructure(outer, length, 4, 'a proposal'), (reader) => {
    const number = reader.u8();
    const protocolId = reader.u8();
    const spiSize = reader.u8();
    checkSpiSize(protocolId, spiSize, reader.offset - 1);
    const count = reader.u8();
    const spi = reader.bytes(spiSize);
    const transforms: Transform[] = [];
    for (let i = 1; i <= count; i++) {
      const at = reader.offset;
      const more = readMarker(reader, MORE_TRANSFORMS, 'transform');
      if (more !== i < count) {
        throw new WireError('E_COUNT', `transform ${i} of ${count} says ${more ? 'more' : 'last'}`, at);
      }
      transforms.push(decodeTransform(reader));
    }
    expectEnd(reader, 'a proposal');
    return { number, protocolId, spi, transforms };
  });
}

/** IKE: none in the first negotiation, 8 bytes in a rekey; AH and ESP: 4 bytes (3.3.1). Other protocols: any. */
function checkSpiSize(protocolId: number, spiSize: number, at: number): void {
  const fits =
    protocolId === ProtocolId.IKE
      ? spiSize === 0 || spiSize === 8
      : (protocolId !== ProtocolId.AH && protocolId !== ProtocolId.ESP) || spiSize === 4;
  if (!fits) throw new WireError('E_SPI_SIZE', `an SPI of ${spiSize} bytes for protocol ${protocolId}`, at);
}

/** A transform without its first byte (3.3.2). */
function decodeTransform(outer: ByteReader): Transform {
  outer.u8();
  const length = outer.u16();
  return within(outer, restOfStructure(outer, length, 4, 'a transform'), (reader) => {
    const type = reader.u8();
    reader.u8();
    const transform: Transform = { type, id: reader.u16() };
    while (reader.remaining > 0) decodeAttribute(reader, transform);
    return transform;
  });
}

/** Adds one attribute (3.3.5). Key Length in a form or number 3.3.5 does not allow is kept as a foreign attribute. */
function decodeAttribute(reader: ByteReader, transform: Transform): void {
  const head = reader.u16();
  const type = head & ~TV_FORMAT;
  const field = reader.u16();
  const value = (head & TV_FORMAT) === 0 ? reader.bytes(field) : field;
  if (type === KEY_LENGTH && typeof value === 'number' && transform.keyLength === undefined) {
    transform.keyLength = value;
  } else {
    transform.otherAttributes ??= [];
    transform.otherAttributes.push({ type, value });
  }
}

function encodeProposal(proposal: Proposal, last: boolean, writer: ByteWriter): void {
  writeSized(writer, 2, 'a proposal', () => {
    writer
      .u8(last ? LAST : MORE_PROPOSALS)
      .u8(0)
      .u16(0)
      .u8(proposal.number)
      .u8(proposal.protocolId)
      .u8(checkField(proposal.spi.length, 0xff, 'the SPI size'))
      .u8(checkField(proposal.transforms.length, 0xff, 'the number of transforms'))
      .bytes(proposal.spi);
    proposal.transforms.forEach((transform, i) => {
      encodeTransform(transform, i === proposal.transforms.length - 1, writer);
    });
  });
}

function encodeTransform(transform: Transform, last: boolean, writer: ByteWriter): void {
  writeSized(writer, 2, 'a transform', () => {
    writer
      .u8(last ? LAST : MORE_TRANSFORMS)
      .u8(0)
      .u16(0)
      .u8(transform.type)
      .u8(0)
      .u16(transform.id);
    if (transform.keyLength !== undefined) writer.u16(TV_FORMAT | KEY_LENGTH).u16(transform.keyLength);
    for (const { type, value } of transform.otherAttributes ?? []) {
      if (typeof value === 'number') writer.u16(TV_FORMAT | type).u16(value);
      else
        writer
          .u16(type)
          .u16(checkField(value.length, 0xffff, 'an attribute length'))
          .bytes(value);
    }
  });
}
