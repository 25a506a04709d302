import type { Path } from '../../core/endpoint.js';
import type { Entropy, Milliseconds } from '../../core/environment.js';
import { KitError, WireError } from '../../core/errors.js';
import { decodeHeader } from '../wire/header.js';
import { decodeMessage, encodeMessage } from '../wire/message.js';
import { NotifyType, notify } from '../wire/notify.js';
import { ExchangeType, type IkeHeader, type Payload } from '../wire/types.js';
import { startIkeAuth } from './auth.js';
import { initiate, runCommand } from './commands.js';
import { follow } from './follow.js';
import { childCounter, ownHooks } from './hooks.js';
import type { IkeSa, InitiatedExchange } from './ike-sa.js';
import { AuthenticationFailed } from './informational.js';
import { SaInit } from './sa-init.js';
import { SentMessage } from './sent-message.js';
import { SessionState } from './state.js';
import { dueTimers, nextWake } from './timers.js';
import { findTransition } from './transitions.js';
import type {
  ExchangeSummary,
  InitMessages,
  Say,
  SessionInput,
  SessionOutput,
  SessionPolicy,
  TaskOutcome,
} from './types.js';
import { answerHigherVersion } from './unprotected.js';
import { Retransmission } from './window.js';

const exchangeNames: Record<number, ExchangeSummary['exchange']> = {
  [ExchangeType.IKE_SA_INIT]: 'IKE_SA_INIT',
  [ExchangeType.IKE_AUTH]: 'IKE_AUTH',
  [ExchangeType.CREATE_CHILD_SA]: 'CREATE_CHILD_SA',
  [ExchangeType.INFORMATIONAL]: 'INFORMATIONAL',
};

/** Bytes of datagrams kept while a task is out; more are dropped, as a network would. */
const MAX_KEPT = 32_768;

/**
 * One connection with one peer: its IKE SA, the successors of that, and the child SAs, as a state machine without I/O.
 * Everything comes in through {@link Session.handle} and goes out in what it returns.
 */
export class Session {
  readonly #state: SessionState;
  /** Initiator: where to move once NAT traversal is agreed, and how to begin. */
  readonly #paths: { path: Path; natPath: Path } | undefined;
  #initMessages: InitMessages | undefined;
  /** Came while a task was out. */
  readonly #kept: { data: Uint8Array; path: Path }[] = [];
  #now: Milliseconds = 0;
  /** Where in the events those of the datagram or the task at hand begin. */
  #mark = 0;
  /** Notes the exchange whose response a task is out for. */
  #unfinished: (() => void) | undefined;

  /** Use {@link createInitiator}, or the listener for responders. */
  constructor(
    state: SessionState,
    start: { path: Path; natPath: Path } | { ikeSa: IkeSa; messages: InitMessages },
  ) {
    this.#state = state;
    if ('path' in start) {
      this.#paths = start;
      return;
    }
    this.#initMessages = start.messages;
    state.ikeSas.push(start.ikeSa);
  }

  /** The last event was emitted. What remains only answers retransmissions. */
  get closed(): boolean {
    return this.#state.closed;
  }

  /** Nothing is left to answer: this session can be forgotten. */
  get spent(): boolean {
    return this.#state.closed && this.#state.ikeSas.length === 0;
  }

  /** True until both sides are authenticated. */
  get halfOpen(): boolean {
    return this.#state.ikeSas.every((sa) => sa.remoteId === undefined);
  }

  /** The peer as far as it proved who it is: see {@link IkeSa.peerName}. */
  get peerName(): string | undefined {
    return this.#state.ikeSas.find((sa) => sa.remoteId)?.peerName;
  }

  /** SPIs that this side chose for its IKE SAs: what a listener finds a session by. */
  get ownSpis(): bigint[] {
    return this.#state.ikeSas.map((sa) => (sa.role === 'initiator' ? sa.initiatorSpi : sa.responderSpi));
  }

