import { ByteReader } from '../core/bytes.js';
import { KitError } from '../core/errors.js';
import { keTransform } from '../crypto/registry.js';
import { TransformType } from '../crypto/transform.js';
import { NotifyType } from '../ike/wire/notify.js';
import type { Transform } from '../ike/wire/types.js';
import type { Asker, Control } from './asker.js';
import {
  answersInit,
  encodeInit,
  type InitReply,
  type InitRequest,
  NONCE_BYTES,
  numbered,
  readInit,
} from './oracle-message.js';
import type { PacketNumbers, Question } from './types.js';

/** How often one question follows a cookie (RFC 7296 2.6). */
const MAX_COOKIES = 3;
/** Packets that are kept as evidence for cookies. */
const MAX_EVIDENCE = 20;

/** One question with what came of it. */
export interface Exchanged {
  reply: InitReply | { kind: 'no answer' | 'blocked'; note?: string };
  request: InitRequest;
  /** The request as it went out last. */
  datagram: Uint8Array;
  /** The datagram that was read. */
  response: Uint8Array | undefined;
  packets: PacketNumbers;
}

/** What goes into a question beside its proposals. */
export interface InitValues {
  group: number;
  publicValue: Uint8Array;
  /** Notify types beyond those in every question. */
  announce: readonly number[];
}

/** IKE_SA_INIT as questions need it: cookies answered and counted. */
export class InitExchanger {
  /** Questions that were answered, those that first got a cookie, whether the very first did, and a cookie. */
  readonly cookies = {
    answered: 0,
    asked: 0,
    first: undefined as boolean | undefined,
    sample: undefined as Uint8Array | undefined,
    packets: [] as PacketNumbers,
  };
  readonly #publicValues = new Map<number, Uint8Array>();

  constructor(private readonly asker: Asker) {}

  /** Sends the request, again with each cookie that is asked for. */
  async exchange({ proposals, summary }: Omit<Question, 'ke'>, values: InitValues): Promise<Exchanged> {
    const request = this.#request(proposals, values);
    const opens = proposals.flat().some(({ type, id }) => type === TransformType.KE && id === values.group);
    const packets: PacketNumbers = [];
    for (let cookies = 0; ; cookies++) {
      const datagram = encodeInit(request, this.asker.entropy);
      const asked = await this.asker.ask(datagram, {
        summary: `IKE_SA_INIT, ${summary}, KE ${values.group}${request.cookie ? ', cookie' : ''}`,
        match: (reply) => answersInit(reply, request.spi),
        opens,
      });
      packets.push(...asked.packets);
      if (asked.outcome !== 'answered') {
        const kind = asked.outcome === 'blocked' ? 'blocked' : 'no answer';
        const reply = { kind, ...(asked.note !== undefined && { note: asked.note }) } as const;
        return { reply, request, datagram, response: undefined, packets };
      }
      const reply = readInit(asked.reply, request);
      if (cookies === 0) this.#count(reply.kind === 'cookie', asked.packets);
      if (reply.kind === 'cookie') this.cookies.sample ??= reply.cookie;
      if (reply.kind === 'cookie' && cookies < MAX_COOKIES) request.cookie = reply.cookie;
      else return { reply, request, datagram, response: asked.reply, packets };
    }
  }

  /** A question for {@link Asker}s that want to know whether the target still answers. */
  control(known: readonly Transform[], group: number): Control {
    const values = { group, publicValue: this.publicValue(group), announce: [] };
    const request = this.#request([known], values);
    return {
      datagram: encodeInit(request, this.asker.entropy),
      options: { summary: 'IKE_SA_INIT', match: (reply) => answersInit(reply, request.spi) },
    };
  }

  /** A public value of ours, always the same: for questions of which no SA comes. */
  publicValue(group: number): Uint8Array {
    let value = this.#publicValues.get(group);
    if (value === undefined) {
      value = keTransform(group)?.generate?.().publicValue;
      if (value === undefined) throw new KitError('bug', 'E_QUESTION', `no implementation of group ${group}`);
      this.#publicValues.set(group, value);
    }
    return value;
  }

  #request(proposals: Question['proposals'], { group, publicValue, announce }: InitValues): InitRequest {
    const { entropy, path } = this.asker;
    // RFC 9370 2.2.1: additional key exchanges run in IKE_INTERMEDIATE, which has to be announced.
    const additional = proposals.flat().some(({ type }) => type >= TransformType.ADDKE1);
    const needed = additional ? [NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED] : [];
    return {
      // RFC 7296 3.1: an initiator's SPI is not zero.
      spi: new ByteReader(entropy.bytes(8)).u64() || 1n,
      nonce: entropy.bytes(NONCE_BYTES),
      proposals: numbered(proposals),
      group,
      publicValue,
      cookie: undefined,
      announce: [...new Set([...announce, ...needed])],
      path,
    };
  }

  #count(isCookie: boolean, packets: PacketNumbers): void {
    const { cookies } = this;
    cookies.first ??= isCookie;
    cookies.answered += 1;
    if (!isCookie) return;
    cookies.asked += 1;
    if (cookies.packets.length < MAX_EVIDENCE) cookies.packets.push(...packets);
  }
}
