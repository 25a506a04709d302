import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { NotifyType, notify, notifyName } from '../wire/notify.js';
import { ExchangeType, type Payload, PayloadType } from '../wire/types.js';
import { type Authenticated, authenticateToResponder, RefusedByPeer } from './auth-initiator.js';
import { authenticateInitiator, EapFailed } from './auth-responder.js';
import { errorNotify } from './failure.js';
import { answerFirstChild, FirstChild } from './first-child.js';
import type { IkeSa, InitiatedExchange } from './ike-sa.js';
import { AuthenticationFailed } from './informational.js';
import type { AuthContext } from './proof.js';
import { Conversation, type Script } from './script.js';
import type { SessionState } from './state.js';
import type { InitMessages, Say } from './types.js';

/** Both sides are who they say: the IKE SA is up. */
function establish(
  { state, ikeSa, now }: AuthContext,
  { localId, remoteId, localAuth, remoteAuth, eapIdentity }: Authenticated,
): void {
  ikeSa.localId = localId;
  ikeSa.remoteId = remoteId;
  ikeSa.proofs = { localAuth, remoteAuth, eapIdentity };
  ikeSa.stage = 'established';
  ikeSa.dropAt = undefined;
  ikeSa.rekeyAt = state.rekeyMoment(state.policy.rekeyIke, now);
  // It has come to its end, and holds all messages that led there.
  state.conversation = undefined;
  state.authentication = undefined;
  state.emit({ type: 'ike-sa-established', ikeSa: ikeSa.info() });
}

/** Runs a script to its end, whatever it is. */
function* outcome<T>(script: Script<T>): Script<{ value: T } | { error: unknown }> {
  try {
    return { value: yield* script };
  } catch (error) {
    return { error };
  }
}

/** One IKE_AUTH exchange as the initiator; what is said in it is the conversation's business. */
export class IkeAuth implements InitiatedExchange {
  readonly type = ExchangeType.IKE_AUTH;
  readonly concerns = 'nothing';

  constructor(
    private readonly payloads: Payload[],
    public purpose: string,
    private readonly answered: (payloads: Payload[], now: Milliseconds, exchange: IkeAuth) => void,
  ) {}

  request(): Payload[] {
    return this.payloads;
  }

  response(_ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void {
    this.answered(payloads, now, this);
  }
}

/** Begins IKE_AUTH as the initiator: authentication, then the first child SA. */
export function startIkeAuth(
  state: SessionState,
  ikeSa: IkeSa,
  messages: InitMessages,
  now: Milliseconds,
): void {
  const context: AuthContext = { state, ikeSa, messages, now };
  const child = new FirstChild(state);
  let last: IkeAuth | undefined;
  const tell = (purpose: string): void => {
    if (last) last.purpose = purpose;
  };
  const script = outcome(authenticateToResponder(context, child));
  const conversation = new Conversation(state, context, script, (result) => {
    if ('value' in result) {
      const refused = errorNotify(result.value.payloads);
      if (refused) tell(`authenticated both sides, but was refused with ${notifyName(refused.notifyType)}`);
      establish(context, result.value);
      child.take(ikeSa, result.value.payloads, context.now);
      return;
    }
    const { error } = result;
    if (error instanceof RefusedByPeer) {
      tell(error.story);
      state.end(ikeSa, 'failed', context.now, error.reason);
      return;
    }
    if (!(error instanceof KitError) || error.kind === 'bug') throw error;
    // RFC 7296 2.21.2: the peer may believe the SA is up; tell it, and do not wait for an answer.
    if (last) state.enqueue(ikeSa, new AuthenticationFailed(state, error), context.now);
    else state.end(ikeSa, 'failed', context.now, error);
  });
  const say: Say = (payloads, story) => {
    state.enqueue(ikeSa, new IkeAuth(payloads, story, answered), context.now);
  };
  const answered = (payloads: Payload[], at: Milliseconds, exchange: IkeAuth): void => {
    last = exchange;
    conversation.advance(payloads, say, at);
  };
  state.conversation = conversation;
  conversation.advance(undefined, say, now);
}

/** IKE_AUTH as the responder, all its exchanges. */
export class IkeAuthResponder {
  readonly #conversation: { advance: Conversation<unknown>['advance']; abort(): void };

  /** @param first the first request */
  constructor(
    state: SessionState,
    ikeSa: IkeSa,
    messages: InitMessages,
    first: Payload[],
    now: Milliseconds,
  ) {
    const context: AuthContext = { state, ikeSa, messages, now };
    const script = outcome(authenticateInitiator(context, first));
    this.#conversation = new Conversation(state, context, script, (result, say) => {
      if ('value' in result) say(...accepted(context, first, result.value));
      else say(refused(context, result.error), 'refused the client');
    });
    state.conversation = this.#conversation;
  }

  /** @param payloads of a request; of the first one nothing, the conversation has it */
  answer(payloads: Payload[] | undefined, reply: Say, now: Milliseconds): void {
    this.#conversation.advance(payloads, reply, now);
  }
}

function accepted(
  context: AuthContext,
  first: Payload[],
  result: Authenticated,
): [payloads: Payload[], story: string] {
  const { state, ikeSa } = context;
  establish(context, result);
  // RFC 7619 2.3: what nobody stands behind must not end the SAs of somebody else.
  const contact = first.some(
    (each) => each.type === PayloadType.NOTIFY && each.notifyType === NotifyType.INITIAL_CONTACT,
  );
  if (contact && ikeSa.peerName !== undefined) state.hooks.initialContact(ikeSa.peerName, context.now);
  const answer = [...result.payloads, ...answerFirstChild(state, ikeSa, first, context.now)];
  const no = errorNotify(answer);
  const story = no
    ? `authenticated both sides, but refused a request with ${notifyName(no.notifyType)}`
    : 'authenticated both sides and made the first child SA';
  return [answer, story];
}

function refused({ state, ikeSa, now }: AuthContext, error: unknown): Payload[] {
  if (error instanceof EapFailed) {
    state.end(ikeSa, 'failed', now, error.reason);
    return [{ type: PayloadType.EAP, message: error.eapMessage }];
  }
  if (!(error instanceof KitError) || error.kind === 'bug') throw error;
  state.end(ikeSa, 'failed', now, error);
  const type = error.kind === 'protocol' ? NotifyType.INVALID_SYNTAX : NotifyType.AUTHENTICATION_FAILED;
  return [notify(type)];
}
