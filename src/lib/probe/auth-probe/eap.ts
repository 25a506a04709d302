import { ByteWriter } from '../../core/bytes.js';

const EapCode = { REQUEST: 1, RESPONSE: 2, FAILURE: 4 } as const;
const LEGACY_NAK = 3;

/** Declines whatever method an EAP request is of, and names no other (RFC 3748 5.3.1); undefined: it is no request. */
export function eapRefusal(request: Uint8Array): Uint8Array | undefined {
  const [code, identifier] = request;
  if (code !== EapCode.REQUEST || identifier === undefined) return undefined;
  return new ByteWriter().u8(EapCode.RESPONSE).u8(identifier).u16(6).u8(LEGACY_NAK).u8(0).finish();
}

export function isEapFailure(message: Uint8Array): boolean {
  return message[0] === EapCode.FAILURE;
}
