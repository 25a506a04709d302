import { IKE_SA_INIT } from './exchange.js';
import { type ExchangeBudget, IkeSa, NO_SPI } from './ike-sa.js';
import type { SeenMessage } from './message.js';
import type { ProposalReport } from './types.js';

/** An IKE SA that a rekey made and of which no packet has come yet. */
export interface ExpectedSa {
  spiI: string;
  spiR: string;
  suite: ProposalReport;
  replaces: IkeSa;
}

/** Responder SPIs under which one SA is found; every answer to IKE_SA_INIT may bring another. */
const MAX_ALIASES = 16;
/** How long after an unread CREATE_CHILD_SA a new SA is taken for its outcome. */
const REKEY_NANOSECONDS = 60_000_000_000n;

/** Finds the IKE SA that a message belongs to. */
export class IkeTable {
  readonly sas: IkeSa[] = [];
  /** Messages of SAs that are not kept. */
  omitted = 0;
  /** By version and both SPIs, and, while the responder's is unknown, by the initiator's and both addresses. */
  readonly #bySpis = new Map<string, IkeSa>();
  readonly #pending = new Map<string, IkeSa>();
  readonly #newestOf = new Map<string, IkeSa>();
  readonly #expected = new Map<string, ExpectedSa>();
  readonly #aliases = new Map<IkeSa, number>();
  readonly #limit: number;
  readonly #budget: ExchangeBudget;

  constructor(limit: number, budget: ExchangeBudget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  expect(sa: ExpectedSa): void {
    sa.replaces.replaced = true;
    if (this.#expected.size < this.#limit) this.#expected.set(sa.spiI + sa.spiR, sa);
  }

  /** @returns undefined when there are too many SAs already */
  find(seen: SeenMessage): IkeSa | undefined {
    const { ike } = seen;
    const pair = pairOf(seen.srcAddress, seen.dstAddress);
    const spis = `${ike.version}${ike.spiI}${ike.spiR}`;
    const pendingKey = `${ike.version}${ike.spiI}${pair}`;
    const known = ike.spiR === NO_SPI ? undefined : this.#bySpis.get(spis);
    const sa = known ?? this.#bind(seen, spis, this.#pending.get(pendingKey));
    if (sa !== undefined) return sa;
    if (this.sas.length >= this.#limit) {
      this.omitted++;
      return undefined;
    }
    return this.#create(seen, spis, pendingKey, pair);
  }

  /** The newest SA between two hosts. */
  between(a: string, b: string): IkeSa | undefined {
    return this.#newestOf.get(pairOf(a, b));
  }

  /** @returns `sa` when the message can be an answer of it or to it */
  #bind({ ike }: SeenMessage, spis: string, sa: IkeSa | undefined): IkeSa | undefined {
    if (sa === undefined || ike.spiR === NO_SPI) return sa;
    const isInitAnswer = ike.version === 2 && ike.exchangeNumber === IKE_SA_INIT && ike.response;
    if (sa.spiR !== NO_SPI && !isInitAnswer) return undefined;
    const chosen = ike.payloads.some(({ type }) => type === 'SA');
    if (sa.spiR === NO_SPI || chosen) sa.spiR = ike.spiR;
    const aliases = (this.#aliases.get(sa) ?? 0) + 1;
    if (aliases <= MAX_ALIASES) {
      this.#aliases.set(sa, aliases);
      this.#bySpis.set(spis, sa);
    }
    return sa;
  }

  #create(seen: SeenMessage, spis: string, pendingKey: string, pair: string): IkeSa {
    const { ike } = seen;
    const sa = new IkeSa(`ike-${this.sas.length + 1}`, seen, this.#budget);
    this.sas.push(sa);
    if (ike.spiR === NO_SPI) this.#pending.set(pendingKey, sa);
    else this.#bySpis.set(spis, sa);
    const expected = this.#expected.get(ike.spiI + ike.spiR);
    if (expected !== undefined && ike.version === 2) {
      sa.rekeyOf = expected.replaces;
      sa.agreedSuite = expected.suite;
      expected.replaces.rekeyedTo ??= sa;
      this.#expected.delete(ike.spiI + ike.spiR);
    }
    this.#newestOf.set(pair, sa);
    return sa;
  }
}

/**
 * Links SAs whose rekeying could not be read. IKEv2: an SA without IKE_SA_INIT appears between two hosts soon after an
 * unread CREATE_CHILD_SA. IKEv1, which does not rekey but begins again: a whole second phase 1 while the first SA stands.
 */
export function inferRekeys(sas: readonly IkeSa[]): void {
  const newest = new Map<string, IkeSa>();
  for (const sa of sas) {
    const pair = `${sa.version}${pairOf(sa.initiatorAddress, sa.responderAddress)}`;
    const before = newest.get(pair);
    if (before !== undefined && sa.rekeyOf === undefined && before.rekeyedTo === undefined) {
      if (sa.version === 2 ? isRekeyV2(before, sa) : isRekeyV1(before, sa)) {
        sa.rekeyOf = before;
        sa.rekeyInferred = true;
        before.rekeyedTo = sa;
      }
    }
    newest.set(pair, sa);
  }
}

function isRekeyV2(before: IkeSa, sa: IkeSa): boolean {
  if (sa.complete || sa.firstMessageId > 1) return false;
  return before.exchanges.some((exchange) => {
    const { request, response, name } = exchange;
    if (name !== 'CREATE_CHILD_SA' || exchange.settled || request === undefined || response === undefined) {
      return false;
    }
    return sa.firstAt >= request.firstAt && sa.firstAt - request.firstAt <= REKEY_NANOSECONDS;
  });
}

function isRekeyV1(before: IkeSa, sa: IkeSa): boolean {
  const isUp = ({ exchanges }: IkeSa) =>
    exchanges.some(({ messageId, state }) => messageId === 0 && state === 'answered');
  return sa.complete && before.deletedBy === undefined && isUp(before) && isUp(sa);
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
