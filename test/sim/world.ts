import type { Path } from '../../src/lib/core/endpoint.js';
import type { Entropy, Milliseconds } from '../../src/lib/core/environment.js';
import { Secret } from '../../src/lib/core/secret.js';
import type { AuthPolicy } from '../../src/lib/ike/auth/types.js';
import { parseIdentity } from '../../src/lib/ike/identity.js';
import { parseProposals } from '../../src/lib/ike/proposals.js';
import { childCounter } from '../../src/lib/ike/session/hooks.js';
import { createListener, type Listener, type ListenerLimits } from '../../src/lib/ike/session/listener.js';
import { createInitiator, type Session } from '../../src/lib/ike/session/session.js';
import type {
  ChildSaInfo,
  IkeSaInfo,
  SessionCommand,
  SessionEvent,
  SessionPolicy,
  SessionTask,
  TaskOutcome,
} from '../../src/lib/ike/session/types.js';
import { selectorFromCidr } from '../../src/lib/ike/traffic-selectors.js';

/** Small fast seeded generator (mulberry32): the same seed gives the same run. */
export class SeededEntropy implements Entropy {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.next() * 256));
  }
}

/** What the network does to datagrams. */
export interface Weather {
  loss: number;
  duplication: number;
  /** Milliseconds; uniform between the two, so that datagrams overtake each other. */
  delay: [Milliseconds, Milliseconds];
}

export const fairWeather: Weather = { loss: 0, duplication: 0, delay: [1, 1] };

const PSK = Secret.fromText('a shared secret of the simulation');

/** Both sides prove that they know the PSK. */
export const pskAuth: AuthPolicy = {
  local: [{ type: 'psk', secret: PSK }],
  remote: [[{ type: 'psk', secret: PSK }]],
};

/** A policy of one side; overrides replace whole fields. */
export function policy(overrides: Partial<SessionPolicy> = {}): SessionPolicy {
  return {
    localId: undefined,
    remoteId: undefined,
    auth: pskAuth,
    ikeProposals: parseProposals('aes256gcm16-prfsha256-x25519', 1),
    espProposals: parseProposals('aes256gcm16-x25519', 3),
    localTs: [selectorFromCidr('10.1.0.0/24')],
    remoteTs: [selectorFromCidr('10.2.0.0/24')],
    pool: undefined,
    encap: true,
    rekeyIke: undefined,
    rekeyChild: undefined,
    dpd: undefined,
    natKeepalive: 20_000,
    retransmit: { initial: 500, factor: 1.6, sends: 8 },
    fragmentation: { announce: true },
    halfOpenTimeout: 60_000,
    ...overrides,
  };
}

export const clientPolicy = (overrides: Partial<SessionPolicy> = {}): SessionPolicy =>
  policy({ localId: parseIdentity('client.test'), ...overrides });

export const serverPolicy = (overrides: Partial<SessionPolicy> = {}): SessionPolicy =>
  policy({
    localId: parseIdentity('server.test'),
    localTs: [selectorFromCidr('10.2.0.0/24')],
    remoteTs: [selectorFromCidr('10.1.0.0/24')],
    ...overrides,
  });

export const generousLimits: ListenerLimits = {
  cookieThreshold: 1000,
  maxHalfOpen: 1000,
  maxHalfOpenPerAddress: 1000,
};

const SERVER = '192.0.2.1';

/** What one side knows of its SAs, kept up from its events the way a driver would. */
export class Ledger {
  readonly events: SessionEvent[] = [];
  readonly children = new Map<string, ChildSaInfo>();
  ikeSa: IkeSaInfo | undefined;
  ended: Extract<SessionEvent, { type: 'ike-sa-deleted' }> | undefined;

  take(event: SessionEvent): void {
    this.events.push(event);
    switch (event.type) {
      case 'ike-sa-established':
      case 'ike-sa-rekeyed':
        this.ikeSa = event.ikeSa;
        return;
      case 'child-sa-established':
      case 'child-sa-rekeyed':
        this.children.set(event.child.id, event.child);
        return;
      case 'child-sa-deleted':
        if (!this.children.delete(event.child.id))
          throw new Error(`deleted a child nobody had: ${event.child.id}`);
        return;
      case 'ike-sa-deleted':
        this.ended = event;
        this.ikeSa = undefined;
    }
  }

