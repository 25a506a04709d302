import { type Path, sameEndpoint } from '../../core/endpoint.js';
import type { Entropy, Milliseconds } from '../../core/environment.js';
import { KitError, WireError } from '../../core/errors.js';
import type { Identity } from '../identity.js';
import { decodeHeader } from '../wire/header.js';
import { decodeMessage, encodeMessage } from '../wire/message.js';
import { NotifyType, notify } from '../wire/notify.js';
import { ExchangeType, type IkeHeader, type Payload } from '../wire/types.js';
import { IkeAuth } from './auth.js';
import { MakeChild } from './create-child.js';
import { childCounter, ownHooks } from './hooks.js';
import { IkeSa, type InitiatedExchange } from './ike-sa.js';
import { AuthenticationFailed, DeleteChild, DeleteIkeSa, LivenessCheck } from './informational.js';
import { RekeyIkeSa } from './rekey-ike.js';
import { type InitMessages, SaInit } from './sa-init.js';
import { SessionState } from './state.js';
import { dueTimers, nextWake } from './timers.js';
import { findTransition } from './transitions.js';
import type { ExchangeSummary, SessionCommand, SessionInput, SessionOutput, SessionPolicy } from './types.js';
import { answerHigherVersion } from './unprotected.js';
import { Retransmission } from './window.js';

const exchangeNames: Record<number, ExchangeSummary['exchange']> = {
  [ExchangeType.IKE_SA_INIT]: 'IKE_SA_INIT',
  [ExchangeType.IKE_AUTH]: 'IKE_AUTH',
  [ExchangeType.CREATE_CHILD_SA]: 'CREATE_CHILD_SA',
  [ExchangeType.INFORMATIONAL]: 'INFORMATIONAL',
};

/**
 * One connection with one peer: its IKE SA, the successors of that, and the child SAs, as a state machine without I/O.
 * Everything comes in through {@link Session.handle} and goes out in what it returns.
 */
