import type { ByteReader } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import type { PayloadCodec } from './codec.js';
import type {
  AuthPayload,
  CertPayload,
  CertReqPayload,
  EapPayload,
  EncryptedFragmentPayload,
  EncryptedPayload,
  IdPayload,
  KePayload,
  NoncePayload,
  VendorPayload,
} from './types.js';

/** Nonce sizes RFC 7296 3.9 allows, bytes. */
const MIN_NONCE = 16;
const MAX_NONCE = 256;
const EAP_HEADER = 4;

/** Key Exchange (RFC 7296 3.4). */
export const keCodec: PayloadCodec<KePayload> = {
  decode(body) {
    const group = body.u16();
    body.u16();
    return { type: 34, group, data: body.rest() };
  },
  encode: ({ group, data }, writer) => void writer.u16(group).u16(0).bytes(data),
};

/** Identification, initiator and responder (RFC 7296 3.5). */
export const idCodec: PayloadCodec<IdPayload> = {
  decode: (body, { type }) => ({ type, idType: readTypeAndReserved(body), data: body.rest() }),
  encode: ({ idType, data }, writer) => void writer.u8(idType).u8(0).u16(0).bytes(data),
};

/** Certificate (RFC 7296 3.6). */
export const certCodec: PayloadCodec<CertPayload> = {
  decode: (body) => ({ type: 37, encoding: body.u8(), data: body.rest() }),
  encode: ({ encoding, data }, writer) => void writer.u8(encoding).bytes(data),
};

/** Certificate Request (RFC 7296 3.7). */
export const certReqCodec: PayloadCodec<CertReqPayload> = {
  decode: (body) => ({ type: 38, encoding: body.u8(), data: body.rest() }),
  encode: ({ encoding, data }, writer) => void writer.u8(encoding).bytes(data),
};

/** Authentication (RFC 7296 3.8). */
export const authCodec: PayloadCodec<AuthPayload> = {
  decode: (body) => ({ type: 39, method: readTypeAndReserved(body), data: body.rest() }),
  encode: ({ method, data }, writer) => void writer.u8(method).u8(0).u16(0).bytes(data),
};

/** Nonce (RFC 7296 3.9). */
export const nonceCodec: PayloadCodec<NoncePayload> = {
  decode(body) {
    const data = body.rest();
    if (data.length < MIN_NONCE || data.length > MAX_NONCE) {
      throw new WireError('E_NONCE_SIZE', `a nonce has 16 to 256 bytes, not ${data.length}`, 0);
    }
    return { type: 40, data };
  },
  encode: ({ data }, writer) => void writer.bytes(data),
};

/** Vendor ID (RFC 7296 3.12). */
export const vendorCodec: PayloadCodec<VendorPayload> = {
  decode: (body) => ({ type: 43, data: body.rest() }),
  encode: ({ data }, writer) => void writer.bytes(data),
};

/** Encrypted and Authenticated (RFC 7296 3.14), still closed. */
export const encryptedCodec: PayloadCodec<EncryptedPayload> = {
  decode: (body, { nextPayload }) => ({ type: 46, nextPayload, body: body.rest() }),
  encode: ({ body }, writer) => void writer.bytes(body),
};

/** Encrypted and Authenticated Fragment (RFC 7383 2.5), still closed. */
export const fragmentCodec: PayloadCodec<EncryptedFragmentPayload> = {
  decode(body, { nextPayload }) {
    const fragmentNumber = body.u16();
    const totalFragments = body.u16();
    if (fragmentNumber === 0 || fragmentNumber > totalFragments) {
      throw new WireError('E_FRAGMENT', `fragment ${fragmentNumber} of ${totalFragments}`, 0);
    }
    return { type: 53, nextPayload, fragmentNumber, totalFragments, body: body.rest() };
  },
  encode: ({ fragmentNumber, totalFragments, body }, writer) =>
    void writer.u16(fragmentNumber).u16(totalFragments).bytes(body),
};

/** EAP (RFC 7296 3.16): the length inside has to be that of the payload. */
export const eapCodec: PayloadCodec<EapPayload> = {
  decode(body) {
    body.u16();
    const length = body.u16();
    if (length !== body.data.length) {
      throw new WireError('E_LENGTH', `an EAP message of ${length} bytes in ${body.data.length}`, 2);
    }
    body.bytes(length - EAP_HEADER);
    return { type: 48, message: body.data };
  },
  encode: ({ message }, writer) => void writer.bytes(message),
};

/** One byte of type and three reserved ones, which are ignored. */
function readTypeAndReserved(body: ByteReader): number {
  return body.u32() >>> 24;
}
