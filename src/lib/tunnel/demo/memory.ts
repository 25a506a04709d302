import { createHash, randomBytes } from 'node:crypto';
import { KitError } from '../../core/errors.js';
import { parseIp } from '../../core/ip.js';
import type { Log } from '../../core/log.js';
import { Secret } from '../../core/secret.js';
import { createMemoryPlane, type MemoryPlane } from '../../esp/plane/memory.js';
import type { DemoObstacle, DemoReport } from '../../report/demo.schema.js';
import { runClient } from '../client.js';
import { pskCredentials } from '../credentials.js';
import { runServer } from '../server.js';
import type { PlaneFactory, TunnelContext, TunnelEvent } from '../types.js';
import { answer, datagram, echoRequest, readPacket } from './packets.js';
import { type DemoStep, Recorder } from './recorder.js';
import { eventually, generatePsk, pause, scene } from './scene.js';
import { measurePackets } from './throughput.js';

const LOOPBACK = '127.0.0.1';
/** Bytes of the transfer in one packet, after four bytes that say which. */
const CHUNK = 1200;
/** Packets on the way at most, so that the loopback's socket buffers never overflow. */
const WINDOW = 48;
const RESEND_MS = 300;

/** One end of the tunnel with a plane whose packets we make and take ourselves. */
interface End {
  run: Promise<void>;
  plane(): MemoryPlane;
  stop(): void;
}

/** Client and server in this process, over loopback, with generated packets inside the tunnel instead of TCP. */
export async function runInMemory(options: {
  onStep(step: DemoStep): void;
  signal: AbortSignal;
  log: Log;
  obstacle?: DemoObstacle | undefined;
}): Promise<DemoReport> {
  const recorder = new Recorder('memory', options.onStep, options.obstacle);
  const ends: End[] = [];
  try {
    await perform(recorder, options, ends);
    options.signal.throwIfAborted();
  } catch (error) {
    if (options.signal.aborted) throw error;
    recorder.problem(error instanceof KitError ? error.message : `Internal error: ${String(error)}`);
  } finally {
    for (const end of ends) end.stop();
    await Promise.allSettled(ends.map((end) => end.run));
  }
  return recorder.finish();
}

async function perform(
  recorder: Recorder,
  { signal, log }: { signal: AbortSignal; log: Log },
  ends: End[],
): Promise<void> {
  const credentials = pskCredentials(Secret.fromText(generatePsk()));
  const common = { credentials, encap: true, dpd: 5000 };
  recorder.stage('server and client in one process, over loopback, without devices');

  const serverEvents: TunnelEvent[] = [];
  const server = startEnd(
    signal,
    log,
    (event) => serverEvents.push(event),
    (context) =>
      runServer(
        {
          ...common,
          localId: scene.serverId,
          remoteId: scene.clientId,
          localTs: [scene.innerNetwork],
          port: 0,
          natPort: 0,
          listen: [LOOPBACK],
          pools: [scene.pool],
          dns: [],
          cookieThreshold: 30,
        },
        context,
      ),
  );
  ends.push(server);
  const listening = await eventOf(server, serverEvents, 'listening');
  const port = (natT: boolean): number => listening.addresses.find((at) => at.natT === natT)?.port ?? 0;

  const clientEvents: TunnelEvent[] = [];
  const onClientEvent = (event: TunnelEvent): void => {
    clientEvents.push(event);
    recorder.clientEvent(event);
  };
  const client = startEnd(signal, log, onClientEvent, (context) =>
    runClient(
      {
        ...common,
        localId: scene.clientId,
        remoteId: scene.serverId,
        remoteTs: [scene.innerNetwork],
        gateway: LOOPBACK,
        port: port(false),
        natPort: port(true),
        dnsMode: 'none',
        rekeyIke: scene.rekeyIkeMs,
        rekeyChild: scene.rekeyChildMs,
      },
      context,
    ),
  );
  ends.push(client);
  await eventOf(client, clientEvents, 'child-sa-established');
  const { addresses } = await eventOf(client, clientEvents, 'addresses-assigned');
  const from = parseIp(addresses[0] ?? '');
  const addressesInside = { from, to: parseIp(scene.innerHost) };
  await sendTraffic(recorder, client.plane(), server.plane(), addressesInside, signal);
  recorder.stage(`throughput: UDP packets for ${scene.measureMs / 1000} s, there and back at the same time`);
  const rates = await measurePackets(client.plane(), server.plane(), addressesInside, signal);
  recorder.throughput({ plane: 'memory', traffic: 'udp', ...rates });

  recorder.stage('tear-down: the client is asked to leave');
  client.stop();
  await client.run;
  await eventOf(server, serverEvents, 'ike-sa-deleted');
  server.stop();
  await server.run;
}