export class Session {
  readonly #state: SessionState;
  /** Initiator: where to move once NAT traversal is agreed, and how to begin. */
  readonly #paths: { path: Path; natPath: Path } | undefined;
  #initMessages: InitMessages | undefined;

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
    return this.remoteId === undefined;
  }

  /** The authenticated peer; undefined before. */
  get remoteId(): Identity | undefined {
    return this.#state.ikeSas.find((sa) => sa.remoteId)?.remoteId;
  }

  /** SPIs that this side chose for its IKE SAs: what a listener finds a session by. */
  get ownSpis(): bigint[] {
    return this.#state.ikeSas.map((sa) => (sa.role === 'initiator' ? sa.initiatorSpi : sa.responderSpi));
  }

  /** One step. Does not throw for anything that a peer sends. */
  handle(input: SessionInput, now: Milliseconds): SessionOutput {
    const state = this.#state;
    if (input.type === 'datagram') this.#datagram(input.data, input.path, now);
    else if (input.type === 'command') this.#command(input.command, now);
    else dueTimers(state, now, input.inboundSeenAt);
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
    const output = { send: state.sends, events: state.events, wakeAt: nextWake(state) };
    state.sends = [];
    state.events = [];
    return output;
  }

  #datagram(data: Uint8Array, path: Path, now: Milliseconds): void {
    const header = parse(decodeHeader, data);
    if (!header) return;
    const ikeSa = this.#state.ikeSas.find((sa) => sa.isAddressed(header));
    if (!ikeSa || header.fromInitiator !== (ikeSa.role === 'responder')) return;
    if (header.majorVersion !== 2) {
      const answer = answerHigherVersion(header);
      if (answer) this.#state.send(ikeSa, answer, now, path);
      return;
    }
    const retransmitted = header.isResponse
      ? undefined
      : ikeSa.requests.retransmitted(header.messageId, data);
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
    this.#exchanged(true, ExchangeType.IKE_SA_INIT, 0, verdict.purpose);
    if (!verdict.agreed) {
      ikeSa.nextRequestId = 0;
      ikeSa.queue.unshift({ exchange: init, notBefore: now });
      return;
    }
    const wantsNatT = this.#state.policy.encap || ikeSa.weAreBehindNat || ikeSa.peerBehindNat;
    if (ikeSa.natTraversal && wantsNatT && this.#paths) ikeSa.path = this.#paths.natPath;
    const messages = { request: pending.datagram, response: data.slice() };
    this.#state.enqueue(ikeSa, new IkeAuth(this.#state, messages), now);
  }

  #response(ikeSa: IkeSa, header: IkeHeader, data: Uint8Array, path: Path, now: Milliseconds): void {
    const pending = ikeSa.pending;
    if (pending?.messageId !== header.messageId || pending.exchange.type !== header.exchangeType) return;
    const opened = open(ikeSa, data);
    if (opened === 'unauthentic') return;
    ikeSa.pending = undefined;
    ikeSa.lastInboundAt = now;
    this.#follow(ikeSa, path);
    if (opened === 'malformed' || opened.some((p) => p.type === 'unknown' && p.critical)) {
      const error = new KitError(
        'protocol',
        'E_RESPONSE',
        'The peer answered with an authentic message that is malformed or demands an unknown payload',
      );
      this.#state.end(ikeSa, 'failed', now, error);
      return;
    }
    const at = this.#state.events.length;
    try {
      pending.exchange.response(ikeSa, opened, now);
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      this.#state.end(ikeSa, 'failed', now, error);
    }
    this.#exchanged(true, header.exchangeType, header.messageId, pending.exchange.purpose, at);
  }

  #request(ikeSa: IkeSa, header: IkeHeader, data: Uint8Array, path: Path, now: Milliseconds): void {
    // Window size 1: older requests are stale, later ones cannot exist yet (RFC 7296 2.3).
    if (header.messageId !== ikeSa.requests.expected) return;
    const opened = open(ikeSa, data);
    if (opened === 'unauthentic') return;
    ikeSa.lastInboundAt = now;
    this.#follow(ikeSa, path);
    let at = this.#state.events.length;
    const answer =
      opened === 'malformed' ? this.#malformed(ikeSa, now) : this.#process(ikeSa, header, opened, now);
    if (!answer) return;
    const { exchangeType, messageId } = header;
    if (exchangeType === ExchangeType.IKE_AUTH) {
      // Told only now: what came before is not worth a word until somebody stands behind it.
      this.#exchanged(false, ExchangeType.IKE_SA_INIT, 0, 'agreed on algorithms and keys', at);
      at += 1;
    }
    const response = ikeSa.seal(exchangeType, messageId, true, answer.payloads, this.#state.entropy);
    ikeSa.requests.answered(data, response);
    this.#state.send(ikeSa, response, now, path);
    this.#exchanged(false, exchangeType, messageId, answer.story, at);
  }

  /** @returns undefined when the request is dropped without an answer */
  #process(
    ikeSa: IkeSa,
    header: IkeHeader,
    payloads: Payload[],
    now: Milliseconds,
  ): { payloads: Payload[]; story: string } | undefined {
    // RFC 7296 2.5: an unknown critical payload rejects the request, an uncritical one is passed over.
    const critical = payloads.find((p) => p.type === 'unknown' && p.critical);
    if (critical?.type === 'unknown') {
      const refused = notify(NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD, Uint8Array.of(critical.payloadType));
      return { payloads: [refused], story: 'refused an unknown critical payload' };
    }
    const row = findTransition(ikeSa.stage, header.exchangeType, payloads);
    if (!row) return undefined;
    if (row.required.some((type) => !payloads.some((p) => p.type === type)))
      return this.#malformed(ikeSa, now);
    try {
      const answer = row.process({
        state: this.#state,
        ikeSa,
        initMessages: this.#initMessages,
        payloads,
        now,
      });
      if (ikeSa.stage !== 'half-open') this.#initMessages = undefined;
      return { payloads: answer.payloads, story: answer.story ?? row.story };
    } catch (error) {
      if (!(error instanceof KitError) || error.kind === 'bug') throw error;
      return this.#malformed(ikeSa, now, error);
    }
  }

  /** RFC 7296 2.21.3: answer INVALID_SYNTAX to what is authentic but wrong, and give the IKE SA up. */
  #malformed(ikeSa: IkeSa, now: Milliseconds, cause?: KitError): { payloads: Payload[]; story: string } {
    const error =
      cause ??
      new KitError('protocol', 'E_INVALID_SYNTAX', 'The peer sent an authentic request that is malformed');
    this.#state.end(ikeSa, 'failed', now, error);
    return { payloads: [notify(NotifyType.INVALID_SYNTAX)], story: 'refused a malformed request' };
  }

  /**
   * RFC 7296 2.23: the address of an authenticated message is the one to talk to when the peer is behind a NAT. Who is
   * behind a NAT itself does not follow, lest one packet that a thief sends on moves the tunnel; a responder there has
   * a fixed mapping, and its clients may still move.
   */
  #follow(ikeSa: IkeSa, path: Path): void {
    const moved =
      !sameEndpoint(ikeSa.path.remote, path.remote) || !sameEndpoint(ikeSa.path.local, path.local);
    if (!moved) return;
    const floats = ikeSa.stage === 'half-open' && ikeSa.role === 'responder';
    const stays = !ikeSa.peerBehindNat || (ikeSa.weAreBehindNat && this.#state.role === 'initiator');
    if (!floats && stays) return;
    ikeSa.path = path;
    if (!floats) this.#state.emit({ type: 'peer-moved', path });
  }

  #command(command: SessionCommand, now: Milliseconds): void {
    const state = this.#state;
    if (command.type === 'initiate') {
      this.#initiate(now);
      return;
    }
    const ikeSa = state.current;
    if (state.closed || !ikeSa) return;
    const ends = command.type === 'close' || command.type === 'abandon';
    if (ikeSa.stage === 'half-open' && !ends) return;
    switch (command.type) {
      case 'rekey-ike':
        state.enqueue(ikeSa, new RekeyIkeSa(state), now);
        return;
      case 'rekey-child': {
        const child = state.children.get(command.childId);
        if (child) state.enqueue(child.ikeSa, MakeChild.successorOf(state, child), now);
        return;
      }
      case 'create-child':
        state.enqueue(ikeSa, new MakeChild(state, command.localTs, command.remoteTs), now);
        return;
      case 'delete-child': {
        const child = state.children.get(command.childId);
        if (child) state.enqueue(child.ikeSa, new DeleteChild(state, child, 'deleted-by-us'), now);
        return;
      }
      case 'check-liveness':
        state.enqueue(ikeSa, new LivenessCheck(), now);
        return;
      case 'peer-moved':
        this.#follow(ikeSa, command.path);
        return;
      case 'abandon':
        state.end(ikeSa, 'replaced', now);
        return;
      case 'close':
        this.#close(now);
    }
  }

  #initiate(now: Milliseconds): void {
    const state = this.#state;
    if (!this.#paths || state.closed || state.ikeSas.length > 0) return;
    const ikeSa = new IkeSa('initiator', state.newIkeSpi(), this.#paths.path, now);
    state.ikeSas.push(ikeSa);
    state.enqueue(ikeSa, new SaInit(state), now);
  }

  #close(now: Milliseconds): void {
    const state = this.#state;
    for (const ikeSa of [...state.ikeSas]) {
      if (ikeSa.stage === 'half-open') state.end(ikeSa, 'deleted-by-us', now);
      else if (ikeSa.stage === 'established') {
        ikeSa.queue.length = 0;
        state.enqueue(ikeSa, new DeleteIkeSa(state, 'deleted-by-us'), now);
      }
    }
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
    const datagram =
      exchange.type === ExchangeType.IKE_SA_INIT
        ? encodeMessage(ikeSa.header(exchange.type, messageId, false), payloads)
        : ikeSa.seal(exchange.type, messageId, false, payloads, state.entropy);
    const retransmission = new Retransmission(state.policy.retransmit, now);
    ikeSa.pending = { messageId, exchange, datagram, retransmission };
    state.send(ikeSa, datagram, now);
    if (exchange instanceof AuthenticationFailed) state.end(ikeSa, 'failed', now, exchange.endsWith);
  }

  /** Notes a finished exchange in front of the events it caused, which begin at index `at`. */
  #exchanged(byUs: boolean, type: number, messageId: number, purpose: string, at?: number): void {
    const exchange = exchangeNames[type];
    if (!exchange) return;
    const event = {
      type: 'exchange',
      summary: { exchange, initiatedByUs: byUs, messageId, purpose },
    } as const;
    this.#state.events.splice(at ?? this.#state.events.length, 0, event);
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
function open(ikeSa: IkeSa, data: Uint8Array): Payload[] | 'unauthentic' | 'malformed' {
  try {
    return ikeSa.open(data).payloads;
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
