import type { Path } from '../../core/endpoint.js';
import type { Entropy, Milliseconds } from '../../core/environment.js';
import { KitError, WireError } from '../../core/errors.js';
import { decodeHeader } from '../wire/header.js';
import { decodeMessage, findPayload } from '../wire/message.js';
import { findNotify, NotifyType, notify } from '../wire/notify.js';
import { ExchangeType, type IkeHeader, type IkeMessage, type Payload, PayloadType } from '../wire/types.js';
import { Alarms, type Sleeper } from './alarms.js';
import { Cookies } from './cookies.js';
import { ownInitRefusal } from './failure.js';
import { HalfOpenCount, siteOf } from './half-open.js';
import { childCounter, randomSpi } from './hooks.js';
import { RefusalNotes } from './refusal-notes.js';
import { answerSaInit, type SaInitAnswer } from './sa-init.js';
import { Session } from './session.js';
import { type SessionHooks, SessionState } from './state.js';
import type {
  OutgoingDatagram,
  SessionCommand,
  SessionEvent,
  SessionInput,
  SessionOutput,
  SessionPolicy,
  SessionTask,
  TaskOutcome,
} from './types.js';
import { answerHigherVersion, unprotectedResponse } from './unprotected.js';

/** Bounds on what unauthenticated peers can make a responder keep. */
export interface ListenerLimits {
  /** Half-open SAs from which on cookies are asked (RFC 7296 2.6); 0: always. */
  cookieThreshold: number;
  /** Half-open SAs in all; more are ignored. */
  maxHalfOpen: number;
  /** Half-open SAs from one address, or one IPv6 /64; more are ignored. */
  maxHalfOpenPerAddress: number;
}

export type ListenerInput =
  | { type: 'datagram'; path: Path; data: Uint8Array }
  | { type: 'timeout'; inboundSeenAt?: (session: number) => Milliseconds | undefined }
  | { type: 'command'; session: number | 'all'; command: SessionCommand }
  | { type: 'task'; session: number; id: number; outcome: TaskOutcome };

export interface ListenerOutput {
  send: OutgoingDatagram[];
  /** Events with the number of the session they belong to; 0: no session, a peer that was refused before it had one. */
  events: { session: number; event: SessionEvent }[];
  /** Work with the number of the session that waits for it. */
  tasks: { session: number; task: SessionTask }[];
  wakeAt: Milliseconds | undefined;
}

/** How long a key exchange that came to nothing counts. */
const WASTE_WINDOW: Milliseconds = 10_000;

/** A half-open SA keeps its IKE_SA_INIT for AUTH; no honest one comes near this. */
const MAX_INIT_BYTES = 16_384;

interface Entry extends Sleeper {
  id: number;
  session: Session;
  /** Where the client was at IKE_SA_INIT, for the per-address bound. */
  site: string;
  /** `initiator SPI / address / port` of its IKE_SA_INIT. */
  initKey: string;
  spis: bigint[];
  /** Inbound ESP SPIs it holds. */
  childSpis: Set<number>;
  /** Counted among the half-open. */
  halfOpen: boolean;
  /** See `Session.peerName`; undefined while half-open. */
  peerName: string | undefined;
}

/**
 * The responder side of many sessions as one state machine without I/O: takes IKE_SA_INIT, asks for cookies under
 * load, finds the session of every later message by our SPI.
 */
export class Listener {
  readonly #entries = new Map<number, Entry>();
  readonly #bySpi = new Map<bigint, Entry>();
  readonly #byInit = new Map<string, Entry>();
  /** Those with an authenticated peer, by its name. */
  readonly #byPeer = new Map<string, Set<Entry>>();
  readonly #alarms = new Alarms<Entry>();
  readonly #childSpis = new Set<number>();
  readonly #halfOpen = new HalfOpenCount();
  readonly #childId = childCounter();
  readonly #notes = new RefusalNotes();
  #cookies: Cookies | undefined;
  /** Key exchanges begun for values that were no good: they cost like half-open SAs and leave none. */
  #wasted: { count: number; since: Milliseconds } = { count: 0, since: 0 };
  #lastId = 0;
  #output: Omit<ListenerOutput, 'wakeAt'> = { send: [], events: [], tasks: [] };

