import { ByteReader, ByteWriter } from '../../../core/bytes.js';
import { WireError } from '../../../core/errors.js';
import { eapTypeName } from '../../wire/names.js';

/** Codes of EAP packets (RFC 3748 4). */
export const EapCode = { Request: 1, Response: 2, Success: 3, Failure: 4 } as const;

/** Types of requests and responses that are handled or named here (RFC 3748 5). */
export const EapType = {
  Identity: 1,
  Notification: 2,
  Nak: 3,
  Md5Challenge: 4,
  Tls: 13,
  Mschapv2: 26,
  Expanded: 254,
} as const;

/** Vendor-Id 0 of an expanded type is the IETF: its Vendor-Type is an ordinary type (RFC 3748 5.7). */
const IETF = 0;
const HEADER_BYTES = 4;

/** An EAP Request or Response; `data` is what follows the type. */
export interface EapExchange {
  code: typeof EapCode.Request | typeof EapCode.Response;
  identifier: number;
  type: number;
  /** Of type 254 (RFC 3748 5.7): 24 bits of vendor, 32 bits of type. */
  expanded?: { vendor: number; type: number };
  data: Uint8Array;
}

/** An EAP Success or Failure. */
export interface EapResult {
  code: typeof EapCode.Success | typeof EapCode.Failure;
  identifier: number;
}

export type EapPacket = EapExchange | EapResult;

/**
 * Reads one EAP packet that fills `message`: in IKE there is no padding behind it (RFC 7296 3.16).
 * @throws WireError `E_EAP_PACKET`, `E_TRUNCATED`
 */
export function decodeEap(message: Uint8Array): EapPacket {
  const reader = new ByteReader(message);
  const code = reader.u8();
  const identifier = reader.u8();
  const length = reader.u16();
  if (length !== message.length) {
    throw new WireError('E_EAP_PACKET', `an EAP packet of ${length} bytes in ${message.length}`, 2);
  }
  if (code === EapCode.Success || code === EapCode.Failure) {
    if (reader.remaining > 0) {
      throw new WireError(
        'E_EAP_PACKET',
        `${reader.remaining} bytes in an EAP Success or Failure`,
        HEADER_BYTES,
      );
    }
    return { code, identifier };
  }
  if (code !== EapCode.Request && code !== EapCode.Response) {
    throw new WireError('E_EAP_PACKET', `EAP code ${code} is unknown`, 0);
  }
  const type = reader.u8();
  if (type !== EapType.Expanded) return { code, identifier, type, data: reader.rest() };
  const vendor = (reader.u8() << 16) | reader.u16();
  return { code, identifier, type, expanded: { vendor, type: reader.u32() }, data: reader.rest() };
}

/** Writes one EAP packet. @throws RangeError when it is longer than 65,535 bytes */
export function encodeEap(packet: EapPacket): Uint8Array {
  const writer = new ByteWriter().u8(packet.code).u8(packet.identifier).u16(0);
  if ('type' in packet) {
    writer.u8(packet.type);
    if (packet.expanded) {
      const { vendor, type } = packet.expanded;
      writer
        .u8(vendor >>> 16)
        .u16(vendor)
        .u32(type);
    }
    writer.bytes(packet.data);
  }
  if (writer.length > 0xffff) throw new RangeError('an EAP packet holds at most 65,535 bytes');
  writer.patchU16(2, writer.length);
  return writer.finish();
}

/** The method's name as people know it, e.g. `EAP-MSCHAPv2`, `PEAP`, `expanded type 311/1`. */
export function eapMethodName(type: number, expanded?: { vendor: number; type: number }): string {
  if (expanded && expanded.vendor !== IETF) return `expanded type ${expanded.vendor}/${expanded.type}`;
  const number = expanded?.type ?? type;
  // IANA keeps a name for 26 that nobody uses.
  return number === EapType.Mschapv2 ? 'EAP-MSCHAPv2' : eapTypeName(number);
}
