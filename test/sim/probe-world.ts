import type { Clock, Milliseconds } from '../../src/lib/core/environment.js';
import { type ProbeEvent, type ProbeNetwork, probeTarget } from '../../src/lib/probe/probe-target.js';
import type { TransportError } from '../../src/lib/probe/transport.js';
import type { PortState, ProbeOptions, TargetFacts } from '../../src/lib/probe/types.js';
import type { Configured } from '../unit/probe/model-gateway.js';
import { type Behaviour, SimulatedGateway } from './probe-gateway.js';
import { SeededEntropy } from './world.js';

/** Something that answers datagrams on a port, at a time. */
export type Responder = (data: Uint8Array, now: Milliseconds) => readonly Uint8Array[];

export interface Surroundings {
  seed?: number;
  /** Chance of each datagram to get lost, either way. */
  loss?: number;
  /** One way. */
  delay?: Milliseconds;
  /** By port; undefined: nobody listens and the host says so; `filtered`: nothing comes back. */
  ports?: Readonly<Record<number, Responder | 'filtered'>>;
  tcp?: PortState;
  /** Meets whoever opens a socket. */
  failure?: Error;
  options?: Partial<ProbeOptions>;
  /** Interrupts the run at this time. */
  interruptAt?: Milliseconds;
  /** Interrupts the run; shared with others. */
  signal?: AbortSignal;
}

const START: Milliseconds = 1_800_000_000_000;
/** No run takes longer, however bad the gateway. */
const PATIENCE: Milliseconds = 60 * 60_000;

const ordinary: ProbeOptions = {
  port: 500,
  natPort: 4500,
  sourcePort: undefined,
  depth: 'full',
  suites: 'none',
  budget: 100_000,
  pps: undefined,
  timeout: 2000,
  retries: 3,
  ikev1: false,
  active: false,
};

interface Timer {
  at: Milliseconds;
  order: number;
  run: () => void;
}

/** A network with a clock of its own: what happens next happens at once. */
class World implements Clock {
  #now = START;
  #order = 0;
  #timers: Timer[] = [];

  now(): Milliseconds {
    return this.#now;
  }

  after(delay: Milliseconds, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delay), order: this.#order++, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets what is under way arrive. */
  async drain(duration: Milliseconds): Promise<void> {
    const end = this.#now + duration;
    await this.until(new Promise<void>((resolve) => void this.after(end - this.#now, resolve)));
  }

  /** Lets time pass until the promise settles. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const watched = promise.finally(() => {
      settled = true;
    });
    watched.catch(() => {});
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (settled) return watched;
      const next = this.#timers.reduce<Timer | undefined>(
        (first, timer) =>
          first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)
            ? timer
            : first,
        undefined,
      );
      if (next === undefined) throw new Error('everybody waits and nothing is going to happen');
      if (next.at - START > PATIENCE) throw new Error('the run takes for ever');
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.run();
    }
  }
}

export interface Probed {
  facts: TargetFacts;
  events: ProbeEvent[];
  /** Time that the run took. */
  took: Milliseconds;
}

/** Probes whoever listens on the ports of this little network. */
export async function probeIn(surroundings: Surroundings): Promise<Probed> {
  const { seed = 1, loss = 0, delay = 5, ports = {}, tcp = 'closed' } = surroundings;
  const world = new World();
  const chance = new SeededEntropy(seed ^ 0x5eed);
  const carry = (arrive: () => void): void => {
    if (chance.next() >= loss) world.after(delay, arrive);
  };
  const network: ProbeNetwork = {
    timers: world,
    async askTcp({ onSent }) {
      onSent();
      return tcp;
    },
    async openUdp({ address, port, natT, sourcePort = 40_000 }) {
      if (surroundings.failure !== undefined) throw surroundings.failure;
      let take = (_message: Uint8Array): void => {};
      let report = (_error: TransportError): void => {};
      const listener = ports[port];
      return {
        path: { local: { address: '192.0.2.1', port: sourcePort }, remote: { address, port }, natT },
        send(message) {
          const copy = message.slice();
          if (listener === undefined) world.after(delay, () => report('closed'));
          else if (listener !== 'filtered') {
            carry(() => {
              for (const reply of listener(copy, world.now())) carry(() => take(reply));
            });
          }
        },
        onReply(handler) {
          take = handler;
        },
        onError(handler) {
          report = handler;
        },
        async close() {},
      };
    },
  };
  const events: ProbeEvent[] = [];
  const abort = new AbortController();
  if (surroundings.interruptAt !== undefined) world.after(surroundings.interruptAt, () => abort.abort());
  const run = probeTarget(
    { host: '192.0.2.2', address: '192.0.2.2' },
    { ...ordinary, ...surroundings.options },
    {
      onProgress: (event) => void events.push(event),
      signal: surroundings.signal ?? abort.signal,
      clock: world,
      entropy: new SeededEntropy(seed),
      log: () => {},
    },
    network,
  );
  const facts = await world.until(run);
  const took = world.now() - START;
  await world.drain(1000);
  return { facts, events, took };
}

/** Probes a gateway that listens on both ports. */
export async function probeGateway(
  behaviour: Behaviour,
  surroundings: Surroundings = {},
): Promise<Probed & { gateway: SimulatedGateway }> {
  const gateway = new SimulatedGateway(behaviour, new SeededEntropy((surroundings.seed ?? 1) + 77));
  const listen: Responder = (data, now) => gateway.receive(data, now);
  const probed = await probeIn({ ports: { 500: listen, 4500: listen }, ...surroundings });
  return { ...probed, gateway };
}

/** Algorithms of a list as `id/keyLength`. */
export function numbersOf(algorithms: readonly { id: number; keyLength?: number }[]): string[] {
  return algorithms.map(({ id, keyLength }) => `${id}/${keyLength}`);
}

export type { Configured };
