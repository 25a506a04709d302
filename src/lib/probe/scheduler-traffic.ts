import type { Clock, Milliseconds } from '../core/environment.js';
import type { PacketCount, ProbePacket } from './types.js';

/** Calls back after a while; stands in for the system's timers in tests. */
export interface Timers {
  /** @returns takes it back */
  after(delay: Milliseconds, action: () => void): () => void;
}

export const systemTimers: Timers = {
  after(delay, action) {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
};

/** strongSwan counts questions in flight among half-open SAs and asks for cookies from three on. */
const MAX_IN_FLIGHT = 2;
/** Packets that are kept for evidence; later ones are only counted. */
const MAX_LOG = 10_000;
/** Packets among them that nobody asked for, so that they do not push out what conclusions rest on. */
const MAX_UNASKED_LOG = 1000;
/** Longest pause that losses put between two packets. */
const MAX_GAP: Milliseconds = 500;
const FIRST_GAP: Milliseconds = 40;

export interface TrafficSettings {
  /** Packets that may be sent. */
  budget: number;
  /** Packets a second; undefined: no fixed pace. */
  pps: number | undefined;
}

/** All packets to and from one target, whatever the port: counts, log, budget, pace, and questions in flight. */
export class Traffic {
  readonly count: PacketCount = { sent: 0, received: 0, bytesSent: 0, bytesReceived: 0 };
  readonly log: ProbePacket[] = [];
  /** Why the run is incomplete, each reason once. */
  readonly limits = new Set<string>();
  /** What kept somebody from sending. */
  unfinished: 'interrupted' | 'budget' | undefined;
  #numbers = 0;
  #unasked = 0;
  #began: Milliseconds | undefined;
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];
  #nextAt: Milliseconds = 0;
  #gap: Milliseconds = 0;
  #sleepers = new Set<() => void>();
  #held: Promise<void> | undefined;

  constructor(
    private readonly settings: TrafficSettings,
    readonly clock: Clock,
    readonly timers: Timers,
    private readonly signal: AbortSignal,
    private readonly onPacket: (packet: ProbePacket, sent: number) => void,
    private readonly halfOpen: HalfOpenSas,
  ) {
    signal.addEventListener('abort', this.#wakeAll);
  }

  /** Lets go of the signal, which may outlive many targets. */
  close(): void {
    this.signal.removeEventListener('abort', this.#wakeAll);
  }

  get interrupted(): boolean {
    return this.signal.aborted;
  }

  /** Why nothing more is sent; undefined: more may be. */
  get ended(): string | undefined {
    if (this.interrupted) return 'The run was interrupted.';
    // The last packets are for whatever is half-open.
    if (this.count.sent + this.halfOpen.now < this.settings.budget) return undefined;
    return `The packet budget of ${this.settings.budget} is used up.`;
  }

  /** {@link ended}, asked by somebody who had more to send: then the run is incomplete. */
  checkEnd(): string | undefined {
    const { ended } = this;
    if (ended === undefined) return undefined;
    this.limits.add(ended);
    this.unfinished = this.interrupted ? 'interrupted' : 'budget';
    return ended;
  }

  /** Waits for one of the two places in flight. @returns gives it back */
  async enter(): Promise<() => void> {
    if (this.#inFlight < MAX_IN_FLIGHT) this.#inFlight += 1;
    else {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return () => {
      const next = this.#waiting.shift();
      if (next !== undefined) next();
      else this.#inFlight -= 1;
    };
  }

  /** Waits for the moment of the next packet. */
  async turn(): Promise<void> {
    while (this.#held !== undefined) await this.#held;
    const gap = Math.max(this.#gap, this.settings.pps === undefined ? 0 : 1000 / this.settings.pps);
    const now = this.clock.now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + gap;
    if (at > now) await this.sleep(at - now);
    while (this.#held !== undefined) await this.#held;
  }

  /** Something was lost, perhaps because we were too fast. */
  slower(): void {
    this.#gap = Math.min(MAX_GAP, Math.max(FIRST_GAP, this.#gap * 2));
  }

  /** An answer came at once. */
  faster(): void {
    this.#gap = this.#gap < FIRST_GAP / 2 ? 0 : this.#gap * 0.8;
  }

  /** Lets time pass, whatever happens. */
  pass(duration: Milliseconds): Promise<void> {
    return new Promise((resolve) => void this.timers.after(duration, resolve));
  }

  /** Ends early when the run is interrupted. */
  sleep(duration: Milliseconds): Promise<void> {
    if (this.interrupted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#sleepers.delete(wake);
        resolve();
      };
      const cancel = this.timers.after(duration, wake);
      this.#sleepers.add(wake);
    });
  }

  /** Nobody sends anything for a while. */
  async hold(duration: Milliseconds): Promise<void> {
    const held = this.sleep(duration).then(() => {
      this.#held = undefined;
    });
    this.#held = held;
    await held;
  }

  /**
   * Counts a packet that goes out now.
   * @param last it clears something half-open, which is done to the end
   * @returns its number; undefined: it must not go out
   */
  sent(bytes: number, summary: string, last: boolean): number | undefined {
    const ended = this.checkEnd();
    if (ended !== undefined && !(last && this.count.sent < this.settings.budget)) return undefined;
    this.count.sent += 1;
    this.count.bytesSent += bytes;
    return this.#note('sent', bytes, summary);
  }

  /** @param isUnasked no question explains it */
  received(bytes: number, summary: string, isUnasked = false): number {
    this.count.received += 1;
    this.count.bytesReceived += bytes;
    if (isUnasked) this.#unasked += 1;
    return this.#note('received', bytes, summary, isUnasked && this.#unasked > MAX_UNASKED_LOG);
  }

  #note(direction: ProbePacket['direction'], bytes: number, summary: string, isDropped = false): number {
    const now = this.clock.now();
    this.#began ??= now;
    this.#numbers += 1;
    const packet: ProbePacket = { number: this.#numbers, at: now - this.#began, direction, bytes, summary };
    if (this.log.length < MAX_LOG && !isDropped) this.log.push(packet);
    else this.limits.add('Not every packet is in the log, which would be too long: later ones are counted.');
    this.onPacket(packet, this.count.sent);
    return packet.number;
  }

  readonly #wakeAll = (): void => {
    for (const wake of [...this.#sleepers]) wake();
  };
}

/** Half-open SAs of ours on one target; see `HalfOpenCount`. */
export class HalfOpenSas {
  #kept = 0;
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  /** So many are open right now, or about to be. */
  get now(): number {
    return this.#open;
  }

  get left(): number {
    return this.#kept + this.#open;
  }

  async open(): Promise<boolean> {
    while (this.#open > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.beside();
  }

  beside(): boolean {
    if (this.#kept >= this.limit) return false;
    this.#open += 1;
    return true;
  }

  cleared(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#waiting.shift()?.();
  }

  stays(): void {
    this.#kept += 1;
    this.cleared();
  }
}
