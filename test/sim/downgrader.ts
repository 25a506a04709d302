import { TransformType } from '../../src/lib/crypto/transform.js';
import { decodeMessage, encodeMessage, findPayload } from '../../src/lib/ike/wire/message.js';
import { NotifyType, notify } from '../../src/lib/ike/wire/notify.js';
import {
  ExchangeType,
  type IkeMessage,
  type Payload,
  PayloadType,
  type Transform,
} from '../../src/lib/ike/wire/types.js';

/** What a man in the middle does to IKE_SA_INIT. It needs no key for any of it. */
export interface Attack {
  /** Answers requests whose KE payload holds another group with INVALID_KE_PAYLOAD, and keeps them from the responder. */
  steerTo?: number;
  /** Also where the group is not offered. */
  bluntly?: boolean;
  /** How many requests are answered that way; all, unless said otherwise. */
  steerings?: number;
  /** Keeps the responder's own INVALID_KE_PAYLOAD from the initiator. */
  hideSteering?: boolean;
  /** Transforms `type/id` or `type/id/key length` that are taken out of requests. */
  transforms?: readonly string[];
  /** Notifies that are taken out of requests, and of responses. */
  requestNotifies?: readonly number[];
  responseNotifies?: readonly number[];
}

/** The datagrams that go on, each towards one side. */
export interface Verdict {
  toClient: Uint8Array[];
  toServer: Uint8Array[];
}

export class Downgrader {
  #steered = 0;
  readonly #spent = new Set<string>();

  constructor(private readonly attack: Attack) {}

  fromClient(data: Uint8Array): Verdict {
    const message = readInit(data);
    if (!message || message.header.isResponse) return { toClient: [], toServer: [data] };
    const forged = this.#forge(message, Buffer.from(data).toString('base64'));
    if (forged) return { toClient: [forged], toServer: [] };
    const { transforms = [], requestNotifies = [] } = this.attack;
    if (transforms.length + requestNotifies.length === 0) return { toClient: [], toServer: [data] };
    const payloads = without(message.payloads, requestNotifies).map((payload) =>
      payload.type === PayloadType.SA ? weakened(payload, new Set(transforms)) : payload,
    );
    return { toClient: [], toServer: [encodeMessage(message.header, payloads)] };
  }

  fromServer(data: Uint8Array): Verdict {
    const message = readInit(data);
    if (!message?.header.isResponse) return { toClient: [data], toServer: [] };
    const { responseNotifies = [], hideSteering = false } = this.attack;
    const steers = without(message.payloads, [NotifyType.INVALID_KE_PAYLOAD]) !== message.payloads;
    if (hideSteering && steers) return { toClient: [], toServer: [] };
    const payloads = without(message.payloads, responseNotifies);
    const changed = payloads === message.payloads ? data : encodeMessage(message.header, payloads);
    return { toClient: [changed], toServer: [] };
  }

  /** An answer in the responder's name; retransmissions get it again. */
  #forge({ header, payloads }: IkeMessage, text: string): Uint8Array | undefined {
    const { steerTo, steerings = Number.POSITIVE_INFINITY } = this.attack;
    const ke = findPayload(payloads, PayloadType.KE);
    if (steerTo === undefined || !ke || ke.group === steerTo) return undefined;
    const sa = findPayload(payloads, PayloadType.SA);
    const offered = sa?.proposals.some(({ transforms }) =>
      transforms.some(({ type, id }) => type === TransformType.KE && id === steerTo),
    );
    if (!offered && !this.attack.bluntly) return undefined;
    if (!this.#spent.has(text)) {
      if (this.#steered >= steerings) return undefined;
      this.#steered += 1;
      this.#spent.add(text);
    }
    return encodeMessage({ ...header, fromInitiator: false, isResponse: true }, [
      notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(steerTo >> 8, steerTo & 0xff)),
    ]);
  }
}

function readInit(data: Uint8Array): IkeMessage | undefined {
  try {
    const message = decodeMessage(data);
    return message.header.exchangeType === ExchangeType.IKE_SA_INIT ? message : undefined;
  } catch {
    return undefined;
  }
}

/** @returns the same array when there is nothing to take out */
function without(payloads: Payload[], types: readonly number[]): Payload[] {
  const kept = payloads.filter(
    (each) => each.type !== PayloadType.NOTIFY || !types.includes(each.notifyType),
  );
  return kept.length === payloads.length ? payloads : kept;
}

function weakened(sa: Extract<Payload, { type: typeof PayloadType.SA }>, out: ReadonlySet<string>): Payload {
  const goes = ({ type, id, keyLength }: Transform): boolean =>
    out.has(`${type}/${id}`) || out.has(`${type}/${id}/${keyLength}`);
  const proposals = sa.proposals
    .map((proposal) => ({ ...proposal, transforms: proposal.transforms.filter((each) => !goes(each)) }))
    .filter(({ transforms }) => transforms.some(({ type }) => type === 1));
  return { ...sa, proposals };
}
