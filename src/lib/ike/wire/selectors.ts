import type { ByteReader, ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import { checkField, expectEnd, type PayloadCodec, restOfStructure, within, writeSized } from './codec.js';
import type { TrafficSelector, TsPayload, UnknownTrafficSelector } from './types.js';

/** Address bytes by selector type: TS_IPV4_ADDR_RANGE and TS_IPV6_ADDR_RANGE. */
const addressSize = { 7: 4, 8: 16 } as const;

/** Traffic Selectors, initiator and responder (RFC 7296 3.13). */
export const selectorsCodec: PayloadCodec<TsPayload> = {
  decode(body, { type }) {
    const count = body.u8();
    body.bytes(3);
    if (count === 0) throw new WireError('E_COUNT', 'no traffic selector at all', 0);
    const selectors: TsPayload['selectors'] = [];
    for (let i = 0; i < count; i++) selectors.push(decodeSelector(body));
    expectEnd(body, 'the traffic selector payload');
    return { type, selectors };
  },
  encode({ selectors }, writer) {
    writer.u8(checkField(selectors.length, 0xff, 'the number of traffic selectors'));
    writer.u8(0).u16(0);
    for (const selector of selectors) encodeSelector(selector, writer);
  },
};

/** One selector (3.13.1); of unknown types the body stays as it is. */
function decodeSelector(outer: ByteReader): TrafficSelector | UnknownTrafficSelector {
  const type = outer.u8();
  const ipProtocol = outer.u8();
  const length = outer.u16();
  return within(outer, restOfStructure(outer, length, 4, 'a traffic selector'), (reader) => {
    if (type !== 7 && type !== 8) {
      return { type: 'unknown', selectorType: type, ipProtocol, raw: reader.rest() };
    }
    const startPort = reader.u16();
    const endPort = reader.u16();
    const startAddress = reader.bytes(addressSize[type]);
    const endAddress = reader.bytes(addressSize[type]);
    expectEnd(reader, 'a traffic selector');
    return { type, ipProtocol, startPort, endPort, startAddress, endAddress };
  });
}

function encodeSelector(selector: TrafficSelector | UnknownTrafficSelector, writer: ByteWriter): void {
  writeSized(writer, 2, 'a traffic selector', () => {
    writer
      .u8(selector.type === 'unknown' ? selector.selectorType : selector.type)
      .u8(selector.ipProtocol)
      .u16(0);
    if (selector.type === 'unknown') writer.bytes(selector.raw);
    else {
      writer
        .u16(selector.startPort)
        .u16(selector.endPort)
        .bytes(selector.startAddress)
        .bytes(selector.endAddress);
    }
  });
}