  /** Use {@link createListener}. */
  constructor(
    private readonly policy: SessionPolicy,
    private readonly limits: ListenerLimits,
    private readonly entropy: Entropy,
  ) {}

  /** Sessions that still answer something, half-open and finished ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** SAs whose peer is not authenticated. */
  get halfOpen(): number {
    return this.#halfOpen.total;
  }

  /** One step. Does not throw for anything that a peer sends. */
  handle(input: ListenerInput, now: Milliseconds): ListenerOutput {
    if (input.type === 'datagram') this.#datagram(input.data, input.path, now);
    else if (input.type === 'command') this.#command(input.session, input.command, now);
    else if (input.type === 'task') this.#task(input, now);
    else this.#timeout(input.inboundSeenAt, now);
    const output = { ...this.#output, wakeAt: this.#alarms.soonest };
    this.#output = { send: [], events: [], tasks: [] };
    return output;
  }

  #datagram(data: Uint8Array, path: Path, now: Milliseconds): void {
    let header: IkeHeader;
    try {
      header = decodeHeader(data);
    } catch (error) {
      if (error instanceof WireError) return;
      throw error;
    }
    const known =
      this.#bySpi.get(header.fromInitiator ? header.responderSpi : header.initiatorSpi) ??
      this.#byInit.get(initKey(header, path));
    if (known) {
      this.#step(known, { type: 'datagram', path, data }, now);
      return;
    }
    const answer = answerHigherVersion(header) ?? this.#unknown(header, data, path, now);
    if (answer) this.#output.send.push({ path, data: answer });
  }

  /** @returns an unprotected answer to a message that no session knows, if it deserves one */
  #unknown(header: IkeHeader, data: Uint8Array, path: Path, now: Milliseconds): Uint8Array | undefined {
    const isFirst =
      header.majorVersion === 2 &&
      header.exchangeType === ExchangeType.IKE_SA_INIT &&
      header.fromInitiator &&
      !header.isResponse &&
      header.messageId === 0 &&
      header.initiatorSpi !== 0n &&
      header.responderSpi === 0n;
    if (!isFirst || data.length > MAX_INIT_BYTES) return undefined;
    const refuse = (...payloads: Payload[]): Uint8Array => unprotectedResponse(header, payloads);
    let message: IkeMessage;
    try {
      message = decodeMessage(data);
    } catch (error) {
      if (error instanceof WireError) return refuse(notify(NotifyType.INVALID_SYNTAX));
      throw error;
    }
    const critical = message.payloads.find((p) => p.type === 'unknown' && p.critical);
    if (critical?.type === 'unknown') {
      return refuse(notify(NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD, Uint8Array.of(critical.payloadType)));
    }
    const wanted = this.#cookieWanted(message, path, now);
    if (wanted) return wanted === 'malformed' ? refuse(notify(NotifyType.INVALID_SYNTAX)) : refuse(wanted);
    if (!this.#hasRoom(path)) return undefined;
    const answer = this.#answerInit(message, data, path, now);
    if (!answer) return refuse(notify(NotifyType.INVALID_SYNTAX));
    if (!answer.accepted) {
      if (findNotify(answer.payloads, NotifyType.NO_PROPOSAL_CHOSEN)) this.#tellRefusal(message, path, now);
      return refuse(...answer.payloads);
    }
    this.#open(answer, header, path);
    return answer.messages.response;
  }

  #tellRefusal({ payloads }: IkeMessage, { remote }: Path, now: Milliseconds): void {
    if (!this.#notes.admit(remote.address, now)) return;
    const error = ownInitRefusal(remote.address, payloads, this.policy.ikeProposals);
    this.#output.events.push({ session: 0, event: { type: 'refused-unconfirmed', error } });
  }