  /** One step. Does not throw for anything that a peer sends. */
  handle(input: SessionInput, now: Milliseconds): SessionOutput {
    const state = this.#state;
    this.#now = now;
    if (input.type === 'datagram') this.#receive(input.data, input.path, now);
    else if (input.type === 'task') this.#taskDone(input.id, input.outcome, now);
    else if (input.type === 'timeout') dueTimers(state, now, input.inboundSeenAt);
    else if (input.command.type !== 'initiate') runCommand(state, input.command, now);
    else if (this.#paths) initiate(state, this.#paths.path, now);
    this.#startDue(now);
    return this.#flush();
  }

  /** Ends the session at once, without a word to the peer. */
  fail(error: KitError, now: Milliseconds): SessionOutput {
    this.#state.end(this.#state.current, 'failed', now, error);
    return this.#flush();
  }

  #flush(): SessionOutput {
    const state = this.#state;
    const { sends: send, events, tasks } = state;
    state.sends = [];
    state.events = [];
    state.tasks = [];
    return { send, events, tasks, wakeAt: nextWake(state) };
  }

  /** While a task is out the peer has to wait, so that messages never interleave inside one SA. */
  #receive(data: Uint8Array, path: Path, now: Milliseconds): void {
    if (!this.#state.waiting) this.#datagram(data, path, now);
    else {
      const kept = this.#kept.reduce((sum, each) => sum + each.data.length, data.length);
      if (kept <= MAX_KEPT) this.#kept.push({ data: data.slice(), path });
    }
  }

