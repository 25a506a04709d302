import { parseIp } from '../../../src/lib/core/ip.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { createMemoryPlane, type MemoryPlane } from '../../../src/lib/esp/plane/memory.js';
import type { PlaneEvents } from '../../../src/lib/esp/plane/plane.js';
import { runClient } from '../../../src/lib/tunnel/client.js';
import { pskCredentials } from '../../../src/lib/tunnel/credentials.js';
import { runServer } from '../../../src/lib/tunnel/server.js';
import type {
  ClientOptions,
  PlaneFactory,
  ServerOptions,
  TunnelContext,
  TunnelEvent,
} from '../../../src/lib/tunnel/types.js';

export type EventName = TunnelEvent['event'];
export type EventOf<Name extends EventName> = Extract<TunnelEvent, { event: Name }>;

/** One running side with its events, memory planes and a way to end it. */
export class Side {
  readonly events: TunnelEvent[] = [];
  readonly said: string[] = [];
  readonly planes: MemoryPlane[] = [];
  readonly planeEvents: PlaneEvents[] = [];
  /** Child SAs that were installed, other than by a rekey. */
  readonly childIds: string[] = [];
  readonly #abort = new AbortController();
  readonly #watchers = new Set<() => void>();
  #result: Promise<Error | undefined> | undefined;

  constructor(readonly name: string) {}

  readonly context: TunnelContext = {
    onEvent: (event) => {
      this.events.push(event);
      for (const watcher of [...this.#watchers]) watcher();
    },
    log: (level, message) => this.said.push(`${level}: ${message}`),
    signal: this.#abort.signal,
    createPlane: (...args: Parameters<PlaneFactory>) => {
      const plane = createMemoryPlane(...args);
      const install = plane.install.bind(plane);
      plane.install = (child) => {
        this.childIds.push(child.id);
        install(child);
      };
      this.planes.push(plane);
      this.planeEvents.push(args[2]);
      return plane;
    },
    retransmit: { initial: 100, factor: 1.5, sends: 4 },
    reconnectDelays: [20],
  };

  get plane(): MemoryPlane {
    return this.planes.at(-1)!;
  }

  start(run: (context: TunnelContext) => Promise<void>): this {
    this.#result = run(this.context).then(
      () => undefined,
      (error: Error) => error,
    );
    void this.#result.then(() => {
      for (const watcher of [...this.#watchers]) watcher();
    });
    return this;
  }

  /** Resolves with what it rejected with, or with undefined. */
  get ended(): Promise<Error | undefined> {
    return this.#result!;
  }

  async stop(): Promise<Error | undefined> {
    this.#abort.abort();
    return this.ended;
  }

  all<Name extends EventName>(name: Name): EventOf<Name>[] {
    return this.events.filter((event): event is EventOf<Name> => event.event === name);
  }

  /** The `count`-th event of a kind, waiting for it. Rejects when the side ends first. */
  async event<Name extends EventName>(name: Name, count = 1): Promise<EventOf<Name>> {
    let over = false;
    void this.#result?.then(() => {
      over = true;
    });
    for (;;) {
      const found = this.all(name)[count - 1];
      if (found) return found;
      if (over) throw new Error(`${this.name} ended without ${name}: ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  /** Waits until `count` inner packets were delivered. */
  async delivered(count: number): Promise<Uint8Array[]> {
    while (this.plane.delivered.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
    return this.plane.delivered;
  }
}

export const psk = () => pskCredentials(Secret.fromText('correct horse battery staple'));

export interface Ports {
  address: string;
  port: number;
  natPort: number;
}

/** A server on ephemeral ports of one loopback address. */
export async function startServer(
  changes: Partial<ServerOptions> = {},
): Promise<{ server: Side; ports: Ports }> {
  const options: ServerOptions = {
    credentials: psk(),
    localId: 'gw.example.com',
    port: 0,
    natPort: 0,
    encap: true,
    listen: ['127.0.0.1'],
    pools: ['10.9.0.0/24', 'fd00:9::/64'],
    dns: ['10.9.0.53'],
    cookieThreshold: 32,
    ...changes,
  };
  const server = new Side('server').start((context) => runServer(options, context));
  const { addresses } = await server.event('listening');
  const ike = addresses.find(({ natT }) => !natT)!;
  const nat = addresses.find(({ natT }) => natT)!;
  return { server, ports: { address: ike.address, port: ike.port, natPort: nat.port } };
}

export function clientOptions(ports: Ports, changes: Partial<ClientOptions> = {}): ClientOptions {
  return {
    gateway: ports.address,
    credentials: psk(),
    localId: 'alice@example.com',
    remoteId: 'gw.example.com',
    port: ports.port,
    natPort: ports.natPort,
    encap: true,
    dnsMode: 'none',
    ...changes,
  };
}

export function startClient(ports: Ports, changes: Partial<ClientOptions> = {}, name = 'client'): Side {
  const options = clientOptions(ports, changes);
  return new Side(name).start((context) => runClient(options, context));
}

/** A UDP packet inside, IPv4 or IPv6, with `text` as payload. */
export function innerPacket(from: string, to: string, text: string): Uint8Array {
  const [source, destination] = [parseIp(from), parseIp(to)];
  const payload = Buffer.from(text);
  const udp = Buffer.alloc(8 + payload.length);
  udp.writeUInt16BE(1111, 0);
  udp.writeUInt16BE(2222, 2);
  udp.writeUInt16BE(udp.length, 4);
  payload.copy(udp, 8);
  const header = Buffer.alloc(source.length === 4 ? 20 : 40);
  if (source.length === 4) {
    header[0] = 0x45;
    header.writeUInt16BE(20 + udp.length, 2);
    header[8] = 64;
    header[9] = 17;
    header.set(source, 12);
    header.set(destination, 16);
  } else {
    header[0] = 0x60;
    header.writeUInt16BE(udp.length, 4);
    header[6] = 17;
    header[7] = 64;
    header.set(source, 8);
    header.set(destination, 24);
  }
  return new Uint8Array(Buffer.concat([header, udp]));
}

/** The payload of {@link innerPacket}. */
export function innerText(packet: Uint8Array): string {
  const header = packet[0]! >> 4 === 4 ? 20 : 40;
  return Buffer.from(packet.subarray(header + 8)).toString();
}
