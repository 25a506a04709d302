import { ByteReader, ByteWriter, utf8 } from '../../../core/bytes.js';
import { WireError } from '../../../core/errors.js';
import { printable } from '../../../core/printable.js';
import { CHALLENGE_BYTES, NT_RESPONSE_BYTES } from './mschapv2-proof.js';

/** OpCodes of EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2 2). */
export const MsOpCode = { Challenge: 1, Response: 2, Success: 3, Failure: 4, ChangePassword: 7 } as const;

/** Value-Size of a response: peer challenge, 8 reserved bytes, NT-Response, flags (RFC 2759 4). */
const RESPONSE_BYTES = CHALLENGE_BYTES + 8 + NT_RESPONSE_BYTES + 1;
const MAX_NAME_BYTES = 512;
const MAX_MESSAGE_BYTES = 1024;

/** The data of a server's request, after the EAP type. */
export type MsRequest =
  | { opCode: typeof MsOpCode.Challenge; id: number; challenge: Uint8Array; name: Uint8Array }
  | { opCode: typeof MsOpCode.Success | typeof MsOpCode.Failure; id: number; message: string };

/** The data of a client's response, after the EAP type. */
export type MsResponse =
  | {
      opCode: typeof MsOpCode.Response;
      id: number;
      peerChallenge: Uint8Array;
      ntResponse: Uint8Array;
      name: Uint8Array;
    }
  | { opCode: typeof MsOpCode.Success | typeof MsOpCode.Failure };

/** @throws WireError `E_EAP_PACKET`, `E_TRUNCATED` */
export function decodeMsRequest(data: Uint8Array): MsRequest {
  const reader = new ByteReader(data);
  const opCode = reader.u8();
  const id = reader.u8();
  // MS-Length repeats the length of the EAP packet, and some senders get it wrong: it is not looked at.
  reader.u16();
  switch (opCode) {
    case MsOpCode.Challenge: {
      const challenge = readValue(reader, CHALLENGE_BYTES);
      return { opCode, id, challenge, name: readBounded(reader, MAX_NAME_BYTES) };
    }
    case MsOpCode.Success:
    case MsOpCode.Failure: {
      const text = readBounded(reader, MAX_MESSAGE_BYTES);
      return { opCode, id, message: Buffer.from(text).toString('latin1').replace(/\0+$/, '') };
    }
    default:
      throw unknownOpCode(opCode);
  }
}

export function encodeMsRequest(request: MsRequest): Uint8Array {
  if (request.opCode === MsOpCode.Challenge) {
    const { opCode, id, challenge, name } = request;
    return withLength(opCode, id, (writer) => writer.u8(challenge.length).bytes(challenge).bytes(name));
  }
  return withLength(request.opCode, request.id, (writer) => writer.bytes(utf8(request.message)));
}

/** @throws WireError `E_EAP_PACKET`, `E_TRUNCATED` */
export function decodeMsResponse(data: Uint8Array): MsResponse {
  const reader = new ByteReader(data);
  const opCode = reader.u8();
  // Success and Failure are the OpCode alone; what some clients send behind it says nothing.
  if (opCode === MsOpCode.Success || opCode === MsOpCode.Failure) return { opCode };
  if (opCode !== MsOpCode.Response) throw unknownOpCode(opCode);
  const id = reader.u8();
  reader.u16();
  const value = readValue(reader, RESPONSE_BYTES);
  const ntResponseAt = CHALLENGE_BYTES + 8;
  return {
    opCode,
    id,
    peerChallenge: value.subarray(0, CHALLENGE_BYTES),
    ntResponse: value.subarray(ntResponseAt, ntResponseAt + NT_RESPONSE_BYTES),
    name: readBounded(reader, MAX_NAME_BYTES),
  };
}

export function encodeMsResponse(response: MsResponse): Uint8Array {
  if (response.opCode !== MsOpCode.Response) return Uint8Array.of(response.opCode);
  const { opCode, id, peerChallenge, ntResponse, name } = response;
  return withLength(opCode, id, (writer) =>
    writer
      .u8(RESPONSE_BYTES)
      .bytes(peerChallenge)
      .bytes(new Uint8Array(8))
      .bytes(ntResponse)
      .u8(0)
      .bytes(name),
  );
}

/** What a Failure says: `E=eeeeeeeeee R=r C=… V=v M=text` (RFC 2759 6). */
export function parseFailure(message: string): { error: number | undefined; text: string } {
  const error = /(?:^|\s)E=(\d{1,10})(?:\s|$)/.exec(message)?.[1];
  const text = /(?:^|\s)M=(.*)$/s.exec(message)?.[1] ?? '';
  return {
    error: error === undefined ? undefined : Number(error),
    text: printable(text.trim()).slice(0, 200),
  };
}

/** The server's proof in a Success: `S=` with 40 hexadecimal digits, in capitals; undefined: there is none. */
export function parseAuthenticatorResponse(message: string): string | undefined {
  return /(?:^|\s)(S=[0-9a-f]{40})(?:\s|$)/i.exec(message)?.[1]?.toUpperCase();
}

function withLength(opCode: number, id: number, write: (writer: ByteWriter) => ByteWriter): Uint8Array {
  const writer = write(new ByteWriter().u8(opCode).u8(id).u16(0));
  // MS-Length is that of the EAP packet less its header and type: just what is written here.
  return writer.patchU16(2, writer.length).finish();
}

function readValue(reader: ByteReader, size: number): Uint8Array {
  const given = reader.u8();
  if (given !== size) {
    throw new WireError(
      'E_EAP_PACKET',
      `an MSCHAPv2 value of ${given} bytes, not ${size}`,
      reader.offset - 1,
    );
  }
  return reader.bytes(size);
}

function readBounded(reader: ByteReader, limit: number): Uint8Array {
  if (reader.remaining > limit) {
    throw new WireError('E_EAP_PACKET', `more than ${limit} bytes of text`, reader.offset);
  }
  return reader.rest();
}

function unknownOpCode(opCode: number): WireError {
  return new WireError('E_EAP_PACKET', `MSCHAPv2 OpCode ${opCode} is not expected here`, 0);
}
