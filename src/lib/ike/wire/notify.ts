import { WireError } from '../../core/errors.js';
import { checkField, type PayloadCodec } from './codec.js';
import { nameIn } from './name-table.js';
import { FIRST_STATUS_TYPE, NotifyType } from './notify-types.js';
import { type NotifyPayload, type Payload, PayloadType, ProtocolId } from './types.js';

export { NotifyType } from './notify-types.js';

const NO_BYTES = new Uint8Array(0);
const names = new Map(Object.entries(NotifyType).map(([name, number]) => [number as number, name]));

/** Notify (RFC 7296 3.10). The data is kept as it is for every type, known or not. */
export const notifyCodec: PayloadCodec<NotifyPayload> = {
  decode(body) {
    const protocolId = body.u8();
    const spiSize = body.u8();
    checkSpiSize(protocolId, spiSize);
    const notifyType = body.u16();
    const spi = body.bytes(spiSize);
    return { type: 41, protocolId, spi, notifyType, data: body.rest() };
  },
  encode({ protocolId, spi, notifyType, data }, writer) {
    writer
      .u8(protocolId)
      .u8(checkField(spi.length, 0xff, 'the SPI size'))
      .u16(notifyType)
      .bytes(spi)
      .bytes(data);
  },
};

/** About the IKE SA there is no SPI, about AH and ESP one of 4 bytes or none (3.10). Other protocols: any. */
function checkSpiSize(protocolId: number, spiSize: number): void {
  const fits =
    spiSize === 0 ||
    (protocolId === ProtocolId.AH || protocolId === ProtocolId.ESP
      ? spiSize === 4
      : protocolId !== ProtocolId.IKE);
  if (!fits) throw new WireError('E_SPI_SIZE', `an SPI of ${spiSize} bytes for protocol ${protocolId}`, 1);
}

/** The IANA name, or `NOTIFY_12345` for a type without one. */
export function notifyName(type: number): string {
  return nameIn(names, type, 'NOTIFY');
}

/** Whether a type reports an error; the others are status (3.10.1). */
export function isErrorNotify(type: number): boolean {
  return type < FIRST_STATUS_TYPE;
}

/** A Notify payload; by default about the IKE SA itself: no protocol, no SPI, no data. */
export function notify(
  notifyType: number,
  data: Uint8Array = NO_BYTES,
  protocolId: number = ProtocolId.NONE,
  spi: Uint8Array = NO_BYTES,
): NotifyPayload {
  return { type: PayloadType.NOTIFY, protocolId, spi, notifyType, data };
}

/** The first Notify payload of a type. */
export function findNotify(
  payloads: readonly (Payload | { type: 'malformed' })[],
  notifyType: number,
): NotifyPayload | undefined {
  return payloads.find(
    (payload): payload is NotifyPayload =>
      payload.type === PayloadType.NOTIFY && payload.notifyType === notifyType,
  );
}