  /** The COOKIE notify to ask for, when load demands one and the message brings none (RFC 7296 2.6). */
  #cookieWanted(message: IkeMessage, path: Path, now: Milliseconds): Payload | 'malformed' | undefined {
    const age = now - this.#wasted.since;
    if (age < 0 || age >= WASTE_WINDOW) this.#wasted = { count: 0, since: now };
    if (this.halfOpen + this.#wasted.count < this.limits.cookieThreshold) return undefined;
    const nonce = findPayload(message.payloads, PayloadType.NONCE)?.data;
    if (!nonce) return 'malformed';
    this.#cookies ??= new Cookies(this.entropy, now);
    const { initiatorSpi } = message.header;
    const brought = findNotify(message.payloads, NotifyType.COOKIE)?.data;
    if (brought && this.#cookies.verify(brought, nonce, path.remote, initiatorSpi, now)) return undefined;
    return notify(NotifyType.COOKIE, this.#cookies.issue(nonce, path.remote, initiatorSpi, now));
  }

  #hasRoom(path: Path): boolean {
    const fromSite = this.#halfOpen.from(siteOf(path.remote.address));
    return this.#halfOpen.total < this.limits.maxHalfOpen && fromSite < this.limits.maxHalfOpenPerAddress;
  }

  #answerInit(
    message: IkeMessage,
    datagram: Uint8Array,
    path: Path,
    now: Milliseconds,
  ): SaInitAnswer | undefined {
    const { policy, entropy } = this;
    try {
      return answerSaInit({ message, datagram, path, policy, entropy, responderSpi: this.#newSpi() }, now);
    } catch (error) {
      if (!(error instanceof KitError) || error.kind === 'bug') throw error;
      this.#wasted.count += 1;
      return undefined;
    }
  }

  #open(answer: Extract<SaInitAnswer, { accepted: true }>, header: IkeHeader, path: Path): void {
    const id = ++this.#lastId;
    const childSpis = new Set<number>();
    const state = new SessionState('responder', this.policy, this.entropy, this.#hooks(id, childSpis));
    const entry: Entry = {
      id,
      session: new Session(state, answer),
      site: siteOf(path.remote.address),
      initKey: initKey(header, path),
      spis: [answer.ikeSa.responderSpi],
      childSpis,
      halfOpen: true,
      peerName: undefined,
      wakeAt: undefined,
      place: -1,
    };
    this.#halfOpen.add(entry.site);
    this.#alarms.set(entry, answer.ikeSa.dropAt);
    this.#entries.set(id, entry);
    this.#byInit.set(entry.initKey, entry);
    this.#bySpi.set(answer.ikeSa.responderSpi, entry);
  }

  #hooks(id: number, held: Set<number>): SessionHooks {
    return {
      childId: this.#childId,
      claimSpi: () => {
        for (;;) {
          const spi = randomSpi(this.entropy);
          if (this.#childSpis.has(spi)) continue;
          this.#childSpis.add(spi);
          held.add(spi);
          return spi;
        }
      },
      releaseSpi: (spi) => {
        this.#childSpis.delete(spi);
        held.delete(spi);
      },
      initialContact: (peerName, now) => this.#supersede(id, peerName, now),
    };
  }

  /** RFC 7296 2.4: the peer started anew, so its older SAs are dead. */
  #supersede(by: number, peerName: string, now: Milliseconds): void {
    for (const entry of [...(this.#byPeer.get(peerName) ?? [])]) {
      if (entry.id !== by && !entry.session.closed) {
        this.#step(entry, { type: 'command', command: { type: 'abandon' } }, now);
      }
    }
  }

  #command(target: number | 'all', command: SessionCommand, now: Milliseconds): void {
    const one = target === 'all' ? undefined : this.#entries.get(target);
    const entries = target === 'all' ? [...this.#entries.values()] : one ? [one] : [];
    for (const entry of entries) this.#step(entry, { type: 'command', command }, now);
  }

  #task({ session, id, outcome }: Extract<ListenerInput, { type: 'task' }>, now: Milliseconds): void {
    const entry = this.#entries.get(session);
    if (entry) this.#step(entry, { type: 'task', id, outcome }, now);
  }

  #timeout(seen: ((session: number) => Milliseconds | undefined) | undefined, now: Milliseconds): void {
    for (const entry of this.#alarms.take(now)) {
      const inboundSeenAt = seen?.(entry.id);
      this.#step(entry, { type: 'timeout', ...(inboundSeenAt !== undefined && { inboundSeenAt }) }, now);
    }
  }

  #step(entry: Entry, input: SessionInput, now: Milliseconds): void {
    let output: SessionOutput;
    try {
      output = entry.session.handle(input, now);
    } catch (cause) {
      output = this.#contain(entry, cause, now);
    }
    this.#output.send.push(...output.send);
    for (const task of output.tasks) this.#output.tasks.push({ session: entry.id, task });
    for (const event of output.events) {
      // A client that never authenticated is not worth a word: a flood would print millions.
      const isNoise = event.type === 'ike-sa-deleted' && event.error?.code === 'E_HALF_OPEN_TIMEOUT';
      if (!isNoise) this.#output.events.push({ session: entry.id, event });
    }
    this.#alarms.set(entry, output.wakeAt);
    if (entry.halfOpen && (!entry.session.halfOpen || entry.session.spent)) this.#settled(entry);
    const spis = entry.session.ownSpis;
    for (const spi of entry.spis) if (!spis.includes(spi)) this.#bySpi.delete(spi);
    for (const spi of spis) this.#bySpi.set(spi, entry);
    entry.spis = spis;
    if (entry.session.spent) this.#forget(entry);
  }

