import { encodeMessage } from '../wire/message.js';
import { NotifyType, notify } from '../wire/notify.js';
import type { IkeHeader, Payload } from '../wire/types.js';

/** An unprotected response in answer to a request that no IKE SA covers. */
export function unprotectedResponse(request: IkeHeader, payloads: Payload[]): Uint8Array {
  return encodeMessage(
    {
      initiatorSpi: request.initiatorSpi,
      responderSpi: request.responderSpi,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType: request.exchangeType,
      fromInitiator: !request.fromInitiator,
      isResponse: true,
      higherVersion: false,
      messageId: request.messageId,
    },
    payloads,
  );
}

/**
 * RFC 7296 2.5: a request of a higher major version is dropped and answered INVALID_MAJOR_VERSION in version 2.0.
 * @returns undefined when nothing is answered: a response, or a lower version
 */
export function answerHigherVersion(header: IkeHeader): Uint8Array | undefined {
  if (header.isResponse || header.majorVersion <= 2) return undefined;
  return unprotectedResponse(header, [notify(NotifyType.INVALID_MAJOR_VERSION)]);
}
