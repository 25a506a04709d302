import { ByteReader, ByteWriter } from '../core/bytes.js';
import type { Entropy } from '../core/environment.js';
import { decodeHeader, encodeHeader, HEADER_LENGTH } from '../ike/wire/header.js';
import { decodeMessageLenient } from '../ike/wire/message.js';
import { exchangeName, payloadName } from '../ike/wire/names.js';
import { isErrorNotify, NotifyType, notifyName } from '../ike/wire/notify.js';
import { ExchangeType, PayloadType } from '../ike/wire/types.js';

/** More of a message than this is not worth a line in a log. */
const MAX_NAMES = 12;

/** Whether this is the first message of an SA, which anybody could send with a forged address. */
export function isOpening(message: Uint8Array): boolean {
  if (message.length < HEADER_LENGTH) return false;
  const { majorVersion, responderSpi } = decodeHeader(message);
  return majorVersion <= 2 && responderSpi === 0n;
}

/** A message in a few words: errors by their name, else the exchange and what is in it. */
export function describeMessage(message: Uint8Array): string {
  if (message.length < HEADER_LENGTH) return `${message.length} bytes that are not IKE`;
  const { header, payloads } = decodeMessageLenient(message);
  if (header.majorVersion === 1) return `IKEv1, exchange ${header.exchangeType}`;
  if (header.majorVersion !== 2) return `${message.length} bytes that are not IKE`;
  const names = payloads.slice(0, MAX_NAMES).map((payload) => {
    switch (payload.type) {
      case PayloadType.NOTIFY: {
        const name = notifyName(payload.notifyType);
        const named = payload.notifyType === NotifyType.INVALID_KE_PAYLOAD && payload.data.length === 2;
        return named ? `${name} ${new ByteReader(payload.data).u16()}` : name;
      }
      case 'unknown':
        return payloadName(payload.payloadType);
      case 'malformed':
        return 'something malformed';
      default:
        return payloadName(payload.type);
    }
  });
  const error = payloads.findIndex(
    (payload) => payload.type === PayloadType.NOTIFY && isErrorNotify(payload.notifyType),
  );
  if (error >= 0 && error < MAX_NAMES) return names[error]!;
  return `${exchangeName(header.exchangeType)}: ${names.join(', ')}`;
}

/** A header of version 3.0, which is answered with INVALID_MAJOR_VERSION or not at all (RFC 7296 2.5, 3.1). */
export function livenessCheck(entropy: Entropy): { datagram: Uint8Array; match(reply: Uint8Array): boolean } {
  const initiatorSpi = new ByteReader(entropy.bytes(8)).u64();
  const writer = new ByteWriter();
  encodeHeader(
    {
      initiatorSpi,
      responderSpi: 0n,
      nextPayload: PayloadType.NONE,
      majorVersion: 3,
      minorVersion: 0,
      exchangeType: ExchangeType.IKE_SA_INIT,
      fromInitiator: true,
      isResponse: false,
      higherVersion: false,
      messageId: 0,
      length: HEADER_LENGTH,
    },
    writer,
  );
  return {
    datagram: writer.finish(),
    match: (reply) => reply.length >= HEADER_LENGTH && decodeHeader(reply).initiatorSpi === initiatorSpi,
  };
}
