import { addressOf, noteFrame } from './evidence.js';
import { Exchange, IKE_SA_INIT } from './exchange.js';
import { outcomeOf } from './ike-outcome.js';
import type { SeenMessage } from './message.js';
import { checkNatHashes } from './nat.js';
import { tellStory } from './story.js';
import type { IkeSaReport, NatReport, ProposalReport, Role } from './types.js';

/** Memory that all IKE SAs share. */
export interface ExchangeBudget {
  /** Exchanges kept of one SA. */
  readonly perSa: number;
  /** Exchanges that may still be kept of all SAs together. */
  left: number;
}

/** Attempts of IKE_SA_INIT among which answers and repetitions are looked for; after more the rest are long given up. */
const MAX_ATTEMPTS = 8;

/** An unset responder SPI, in the first message of an SA. */
export const NO_SPI = '0000000000000000';

/** One IKE SA of either version, as far as its packets were seen. */
export class IkeSa {
  readonly id: string;
  readonly version: 1 | 2;
  readonly spiI: string;
  spiR: string;
  initiator: string;
  responder: string;
  readonly first: { frame: number; time: string };
  lastAt: bigint;
  readonly firstAt: bigint;
  readonly firstMessageId: number;
  /** Seen from its first message on. */
  readonly complete: boolean;
  readonly exchanges: Exchange[] = [];
  rekeyOf?: IkeSa;
  rekeyedTo?: IkeSa;
  /** What the exchange that made it by rekeying agreed on. */
  agreedSuite?: ProposalReport;
  rekeyInferred = false;
  /** A rekey replaced it, whether or not packets of the new SA came. */
  replaced = false;
  /** Who deleted it, by its own roles. */
  deletedBy?: Role;
  keepalives = 0;
  decrypted = false;
  #last: { frame: number; time: string };
  #packets = 0;
  #bytes = 0;
  #omitted = 0;
  #retransmissionsOmitted = 0;
  #icvFailures = 0;
  readonly #badIcvFrames: number[] = [];
  readonly #nat: Partial<NatReport> = {};
  readonly #byKey = new Map<string, Exchange>();
  /** The newest attempts of IKE_SA_INIT. */
  readonly #attempts: Exchange[] = [];
  readonly #budget: ExchangeBudget;

  constructor(id: string, seen: SeenMessage, budget: ExchangeBudget) {
    const { packet, ike, at } = seen;
    this.id = id;
    this.version = ike.version;
    this.spiI = ike.spiI;
    this.spiR = ike.spiR;
    const fromInitiator = ike.version === 1 || ike.initiator === true;
    this.initiator = fromInitiator ? packet.src : packet.dst;
    this.responder = fromInitiator ? packet.dst : packet.src;
    this.first = this.#last = { frame: packet.frame, time: packet.time };
    this.firstAt = this.lastAt = at;
    this.firstMessageId = ike.messageId;
    this.complete =
      ike.version === 2 ? ike.exchangeNumber === IKE_SA_INIT && !ike.response : ike.spiR === NO_SPI;
    this.#budget = budget;
  }

  /** @returns the exchange that the message belongs to */
  take(seen: SeenMessage): Exchange {
    const { packet } = seen;
    const from = this.roleOf(seen);
    this.#packets++;
    this.#bytes += packet.length;
    this.lastAt = seen.at;
    this.#last = { frame: packet.frame, time: packet.time };
    this.decrypted ||= packet.decrypted;
    if (packet.icv === 'bad') {
      this.#icvFailures++;
      noteFrame(this.#badIcvFrames, packet.frame);
    }
    if (seen.encapsulated && this.#nat.movedTo4500 === undefined) this.#nat.movedTo4500 = packet.frame;
    const exchange = this.#exchangeOf(seen, from);
    exchange.take(seen, from);
    this.#checkNat(seen, from, exchange);
    return exchange;
  }

  get initiatorAddress(): string {
    return addressOf(this.initiator);
  }

  get responderAddress(): string {
    return addressOf(this.responder);
  }

  /** IKEv2 says it in a flag; in IKEv1 only the address tells. */
  roleOf({ ike, srcAddress, packet }: SeenMessage): Role {
    if (ike.version === 2) return ike.initiator ? 'initiator' : 'responder';
    const initiator = this.initiatorAddress;
    if (initiator === this.responderAddress) {
      return packet.src === this.responder ? 'responder' : 'initiator';
    }
    return srcAddress === initiator ? 'initiator' : 'responder';
  }

  #exchangeOf(seen: SeenMessage, from: Role): Exchange {
    const { ike } = seen;
    const asks = this.version === 1 || !ike.response;
    const requester = asks ? from : otherRole(from);
    if (this.version === 2 && ike.exchangeNumber === IKE_SA_INIT) {
      return this.#initExchange(seen, from) ?? this.#begin(seen, requester);
    }
    const key = this.#keyOf(ike.exchangeNumber, ike.messageId, requester);
    return this.#byKey.get(key) ?? this.#begin(seen, requester, key);
  }

  /** Every attempt of IKE_SA_INIT is an exchange of its own: with another group, or with a cookie. */
  #initExchange(seen: SeenMessage, from: Role): Exchange | undefined {
    const attempts = this.#attempts;
    const repeated = attempts.find((attempt) => attempt.repeats(seen, from));
    if (!seen.ike.response) return repeated;
    const waiting = attempts.findLast(({ response }) => response === undefined);
    // Two attempts may get the same answer to the byte: only a repeated request explains a repeated answer.
    if (repeated !== undefined && (waiting === undefined || repeated.owesRepetition)) return repeated;
    return waiting ?? attempts.at(-1);
  }

