import type { Endpoint, Path } from '../core/endpoint.js';
import { type Clock, type Milliseconds, systemClock } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import { SteadyClock } from '../core/steady-clock.js';
import type { LifetimeReason, PlaneEvents } from '../esp/plane/plane.js';
import type { Session } from '../ike/session/session.js';
import type {
  OutgoingDatagram,
  SessionCommand,
  SessionEvent,
  SessionTask,
  TaskOutcome,
} from '../ike/session/types.js';
import type { Datagram, UdpTransport } from '../net/udp.js';
import { formatEndpoint } from './events.js';
import { internalError } from './failures.js';
import type { SaTracker } from './tracker.js';
import type { TunnelEvent } from './types.js';

/** Longest sleep of a timer, so that a suspended or stepped clock is noticed. */
const longestSleep = 60_000;
/** Shortest pause between two timeouts, so that a time that never passes cannot spin. */
const shortestSleep = 1;

export type EngineInput =
  | { type: 'datagram'; path: Path; data: Uint8Array }
  | { type: 'timeout'; inboundSeenAt?: (session: number) => Milliseconds | undefined }
  | { type: 'command'; session: number | 'all'; command: SessionCommand }
  /** `via`: how the datagram came that the task is about. */
  | { type: 'task'; session: number; id: number; outcome: TaskOutcome; via?: Path | undefined };

export interface EngineOutput {
  send: OutgoingDatagram[];
  events: { session: number; event: SessionEvent }[];
  tasks: { session: number; task: SessionTask }[];
  wakeAt: Milliseconds | undefined;
}

const lifetimeNames: Record<LifetimeReason, string> = {
  sequence: 'sequence numbers run out',
  bytes: 'key has protected as many bytes as it should',
};

/** What a driver drives: a listener with many sessions, or one session. */
export interface Engine {
  handle(input: EngineInput, now: Milliseconds): EngineOutput;
}

/** The number of the only session of a client. */
export const onlySession = 0;

/** One initiator's session as an engine. */
export function sessionEngine(session: Session): Engine {
  return {
    handle(input, now) {
      const { send, events, tasks, wakeAt } = session.handle(
        input.type === 'timeout' ? timeoutOf(input.inboundSeenAt?.(onlySession)) : input,
        now,
      );
      return {
        send,
        events: events.map((event) => ({ session: onlySession, event })),
        tasks: tasks.map((task) => ({ session: onlySession, task })),
        wakeAt,
      };
    },
  };
}

function timeoutOf(inboundSeenAt: Milliseconds | undefined) {
  return { type: 'timeout' as const, ...(inboundSeenAt === undefined ? {} : { inboundSeenAt }) };
}

/** What a driver reports to. */
export interface DriverHost {
  /**
   * Acts on an event, before the datagrams of the same output go out: inbound SAs are there before the peer may use
   * them. While a returned promise is pending those datagrams are held back; nothing else is.
   * @param via the path of the datagram that caused it
   */
  onEvent(session: number, event: SessionEvent, via: Path | undefined): Promise<void> | undefined;
  /** Handling failed in a way that is nobody's fault but ours. `session` is known where the failure was an event's. */
  onCrash(error: KitError, session: number | undefined): void;
}

/** Turns the outputs of an engine into datagrams, events and timers. */
export class Driver {
  readonly #engine: Engine;
  readonly #host: DriverHost;
  readonly #tracker: SaTracker;
  readonly #log: Log;
  /** Sessions wait for moments: those must come even when the system's clock is set back. */
  readonly #clock: SteadyClock;
  #transport: UdpTransport | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** Inputs that came while one was being handled. */
  readonly #waiting: EngineInput[] = [];
  #busy = false;

  constructor(engine: Engine, host: DriverHost, tracker: SaTracker, log: Log, clock: Clock = systemClock) {
    this.#engine = engine;
    this.#host = host;
    this.#tracker = tracker;
    this.#log = log;
    this.#clock = new SteadyClock(clock);
  }

  /** Where datagrams go. Before this, and after `stop`, they are dropped. */
  set transport(transport: UdpTransport) {
    this.#transport = transport;
  }

