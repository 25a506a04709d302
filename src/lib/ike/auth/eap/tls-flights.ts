import { ByteReader, ByteWriter, concatBytes } from '../../../core/bytes.js';
import { WireError } from '../../../core/errors.js';

/** Flags of an EAP-TLS packet (RFC 5216 3.1). */
export const TlsFlag = { Length: 0x80, More: 0x40, Start: 0x20 } as const;

/** EAP header, type and flags. */
const OVERHEAD_BYTES = 6;
const LENGTH_BYTES = 4;
/** With IKE, UDP and IPv6 around it, such a packet still fits the smallest MTU of IPv6, 1,280 bytes. */
export const DEFAULT_FRAGMENT_BYTES = 1100;
export const MIN_FRAGMENT_BYTES = 32;
/** All certificates of one side fit into it many times over. */
const MAX_FLIGHT_BYTES = 64 * 1024;

/** Nothing but the flags: acknowledges a fragment, and answers a flight when there is nothing to say. */
const ACKNOWLEDGEMENT = Uint8Array.of(0);

/** What a packet of the other side brought: a start, a whole flight of TLS records, or what to say meanwhile. */
export type TlsArrival =
  | { type: 'start' }
  | { type: 'flight'; flight: Uint8Array }
  | { type: 'reply'; data: Uint8Array };

/** Cuts our flights into fragments and puts the other side's together (RFC 5216 2.1.5). */
export class TlsFlights {
  #outgoing = new Uint8Array(0);
  #sending = false;
  #incoming: Uint8Array[] = [];
  #incomingBytes = 0;

  /** @param fragmentBytes largest EAP packet to send */
  constructor(private readonly fragmentBytes: number) {}

  /** @throws WireError `E_EAP_PACKET`, `E_TRUNCATED` */
  receive(data: Uint8Array): TlsArrival {
    const reader = new ByteReader(data);
    const flags = reader.u8();
    // The length of the whole flight only repeats what the fragments add up to; senders disagree on what it counts.
    if (flags & TlsFlag.Length) this.#bound(reader.u32());
    const part = reader.rest();
    if (flags & TlsFlag.Start) {
      if (part.length > 0 || this.#incomingBytes > 0)
        throw broken('a start that is not empty or not the first');
      return { type: 'start' };
    }
    if (this.#sending) {
      if (part.length > 0 || flags & TlsFlag.More) throw broken('data instead of an acknowledgement');
      return { type: 'reply', data: this.#nextFragment() };
    }
    this.#bound(this.#incomingBytes + part.length);
    this.#incoming.push(part);
    this.#incomingBytes += part.length;
    if (flags & TlsFlag.More) {
      if (part.length === 0) throw broken('an empty fragment');
      return { type: 'reply', data: ACKNOWLEDGEMENT };
    }
    const flight = concatBytes(...this.#incoming);
    this.#incoming = [];
    this.#incomingBytes = 0;
    return { type: 'flight', flight };
  }

  /** The packet that starts sending a flight, or the empty one when there is nothing to send. */
  send(flight: Uint8Array): Uint8Array {
    this.#outgoing = new Uint8Array(flight);
    const whole = this.fragmentBytes - OVERHEAD_BYTES;
    return flight.length <= whole ? this.#nextFragment() : this.#nextFragment(flight.length);
  }

  /** @param total of the flight, in the first of several fragments */
  #nextFragment(total?: number): Uint8Array {
    const room = this.fragmentBytes - OVERHEAD_BYTES - (total === undefined ? 0 : LENGTH_BYTES);
    const part = this.#outgoing.subarray(0, room);
    this.#outgoing = this.#outgoing.subarray(part.length);
    this.#sending = this.#outgoing.length > 0;
    const flags = (total === undefined ? 0 : TlsFlag.Length) | (this.#sending ? TlsFlag.More : 0);
    const writer = new ByteWriter().u8(flags);
    if (total !== undefined) writer.u32(total);
    return writer.bytes(part).finish();
  }

  #bound(bytes: number): void {
    if (bytes > MAX_FLIGHT_BYTES) throw broken(`more than ${MAX_FLIGHT_BYTES} bytes in one flight`);
  }
}

function broken(what: string): WireError {
  return new WireError('E_EAP_PACKET', `EAP-TLS brought ${what}`, 0);
}