function startEnd(
  signal: AbortSignal,
  log: Log,
  onEvent: (event: TunnelEvent) => void,
  start: (context: TunnelContext) => Promise<void>,
): End {
  const own = new AbortController();
  let plane: MemoryPlane | undefined;
  const createPlane: PlaneFactory = (settings, send, events) => {
    plane = createMemoryPlane(settings, send, events);
    return plane;
  };
  const run = start({ onEvent, log, signal: AbortSignal.any([signal, own.signal]), createPlane });
  // Its failure is reported by whoever waits for it; nobody may be waiting yet.
  run.catch(() => {});
  return {
    run,
    plane() {
      if (plane === undefined) throw new KitError('bug', 'E_DEMO', 'The tunnel has no plane.');
      return plane;
    },
    stop: () => own.abort(),
  };
}

/** The first event of that name; rejects when the end it belongs to fails, or after ten seconds. */
async function eventOf<Name extends TunnelEvent['event']>(
  end: End,
  events: readonly TunnelEvent[],
  name: Name,
): Promise<Extract<TunnelEvent, { event: Name }>> {
  const find = () => events.find((event) => event.event === name);
  const ended = end.run.then(() => false);
  await Promise.race([eventually(() => find() !== undefined, 10_000), ended]);
  const found = find();
  if (found === undefined) throw new KitError('bug', 'E_DEMO', `The event "${name}" did not come.`);
  return found as Extract<TunnelEvent, { event: Name }>;
}

async function sendTraffic(
  recorder: Recorder,
  client: MemoryPlane,
  server: MemoryPlane,
  { from, to }: { from: Uint8Array; to: Uint8Array },
  signal: AbortSignal,
): Promise<void> {
  recorder.stage(
    `traffic: ICMP echo every ${scene.pingIntervalMs} ms, ${scene.transferBytes / 1e6} MB in UDP packets and back`,
  );
  const data = randomBytes(scene.transferBytes);
  const received = Buffer.alloc(data.length);
  const echoed = Buffer.alloc(data.length);
  const chunks = Math.ceil(data.length / CHUNK);
  /** Number of the packet, and when it was last sent. */
  const underway = new Map<number, number>();
  const pings = new Set<number>();
  const take = (payload: Uint8Array, into: Buffer): number => {
    const index = Buffer.from(payload.buffer, payload.byteOffset, 4).readUInt32BE(0);
    into.set(payload.subarray(4), index * CHUNK);
    return index;
  };
  server.onDelivered = (packet) => {
    const content = readPacket(packet);
    if (content?.kind === 'datagram') take(content.payload, received);
    if (content !== undefined) server.inject(answer(packet));
  };
  client.onDelivered = (packet) => {
    const content = readPacket(packet);
    if (content?.kind === 'datagram') underway.delete(take(content.payload, echoed));
    if (content?.kind === 'echo-reply') pings.delete(content.sequence);
  };
  const send = (index: number): void => {
    const payload = Buffer.alloc(4 + Math.min(CHUNK, data.length - index * CHUNK));
    payload.writeUInt32BE(index, 0);
    data.copy(payload, 4, index * CHUNK, (index + 1) * CHUNK);
    underway.set(index, Date.now());
    client.inject(datagram(from, to, payload));
  };

  let pingsSent = 0;
  const pinging = setInterval(() => {
    pings.add(pingsSent);
    client.inject(echoRequest(from, to, pingsSent));
    pingsSent += 1;
  }, scene.pingIntervalMs);
  const start = Date.now();
  const end = start + scene.transferMs * 2 + 5000;
  let next = 0;
  while ((next < chunks || underway.size > 0) && Date.now() < end && !signal.aborted) {
    const due = Math.min(chunks, Math.ceil((chunks * (Date.now() - start)) / scene.transferMs));
    for (const [index, sentAt] of underway) if (Date.now() - sentAt > RESEND_MS) send(index);
    while (next < due && underway.size < WINDOW) send(next++);
    await pause(2);
  }
  await eventually(() => signal.aborted || (recorder.rekeys.ike > 0 && recorder.rekeys.child > 0), 5000);
  clearInterval(pinging);
  await eventually(() => signal.aborted || pings.size === 0, 2000);
  signal.throwIfAborted();

  const [sum, sumReceived, sumEchoed] = [data, received, echoed].map((bytes) =>
    createHash('sha256').update(bytes).digest('hex'),
  ) as [string, string, string];
  const complete = next === chunks && underway.size === 0;
  recorder.transfer(complete ? data.length : 0, sum === sumReceived && sum === sumEchoed);
  recorder.fact(
    `SHA-256 sent ${sum.slice(0, 16)}…, received ${sumReceived.slice(0, 16)}…, echoed ${sumEchoed.slice(0, 16)}…`,
  );
  recorder.pings(pingsSent, pings.size);
  recorder.fact(`${pingsSent} pings sent, ${pings.size} lost`);
}