  count(type: SessionEvent['type']): number {
    return this.events.filter((event) => event.type === type).length;
  }
}

interface Flight {
  at: Milliseconds;
  order: number;
  from: 'client' | 'server';
  client: number;
  path: Path;
  data: Uint8Array;
}

/** Work that a session waits for. */
interface Errand {
  at: Milliseconds;
  finish(): void;
}

interface Client {
  session: Session;
  ledger: Ledger;
  wakeAt: Milliseconds | undefined;
  address: string;
  /** Source port that a NAT shows to the server instead of the client's own. */
  natPort: number | undefined;
}

/** One listener, any number of clients, one clock, one network. */
export class World {
  now: Milliseconds = 1_000_000;
  weather: Weather;
  /** Sees every datagram before the weather does; false drops it, an array replaces it. */
  tamper: ((flight: { from: 'client' | 'server'; data: Uint8Array }) => boolean | Uint8Array[]) | undefined;
  readonly listener: Listener;
  readonly clients: Client[] = [];
  /** Server-side ledgers by session number. */
  readonly served = new Map<number, Ledger>();
  sent = 0;
  readonly #entropy: SeededEntropy;
  readonly #air: Flight[] = [];
  /** How long tasks take. */
  taskTime: Milliseconds = 5;
  readonly #errands: Errand[] = [];
  #serverWakeAt: Milliseconds | undefined;
  #order = 0;

  constructor(
    seed: number,
    options: { server?: SessionPolicy; limits?: ListenerLimits; weather?: Weather } = {},
  ) {
    this.#entropy = new SeededEntropy(seed);
    this.weather = options.weather ?? fairWeather;
    this.listener = createListener(
      options.server ?? serverPolicy(),
      options.limits ?? generousLimits,
      new SeededEntropy(seed ^ 0x5eed),
    );
  }