  /** Its peer is authenticated, or it came to nothing. */
  #settled(entry: Entry): void {
    entry.halfOpen = false;
    this.#halfOpen.remove(entry.site);
    const { peerName } = entry.session;
    if (peerName === undefined) return;
    entry.peerName = peerName;
    const ofPeer = this.#byPeer.get(peerName);
    if (ofPeer) ofPeer.add(entry);
    else this.#byPeer.set(peerName, new Set([entry]));
  }

  #forget(entry: Entry): void {
    const { id, initKey, childSpis, peerName } = entry;
    for (const spi of childSpis) this.#childSpis.delete(spi);
    this.#alarms.set(entry, undefined);
    this.#entries.delete(id);
    this.#byInit.delete(initKey);
    if (peerName === undefined) return;
    const ofPeer = this.#byPeer.get(peerName);
    ofPeer?.delete(entry);
    if (ofPeer?.size === 0) this.#byPeer.delete(peerName);
  }

  /** A mistake of ours in one session ends that session, not the others. */
  #contain(entry: Entry, cause: unknown, now: Milliseconds): SessionOutput {
    const error = new KitError('bug', 'E_INTERNAL', 'An internal error ended the session', {
      hint: 'Please report it, with the log.',
      cause,
    });
    return entry.session.fail(error, now);
  }

  #newSpi(): bigint {
    for (;;) {
      const spi = Buffer.from(this.entropy.bytes(8)).readBigUInt64BE();
      if (spi !== 0n && !this.#bySpi.has(spi)) return spi;
    }
  }
}

function initKey(header: IkeHeader, path: Path): string {
  if (header.exchangeType !== ExchangeType.IKE_SA_INIT || header.responderSpi !== 0n) return '';
  return `${header.initiatorSpi.toString(16)}/${path.remote.address}/${path.remote.port}`;
}

/** A responder for one policy. It keeps nothing for a client that only asks for a cookie or is refused. */
export function createListener(policy: SessionPolicy, limits: ListenerLimits, entropy: Entropy): Listener {
  return new Listener(policy, limits, entropy);
}