  #taskDone(id: number, outcome: TaskOutcome, now: Milliseconds): void {
    const { waiting } = this.#state;
    if (waiting?.id !== id) return;
    this.#state.waiting = undefined;
    this.#mark = this.#state.events.length;
    waiting.resume(outcome, now);
    this.#settle();
    while (!this.#state.waiting) {
      const next = this.#kept.shift();
      if (!next) break;
      this.#datagram(next.data, next.path, now);
    }
  }

  /** Notes a finished exchange, unless a task is still out for it. */
  #settle(): void {
    if (this.#state.waiting) return;
    this.#unfinished?.();
    this.#unfinished = undefined;
  }

  #datagram(data: Uint8Array, path: Path, now: Milliseconds): void {
    this.#mark = this.#state.events.length;
    const header = parse(decodeHeader, data);
    if (!header) return;
    const ikeSa = this.#state.ikeSas.find((sa) => sa.isAddressed(header));
    if (!ikeSa || header.fromInitiator !== (ikeSa.role === 'responder')) return;
    if (header.majorVersion !== 2) {
      const answer = answerHigherVersion(header);
      if (answer) this.#state.send(ikeSa, [answer], now, path);
      return;
    }
    const retransmitted = header.isResponse ? undefined : ikeSa.retransmitted(header, data);
    if (retransmitted) {
      this.#state.send(ikeSa, retransmitted, now, path);
      return;
    }
    if (ikeSa.stage === 'gone') return;
    if (header.exchangeType === ExchangeType.IKE_SA_INIT) {
      if (header.isResponse) this.#initResponse(ikeSa, data, now);
      return;
    }
    if (!ikeSa.hasKeys) return;
    if (header.isResponse) this.#response(ikeSa, header, data, path, now);
    else this.#request(ikeSa, header, data, path, now);
  }

  /** An IKE_SA_INIT response: nothing in it is authenticated, so nothing in it ends the attempt (RFC 7296 2.21.1). */
  #initResponse(ikeSa: IkeSa, data: Uint8Array, now: Milliseconds): void {
    const pending = ikeSa.pending;
    const init = pending?.exchange;
    if (!pending || !(init instanceof SaInit)) return;
    const message = parse(decodeMessage, data);
    if (!message || message.payloads.some((p) => p.type === 'unknown' && p.critical)) return;
    const verdict = init.answered(ikeSa, message);
    if (verdict === 'wait') return;
    ikeSa.pending = undefined;
    this.#exchanged(true, ExchangeType.IKE_SA_INIT, 0, verdict.purpose, this.#state.events.length);
    if (!verdict.agreed) {
      ikeSa.nextRequestId = 0;
      ikeSa.queue.unshift({ exchange: init, notBefore: now });
      return;
    }
    const wantsNatT = this.#state.policy.encap || ikeSa.weAreBehindNat || ikeSa.peerBehindNat;
    if (ikeSa.natTraversal && wantsNatT && this.#paths) ikeSa.path = this.#paths.natPath;
    const messages = { request: pending.message.datagrams[0]!, response: data.slice() };
    startIkeAuth(this.#state, ikeSa, messages, now);
  }

  #response(ikeSa: IkeSa, header: IkeHeader, data: Uint8Array, path: Path, now: Milliseconds): void {
    const pending = ikeSa.pending;
    if (pending?.messageId !== header.messageId || pending.exchange.type !== header.exchangeType) return;
    const opened = open(ikeSa, header, data, path);
    if (opened === 'unauthentic' || opened === 'incomplete') return;
    ikeSa.pending = undefined;
    ikeSa.lastInboundAt = now;
    follow(this.#state, ikeSa, path);
    if (opened === 'malformed' || opened.some((p) => p.type === 'unknown' && p.critical)) {
      const error = new KitError(
        'protocol',
        'E_RESPONSE',
        'The peer answered with an authentic message that is malformed or demands an unknown payload',
      );
      this.#state.end(ikeSa, 'failed', now, error);
      return;
    }
    try {
      pending.exchange.response(ikeSa, opened, now);
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      this.#state.end(ikeSa, 'failed', now, error);
    }
    this.#unfinished = () =>
      this.#exchanged(true, header.exchangeType, header.messageId, pending.exchange.purpose);
    this.#settle();
  }

  #request(ikeSa: IkeSa, header: IkeHeader, data: Uint8Array, path: Path, now: Milliseconds): void {
    // Window size 1: older requests are stale, later ones cannot exist yet (RFC 7296 2.3).
    if (header.messageId !== ikeSa.requests.expected) return;
    const opened = open(ikeSa, header, data, path);
    if (opened === 'unauthentic' || opened === 'incomplete') return;
    ikeSa.lastInboundAt = now;
    follow(this.#state, ikeSa, path);
    const reply = (payloads: Payload[], story: string) =>
      this.#reply(ikeSa, header, data, path, payloads, story);
    if (opened === 'malformed') this.#malformed(ikeSa, reply, now);
    else this.#process(ikeSa, header, opened, reply, now);
  }

  #reply(
    ikeSa: IkeSa,
    { exchangeType, messageId }: IkeHeader,
    request: Uint8Array,
    path: Path,
    payloads: Payload[],
    story: string,
  ): void {
    if (exchangeType === ExchangeType.IKE_AUTH && messageId === 1) {
      // Told only now: what came before is not worth a word until somebody stands behind it.
      this.#exchanged(false, ExchangeType.IKE_SA_INIT, 0, 'agreed on algorithms and keys');
      this.#mark += 1;
    }
    const response = this.#seal(ikeSa, exchangeType, messageId, true, payloads);
    if (!response) return;
    ikeSa.requests.answered(request, response);
    this.#state.send(ikeSa, response.datagrams, this.#now, path);
    this.#exchanged(false, exchangeType, messageId, story);
  }

  /** Answers a request through `reply`, now or when a task is done; or drops it. */
  #process(ikeSa: IkeSa, header: IkeHeader, payloads: Payload[], reply: Say, now: Milliseconds): void {
    // RFC 7296 2.5: an unknown critical payload rejects the request, an uncritical one is passed over.
    const critical = payloads.find((p) => p.type === 'unknown' && p.critical);
    if (critical?.type === 'unknown') {
      const refused = notify(NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD, Uint8Array.of(critical.payloadType));
      reply([refused], 'refused an unknown critical payload');
      return;
    }
    const row = findTransition(ikeSa.stage, header.exchangeType, payloads, this.#state);
    if (!row) return;
    if (row.required.some((type) => !payloads.some((p) => p.type === type))) {
      this.#malformed(ikeSa, reply, now);
      return;
    }
    const state = this.#state;
    try {
      row.process({ state, ikeSa, initMessages: this.#initMessages, payloads, reply, now });
    } catch (error) {
      if (!(error instanceof KitError) || error.kind === 'bug') throw error;
      this.#malformed(ikeSa, reply, now, error);
    }
    if (ikeSa.stage !== 'half-open') this.#initMessages = undefined;
  }

  /** RFC 7296 2.21.3: answer INVALID_SYNTAX to what is authentic but wrong, and give the IKE SA up. */
  #malformed(ikeSa: IkeSa, reply: Say, now: Milliseconds, cause?: KitError): void {
    const error =
      cause ??
      new KitError('protocol', 'E_INVALID_SYNTAX', 'The peer sent an authentic request that is malformed');
    this.#state.end(ikeSa, 'failed', now, error);
    reply([notify(NotifyType.INVALID_SYNTAX)], 'refused a malformed request');
  }

  /** Sends what is due wherever no request is outstanding (RFC 7296 2.3: our window is 1 as well). */
  #startDue(now: Milliseconds): void {
    for (const ikeSa of [...this.#state.ikeSas]) {
      while (!ikeSa.pending && ikeSa.stage !== 'gone') {
        const index = ikeSa.queue.findIndex((item) => item.notBefore <= now);
        const [next] = index < 0 ? [] : ikeSa.queue.splice(index, 1);
        if (!next) break;
        this.#start(ikeSa, next.exchange, now);
      }
    }
  }

  #start(ikeSa: IkeSa, exchange: InitiatedExchange, now: Milliseconds): void {
    const state = this.#state;
    const payloads = exchange.request(ikeSa, now);
    if (!payloads) return;
    const messageId = ikeSa.nextRequestId++;
    const message =
      exchange.type === ExchangeType.IKE_SA_INIT
        ? new SentMessage([encodeMessage(ikeSa.header(exchange.type, messageId, false), payloads)])
        : this.#seal(ikeSa, exchange.type, messageId, false, payloads);
    if (!message) return;
    const retransmission = new Retransmission(state.policy.retransmit, now);
    ikeSa.pending = { messageId, exchange, message, retransmission };
    state.send(ikeSa, message.datagrams, now);
    if (exchange instanceof AuthenticationFailed) state.end(ikeSa, 'failed', now, exchange.endsWith);
  }

  /** A message of ours; one that is too long even for fragments cannot be said, which ends the session. */
  #seal(
    ikeSa: IkeSa,
    exchangeType: number,
    messageId: number,
    isResponse: boolean,
    payloads: Payload[],
  ): SentMessage | undefined {
    try {
      return ikeSa.seal(exchangeType, messageId, isResponse, payloads, this.#state.entropy);
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      this.#state.end(ikeSa, 'failed', this.#now, error);
      return undefined;
    }
  }

  /** Notes a finished exchange in front of the events it caused, which begin at index `at`. */
  #exchanged(byUs: boolean, type: number, messageId: number, purpose: string, at = this.#mark): void {
    const exchange = exchangeNames[type];
    if (!exchange) return;
    const event = {
      type: 'exchange',
      summary: { exchange, initiatedByUs: byUs, messageId, purpose },
    } as const;
    this.#state.events.splice(at, 0, event);
  }
}

