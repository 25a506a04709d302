import type { Path } from '../core/endpoint.js';
import type { Clock, Entropy, Milliseconds } from '../core/environment.js';
import type { Asked, Asker, AskOptions, Control, HalfOpenCount, Match, Silence } from './asker.js';
import { describeMessage, isOpening, livenessCheck } from './scheduler-message.js';
import type { Traffic } from './scheduler-traffic.js';
import { RoundTrip } from './scheduler-trip.js';
import type { ProbeTransport, TransportError } from './transport.js';
import type { PacketNumbers, PortState } from './types.js';

export interface SchedulerSettings {
  /** How long the first answer may take; later questions wait as long as answers took so far. */
  timeout: Milliseconds;
  /** How often an unanswered question is sent again. */
  retries: number;
}

/** How long an interrupted run waits for an SA that it may have to clear. */
const MAX_FAREWELL: Milliseconds = 1000;
/** strongSwan forgets half-open SAs about 24 s after the last packet. */
const RECOVERY: Milliseconds = 26_000;
/** How often the target may recover before it is given up. */
const MAX_PAUSES = 2;
/** Questions that stayed unanswered twice, while others were answered, after which silence counts as its way to refuse. */
const MAX_SILENT = 2;
/** How often something is told that nobody confirms, where packets get lost. */
const TELL_TIMES = 3;
/** Finished questions whose late and repeated answers are still recognised. */
const MAX_RECENT = 160;

interface Pending {
  readonly match: AskOptions['match'];
  readonly describe: AskOptions['describe'];
  readonly asked: Uint8Array;
  sent: number;
  received: number;
  readonly replies: Uint8Array[];
  readonly packets: PacketNumbers;
  /** Ends the wait: all of the answer is there, or the target cannot be reached. */
  wake: () => void;
  done: boolean;
}

function newPending(asked: Uint8Array, { match, describe }: AskOptions): Pending {
  const empty = { sent: 0, received: 0, replies: [], packets: [], done: false };
  return { match, describe, asked, ...empty, wake: () => {} };
}

/** The {@link Asker} of one port. */
export class Scheduler implements Asker {
  readonly entropy: Entropy;
  readonly clock: Clock;
  /** Largest answer to a first message, in proportion to it, and datagrams that nobody asked for. */
  readonly amplification = { largestRatio: 0, unsolicited: 0, packets: [] as PacketNumbers };
  /** Something came that no question explains. */
  garbage = 0;
  /** Datagrams that went out, and answers that came; those in parts count once. */
  readonly #count = { sent: 0, received: 0 };
  #control: (() => Control) | undefined;
  #state: 'well' | 'closed' | 'blocked' | 'gone' = 'well';
  readonly #pending = new Set<Pending>();
  readonly #recent: Pending[] = [];
  #isAsked = false;
  #answered = 0;
  #lastAnswer: Milliseconds = Number.NEGATIVE_INFINITY;
  readonly #trip = new RoundTrip();
  #silent = 0;
  /** Questions that were answered only when they were repeated. */
  #losses = 0;
  readonly #told: (() => Promise<void>)[] = [];
  #pauses = 0;
  #inquiry: Promise<Silence> | undefined;

