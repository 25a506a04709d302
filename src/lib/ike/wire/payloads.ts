import { ByteReader, ByteWriter } from '../../core/bytes.js';
import { KitError, WireError } from '../../core/errors.js';
import { checkField, expectEnd, type PayloadCodec, rebased, restOfStructure, writeSized } from './codec.js';
import { configCodec } from './config.js';
import { deleteCodec } from './delete.js';
import { notifyCodec } from './notify.js';
import { saCodec } from './sa.js';
import { selectorsCodec } from './selectors.js';
import {
  authCodec,
  certCodec,
  certReqCodec,
  eapCodec,
  encryptedCodec,
  fragmentCodec,
  idCodec,
  keCodec,
  nonceCodec,
  vendorCodec,
} from './simple.js';
import { type KnownPayload, type Payload, PayloadType } from './types.js';

/** The payload shape of a payload type number. */
export type PayloadOf<
  T extends KnownPayload['type'],
  P extends KnownPayload = KnownPayload,
> = P extends unknown ? (T extends P['type'] ? P : never) : never;

/** What lenient reading makes of bytes that are no payload. */
export interface MalformedPayload {
  type: 'malformed';
  /** The type announced on the wire; 0 for bytes that follow the last payload. */
  payloadType: number;
  critical?: boolean;
  /** The body that could not be read; with an unusable generic payload header, that and all that follows. */
  body: Uint8Array;
  error: WireError;
  /** Where the payload begins, bytes from the start of the unit that was read. */
  offset: number;
}
export type LenientPayload = Payload | MalformedPayload;

/** More than any sane message has, and few enough to bound the work on a hostile one. */
const MAX_PAYLOADS = 1000;
const GENERIC_HEADER = 4;
const CRITICAL = 0x80;

const codecs: { readonly [T in KnownPayload['type']]: PayloadCodec<PayloadOf<T>> } = {
  [PayloadType.SA]: saCodec,
  [PayloadType.KE]: keCodec,
  [PayloadType.IDi]: idCodec,
  [PayloadType.IDr]: idCodec,
  [PayloadType.CERT]: certCodec,
  [PayloadType.CERTREQ]: certReqCodec,
  [PayloadType.AUTH]: authCodec,
  [PayloadType.NONCE]: nonceCodec,
  [PayloadType.NOTIFY]: notifyCodec,
  [PayloadType.DELETE]: deleteCodec,
  [PayloadType.VENDOR]: vendorCodec,
  [PayloadType.TSi]: selectorsCodec,
  [PayloadType.TSr]: selectorsCodec,
  [PayloadType.SK]: encryptedCodec,
  [PayloadType.CP]: configCodec,
  [PayloadType.EAP]: eapCodec,
  [PayloadType.SKF]: fragmentCodec,
};

function isKnown(type: number): type is KnownPayload['type'] {
  return Object.hasOwn(codecs, type);
}

function codecOf(type: KnownPayload['type']): PayloadCodec<KnownPayload> {
  return codecs[type];
}

/** The first payload of a type, with the shape of that type. */
export function findPayload<T extends KnownPayload['type']>(
  payloads: readonly LenientPayload[],
  type: T,
): PayloadOf<T> | undefined {
  return payloads.find((payload): payload is PayloadOf<T> => payload.type === type);
}

/** All payloads of a type, in the order of the message. */
export function findPayloads<T extends KnownPayload['type']>(
  payloads: readonly LenientPayload[],
  type: T,
): PayloadOf<T>[] {
  return payloads.filter((payload): payload is PayloadOf<T> => payload.type === type);
}

/** One link of the chain: a generic payload header (RFC 7296 3.2) and the bytes that follow it. */
interface Frame {
  type: number;
  critical: boolean;
  /** The Next Payload field as it stands. */
  nextPayload: number;
  /** Type of the next link; none after SK and SKF, whose field names the first payload inside. */
  next: number;
  body: Uint8Array;
  bodyAt: number;
}

/**
 * Reads a chain of payloads strictly. Unknown types come back whole, critical or not: whether to refuse them is the
 * exchange's business (RFC 7296 2.5).
 * @param first type of the first payload, 0 when there is none
 * @throws WireError with an offset that counts from the start of `data`
 */
export function decodePayloads(first: number, data: Uint8Array): Payload[] {
  return readPayloads(first, new ByteReader(data));
}

/** As {@link decodePayloads}, from where the reader stands to its end; offsets count from the reader's start. */
export function readPayloads(first: number, reader: ByteReader): Payload[] {
  const payloads: Payload[] = [];
  for (let type = first; type !== PayloadType.NONE; ) {
    const frame = readFrame(type, reader, payloads.length);
    payloads.push(decodeFrame(frame));
    type = frame.next;
  }
  expectEnd(reader, 'the message');
  return payloads;
}

