import type { Identity } from '../../ike/identity.js';
import { notifyName } from '../../ike/wire/notify.js';
import { ExchangeType, type Payload, PayloadType, ProtocolId } from '../../ike/wire/types.js';
import type { Asker } from '../asker.js';
import type { HalfOpenSa, SaOpener } from '../oracle-sa.js';
import { Conversation, errorOf, type Reply } from './conversation.js';
import { eapRefusal, isEapFailure } from './eap.js';
import { authRequest } from './request.js';

/** One IKE_AUTH, answered or not; the SA is gone when this is returned, as far as that is possible. */
export interface Attempt {
  sa: HalfOpenSa;
  reply: Reply;
}

export interface AttemptOptions {
  /** The request: AUTH makes it one with a pre-shared key, without it asks for EAP. */
  identity: Identity;
  auth: ((sa: HalfOpenSa) => Uint8Array) | undefined;
  authorities: (sa: HalfOpenSa) => readonly Uint8Array[];
  summary: string;
}

/** Opens SAs for one IKE_AUTH each. */
export class Attempts {
  readonly #asker: Asker;
  readonly #opener: SaOpener;

  constructor(asker: Asker, opener: SaOpener) {
    this.#asker = asker;
    this.#opener = opener;
  }

  /** @returns undefined when no SA could be opened */
  async run(
    transforms: Parameters<SaOpener['open']>[0],
    { identity, auth, authorities, summary }: AttemptOptions,
  ): Promise<Attempt | undefined> {
    const sa = await this.#opener.open(transforms);
    if (sa === undefined) return undefined;
    const conversation = new Conversation(this.#asker, sa);
    const request = authRequest(identity, authorities(sa), auth?.(sa), this.#asker.entropy);
    const reply = await conversation.ask(request, summary);
    await this.#end(sa, conversation, reply);
    return { sa, reply };
  }

  async #end(sa: HalfOpenSa, conversation: Conversation, reply: Reply): Promise<void> {
    if (reply.outcome !== 'answered') {
      await this.#opener.clear(sa);
      return;
    }
    if (hasFailed(reply.payloads) || (await this.#refuse(conversation, reply.payloads))) {
      this.#opener.ended(sa);
      return;
    }
    await this.#opener.clear(sa, conversation.nextMessageId);
  }

  /** Declines EAP, or deletes an SA that came up. @returns whether the gateway says that this is the end */
  async #refuse(conversation: Conversation, payloads: readonly Payload[]): Promise<boolean> {
    const eap = payloads.find(({ type }) => type === PayloadType.EAP);
    if (eap?.type !== PayloadType.EAP) {
      return isAuthenticated(payloads) && this.#delete(conversation);
    }
    const message = eapRefusal(eap.message);
    if (message === undefined) return isEapFailure(eap.message);
    const reply = await conversation.ask([{ type: PayloadType.EAP, message }], 'IKE_AUTH, EAP declined');
    return reply.outcome === 'answered' && hasFailed(reply.payloads);
  }

  async #delete(conversation: Conversation): Promise<boolean> {
    const request: Payload = { type: PayloadType.DELETE, protocolId: ProtocolId.IKE, spiSize: 0, spis: [] };
    const reply = await conversation.ask([request], 'INFORMATIONAL, delete', ExchangeType.INFORMATIONAL);
    return reply.outcome === 'answered';
  }
}

/** The gateway ended the SA: with an error and without AUTH (RFC 7296 2.21.2), or with EAP's Failure. */
function hasFailed(payloads: readonly Payload[]): boolean {
  const failure = payloads.some(
    (payload) => payload.type === PayloadType.EAP && isEapFailure(payload.message),
  );
  return failure || (errorOf(payloads) !== undefined && !isAuthenticated(payloads));
}

/** The gateway brought AUTH. */
export function isAuthenticated(payloads: readonly Payload[]): boolean {
  return payloads.some(({ type }) => type === PayloadType.AUTH);
}

/** Why there was no conversation, in words. */
export function refusalText(reply: Reply): string {
  if (reply.outcome !== 'answered') return reply.note ?? `IKE_AUTH: ${reply.outcome}`;
  const error = errorOf(reply.payloads);
  return error === undefined ? 'the answer to IKE_AUTH has neither EAP nor an error' : notifyName(error);
}
