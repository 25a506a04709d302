import { addressOf } from './evidence.js';
import type { Exchange } from './exchange.js';
import type { IkeSa } from './ike-sa.js';
import type { ExpectedSa } from './ike-table.js';
import { sameList } from './lists.js';
import type { MessageRecord } from './message.js';
import { childKind } from './story.js';
import type { ChildSaReport, Moment, ProposalReport, Role } from './types.js';

/** A child SA as its exchange negotiated it. */
export interface ChildSa {
  readonly id: string;
  readonly ikeSa: IkeSa;
  readonly protocol: 'ESP' | 'AH';
  readonly mode: 'tunnel' | 'transport';
  readonly suite: ProposalReport;
  readonly pfsGroup?: string;
  readonly tsI?: string[];
  readonly tsR?: string[];
  readonly created: Moment;
  readonly requester: Role;
  readonly requesterAddress: string;
  readonly answererAddress: string;
  readonly spiToRequester?: string;
  readonly spiFromRequester?: string;
  deleted?: NonNullable<ChildSaReport['deleted']>;
  rekeyOf?: ChildSa;
  rekeyedTo?: ChildSa;
}

const QUICK_MODE = 32;
const IKE_AUTH = 35;
const CREATE_CHILD_SA = 36;

/** All child SAs whose negotiation could be read. */
export class ChildTable {
  readonly children: ChildSa[] = [];
  omitted = 0;
  readonly #bySpi = new Map<string, ChildSa[]>();
  readonly #limit: number;
  readonly #expect: (sa: ExpectedSa) => void;

  /** @param expect told of the SPIs of an IKE SA that a rekey made */
  constructor(limit: number, expect: (sa: ExpectedSa) => void) {
    this.#limit = limit;
    this.#expect = expect;
  }

  /** Takes in what an exchange agreed on, once both of its messages can be read; and what it deleted. */
  settle(ikeSa: IkeSa, exchange: Exchange): void {
    for (const message of exchange.messages) this.#takeDeletes(ikeSa, message);
    const { request, response } = exchange;
    if (exchange.settled || !request?.readable || !response?.readable) return;
    if (exchange.version === 1) {
      if (exchange.number === QUICK_MODE) this.#settleChild(ikeSa, exchange, request, response);
    } else if (exchange.number === IKE_AUTH) this.#settleAuth(ikeSa, exchange, request, response);
    else if (exchange.number === CREATE_CHILD_SA) this.#settleCreate(ikeSa, exchange, request, response);
    exchange.settled = true;
  }

