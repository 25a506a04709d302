import { concatBytes } from '../../core/bytes.js';
import { TlsFlag } from '../../ike/auth/eap/tls-flights.js';
import { PayloadType } from '../../ike/wire/types.js';
import { isTlsMethod } from '../describe/eap.js';
import { describeTlsFlight } from '../describe/tls.js';
import type { DecodedIke, DescribedPayload } from '../types.js';
import { BoundedMap, LIMITS } from './limits.js';

/** Of a payload (RFC 7296 3.2). */
const GENERIC_HEADER = 4;
/** EAP header and type, then the flags of the TLS methods (RFC 5216 3.1). */
const FLAGS_AT = 5;
const LENGTH_BYTES = 4;

interface Pending {
  /** Of the last message taken; a retransmission brings nothing new. */
  messageId: number;
  parts: Uint8Array[];
  bytes: number;
}

/** Puts the TLS flights together that EAP messages carry in fragments (RFC 5216 2.1.5), of a bounded number of SAs. */
export class EapFlights {
  readonly #pending = new BoundedMap<string, Pending>(LIMITS.fragmented);

  /**
   * Completes the fields of a message's EAP payload with the TLS records of the flight that ends with it.
   * @param inner what the offsets of `payloads` count from
   * @param certificates summarise certificates
   */
  complete(
    ike: DecodedIke,
    payloads: readonly DescribedPayload[],
    inner: Uint8Array,
    certificates: boolean,
  ): void {
    const eap = payloads.find(
      ({ typeNumber, error }) => typeNumber === PayloadType.EAP && error === undefined,
    );
    if (eap === undefined) return;
    const message = inner.subarray(eap.offset + GENERIC_HEADER, eap.offset + eap.length);
    const side = `${ike.spiI}${ike.spiR}${ike.initiator === true ? 'i' : 'r'}`;
    const flight = this.#take(side, ike.messageId, message);
    if (flight === undefined) return;
    eap.fields.tls = Object.assign({}, eap.fields.tls, describeTlsFlight(flight, certificates));
  }

  /** @returns the flight that ends with a message; undefined for another method, an acknowledgement, or when more comes */
  #take(side: string, messageId: number, message: Uint8Array): Uint8Array | undefined {
    const flags = message[FLAGS_AT];
    if (flags === undefined || !isTlsMethod(message)) return undefined;
    const before = this.#pending.get(side);
    if (before !== undefined && messageId <= before.messageId) return undefined;
    const pending: Pending = { messageId, parts: before?.parts ?? [], bytes: before?.bytes ?? 0 };
    const part = message.slice(FLAGS_AT + 1 + ((flags & TlsFlag.Length) === 0 ? 0 : LENGTH_BYTES));
    pending.parts.push(part);
    pending.bytes += part.length;
    const tooBig = pending.bytes > LIMITS.fragmentedBytes;
    const more = (flags & TlsFlag.More) !== 0 && !tooBig;
    this.#pending.set(side, more ? pending : { messageId, parts: [], bytes: 0 });
    return more || tooBig || pending.bytes === 0 ? undefined : concatBytes(...pending.parts);
  }
}