  /** One datagram from the sockets: IKE to the engine, ESP to the plane. */
  receive({ kind, path, data }: Datagram): void {
    if (kind === 'ike') {
      this.#submit({ type: 'datagram', path, data });
      return;
    }
    if (this.#stopped) return;
    try {
      this.#tracker.plane?.receive(data, path.local, path.remote);
    } catch (error) {
      this.#log('error', `an ESP packet could not be handled: ${describe(error)}`);
    }
  }

  command(session: number | 'all', command: SessionCommand): void {
    this.#submit({ type: 'command', session, command });
  }

  sendEsp(packet: Uint8Array, local: Endpoint, remote: Endpoint): void {
    if (!this.#stopped) this.#transport?.sendEsp(packet, local, remote);
  }

  /**
   * What the plane reports, as commands to the session concerned. They run after the packet at hand, because the
   * plane must not be changed while it handles one.
   * @param tell takes what is for the user alone
   */
  planeEvents(failed: (error: Error) => void, tell: (event: TunnelEvent) => void): PlaneEvents {
    const later = (childSaId: string, act: (session: number, path: Path) => void) => {
      queueMicrotask(() => {
        const session = this.#tracker.ownerOf(childSaId);
        const path = session === undefined ? undefined : this.#tracker.pathOf(session);
        if (session !== undefined && path) act(session, path);
      });
    };
    return {
      softLifetimeReached: (childId, reason) => {
        this.#log('info', `a child SA is rekeyed because its ${lifetimeNames[reason]}`);
        later(childId, (session) => this.command(session, { type: 'rekey-child', childId }));
      },
      hardLifetimeReached: (childId) => {
        this.#log('warn', 'a child SA ends because it was not rekeyed in time');
        later(childId, (session) =>
          this.command(session, { type: 'delete-child', childId, reason: 'expired' }),
        );
      },
      peerMoved: (childId, remote) =>
        later(childId, (session, path) =>
          this.command(session, { type: 'peer-moved', path: { ...path, remote } }),
        ),
      pathMtu: (childId, pathMtu, innerMtu) =>
        later(childId, (_session, { remote }) =>
          tell({ event: 'path-mtu', peer: formatEndpoint(remote), pathMtu, innerMtu }),
        ),
      refused: (childId, error) => later(childId, (session) => this.#host.onCrash(error, session)),
      failed,
    };
  }

  /** Drops all further inputs and timers. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
    clearTimeout(this.#timer);
  }

  #submit(input: EngineInput): void {
    if (this.#stopped) return;
    this.#waiting.push(input);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#handle(next);
    } finally {
      this.#busy = false;
    }
  }

  #handle(input: EngineInput): void {
    let output: EngineOutput;
    try {
      output = this.#engine.handle(input, this.#clock.now());
    } catch (error) {
      this.#crashed(error, this.#sessionOf(input));
      // The wake-up time is unknown now; others must still be served.
      this.#sleep(this.#clock.now() + 1000);
      return;
    }
    const via = input.type === 'datagram' ? input.path : input.type === 'task' ? input.via : undefined;
    const pending: Promise<void>[] = [];
    for (const { session, event } of output.events) {
      try {
        const acting = this.#host.onEvent(session, event, via);
        if (acting) pending.push(acting);
      } catch (error) {
        this.#crashed(error, session);
      }
    }
    if (pending.length === 0) this.#send(output.send);
    else void Promise.allSettled(pending).then(() => this.#send(output.send));
    for (const { session, task } of output.tasks) void this.#runTask(session, task, via);
    this.#sleep(output.wakeAt);
  }

  /** Does the slow work of a session beside everything else, and hands its outcome back. */
  async #runTask(session: number, { id, run }: SessionTask, via: Path | undefined): Promise<void> {
    let outcome: TaskOutcome;
    try {
      outcome = { ok: true, value: await run() };
    } catch (error) {
      outcome = { ok: false, error };
    }
    this.#submit({ type: 'task', session, id, outcome, via });
  }

  #send(datagrams: readonly OutgoingDatagram[]): void {
    if (this.#stopped) return;
    for (const { path, data, keepalive } of datagrams) this.#transport?.send(path, data, keepalive);
  }

  #sleep(wakeAt: Milliseconds | undefined): void {
    clearTimeout(this.#timer);
    if (wakeAt === undefined || this.#stopped) return;
    const pause = Math.min(Math.max(wakeAt - this.#clock.now(), shortestSleep), longestSleep);
    this.#timer = setTimeout(() => {
      this.#submit({ type: 'timeout', inboundSeenAt: (session) => this.#inboundSeenAt(session) });
    }, pause);
  }

  #inboundSeenAt(session: number): Milliseconds | undefined {
    const seenAt = this.#tracker.inboundSeenAt(session);
    return seenAt === undefined ? undefined : this.#clock.at(seenAt);
  }

  #crashed(error: unknown, session: number | undefined): void {
    this.#log('error', error instanceof Error ? (error.stack ?? error.message) : String(error));
    this.#host.onCrash(error instanceof KitError ? error : internalError(error), session);
  }

  /** Whose input it was, as far as that can be told from outside. */
  #sessionOf(input: EngineInput): number | undefined {
    if (input.type === 'command') return input.session === 'all' ? undefined : input.session;
    if (input.type === 'task') return input.session;
    if (input.type === 'timeout' || input.data.length < 16) return undefined;
    const view = new DataView(input.data.buffer, input.data.byteOffset, input.data.byteLength);
    return this.#tracker.sessionOf(view.getBigUint64(0), view.getBigUint64(8));
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
