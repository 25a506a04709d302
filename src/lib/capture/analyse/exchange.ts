import { milliseconds } from './evidence.js';
import { MessageRecord, type SeenMessage } from './message.js';
import type { ExchangeReport, Role } from './types.js';

/** IKE_SA_INIT of IKEv2: the one whose message id says nothing, as every attempt has 0. */
export const IKE_SA_INIT = 34;
const INFORMATIONAL_V1 = 5;
/** Different messages kept of one exchange; honest exchanges have two to six. */
const MAX_MESSAGES = 12;

/** How many messages an exchange of IKEv1 has when it went well (RFC 2409 5). */
const wholeV1: Readonly<Record<number, number>> = { 1: 4, 2: 6, 4: 3, 6: 2, 32: 3, 33: 2 };

/** Messages that belong together: a request with its response, or the messages of one message id of IKEv1. */
export class Exchange {
  readonly version: 1 | 2;
  readonly name: string;
  readonly number: number;
  readonly messageId: number;
  /** Who began. */
  readonly requester: Role;
  readonly messages: MessageRecord[] = [];
  /** Its outcome has been taken into the SAs. */
  settled = false;
  #roundTripMs: number | undefined;

  constructor(version: 1 | 2, seen: SeenMessage, requester: Role) {
    this.version = version;
    this.name = seen.ike.exchange;
    this.number = seen.ike.exchangeNumber;
    this.messageId = seen.ike.messageId;
    this.requester = requester;
  }

  get request(): MessageRecord | undefined {
    return this.messages.find(({ from }) => from === this.requester);
  }

  get response(): MessageRecord | undefined {
    return this.messages.find(({ from }) => from !== this.requester);
  }

  get retransmissions(): number {
    return this.messages.reduce((sum, message) => sum + message.retransmissions, 0);
  }

  /** True when `seen` is a transmission of a message that is here already. */
  repeats(seen: SeenMessage, from: Role): boolean {
    return this.#sameMessage(seen, from) !== undefined;
  }

  /** Its request came more often than its response. */
  get owesRepetition(): boolean {
    return (this.request?.retransmissions ?? 0) > (this.response?.retransmissions ?? 0);
  }

  take(seen: SeenMessage, from: Role): void {
    const same = this.#sameMessage(seen, from);
    if (same !== undefined) {
      same.repeat(seen);
      return;
    }
    if (this.messages.length >= MAX_MESSAGES) return;
    const before = this.request;
    if (from !== this.requester && this.response === undefined && before !== undefined) {
      this.#roundTripMs = milliseconds(before.lastAt, seen.at);
    }
    this.messages.push(new MessageRecord(seen, from));
  }

  #sameMessage(seen: SeenMessage, from: Role): MessageRecord | undefined {
    const own = this.messages.filter((message) => message.from === from);
    if (this.version === 2 && this.number !== IKE_SA_INIT) return own[0];
    return (
      own.find((message) => message.digest === seen.digest) ?? own.find((message) => message.misses(seen))
    );
  }

  get state(): ExchangeReport['state'] {
    if (this.version === 2) {
      if (this.request === undefined) return 'one-sided';
      return this.response === undefined ? 'unanswered' : 'answered';
    }
    if (this.number === INFORMATIONAL_V1) return 'one-way';
    if (this.messages.length >= (wholeV1[this.number] ?? 2)) return 'answered';
    return this.messages.length === 1 ? 'unanswered' : 'incomplete';
  }

  /** Says nothing that would be missed: an answered check that the peer is there. */
  get uneventful(): boolean {
    return (
      this.name.toUpperCase() === 'INFORMATIONAL' &&
      (this.state === 'answered' || this.state === 'one-way') &&
      this.messages.every(
        ({ retransmissions, content }) =>
          retransmissions === 0 && content.deletes === undefined && !content.notifies?.some(isNews),
      )
    );
  }

  report(): Omit<ExchangeReport, 'story'> {
    const { request, response } = this;
    const further = this.messages.filter((message) => message !== request && message !== response);
    return {
      exchange: this.name,
      messageId: this.messageId,
      requester: this.requester,
      state: this.state,
      ...(request !== undefined && { request: request.report() }),
      ...(response !== undefined && { response: response.report() }),
      ...(further.length > 0 && { further: further.map((message) => message.report()) }),
      retransmissions: this.retransmissions,
      ...(this.#roundTripMs !== undefined && { roundTripMs: this.#roundTripMs }),
    };
  }
}

/** Everything but dead peer detection of IKEv1 (RFC 3706). */
function isNews({ name }: { name: string }): boolean {
  return !name.startsWith('R-U-THERE');
}