  #keyOf(number: number, messageId: number, requester: Role): string {
    return this.version === 1 ? `${number}/${messageId}` : `${number}/${messageId}/${requester}`;
  }

  #begin(seen: SeenMessage, requester: Role, key?: string): Exchange {
    const exchange = new Exchange(this.version, seen, requester);
    const full = this.exchanges.length >= this.#budget.perSa || this.#budget.left <= 0;
    if (full && this.exchanges.length > 0) this.#forgetOne();
    else this.#budget.left--;
    this.exchanges.push(exchange);
    if (key !== undefined) this.#byKey.set(key, exchange);
    else {
      this.#attempts.push(exchange);
      if (this.#attempts.length > MAX_ATTEMPTS) this.#attempts.shift();
    }
    return exchange;
  }

  /** Uneventful exchanges go first, then the oldest that neither opened the SA nor authenticated. */
  #forgetOne(): void {
    const kept = 16;
    let at = this.exchanges.findIndex((exchange) => exchange.uneventful);
    if (at === -1) at = Math.min(kept, this.exchanges.length - 1);
    const [gone] = this.exchanges.splice(at, 1);
    if (gone === undefined) return;
    this.#byKey.delete(this.#keyOf(gone.number, gone.messageId, gone.requester));
    this.#omitted++;
    this.#retransmissionsOmitted += gone.retransmissions;
  }

  /** RFC 7296 2.23 has the hashes in IKE_SA_INIT, RFC 3947 in the third and fourth message. The newest attempt counts. */
  #checkNat({ packet, ike }: SeenMessage, from: Role, exchange: Exchange): void {
    const record = exchange.messages.find((message) => message.from === from && message.content.natHashes);
    const hashes = record?.content.natHashes;
    if (hashes === undefined || record?.retransmissions !== 0) return;
    const { src, dst, frame } = packet;
    const where = { spiI: ike.spiI, spiR: ike.spiR, src, dst, frame };
    const verdict = checkNatHashes(hashes, where, this.version === 1 ? (this.#prfV1() ?? 0) : undefined);
    if (verdict !== undefined) this.#nat[from] = verdict;
  }

  #prfV1(): number | undefined {
    const chosen = this.exchanges[0]?.response?.content.proposals?.[0];
    return chosen?.transforms.find(({ type }) => type === 'PRF')?.id;
  }

  #natReport(): NatReport | undefined {
    const { initiator, responder, movedTo4500 } = this.#nat;
    if (initiator === undefined && responder === undefined && movedTo4500 === undefined) return undefined;
    const differs = [initiator, responder].some(
      (side) => side?.source === 'differs' || side?.destination === 'differs',
    );
    return { ...this.#nat, detected: differs };
  }

  report(): IkeSaReport {
    const ends = { initiator: this.initiator, responder: this.responder };
    const exchanges = this.exchanges.map((exchange) => {
      const report = exchange.report();
      return { ...report, story: tellStory(report, ends, this.version) };
    });
    const nat = this.#natReport();
    const retransmissions = this.exchanges.reduce((sum, exchange) => sum + exchange.retransmissions, 0);
    return {
      id: this.id,
      version: this.version,
      spiI: this.spiI,
      spiR: this.spiR,
      ...ends,
      first: { ...this.first },
      last: { ...this.#last },
      packets: this.#packets,
      bytes: this.#bytes,
      ...outcomeOf(exchanges, this),
      ...(nat !== undefined && { nat }),
      decrypted: this.decrypted,
      ...(this.rekeyOf !== undefined && { rekeyOf: this.rekeyOf.id }),
      ...(this.rekeyedTo !== undefined && { rekeyedTo: this.rekeyedTo.id }),
      ...(this.rekeyInferred && { rekeyInferred: true }),
      exchanges,
      exchangesOmitted: this.#omitted,
      retransmissions: retransmissions + this.#retransmissionsOmitted,
      icvFailures: this.#icvFailures,
      badIcvFrames: [...this.#badIcvFrames],
      keepalives: this.keepalives,
    };
  }
}

export function otherRole(role: Role): Role {
  return role === 'initiator' ? 'responder' : 'initiator';
}