/**
 * Reads a chain of payloads for display: what cannot be read becomes a {@link MalformedPayload}, and reading goes on
 * as long as the chain itself holds. Never throws.
 */
export function decodePayloadsLenient(first: number, data: Uint8Array): LenientPayload[] {
  return readPayloadsLenient(first, new ByteReader(data));
}

/** SA payloads that were read before: peers make the same offers again and again. */
export interface SaMemo {
  /** The payload of a body, not to be changed; decoded, from bytes of its own, only when this body was never seen. */
  get(body: Uint8Array, decode: (body: Uint8Array) => LenientPayload): LenientPayload;
}

/**
 * As {@link decodePayloadsLenient}, from where the reader stands to its end.
 * @param known spares decoding the same offers again and again
 */
export function readPayloadsLenient(first: number, reader: ByteReader, known?: SaMemo): LenientPayload[] {
  const payloads: LenientPayload[] = [];
  let type = first;
  let offset = reader.offset;
  try {
    while (type !== PayloadType.NONE) {
      const frame = readFrame(type, reader, payloads.length);
      const isRepeatable = known !== undefined && type === PayloadType.SA && !frame.critical;
      payloads.push(
        isRepeatable
          ? known.get(frame.body, (body) => decodeFrameLenient({ ...frame, body }, offset))
          : decodeFrameLenient(frame, offset),
      );
      type = frame.next;
      offset = reader.offset;
    }
    expectEnd(reader, 'the message');
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    payloads.push({
      type: 'malformed',
      payloadType: type,
      body: reader.data.subarray(offset),
      error,
      offset,
    });
  }
  return payloads;
}

function readFrame(type: number, reader: ByteReader, count: number): Frame {
  const at = reader.offset;
  if (count === MAX_PAYLOADS) throw new WireError('E_TOO_MANY', `more than ${MAX_PAYLOADS} payloads`, at);
  const nextPayload = reader.u8();
  const critical = (reader.u8() & CRITICAL) !== 0;
  const length = reader.u16();
  const size = restOfStructure(reader, length, GENERIC_HEADER, `payload type ${type}`);
  const bodyAt = reader.offset;
  const body = reader.bytes(size);
  const isLast = type === PayloadType.SK || type === PayloadType.SKF;
  return { type, critical, nextPayload, next: isLast ? PayloadType.NONE : nextPayload, body, bodyAt };
}

function decodeFrame({ type, critical, nextPayload, body, bodyAt }: Frame): Payload {
  let payload: Payload;
  if (isKnown(type)) {
    try {
      payload = codecOf(type).decode(new ByteReader(body), { type, nextPayload });
    } catch (error) {
      throw rebased(error, bodyAt);
    }
  } else {
    payload = { type: 'unknown', payloadType: type, body };
  }
  if (critical) payload.critical = true;
  return payload;
}

function decodeFrameLenient(frame: Frame, offset: number): LenientPayload {
  try {
    return decodeFrame(frame);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const malformed: MalformedPayload = {
      type: 'malformed',
      payloadType: frame.type,
      body: frame.body,
      error,
      offset,
    };
    if (frame.critical) malformed.critical = true;
    return malformed;
  }
}

/**
 * The bytes of a chain of payloads and the type of the first one (0 for an empty chain).
 * @throws KitError `E_PAYLOAD_SIZE` when a value does not fit its field, `E_PAYLOAD_ORDER` when SK or SKF is not last
 */
export function encodePayloads(payloads: readonly Payload[]): { first: number; bytes: Uint8Array } {
  const writer = new ByteWriter();
  return { first: writePayloads(payloads, writer), bytes: writer.finish() };
}

/** As {@link encodePayloads}, appended to a writer; returns the type of the first payload. */
export function writePayloads(payloads: readonly Payload[], writer: ByteWriter): number {
  payloads.forEach((payload, i) => {
    const following = payloadTypeOf(payloads[i + 1]);
    writeSized(writer, 2, 'a payload', () => {
      writer
        .u8(nextPayloadField(payload, following))
        .u8(payload.critical ? CRITICAL : 0)
        .u16(0);
      if (payload.type === 'unknown') writer.bytes(payload.body);
      else codecOf(payload.type).encode(payload, writer);
    });
  });
  return payloadTypeOf(payloads[0]);
}

function payloadTypeOf(payload: Payload | undefined): number {
  if (payload === undefined) return PayloadType.NONE;
  return payload.type === 'unknown' ? checkField(payload.payloadType, 0xff, 'a payload type') : payload.type;
}

/** SK and SKF come last and name the first payload inside (RFC 7296 3.14). */
function nextPayloadField(payload: Payload, following: number): number {
  if (payload.type !== PayloadType.SK && payload.type !== PayloadType.SKF) return following;
  if (following === PayloadType.NONE) return payload.nextPayload;
  throw new KitError('bug', 'E_PAYLOAD_ORDER', 'the encrypted payload has to be the last one');
}
