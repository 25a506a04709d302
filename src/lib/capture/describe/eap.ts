import { namer } from '../../ike/wire/name-table.js';
import { eapCodeName, eapTypeName } from '../../ike/wire/names.js';
import { type Fields, hex, text, uint } from './fields.js';

const REQUEST = 1;
const RESPONSE = 2;

const Type = {
  IDENTITY: 1,
  NOTIFICATION: 2,
  NAK: 3,
  TLS: 13,
  TTLS: 21,
  PEAP: 25,
  MSCHAPV2: 29,
  FAST: 43,
  TEAP: 55,
  EXPANDED: 254,
} as const;

/** Methods whose data begins with the flags of EAP-TLS (RFC 5216 3.1). */
const tlsTypes: ReadonlySet<number> = new Set([Type.TLS, Type.TTLS, Type.PEAP, Type.FAST, Type.TEAP]);

/** Opcodes of draft-kamath-pppext-eap-mschapv2-02. */
const mschapOpcodeName = namer('OPCODE', {
  1: 'Challenge',
  2: 'Response',
  3: 'Success',
  4: 'Failure',
  7: 'Change-Password',
});

/**
 * Fields of an EAP message (RFC 3748 4): code, method and what the methods say in the clear. Values that prove or carry
 * a password are left out.
 */
export function describeEap(message: Uint8Array): Fields {
  const [code = 0, identifier = 0, , , type] = message;
  const fields: Fields = { code: eapCodeName(code), codeNumber: code, identifier };
  if (type === undefined || (code !== REQUEST && code !== RESPONSE)) return fields;
  fields.type = eapTypeName(type);
  fields.typeNumber = type;
  const data = message.subarray(5);
  if (type === Type.IDENTITY && code === RESPONSE) fields.identity = text(data);
  else if ((type === Type.IDENTITY || type === Type.NOTIFICATION) && data.length > 0) {
    fields.message = text(data);
  } else if (type === Type.NAK) fields.desired = Array.from(data.subarray(0, 32), eapTypeName);
  else if (type === Type.MSCHAPV2 && data.length > 0) fields.mschapv2 = describeMschap(code, data);
  else if (tlsTypes.has(type) && data.length > 0) fields.tls = describeTls(data);
  else if (type === Type.EXPANDED && data.length >= 7) {
    fields.vendor = uint(data.subarray(0, 3));
    fields.vendorType = uint(data.subarray(3, 7));
  }
  return fields;
}

/** Opcode, identifier, length, then what belongs to the opcode. A response to Success or Failure is the opcode alone. */
function describeMschap(code: number, data: Uint8Array): Fields {
  const opcode = data[0]!;
  const fields: Fields = { opcode: mschapOpcodeName(opcode), opcodeNumber: opcode };
  const value = data.subarray(4);
  if (value.length === 0) return fields;
  const valueSize = value[0]!;
  if (opcode === 1) {
    fields.challenge = hex(value.subarray(1, 1 + valueSize));
    fields.name = text(value.subarray(1 + valueSize));
  } else if (opcode === 2) {
    fields.name = text(value.subarray(1 + valueSize));
  } else if (code === REQUEST && (opcode === 3 || opcode === 4)) {
    fields.message = text(value);
  }
  return fields;
}

function describeTls(data: Uint8Array): Fields {
  const flags = data[0]!;
  const fields: Fields = {};
  if ((flags & 0x80) !== 0 && data.length >= 5) fields.messageLength = uint(data.subarray(1, 5));
  if ((flags & 0x40) !== 0) fields.moreFragments = true;
  if ((flags & 0x20) !== 0) fields.start = true;
  fields.bytes = data.length - ((flags & 0x80) === 0 ? 1 : 5);
  return fields;
}
