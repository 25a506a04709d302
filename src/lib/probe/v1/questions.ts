import { toHex } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import { keTransform } from '../../crypto/registry.js';
import type { Identity } from '../../ike/identity.js';
import { phase1AuthMethodName } from '../../ike/v1/names.js';
import type { Ikev1Payload } from '../../ike/v1/types.js';
import type { Asker } from '../asker.js';
import type { PacketNumbers } from '../types.js';
import {
  aggressiveEnd,
  aggressiveFirst,
  dataOf,
  type FirstMessage,
  mainModeFirst,
  mainModeRefusal,
  readFirstReply,
  replyText,
} from './messages.js';
import type { ChosenPhase1, Phase1 } from './phase1.js';

/** What came of one first message. */
export type Phase1Answer =
  | {
      verdict: 'accepted';
      /** undefined: the answer is not one of the candidates. */
      chosen: ChosenPhase1 | undefined;
      sent: FirstMessage;
      spiR: bigint;
      payloads: Ikev1Payload[];
      packets: PacketNumbers;
    }
  | { verdict: 'refused'; notify: number; packets: PacketNumbers }
  | {
      verdict: 'other version' | 'no answer' | 'closed' | 'blocked';
      /** Why it was not asked to the end. */
      note?: string;
      packets: PacketNumbers;
    };

/** INVALID-ID-INFORMATION and AUTHENTICATION-FAILED (RFC 2408 3.14.1). */
const identityRefusals: ReadonlySet<number> = new Set([18, 24]);

/** A refusal that comes after a proposal was found acceptable: libreswan and strongSwan do not know who we say we are. */
export function isAboutIdentity(
  answer: Phase1Answer,
): answer is Extract<Phase1Answer, { verdict: 'refused' }> {
  return answer.verdict === 'refused' && identityRefusals.has(answer.notify);
}

export interface AskHow {
  /** Expect silence: send it once. */
  once?: boolean;
  /** Show vendor ids, so that the gateway shows its own. */
  extended?: boolean;
}

/** Asks phase 1 questions, each a first message, and ends at once what a gateway begins upon one. */
export class Phase1Questions {
  /** Of all answers, each once. */
  readonly vendorIds = new Map<string, Uint8Array>();
  readonly #publicValues = new Map<number, Uint8Array>();
  /** SAs that gateways began and whose end they have not confirmed, by the initiator's SPI. */
  readonly #begun = new Set<bigint>();
  #asked = 0;

  /** @param limit questions that may be asked */
  constructor(
    readonly asker: Asker,
    readonly limit: number,
  ) {}

  /** How many questions may still be asked. */
  get left(): number {
    return Math.max(0, this.limit - this.#asked);
  }

  /** How many SAs began whose end is not confirmed. */
  get halfOpen(): number {
    return this.#begun.size;
  }

  mainMode(candidates: readonly Phase1[], { once, extended = false }: AskHow = {}): Promise<Phase1Answer> {
    const sent = mainModeFirst(candidates, this.asker.entropy, extended);
    return this.#ask(sent, `Main Mode, ${offerText(candidates)}`, once);
  }

  /** @param candidates of one group */
  aggressive(
    candidates: readonly Phase1[],
    identity: Identity,
    { once }: AskHow = {},
  ): Promise<Phase1Answer> {
    const { group } = candidates[0]!;
    const sent = aggressiveFirst(candidates, this.#publicValue(group), identity, this.asker.entropy);
    return this.#ask(sent, `Aggressive Mode, ${offerText(candidates)}, group ${group}`, once);
  }

  /** One for all questions: no exchange is ever completed, and OpenSSL is slow to begin with the old groups. */
  #publicValue(group: number): Uint8Array {
    let value = this.#publicValues.get(group);
    if (value === undefined) {
      value = keTransform(group)?.generate?.().publicValue;
      if (value === undefined) throw new KitError('bug', 'E_QUESTION', `no implementation of group ${group}`);
      this.#publicValues.set(group, value);
    }
    return value;
  }

  async #ask(sent: FirstMessage, summary: string, once = false): Promise<Phase1Answer> {
    this.#asked += 1;
    const asked = await this.asker.ask(sent.datagram, {
      summary,
      match: (reply) => readFirstReply(reply, sent.spiI) !== undefined,
      describe: (reply) => replyText(reply, sent.spiI),
      once,
    });
    const { packets } = asked;
    const reply = asked.outcome === 'answered' ? readFirstReply(asked.reply, sent.spiI) : undefined;
    if (reply === undefined) {
      if (asked.outcome === 'answered') return { verdict: 'no answer', packets };
      const { outcome, note } = asked;
      return { verdict: outcome, ...(note !== undefined && { note }), packets };
    }
    if (reply.kind === 'refused') return { verdict: 'refused', notify: reply.notify, packets };
    if (reply.kind === 'other version') return { verdict: 'other version', packets };
    this.#remember(reply.payloads);
    const { chosen, spiR, payloads } = reply;
    await this.#end(sent, spiR, payloads);
    return { verdict: 'accepted', chosen, sent, spiR, payloads, packets };
  }

  #remember(payloads: readonly Ikev1Payload[]): void {
    for (const payload of payloads) {
      if (payload.type === 13) this.vendorIds.set(toHex(payload.data), payload.data);
    }
  }

  /** An Aggressive Mode answer carries HASH_R or a signature, and its end is answered, by those who understand it. */
  async #end(sent: FirstMessage, spiR: bigint, payloads: readonly Ikev1Payload[]): Promise<void> {
    const isAggressive = sent.nonce.length > 0;
    this.#begun.add(sent.spiI);
    const isOfIt = (reply: Uint8Array): boolean => {
      const confirms = isOfSa(reply, sent.spiI, spiR);
      if (confirms) this.#begun.delete(sent.spiI);
      return confirms;
    };
    if (!isAggressive) {
      this.asker.tell(mainModeRefusal(sent.spiI, spiR), 'Main Mode, taken back', isOfIt);
      return;
    }
    const hashBytes = dataOf(payloads, 8)?.length ?? 20;
    const end = aggressiveEnd(sent.spiI, spiR, hashBytes, this.asker.entropy);
    await this.asker.ask(end, {
      summary: 'Aggressive Mode, ended with a wrong hash',
      match: isOfIt,
      once: true,
    });
  }
}

/** Any answer to the end will do, encrypted or not; the answer to the first message may come again meanwhile. */
function isOfSa(reply: Uint8Array, spiI: bigint, spiR: bigint): boolean {
  if (reply.length < 28) return false;
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  const isInformational = reply[18] === 5;
  const ofSa = view.getBigUint64(8) === spiR || view.getBigUint64(8) === 0n;
  return isInformational && view.getBigUint64(0) === spiI && ofSa;
}

function offerText(candidates: readonly Phase1[]): string {
  const methods = [...new Set(candidates.map(({ auth }) => phase1AuthMethodName(auth)))];
  const count = candidates.length === 1 ? '1 transform' : `${candidates.length} transforms`;
  return `${methods.join(' or ')}, ${count}`;
}
