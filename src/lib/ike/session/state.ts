import type { Path } from '../../core/endpoint.js';
import type { Entropy, Milliseconds } from '../../core/environment.js';
import type { KitError } from '../../core/errors.js';
import type { Payload, TrafficSelector } from '../wire/types.js';
import type { Child } from './child-sa.js';
import type { IkeSa, InitiatedExchange } from './ike-sa.js';
import type {
  AssignedAddresses,
  DeleteReason,
  ExchangeSummary,
  OutgoingDatagram,
  Say,
  SessionEvent,
  SessionPolicy,
  SessionTask,
  TaskOutcome,
} from './types.js';

/** What a session needs from its surroundings and shares with other sessions of the same process. */
export interface SessionHooks {
  /** A process-wide unique child id. */
  childId(): string;
  /** A fresh inbound ESP SPI, unique in this process. */
  claimSpi(): number;
  releaseSpi(spi: number): void;
  /** An authenticated peer said INITIAL_CONTACT: drop every other SA of the same {@link IkeSa.peerName} (RFC 7296 2.4). */
  initialContact(peerName: string, now: Milliseconds): void;
}

/** Random part of a lifetime, so that both sides seldom rekey at the same moment (RFC 7296 2.8). */
const JITTER = 0.1;
/** How long a task may take. */
const TASK_TIMEOUT: Milliseconds = 30_000;
/** How long a rekeyed IKE SA waits for the peer to delete it. */
const REKEYED_LINGER: Milliseconds = 60_000;
/** How long a finished IKE SA still answers retransmitted requests. */
const GONE_LINGER: Milliseconds = 30_000;

/** Everything one session knows, and the small verbs that the exchanges share. */
export class SessionState {
  readonly ikeSas: IkeSa[] = [];
  readonly children = new Map<string, Child>();
  sends: OutgoingDatagram[] = [];
  events: SessionEvent[] = [];
  tasks: SessionTask[] = [];
  /** A task is out: the datagrams of the peer have to wait. */
  waiting:
    | { id: number; until: Milliseconds; resume(outcome: TaskOutcome, now: Milliseconds): void }
    | undefined;
  /** Why authentication will fail, where that is known before the peer has heard it to the end. */
  doomed: KitError | undefined;
  /** Authentication, while it goes on. */
  conversation: { abort(): void } | undefined;
  /** Responders: answers IKE_AUTH requests, from the first one on. */
  authentication:
    | { answer(payloads: Payload[] | undefined, reply: Say, now: Milliseconds): void }
    | undefined;
  closed = false;
  /** Set by `close`: the end is wanted. */
  closing = false;
  /** What traffic a child may carry, once addresses are assigned. */
  localAllowed: readonly TrafficSelector[] | undefined;
  remoteAllowed: readonly TrafficSelector[] | undefined;
  assigned: AssignedAddresses | undefined;
  /** The peer refused a child with PFS: the next ones are asked for without, where the policy allows that. */
  peerHasNoPfs = false;
  /** Owner name of the lease taken from the pool. */
  leaseOwner: string | undefined;
  #lastTask = 0;

  constructor(
    readonly role: 'initiator' | 'responder',
    readonly policy: SessionPolicy,
    readonly entropy: Entropy,
    readonly hooks: SessionHooks,
  ) {}

  /** The IKE SA that new exchanges use. */
  get current(): IkeSa | undefined {
    return (
      this.ikeSas.find((sa) => sa.stage === 'established') ??
      this.ikeSas.find((sa) => sa.stage === 'half-open')
    );
  }

  emit(event: SessionEvent): void {
    this.events.push(event);
  }

  exchanged(summary: ExchangeSummary): void {
    this.emit({ type: 'exchange', summary });
  }

  /** Sends the datagrams of one message. */
  send(ikeSa: IkeSa, datagrams: readonly Uint8Array[], now: Milliseconds, path: Path = ikeSa.path): void {
    ikeSa.lastOutboundAt = now;
    for (const data of datagrams) this.sends.push({ path, data });
  }

  enqueue(ikeSa: IkeSa, exchange: InitiatedExchange, notBefore: Milliseconds): void {
    ikeSa.queue.push({ exchange, notBefore });
  }

  /** Hands out slow work, one piece at a time; `resume` goes on with its outcome, unless the session ends before. */
  defer(
    run: () => unknown,
    resume: (outcome: TaskOutcome, now: Milliseconds) => void,
    now: Milliseconds,
  ): void {
    if (this.waiting) throw new Error('a session waits for one task at a time');
    const id = ++this.#lastTask;
    this.waiting = { id, until: now + TASK_TIMEOUT, resume };
    this.tasks.push({ id, run });
  }

