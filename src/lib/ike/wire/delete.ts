import { WireError } from '../../core/errors.js';
import { checkField, expectEnd, type PayloadCodec } from './codec.js';
import { type DeletePayload, ProtocolId } from './types.js';

/** Delete (RFC 7296 3.11): no SPI for the IKE SA itself, SPIs of 4 bytes for AH and ESP. */
export const deleteCodec: PayloadCodec<DeletePayload> = {
  decode(body) {
    const protocolId = body.u8();
    const spiSize = body.u8();
    const count = body.u16();
    const wanted =
      protocolId === ProtocolId.AH || protocolId === ProtocolId.ESP
        ? 4
        : protocolId === ProtocolId.IKE
          ? 0
          : spiSize;
    if (spiSize !== wanted) {
      throw new WireError('E_SPI_SIZE', `an SPI of ${spiSize} bytes for protocol ${protocolId}`, 1);
    }
    // Without this, a count of SPIs that take no bytes would make thousands of them out of nothing.
    if (spiSize === 0 && count > 0) throw new WireError('E_COUNT', `${count} SPIs of no bytes`, 2);
    const spis: Uint8Array[] = [];
    for (let i = 0; i < count; i++) spis.push(body.bytes(spiSize));
    expectEnd(body, 'the Delete payload');
    return { type: 42, protocolId, spiSize, spis };
  },
  encode({ protocolId, spiSize, spis }, writer) {
    writer
      .u8(protocolId)
      .u8(spiSize)
      .u16(checkField(spis.length, 0xffff, 'the number of SPIs'));
    for (const spi of spis) writer.bytes(spi);
  },
};