  /** With EAP the child SA is asked for in the first IKE_AUTH request and granted in the last response. */
  #settleAuth(ikeSa: IkeSa, exchange: Exchange, request: MessageRecord, response: MessageRecord): void {
    const isAsked = (record: MessageRecord | undefined) => record?.content.proposals !== undefined;
    const asked = isAsked(request)
      ? request
      : ikeSa.exchanges.find(({ number, request: first }) => number === IKE_AUTH && isAsked(first))?.request;
    if (asked !== undefined) this.#settleChild(ikeSa, exchange, asked, response);
  }

  #settleCreate(ikeSa: IkeSa, exchange: Exchange, request: MessageRecord, response: MessageRecord): void {
    const message = request.report();
    if (childKind(message) !== 'rekey-ike') {
      this.#settleChild(ikeSa, exchange, request, response);
      return;
    }
    const spiI = request.content.proposals?.[0]?.spi;
    const suite = response.content.proposals?.[0];
    if (spiI !== undefined && suite?.spi !== undefined) {
      this.#expect({ spiI, spiR: suite.spi, suite, replaces: ikeSa });
    }
  }

  #settleChild(ikeSa: IkeSa, exchange: Exchange, request: MessageRecord, response: MessageRecord): void {
    const ends = request.report();
    for (const chosen of response.content.proposals ?? []) {
      const { protocol } = chosen;
      if (protocol !== 'ESP' && protocol !== 'AH') continue;
      if (this.children.length >= this.#limit) {
        this.omitted++;
        continue;
      }
      const asked = request.content.proposals?.find(
        (proposal) => proposal.number === chosen.number && proposal.protocol === protocol,
      );
      const { time, frames } = response.report();
      const pfsGroup = pfsOf(exchange, chosen, response);
      const { tsI = request.content.tsI, tsR = request.content.tsR } = response.content;
      this.#add({
        id: `child-${this.children.length + 1}`,
        ikeSa,
        protocol,
        mode: modeOf(chosen, response),
        suite: chosen,
        ...(pfsGroup !== undefined && { pfsGroup }),
        ...(tsI !== undefined && { tsI }),
        ...(tsR !== undefined && { tsR }),
        created: { frame: frames.at(-1) ?? 0, time },
        requester: exchange.requester,
        requesterAddress: addressOf(ends.src),
        answererAddress: addressOf(ends.dst),
        ...(asked?.spi !== undefined && { spiToRequester: asked.spi }),
        ...(chosen.spi !== undefined && { spiFromRequester: chosen.spi }),
      });
      this.#linkRekey(ikeSa, request);
    }
  }

  #add(child: ChildSa): void {
    this.children.push(child);
    for (const spi of [child.spiToRequester, child.spiFromRequester]) {
      if (spi === undefined) continue;
      const known = this.#bySpi.get(spi);
      if (known === undefined) this.#bySpi.set(spi, [child]);
      else known.push(child);
    }
  }

  /** IKEv2 names the SPI of the SA to be replaced (RFC 7296 1.3.3); IKEv1 only repeats the selectors. */
  #linkRekey(ikeSa: IkeSa, request: MessageRecord): void {
    const child = this.children.at(-1)!;
    const spi = request.content.notifies?.find(({ name }) => name === 'REKEY_SA')?.spi;
    const old =
      ikeSa.version === 2
        ? spi && this.#find(spi, ikeSa, child)
        : this.children.findLast((other) => isSuccessor(child, other));
    if (!old) return;
    child.rekeyOf = old;
    // After a collision two SAs replace the same one; the first is the one followed.
    old.rekeyedTo ??= child;
  }

  #find(spi: string, ikeSa: IkeSa, except?: ChildSa): ChildSa | undefined {
    const known = (this.#bySpi.get(spi) ?? []).filter((child) => child !== except);
    return known.findLast((child) => sameFamily(child.ikeSa, ikeSa)) ?? known.at(-1);
  }

  #takeDeletes(ikeSa: IkeSa, message: MessageRecord): void {
    if (message.deletesTaken || message.content.deletes === undefined) return;
    message.deletesTaken = true;
    const { time, frames } = message.report();
    const moment = { frame: frames.at(-1) ?? 0, time, by: message.from };
    for (const { protocol, spis } of message.content.deletes) {
      if (protocol === 'IKE') ikeSa.deletedBy ??= message.from;
      for (const spi of spis) {
        const child = this.#find(spi, ikeSa);
        if (child !== undefined) child.deleted ??= moment;
      }
    }
  }
}

/** IKE SAs that replaced one another share their child SAs (RFC 7296 2.18). */
export function sameFamily(a: IkeSa, b: IkeSa): boolean {
  return a === b || originOf(a) === originOf(b);
}

function originOf(sa: IkeSa): IkeSa {
  let origin = sa;
  for (let hops = 0; origin.rekeyOf !== undefined && hops < 64; hops++) origin = origin.rekeyOf;
  return origin;
}

function isSuccessor(child: ChildSa, other: ChildSa): boolean {
  if (other === child || other.rekeyedTo !== undefined || other.deleted !== undefined) return false;
  const ends = [child.requesterAddress, child.answererAddress];
  if (!ends.includes(other.requesterAddress) || !ends.includes(other.answererAddress)) return false;
  if (other.protocol !== child.protocol || other.suite.number !== child.suite.number) return false;
  const swapped = other.requesterAddress !== child.requesterAddress;
  const [tsI, tsR] = swapped ? [other.tsR, other.tsI] : [other.tsI, other.tsR];
  return sameList(tsI, child.tsI) && sameList(tsR, child.tsR) && other.created.frame < child.created.frame;
}

function modeOf(chosen: ProposalReport, response: MessageRecord): 'tunnel' | 'transport' {
  const mode = chosen.transforms.find(({ type }) => type === 'MODE')?.name;
  const transport =
    mode === undefined
      ? response.content.notifies?.some(({ name }) => name === 'USE_TRANSPORT_MODE')
      : /transport/i.test(mode);
  return transport ? 'transport' : 'tunnel';
}

/** A key exchange of IKE_AUTH does not exist; elsewhere the KE transform that was chosen is the group. */
function pfsOf(exchange: Exchange, chosen: ProposalReport, response: MessageRecord): string | undefined {
  if (exchange.version === 2 && exchange.number === IKE_AUTH) return undefined;
  const group = chosen.transforms.find(({ type, id }) => type === 'KE' && id !== 0);
  return response.content.keyExchange?.name ?? group?.name;
}
