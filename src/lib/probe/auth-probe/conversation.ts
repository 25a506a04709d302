import { KitError, WireError } from '../../core/errors.js';
import { Reassembly } from '../../ike/fragment.js';
import { decodeHeader, HEADER_LENGTH } from '../../ike/wire/header.js';
import { payloadName } from '../../ike/wire/names.js';
import { isErrorNotify, notifyName } from '../../ike/wire/notify.js';
import { ExchangeType, type Payload, PayloadType } from '../../ike/wire/types.js';
import type { Asked, Asker, Match } from '../asker.js';
import { type HalfOpenSa, sealRequest } from '../oracle-sa.js';
import type { PacketNumbers } from '../types.js';

/** What came of one protected request. `payloads`: empty when what is authentic does not parse. */
export type Reply =
  | {
      outcome: 'answered';
      payloads: Payload[];
      /** Of all fragments together. */
      bytes: number;
      packets: PacketNumbers;
    }
  | { outcome: Exclude<Asked['outcome'], 'answered'>; note?: string; packets: PacketNumbers };

/** Protected requests inside a half-open SA, one after the other, with fragments put together again (RFC 7383). */
export class Conversation {
  /** Message id of the next request. */
  nextMessageId = 1;
  readonly #asker: Asker;
  readonly #sa: HalfOpenSa;

  constructor(asker: Asker, sa: HalfOpenSa) {
    this.#asker = asker;
    this.#sa = sa;
  }

  async ask(
    payloads: readonly Payload[],
    summary: string,
    exchangeType: number = ExchangeType.IKE_AUTH,
  ): Promise<Reply> {
    const messageId = this.nextMessageId;
    this.nextMessageId += 1;
    const reader = new ReplyReader(this.#sa, exchangeType, messageId);
    const request = sealRequest(this.#sa, { exchangeType, messageId }, payloads, this.#asker.entropy);
    const asked = await this.#asker.ask(request, {
      summary,
      match: (datagram) => reader.match(datagram),
      describe: () => reader.text(),
    });
    if (asked.outcome !== 'answered') return asked;
    const { packets, replies } = asked;
    const bytes = replies.reduce((sum, { length }) => sum + length, 0);
    return { outcome: 'answered', payloads: reader.payloads ?? [], bytes, packets };
  }
}

/** Recognizes the response to one request, which has to be authentic. */
class ReplyReader {
  payloads: Payload[] | undefined;
  readonly #reassembly = new Reassembly();

  constructor(
    readonly sa: HalfOpenSa,
    readonly exchangeType: number,
    readonly messageId: number,
  ) {}

  match(datagram: Uint8Array): Match {
    if (datagram.length < HEADER_LENGTH) return false;
    const { initiatorSpi, responderSpi, exchangeType, isResponse, messageId } = decodeHeader(datagram);
    const isOurs = initiatorSpi === this.sa.spiI && responderSpi === this.sa.spiR;
    const fits = isResponse && exchangeType === this.exchangeType && messageId === this.messageId;
    if (!isOurs || !fits) return false;
    // It came again, as answers to what was sent twice do.
    if (this.payloads !== undefined) return true;
    try {
      const opened = this.#reassembly.open(datagram, this.sa.incoming);
      if (opened === 'incomplete') return 'part';
      this.payloads = opened.payloads;
      return true;
    } catch (error) {
      if (error instanceof WireError) {
        this.payloads = [];
        return true;
      }
      if (error instanceof KitError) return false;
      throw error;
    }
  }

  text(): string {
    if (this.payloads === undefined) return 'a fragment';
    return this.payloads.map(payloadText).join(' ') || 'nothing that can be read';
  }
}

function payloadText(payload: Payload): string {
  if (payload.type === PayloadType.NOTIFY) return notifyName(payload.notifyType);
  return payloadName(payload.type === 'unknown' ? payload.payloadType : payload.type);
}

/** The first error that a message notifies of. */
export function errorOf(payloads: readonly Payload[]): number | undefined {
  const found = payloads.find(
    (payload) => payload.type === PayloadType.NOTIFY && isErrorNotify(payload.notifyType),
  );
  return found?.type === PayloadType.NOTIFY ? found.notifyType : undefined;
}