  constructor(
    private readonly transport: ProbeTransport,
    private readonly traffic: Traffic,
    readonly halfOpen: HalfOpenCount,
    entropy: Entropy,
    private readonly settings: SchedulerSettings,
    private readonly onPause: (duration: Milliseconds, reason: string) => void,
  ) {
    this.entropy = entropy;
    this.clock = traffic.clock;
    transport.onReply((reply) => this.#receive(reply));
    transport.onError((error) => this.#fail(error));
  }

  get path(): Path {
    return this.transport.path;
  }

  get port(): PortState {
    if (this.#answered > 0) return 'open';
    if (this.#state === 'closed') return 'closed';
    return this.#isAsked ? 'silent' : 'not tried';
  }

  /** Something came that is an answer. */
  get answers(): boolean {
    return this.#answered > 0;
  }

  /** Takes over how long answers take: another port of the same target is as far away. */
  learnFrom(other: Scheduler): void {
    this.#trip.learnFrom(other.#trip);
  }

  /** Names a question that the target is known to answer, to tell silence from refusal. */
  set control(control: () => Control) {
    this.#control = control;
  }

  /** The target went blind to us, or stopped answering altogether. */
  get lost(): boolean {
    return this.#state === 'blocked' || this.#state === 'gone';
  }

  get blocked(): boolean {
    return this.#state === 'blocked';
  }

  async ask(datagram: Uint8Array, options: AskOptions): Promise<Asked> {
    const first = await this.#try(datagram, options, this.#attempts(options));
    const isOver = first.outcome !== 'no answer' || first.note !== undefined || this.#state !== 'well';
    if (isOver || options.once === true) return first;
    const silence = await this.explainSilence();
    if (silence === 'blocked') return { ...first, outcome: 'blocked' };
    if (silence === 'gone') return first;
    if (silence === 'alive') {
      this.traffic.slower();
      if (this.#silent >= MAX_SILENT) return first;
    }
    const second = await this.#try(datagram, options, this.#attempts(options));
    if (second.outcome === 'no answer') this.#silent += 1;
    return { ...second, packets: [...first.packets, ...second.packets] };
  }

  tell(datagram: Uint8Array, summary: string, match: AskOptions['match'] = () => false): number | undefined {
    if (this.#state !== 'well') return undefined;
    const told = newPending(datagram, { summary, match });
    this.#remember(told);
    const send = (): number | undefined => {
      const number = this.traffic.sent(datagram.length, summary, true);
      if (number === undefined) return undefined;
      told.sent += 1;
      this.#send(datagram);
      return number;
    };
    const number = send();
    this.#told.push(async () => {
      while (told.sent < TELL_TIMES && told.received === 0 && this.traffic.ended === undefined) {
        await this.traffic.turn();
        send();
        await this.traffic.sleep(this.#patience(0));
      }
    });
    return number;
  }

  /** Says again what was told, where packets get lost. */
  async settle(): Promise<void> {
    const told = this.#told.splice(0);
    if (this.#losses === 0 || this.#state !== 'well') return;
    await Promise.all(told.slice(-MAX_RECENT).map((again) => again()));
  }

  #attempts({ once }: AskOptions): number {
    if (once === true) return 1;
    // A target that is silent instead of refusing is not asked as often as one that may not have heard.
    return 1 + (this.#silent >= MAX_SILENT ? Math.min(1, this.settings.retries) : this.settings.retries);
  }

  async #try(datagram: Uint8Array, options: AskOptions, attempts: number): Promise<Asked> {
    const leave = await this.traffic.enter();
    try {
      return await this.#exchange(datagram, options, attempts);
    } finally {
      leave();
    }
  }

  async #exchange(datagram: Uint8Array, options: AskOptions, attempts: number): Promise<Asked> {
    const pending = newPending(datagram, options);
    this.#pending.add(pending);
    try {
      for (let attempt = 0; attempt < attempts && !pending.done; attempt++) {
        await this.traffic.turn();
        if (pending.done || this.#state !== 'well') break;
        if (attempt > 0 && this.traffic.ended !== undefined) break;
        const number = this.traffic.sent(datagram.length, options.summary, false);
        if (number === undefined) break;
        pending.packets.push(number);
        pending.sent += 1;
        this.#isAsked = true;
        const sentAt = this.clock.now();
        this.#send(datagram);
        await this.#answerOf(pending, this.#patience(attempt), options.opens === true);
        if (pending.done && attempt === 0) {
          this.#trip.measure(this.clock.now() - sentAt);
          this.traffic.faster();
        } else if (pending.done) this.#losses += 1;
      }
    } finally {
      this.#pending.delete(pending);
      this.#remember(pending);
    }
    const { packets, replies } = pending;
    const reply = replies.at(-1);
    if (pending.done && reply !== undefined) return { outcome: 'answered', reply, replies, packets };
    const ended = this.traffic.checkEnd();
    if (ended !== undefined) return { outcome: 'no answer', note: ended, packets };
    if (this.#state === 'closed') return { outcome: 'closed', packets };
    return { outcome: this.#state === 'blocked' ? 'blocked' : 'no answer', packets };
  }

  #remember(pending: Pending): void {
    this.#recent.push(pending);
    if (this.#recent.length > MAX_RECENT) this.#recent.shift();
  }

  /** @param opens an interrupted run waits a little longer */
  async #answerOf(pending: Pending, patience: Milliseconds, opens: boolean): Promise<void> {
    if (pending.done) return;
    const early = new Promise<void>((resolve) => {
      pending.wake = resolve;
    });
    await Promise.race([early, this.traffic.sleep(patience)]);
    if (!opens || pending.done || !this.traffic.interrupted) return;
    await Promise.race([early, this.traffic.pass(Math.min(patience, MAX_FAREWELL))]);
  }

  #patience(attempt: number): Milliseconds {
    return Math.min(this.settings.timeout, this.#trip.patience * 2 ** attempt);
  }

  #send(datagram: Uint8Array): void {
    this.#count.sent += 1;
    this.transport.send(datagram);
  }

  #receive(reply: Uint8Array): void {
    // Asked once: who puts fragments together keeps a state.
    let matched: Match = false;
    const open = (pending: Pending): boolean => {
      matched = pending.match(reply);
      return matched !== false;
    };
    const pending = [...this.#pending].find(open);
    const late = pending === undefined ? this.#recent.findLast(open) : undefined;
    const known = pending ?? late;
    const summary = known?.describe?.(reply) ?? describeMessage(reply);
    const number = this.traffic.received(reply.length, summary, known === undefined);
    if ((matched as Match) !== 'part') this.#count.received += 1;
    if (known === undefined) {
      this.garbage += 1;
      // One answer to one question, whatever it is, amplifies nothing.
      if (this.#count.received > this.#count.sent) this.#unsolicited(number);
      return;
    }
    known.received += 1;
    this.#answered += 1;
    this.#lastAnswer = this.clock.now();
    if (isOpening(known.asked)) {
      const ratio = reply.length / known.asked.length;
      if (ratio > this.amplification.largestRatio) {
        this.amplification.largestRatio = ratio;
        if (ratio > 1) this.amplification.packets.push(number);
      }
      if (known.received > known.sent) this.#unsolicited(number);
    }
    if (pending === undefined || pending.done) return;
    pending.packets.push(number);
    pending.replies.push(reply);
    if ((matched as Match) === 'part') return;
    pending.done = true;
    pending.wake();
  }

  #unsolicited(number: number): void {
    this.amplification.unsolicited += 1;
    if (this.amplification.packets.length < MAX_RECENT) this.amplification.packets.push(number);
  }

  /** ICMP can be forged, so that it only counts where nothing ever answered. */
  #fail(error: TransportError): void {
    if (this.#answered > 0 || error !== 'closed') return;
    this.#state = 'closed';
    for (const pending of this.#pending) pending.wake();
  }

  get losesPackets(): boolean {
    return this.#losses > 0;
  }

  /** Everybody who wonders meanwhile gets the same answer. */
  explainSilence(): Promise<Silence> {
    if (this.#answered === 0) return Promise.resolve('gone');
    this.#inquiry ??= this.#inquire().finally(() => {
      this.#inquiry = undefined;
    });
    return this.#inquiry;
  }

  async #inquire(): Promise<Silence> {
    // Something else was answered while the question was repeated.
    if (this.clock.now() - this.#lastAnswer < this.#patience(0)) return 'alive';
    if (await this.#controlAnswers()) return 'alive';
    const aware = await this.#isAware();
    if (this.#pauses < MAX_PAUSES && this.traffic.ended === undefined) {
      this.#pauses += 1;
      const reason = aware
        ? 'The gateway is there and ignores our questions: perhaps too many half-open SAs or too many packets'
        : 'The gateway stopped answering';
      this.onPause(RECOVERY, reason);
      await this.traffic.hold(RECOVERY);
      if (await this.#controlAnswers()) {
        this.traffic.slower();
        this.traffic.limits.add(`${reason}; it answered again after ${RECOVERY / 1000} s.`);
        return 'recovered';
      }
    }
    if (this.traffic.ended !== undefined) return 'alive';
    this.#state = aware ? 'blocked' : 'gone';
    this.traffic.limits.add(
      aware
        ? 'The gateway went blind to us and did not recover: what was asked after that is inconclusive.'
        : 'The gateway stopped answering: what was asked after that is inconclusive.',
    );
    for (const pending of this.#pending) pending.wake();
    return this.#state;
  }

  async #controlAnswers(): Promise<boolean> {
    const control = this.#control?.();
    if (control === undefined) return false;
    const summary = `control: ${control.options.summary}`;
    const asked = await this.#exchange(control.datagram, { ...control.options, summary }, 2);
    return asked.outcome === 'answered';
  }

  /** Whether it still answers a header of a version that nobody speaks (RFC 7296 2.5): strongSwan does while it is blind. */
  async #isAware(): Promise<boolean> {
    const { datagram, match } = livenessCheck(this.entropy);
    const asked = await this.#exchange(datagram, { summary: 'IKE 3.0 header', match }, 2);
    return asked.outcome === 'answered';
  }
}
