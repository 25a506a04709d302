import { ByteReader, type ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import { checkField, expectEnd } from '../wire/codec.js';
import { decodeAttributes, decodeSa, encodeAttributes, encodeSa } from './sa.js';
import type { Ikev1DeletePayload, Ikev1KnownPayload, Ikev1NotifyPayload, Ikev1Payload } from './types.js';

/** Reads what follows the generic payload header. @throws WireError with an offset from the start of the body */
export function decodePayloadBody(type: number, data: Uint8Array): Ikev1Payload {
  const body = new ByteReader(data);
  switch (type) {
    case 1:
      return decodeSa(body);
    case 4:
    case 8:
    case 9:
    case 10:
    case 13:
    case 20:
    case 130:
      return { type, data };
    case 5:
      return { type, idType: body.u8(), ipProtocol: body.u8(), port: body.u16(), data: body.rest() };
    case 6:
    case 7:
      return { type, encoding: body.u8(), data: body.rest() };
    case 11:
      return decodeNotify(body);
    case 12:
      return decodeDelete(body);
    case 14: {
      const cfgType = body.u8();
      body.u8();
      return { type, cfgType, identifier: body.u16(), attributes: decodeAttributes(body) };
    }
    case 21:
    case 131: {
      const idType = body.u8();
      body.bytes(3);
      return { type, idType, data: body.rest() };
    }
    case 132: {
      const fragmentId = body.u16();
      return { type, fragmentId, fragmentNumber: body.u8(), flags: body.u8(), data: body.rest() };
    }
    default:
      return { type: 'unknown', payloadType: type, body: data };
  }
}

/** RFC 2408 3.14. */
function decodeNotify(body: ByteReader): Ikev1NotifyPayload {
  const doi = body.u32();
  const protocolId = body.u8();
  const spiSize = body.u8();
  const notifyType = body.u16();
  const spi = body.bytes(spiSize);
  return { type: 11, doi, protocolId, spi, notifyType, data: body.rest() };
}

/** RFC 2408 3.15. */
function decodeDelete(body: ByteReader): Ikev1DeletePayload {
  const doi = body.u32();
  const protocolId = body.u8();
  const spiSize = body.u8();
  const count = body.u16();
  // A count of SPIs that take no bytes would make thousands of them out of nothing.
  if (spiSize === 0 && count > 0) throw new WireError('E_COUNT', `${count} SPIs of no bytes`, 6);
  const spis: Uint8Array[] = [];
  for (let i = 0; i < count; i++) spis.push(body.bytes(spiSize));
  expectEnd(body, 'the Delete payload');
  return { type: 12, doi, protocolId, spiSize, spis };
}

/** Appends what follows the generic payload header. */
export function encodePayloadBody(payload: Ikev1KnownPayload, writer: ByteWriter): void {
  switch (payload.type) {
    case 1:
      encodeSa(payload, writer);
      return;
    case 5:
      writer.u8(payload.idType).u8(payload.ipProtocol).u16(payload.port).bytes(payload.data);
      return;
    case 6:
    case 7:
      writer.u8(payload.encoding).bytes(payload.data);
      return;
    case 11:
      writer
        .u32(payload.doi)
        .u8(payload.protocolId)
        .u8(checkField(payload.spi.length, 0xff, 'the SPI size'))
        .u16(payload.notifyType)
        .bytes(payload.spi)
        .bytes(payload.data);
      return;
    case 12:
      writer
        .u32(payload.doi)
        .u8(payload.protocolId)
        .u8(payload.spiSize)
        .u16(checkField(payload.spis.length, 0xffff, 'the number of SPIs'));
      for (const spi of payload.spis) writer.bytes(spi);
      return;
    case 14:
      writer.u8(payload.cfgType).u8(0).u16(payload.identifier);
      encodeAttributes(payload.attributes, writer);
      return;
    case 21:
    case 131:
      writer.u8(payload.idType).u8(0).u16(0).bytes(payload.data);
      return;
    case 132:
      writer.u16(payload.fragmentId).u8(payload.fragmentNumber).u8(payload.flags).bytes(payload.data);
      return;
    default:
      writer.bytes(payload.data);
  }
}
