import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Path } from '../../../src/lib/core/endpoint.js';
import { KitError } from '../../../src/lib/core/errors.js';
import { silent } from '../../../src/lib/core/log.js';
import { createMemoryPlane } from '../../../src/lib/esp/plane/memory.js';
import type { SessionEvent } from '../../../src/lib/ike/session/types.js';
import type { UdpTransport } from '../../../src/lib/net/udp.js';
import {
  Driver,
  type DriverHost,
  type EngineInput,
  type EngineOutput,
} from '../../../src/lib/tunnel/driver.js';
import { formatEndpoint } from '../../../src/lib/tunnel/events.js';
import { SaTracker } from '../../../src/lib/tunnel/tracker.js';
import type { TunnelEvent } from '../../../src/lib/tunnel/types.js';
import { childSaInfo, ikeSaInfo, path } from './fixtures.js';

const nothing: EngineOutput = { send: [], events: [], tasks: [], wakeAt: undefined };
const data = new Uint8Array(28);
const exchange: SessionEvent = {
  type: 'exchange',
  summary: { exchange: 'IKE_AUTH', initiatedByUs: false, messageId: 1, purpose: 'test' },
};

/** A driver over an engine of the test's, with a record of everything in its order. */
function setUp(
  handle: (input: EngineInput, now: number) => Partial<EngineOutput>,
  host: Partial<DriverHost> = {},
) {
  const story: string[] = [];
  const tracker = new SaTracker(undefined, silent);
  const transport = {
    send: (to: Path, datagram: Uint8Array, keepalive?: true) => {
      story.push(`send ${to.remote.port} ${datagram.length}${keepalive ? ' keepalive' : ''}`);
    },
    sendEsp: () => story.push('esp'),
  };
  const driver = new Driver(
    { handle: (input, now) => ({ ...nothing, ...handle(input, now) }) },
    {
      onEvent: (session, event) => {
        story.push(`event ${session} ${event.type}`);
        return undefined;
      },
      onCrash: (error, session) => story.push(`crash ${session}: ${error.code} ${error.message}`),
      ...host,
    },
    tracker,
    silent,
  );
  driver.transport = transport as unknown as UdpTransport;
  return { driver, story, tracker };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('Driver', () => {
  it('acts on events before it sends', () => {
    const { driver, story } = setUp(() => ({
      send: [
        { path, data },
        { path, data: new Uint8Array(1), keepalive: true },
      ],
      events: [{ session: 7, event: exchange }],
      wakeAt: undefined,
    }));
    driver.receive({ kind: 'ike', path, data });
    expect(story).toEqual(['event 7 exchange', 'send 61000 28', 'send 61000 1 keepalive']);
  });

  it('does slow work beside everything else and hands its outcome back', async () => {
    const outcomes: EngineInput[] = [];
    const failure = new Error('no');
    const tasks = [
      { session: 3, task: { id: 1, run: async () => 'key' } },
      { session: 4, task: { id: 2, run: () => Promise.reject(failure) } },
    ];
    const { driver } = setUp((input) => {
      if (input.type === 'task') outcomes.push(input);
      return input.type === 'datagram' ? { tasks } : {};
    });
    driver.receive({ kind: 'ike', path, data });
    expect(outcomes).toEqual([]);
    await vi.waitFor(() => expect(outcomes).toHaveLength(2));
    expect(outcomes).toMatchObject([
      { type: 'task', session: 3, id: 1, outcome: { ok: true, value: 'key' } },
      { type: 'task', session: 4, id: 2, outcome: { ok: false, error: failure } },
    ]);
  });

  it('holds datagrams back while an event is acted on, and nothing else', async () => {
    let release: () => void = () => {};
    let first = true;
    const { driver, story } = setUp(
      () => {
        const events = first ? [{ session: 1, event: exchange }] : [];
        const size = first ? 1 : 2;
        first = false;
        return { send: [{ path, data: new Uint8Array(size) }], events, wakeAt: undefined };
      },
      {
        onEvent: () =>
          new Promise((resolve) => {
            release = resolve;
          }),
      },
    );
    driver.receive({ kind: 'ike', path, data });
    driver.receive({ kind: 'ike', path, data });
    expect(story).toEqual(['send 61000 2']);
    release();
    await vi.waitFor(() => expect(story).toEqual(['send 61000 2', 'send 61000 1']));
  });

  it('queues commands that an event gives rise to', () => {
    const inputs: string[] = [];
    const { driver } = setUp(
      (input) => {
        inputs.push(input.type === 'command' ? input.command.type : input.type);
        return input.type === 'datagram'
          ? { ...nothing, events: [{ session: 1, event: exchange }] }
          : nothing;
      },
      {
        onEvent: (session) => {
          driver.command(session, { type: 'close' });
          inputs.push('event done');
          return undefined;
        },
      },
    );
    driver.receive({ kind: 'ike', path, data });
    expect(inputs).toEqual(['datagram', 'event done', 'close']);
  });

  it('wakes the engine when it asked for it, with what the plane heard', () => {
    const inputs: [EngineInput, number][] = [];
    const { driver } = setUp((input, now) => {
      inputs.push([input, now]);
      return { ...nothing, wakeAt: input.type === 'command' ? now + 5000 : undefined };
    });
    driver.command(0, { type: 'initiate' });
    vi.advanceTimersByTime(4999);
    expect(inputs).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(inputs[1]).toEqual([{ type: 'timeout', inboundSeenAt: expect.any(Function) }, 1_005_000]);
    vi.advanceTimersByTime(600_000);
    expect(inputs).toHaveLength(2);
  });

  it('sleeps in short pieces, so that a stepped clock is noticed, and never spins', () => {
    let calls = 0;
    const { driver } = setUp((_input, now) => {
      calls++;
      return { ...nothing, wakeAt: calls > 3 ? now - 1 : now + 86_400_000 };
    });
    driver.command(0, { type: 'initiate' });
    vi.advanceTimersByTime(180_000);
    expect(calls).toBe(4);
    vi.advanceTimersByTime(10);
    expect(calls).toBe(14);
  });

  it('survives an engine that throws, and names the session of a known SA', () => {
    let broken = true;
    const { driver, story, tracker } = setUp((input) => {
      if (broken && input.type === 'datagram') throw new RangeError('out of range');
      return { ...nothing, send: [{ path, data }] };
    });
    const { initiatorSpi, responderSpi } = ikeSaInfo();
    tracker.apply(9, { type: 'ike-sa-established', ikeSa: ikeSaInfo() });
    const known = Buffer.alloc(28);
    known.writeBigUInt64BE(initiatorSpi, 0);
    known.writeBigUInt64BE(responderSpi, 8);
    driver.receive({ kind: 'ike', path, data: known });
    driver.receive({ kind: 'ike', path, data });
    expect(story).toEqual([
      'crash 9: E_INTERNAL An internal error ended the session: out of range',
      'crash undefined: E_INTERNAL An internal error ended the session: out of range',
    ]);
    broken = false;
    vi.advanceTimersByTime(1000);
    expect(story.slice(2)).toEqual(['send 61000 28']);
  });

  it('lays a failure over an event at the door of its session, and goes on with the others', () => {
    const { driver, story } = setUp(
      () => ({
        ...nothing,
        events: [
          { session: 1, event: exchange },
          { session: 2, event: exchange },
        ],
      }),
      {
        onEvent: (session) => {
          if (session === 1) throw new Error('no device');
          story.push(`event ${session}`);
          return undefined;
        },
      },
    );
    driver.receive({ kind: 'ike', path, data });
    expect(story).toEqual(['crash 1: E_INTERNAL An internal error ended the session: no device', 'event 2']);
  });

  it('wakes in time, and knows when a peer was heard, after the clock was set back', () => {
    const inputs: EngineInput[] = [];
    const times: number[] = [];
    const { driver, tracker } = setUp((input, now) => {
      inputs.push(input);
      times.push(now);
      return { wakeAt: now + 10_000 };
    });
    driver.receive({ kind: 'ike', path, data });
    tracker.inboundSeenAt = () => Date.now() - 3000;
    vi.setSystemTime(500);
    vi.advanceTimersByTime(10_000);
    expect(times).toEqual([1_000_000, 1_010_000]);
    const timeout = inputs[1];
    expect(timeout?.type === 'timeout' && timeout.inboundSeenAt?.(0)).toBe(1_007_000);
  });

  it('turns what the plane reports into commands and events, after the packet at hand', async () => {
    const commands: unknown[] = [];
    const told: TunnelEvent[] = [];
    const { driver, tracker, story } = setUp((input) => {
      if (input.type === 'command') commands.push([input.session, input.command]);
      return nothing;
    });
    const plane = createMemoryPlane(
      { name: undefined, mtu: 1400 },
      () => {},
      driver.planeEvents(
        () => {},
        () => {},
      ),
    );
    tracker.plane = plane;
    tracker.apply(4, { type: 'ike-sa-established', ikeSa: ikeSaInfo() });
    tracker.apply(4, { type: 'child-sa-established', child: childSaInfo() });
    const events = driver.planeEvents(
      () => {},
      (event) => told.push(event),
    );
    const remote = { address: '203.0.113.5', port: 1024 };
    events.peerMoved('child-1', remote);
    events.softLifetimeReached('child-1', 'bytes');
    events.softLifetimeReached('nobody', 'sequence');
    events.hardLifetimeReached('child-1');
    events.pathMtu('child-1', 1300, 1238);
    events.pathMtu('nobody', 1300, 1238);
    const refusal = new KitError('environment', 'E_CHILD_SA_LIMIT', 'there are too many');
    events.refused('child-1', refusal);
    events.refused('nobody', refusal);
    expect(commands).toEqual([]);
    expect(told).toEqual([]);
    await Promise.resolve();
    await Promise.resolve();
    expect(commands).toEqual([
      [4, { type: 'peer-moved', path: { ...path, remote } }],
      [4, { type: 'rekey-child', childId: 'child-1' }],
      [4, { type: 'delete-child', childId: 'child-1', reason: 'expired' }],
    ]);
    expect(story).toContain('crash 4: E_CHILD_SA_LIMIT there are too many');
    expect(story.filter((line) => line.startsWith('crash'))).toHaveLength(1);
    const peer = formatEndpoint(path.remote);
    expect(told).toEqual([{ event: 'path-mtu', peer, pathMtu: 1300, innerMtu: 1238 }]);
  });

  it('is silent once it is stopped', () => {
    let calls = 0;
    const { driver, story } = setUp((_input, now) => {
      calls++;
      return { send: [{ path, data }], events: [], wakeAt: now + 10 };
    });
    driver.command(0, { type: 'initiate' });
    driver.stop();
    driver.receive({ kind: 'ike', path, data });
    driver.receive({ kind: 'esp', path, data });
    driver.sendEsp(data, path.local, path.remote);
    vi.advanceTimersByTime(1000);
    expect(calls).toBe(1);
    expect(story).toEqual(['send 61000 28']);
  });
});