  /** Adds a client and starts it. */
  connect(clientSide: SessionPolicy = clientPolicy()): Client {
    const index = this.clients.length;
    const address = `198.51.100.${index + 1}`;
    const path = (local: number, remote: number, natT: boolean): Path => ({
      local: { address, port: local },
      remote: { address: SERVER, port: remote },
      natT,
    });
    const session = createInitiator(
      clientSide,
      { path: path(40_000, 500, false), natPath: path(40_001, 4500, true) },
      new SeededEntropy(Math.floor(this.#entropy.next() * 2 ** 32)),
      childCounter(),
    );
    const client: Client = { session, ledger: new Ledger(), wakeAt: undefined, address, natPort: undefined };
    this.clients.push(client);
    this.command(client, { type: 'initiate' });
    return client;
  }

  /** The server's ledger of the latest session. */
  get latestServed(): Ledger {
    const ledger = [...this.served.values()].at(-1);
    if (!ledger) throw new Error('the server has no session yet');
    return ledger;
  }

  command(target: Client | 'server', command: SessionCommand): void {
    if (target === 'server') this.#serverStep({ type: 'command', session: 'all', command });
    else this.#clientStep(target, { type: 'command', command });
  }

  /** Lets time pass until `until` says so, nothing is left to happen, or `limit` is over. */
  run(limit: Milliseconds, until: () => boolean = () => false): void {
    const end = this.now + limit;
    while (!until()) {
      const next = this.#nextMoment();
      if (next === undefined || next > end) {
        this.now = end;
        return;
      }
      this.now = Math.max(this.now, next);
      this.#step();
    }
  }

  /** A datagram out of nowhere to the server. */
  inject(data: Uint8Array, from: string): void {
    const path: Path = {
      local: { address: SERVER, port: 500 },
      remote: { address: from, port: 500 },
      natT: false,
    };
    this.#serverStep({ type: 'datagram', path, data });
  }

  /** A datagram out of nowhere to a client, in the name of the server, as soon as the network delivers it. */
  injectToClient(index: number, data: Uint8Array): void {
    const path: Path = {
      local: { address: this.clients[index]!.address, port: 40_000 },
      remote: { address: SERVER, port: 500 },
      natT: false,
    };
    this.#air.push({ at: this.now + 1, order: this.#order++, from: 'server', client: index, path, data });
  }

  #nextMoment(): Milliseconds | undefined {
    const moments = [
      ...this.#air.map((flight) => flight.at),
      ...this.clients.flatMap((client) => client.wakeAt ?? []),
      ...(this.#serverWakeAt === undefined ? [] : [this.#serverWakeAt]),
      ...this.#errands.map((errand) => errand.at),
    ];
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  #step(): void {
    for (const errand of this.#errands.filter(({ at }) => at <= this.now)) {
      this.#errands.splice(this.#errands.indexOf(errand), 1);
      errand.finish();
    }
    const arrived = this.#air.filter((flight) => flight.at <= this.now);
    arrived.sort((a, b) => a.at - b.at || a.order - b.order);
    for (const flight of arrived) {
      this.#air.splice(this.#air.indexOf(flight), 1);
      const { path, data } = flight;
      if (flight.from === 'client') this.#serverStep({ type: 'datagram', path, data });
      else this.#clientStep(this.clients[flight.client]!, { type: 'datagram', path, data });
    }
    for (const client of this.clients) {
      if (client.wakeAt !== undefined && client.wakeAt <= this.now)
        this.#clientStep(client, { type: 'timeout' });
    }
    if (this.#serverWakeAt !== undefined && this.#serverWakeAt <= this.now) {
      this.#serverStep({ type: 'timeout' });
    }
  }

  /** Runs a task at once, and hands its outcome back after a while. */
  #runTask(task: SessionTask, hand: (outcome: TaskOutcome) => void): void {
    let outcome: TaskOutcome;
    try {
      const value = task.run();
      if (value instanceof Promise) throw new Error('the simulated clock knows no promises');
      outcome = { ok: true, value };
    } catch (error) {
      outcome = { ok: false, error };
    }
    this.#errands.push({ at: this.now + this.taskTime, finish: () => hand(outcome) });
  }

  #clientStep(client: Client, input: Parameters<Session['handle']>[0]): void {
    const output = client.session.handle(input, this.now);
    for (const event of output.events) client.ledger.take(event);
    client.wakeAt = output.wakeAt;
    for (const task of output.tasks) {
      this.#runTask(task, (outcome) => this.#clientStep(client, { type: 'task', id: task.id, outcome }));
    }
    for (const { path, data, keepalive } of output.send) {
      if (!keepalive) this.#launch('client', this.clients.indexOf(client), path, data);
    }
  }

  #serverStep(input: Parameters<Listener['handle']>[0]): void {
    const output = this.listener.handle(input, this.now);
    for (const { session, event } of output.events) {
      let ledger = this.served.get(session);
      if (!ledger) {
        ledger = new Ledger();
        this.served.set(session, ledger);
      }
      ledger.take(event);
    }
    this.#serverWakeAt = output.wakeAt;
    for (const { session, task } of output.tasks) {
      this.#runTask(task, (outcome) => this.#serverStep({ type: 'task', session, id: task.id, outcome }));
    }
    for (const { path, data, keepalive } of output.send) {
      const index = this.clients.findIndex((client) => client.address === path.remote.address);
      if (!keepalive && index >= 0) this.#launch('server', index, path, data);
    }
  }

  #launch(from: 'client' | 'server', client: number, path: Path, data: Uint8Array): void {
    this.sent += 1;
    const verdict = this.tamper?.({ from, data }) ?? true;
    if (verdict === false) return;
    const { loss, duplication, delay } = this.weather;
    const copies = this.#entropy.next() < duplication ? 2 : 1;
    for (const bytes of verdict === true ? [data] : verdict) {
      const { natPort } = this.clients[client]!;
      const local = from === 'client' && natPort ? { ...path.local, port: natPort } : path.local;
      for (let i = 0; i < copies; i++) {
        if (this.#entropy.next() < loss) continue;
        const at = this.now + delay[0] + this.#entropy.next() * (delay[1] - delay[0]);
        const turned: Path = { local: path.remote, remote: local, natT: path.natT };
        this.#air.push({ at, order: this.#order++, from, client, path: turned, data: bytes.slice() });
      }
    }
  }
}
