import { checkField, type PayloadCodec } from './codec.js';
import type { ConfigAttribute, ConfigPayload } from './types.js';

const ATTRIBUTE_TYPE = 0x7fff;

/** Configuration (RFC 7296 3.15). The reserved top bit of attribute types is ignored and sent as zero. */
export const configCodec: PayloadCodec<ConfigPayload> = {
  decode(body) {
    const cfgType = body.u8();
    body.bytes(3);
    const attributes: ConfigAttribute[] = [];
    while (body.remaining > 0) {
      const type = body.u16() & ATTRIBUTE_TYPE;
      attributes.push({ type, value: body.bytes(body.u16()) });
    }
    return { type: 47, cfgType, attributes };
  },
  encode({ cfgType, attributes }, writer) {
    writer.u8(cfgType).u8(0).u16(0);
    for (const { type, value } of attributes) {
      writer
        .u16(type & ATTRIBUTE_TYPE)
        .u16(checkField(value.length, 0xffff, 'an attribute length'))
        .bytes(value);
    }
  },
};
