import type { Path } from '../../../src/lib/core/endpoint.js';
import { childCounter } from '../../../src/lib/ike/session/hooks.js';
import { createListener } from '../../../src/lib/ike/session/listener.js';
import { createInitiator } from '../../../src/lib/ike/session/session.js';
import type {
  SessionEvent,
  SessionInput,
  SessionPolicy,
  SessionTask,
} from '../../../src/lib/ike/session/types.js';
import { KeyLog } from '../../../src/lib/tunnel/keylog.js';
import { PcapBuilder } from '../../cli/decode-session.js';
import { clientPolicy, generousLimits, SeededEntropy, serverPolicy } from '../../sim/world.js';

const CLIENT = '198.51.100.1';
const SERVER = '192.0.2.1';
/** Turns without a datagram or a task after which nothing more is expected. */
const MAX_STEPS = 200;

/** A client and a server of ours, one after the other and without loss; their tasks may take real time. */
export async function recordDuet(
  client: Partial<SessionPolicy>,
  server: Partial<SessionPolicy>,
  startSeconds: number,
): Promise<{ pcap: Buffer; writeKeys(folder: string): Promise<void> }> {
  const file = new PcapBuilder(startSeconds);
  const listener = createListener(serverPolicy(server), generousLimits, new SeededEntropy(1));
  const path = (local: number, remote: number, natT: boolean): Path => ({
    local: { address: CLIENT, port: local },
    remote: { address: SERVER, port: remote },
    natT,
  });
  const paths = { path: path(500, 500, false), natPath: path(4500, 4500, true) };
  const session = createInitiator(clientPolicy(client), paths, new SeededEntropy(2), childCounter());
  const events: SessionEvent[] = [];
  const waiting: (() => Promise<void>)[] = [];
  let now = 1_000_000;

  const record = (fromClient: boolean, { local, remote, natT }: Path, data: Uint8Array): void => {
    const framed = natT ? Buffer.concat([Buffer.alloc(4), data]) : data;
    const ports: [number, number] = fromClient ? [local.port, remote.port] : [remote.port, local.port];
    if (fromClient) file.udp([CLIENT, ports[0]], [SERVER, ports[1]], framed);
    else file.udp([SERVER, ports[1]], [CLIENT, ports[0]], framed);
  };
  const work = async (task: SessionTask) => {
    try {
      return { ok: true, value: await task.run() } as const;
    } catch (error) {
      return { ok: false, error } as const;
    }
  };
  const toClient = (input: SessionInput): void => {
    const output = session.handle(input, ++now);
    events.push(...output.events);
    for (const task of output.tasks) {
      waiting.push(async () => toClient({ type: 'task', id: task.id, outcome: await work(task) }));
    }
    for (const { path: way, data } of output.send) {
      record(true, way, data);
      const turned: Path = { local: way.remote, remote: way.local, natT: way.natT };
      waiting.push(async () => toServer({ type: 'datagram', path: turned, data: data.slice() }));
    }
  };
  const toServer = (input: Parameters<typeof listener.handle>[0]): void => {
    const output = listener.handle(input, ++now);
    for (const { session: number, task } of output.tasks) {
      waiting.push(async () =>
        toServer({ type: 'task', session: number, id: task.id, outcome: await work(task) }),
      );
    }
    for (const { path: way, data } of output.send) {
      const turned: Path = { local: way.remote, remote: way.local, natT: way.natT };
      record(false, turned, data);
      waiting.push(async () => toClient({ type: 'datagram', path: turned, data: data.slice() }));
    }
  };

  const run = async (): Promise<void> => {
    for (let step = 0; step < MAX_STEPS && waiting.length > 0; step++) await waiting.shift()?.();
  };
  toClient({ type: 'command', command: { type: 'initiate' } });
  await run();
  if (!session.closed) toClient({ type: 'command', command: { type: 'close' } });
  await run();
  return {
    pcap: file.build(),
    async writeKeys(folder) {
      const log = new KeyLog(folder);
      for (const event of events) {
        if (event.type === 'ike-sa-established') log.ikeSa(event.ikeSa);
        if (event.type === 'ike-sa-deleted' && event.unauthenticated) log.ikeSa(event.unauthenticated);
      }
      await log.close();
    },
  };
}