/** What a decoder of ike/wire makes of a datagram; undefined when it does not parse. */
function parse<T>(decode: (data: Uint8Array) => T, data: Uint8Array): T | undefined {
  try {
    return decode(data);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** The payloads of a protected message, or why there are none. */
function open(
  ikeSa: IkeSa,
  header: IkeHeader,
  data: Uint8Array,
  path: Path,
): Payload[] | 'incomplete' | 'unauthentic' | 'malformed' {
  try {
    const opened = ikeSa.open(data, header, path);
    return opened === 'incomplete' ? opened : opened.payloads;
  } catch (error) {
    if (error instanceof WireError) return 'malformed';
    if (error instanceof KitError && error.kind === 'garbage') return 'unauthentic';
    throw error;
  }
}

/**
 * A session that will start an IKE SA; it is idle until the command `initiate`.
 * @param paths `path` for IKE_SA_INIT, `natPath` for everything after NAT traversal is agreed
 * @param childIds names of child SAs, unique wherever they are used together
 * @throws KitError usage `E_PROPOSAL` at `initiate` when no proposal names a group
 */
export function createInitiator(
  policy: SessionPolicy,
  paths: { path: Path; natPath: Path },
  entropy: Entropy,
  childIds: () => string = childCounter(),
): Session {
  return new Session(new SessionState('initiator', policy, entropy, ownHooks(entropy, childIds)), paths);
}