  /** A random non-zero 64-bit IKE SPI. */
  newIkeSpi(): bigint {
    for (;;) {
      const spi = Buffer.from(this.entropy.bytes(8)).readBigUInt64BE();
      if (spi !== 0n) return spi;
    }
  }

  newNonce(): Uint8Array {
    return this.entropy.bytes(32);
  }

  /** A moment `lifetime` from now, a little earlier by chance; undefined without a lifetime. */
  rekeyMoment(lifetime: Milliseconds | undefined, now: Milliseconds): Milliseconds | undefined {
    if (lifetime === undefined) return undefined;
    return now + this.shortened(lifetime);
  }

  /** A lifetime a little shorter by chance, so that both sides hardly ever rekey at once. */
  shortened(lifetime: number): number {
    return lifetime * (1 - JITTER * this.random());
  }

  /** Uniform in [0, 1). */
  random(): number {
    return Buffer.from(this.entropy.bytes(4)).readUInt32BE() / 2 ** 32;
  }

  /** Children that live under one IKE SA. */
  childrenOf(ikeSa: IkeSa): Child[] {
    return [...this.children.values()].filter((child) => child.ikeSa === ikeSa);
  }

  childByOutboundSpi(spi: number): Child | undefined {
    return [...this.children.values()].find((child) => child.outboundSpi === spi);
  }

  removeChild(child: Child, reason: DeleteReason): void {
    if (!this.children.delete(child.id)) return;
    this.hooks.releaseSpi(child.inboundSpi);
    this.emit({ type: 'child-sa-deleted', child: child.info(), reason });
  }

  /** `successor` takes over the children and the waiting exchanges of `old`, which then waits for its deletion. */
  inherit(old: IkeSa, successor: IkeSa, now: Milliseconds): void {
    for (const child of this.childrenOf(old)) child.ikeSa = successor;
    successor.queue.push(...old.queue.splice(0));
    successor.localId = old.localId;
    successor.remoteId = old.remoteId;
    successor.proofs = old.proofs;
    old.rekeying = false;
    this.retire(old, now);
    this.emit({ type: 'ike-sa-rekeyed', old: old.info(), ikeSa: successor.info() });
  }

  /** A replaced or redundant IKE SA: it waits for whoever has to delete it (RFC 7296 2.8.2). */
  retire(ikeSa: IkeSa, now: Milliseconds): void {
    if (ikeSa.stage === 'gone') return;
    ikeSa.stage = 'rekeyed';
    ikeSa.rekeyAt = undefined;
    ikeSa.dropAt = now + REKEYED_LINGER;
  }

  /**
   * One IKE SA is over. It lingers a while to answer retransmissions of the peer's last request, because its response
   * may have been lost. The session ends with the last IKE SA that is alive.
   */
  dropIkeSa(ikeSa: IkeSa, reason: DeleteReason, now: Milliseconds, error?: KitError): void {
    if (ikeSa.stage === 'gone') return;
    const wasAlive = ikeSa.stage !== 'rekeyed';
    this.#finish(ikeSa, now);
    const heir = this.ikeSas.find((sa) => sa.stage === 'established');
    if (wasAlive && !heir) this.end(ikeSa, reason, now, error);
  }

  /** Ends the session: children go first, then the last word about the IKE SA. */
  end(ikeSa: IkeSa | undefined, reason: DeleteReason, now: Milliseconds, error?: KitError): void {
    if (this.closed) return;
    this.closed = true;
    this.waiting = undefined;
    this.tasks = [];
    this.conversation?.abort();
    this.conversation = undefined;
    for (const child of [...this.children.values()]) this.removeChild(child, reason);
    for (const sa of this.ikeSas) this.#finish(sa, now);
    if (this.leaseOwner !== undefined) this.policy.pool?.release(this.leaseOwner);
    const info = ikeSa?.hasKeys && ikeSa.localId && ikeSa.remoteId ? ikeSa.info() : undefined;
    const keysOnly = !info && ikeSa?.hasKeys ? { unauthenticated: ikeSa.keyInfo() } : {};
    this.emit({ type: 'ike-sa-deleted', ikeSa: info, ...keysOnly, reason, error });
  }

  #finish(ikeSa: IkeSa, now: Milliseconds): void {
    ikeSa.stage = 'gone';
    ikeSa.pending = undefined;
    ikeSa.queue.length = 0;
    ikeSa.rekeyAt = undefined;
    ikeSa.dropAt = now + GONE_LINGER;
  }
}
