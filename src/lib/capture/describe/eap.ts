import { EapCode, EapType, eapMethodName } from '../../ike/auth/eap/codec.js';
import { MsOpCode, parseFailure } from '../../ike/auth/eap/mschapv2-packets.js';
import { TlsFlag } from '../../ike/auth/eap/tls-flights.js';
import { namer } from '../../ike/wire/name-table.js';
import { eapCodeName, eapTypeName } from '../../ike/wire/names.js';
import { type Fields, hex, text, uint } from './fields.js';

/** EAP-TLS, EAP-TTLS, PEAP, EAP-FAST and TEAP, whose data begins with the flags of EAP-TLS (RFC 5216 3.1). */
const tlsTypes: ReadonlySet<number> = new Set([EapType.Tls, 21, 25, 43, 55]);

const mschapOpcodeName = namer('OPCODE', {
  [MsOpCode.Challenge]: 'Challenge',
  [MsOpCode.Response]: 'Response',
  [MsOpCode.Success]: 'Success',
  [MsOpCode.Failure]: 'Failure',
  [MsOpCode.ChangePassword]: 'Change-Password',
});

/** RFC 2759 6. */
const mschapErrors = new Map([
  [646, 'restricted logon hours'],
  [647, 'account disabled'],
  [648, 'password expired'],
  [649, 'no dial-in permission'],
  [691, 'authentication failure'],
  [709, 'error changing the password'],
]);

/** Whether an EAP message belongs to a method that carries TLS. */
export function isTlsMethod(message: Uint8Array): boolean {
  const [code, , , , type] = message;
  return (code === EapCode.Request || code === EapCode.Response) && tlsTypes.has(type ?? 0);
}

/**
 * Fields of an EAP message (RFC 3748 4): code, method and what the methods say in the clear. Values that prove or carry
 * a password are left out.
 */
export function describeEap(message: Uint8Array): Fields {
  const [code = 0, identifier = 0, , , type] = message;
  const fields: Fields = { code: eapCodeName(code), codeNumber: code, identifier };
  if (type === undefined || (code !== EapCode.Request && code !== EapCode.Response)) return fields;
  fields.type = eapTypeName(type);
  fields.typeNumber = type;
  const data = message.subarray(5);
  if (type === EapType.Identity && code === EapCode.Response) fields.identity = text(data);
  else if ((type === EapType.Identity || type === EapType.Notification) && data.length > 0) {
    fields.message = text(data);
  } else if (type === EapType.Nak)
    fields.desired = Array.from(data.subarray(0, 32), (each) => methodName(each));
  else if (type === EapType.Expanded && data.length >= 7) {
    fields.vendor = uint(data.subarray(0, 3));
    fields.vendorType = uint(data.subarray(3, 7));
  }
  if (type > EapType.Nak) fields.method = methodName(type, fields);
  if (type === EapType.Mschapv2 && data.length > 0) fields.mschapv2 = describeMschap(code, data);
  if (tlsTypes.has(type) && data.length > 0) fields.tls = describeTls(data);
  return fields;
}

/** As people call it; a wish for none (RFC 3748 5.3.1) is 0. */
function methodName(type: number, { vendor, vendorType }: Fields = {}): string {
  if (type === 0) return 'none';
  if (typeof vendor === 'number' && typeof vendorType === 'number') {
    return eapMethodName(type, { vendor, type: vendorType });
  }
  return eapMethodName(type);
}

/** Opcode, identifier, length, then what belongs to the opcode. A response to Success or Failure is the opcode alone. */
function describeMschap(code: number, data: Uint8Array): Fields {
  const opcode = data[0]!;
  const fields: Fields = { opcode: mschapOpcodeName(opcode), opcodeNumber: opcode };
  const value = data.subarray(4);
  if (value.length === 0) return fields;
  const valueSize = value[0]!;
  if (opcode === MsOpCode.Challenge) {
    fields.challenge = hex(value.subarray(1, 1 + valueSize));
    fields.name = text(value.subarray(1 + valueSize));
  } else if (opcode === MsOpCode.Response) {
    fields.name = text(value.subarray(1 + valueSize));
  } else if (code === EapCode.Request && opcode === MsOpCode.Success) {
    // S= before it is the server's proof.
    const said = Buffer.from(value)
      .toString('latin1')
      .search(/(?<=\sM=)/);
    if (said >= 0) fields.message = text(value.subarray(said));
  } else if (code === EapCode.Request && opcode === MsOpCode.Failure) {
    Object.assign(fields, { message: text(value) }, describeFailure(Buffer.from(value).toString('latin1')));
  }
  return fields;
}

/** `E=691 R=0 C=… V=3 M=text` (RFC 2759 6). */
function describeFailure(message: string): Fields {
  const { error } = parseFailure(message);
  if (error === undefined) return {};
  const retry = /(?:^|\s)R=([01])(?:\s|$)/.exec(message)?.[1];
  const meaning = mschapErrors.get(error);
  return {
    error,
    ...(meaning !== undefined && { meaning }),
    ...(retry !== undefined && { mayRetry: retry === '1' }),
  };
}

/** Flags; what the records are is only known when the flight is complete. */
function describeTls(data: Uint8Array): Fields {
  const flags = data[0]!;
  const hasLength = (flags & TlsFlag.Length) !== 0;
  const fields: Fields = {};
  if (hasLength && data.length >= 5) fields.messageLength = uint(data.subarray(1, 5));
  if ((flags & TlsFlag.More) !== 0) fields.moreFragments = true;
  if ((flags & TlsFlag.Start) !== 0) fields.start = true;
  fields.bytes = Math.max(0, data.length - (hasLength ? 5 : 1));
  return fields;
}
