/**
 * Runs inside a user and network namespace of its own: `live-guest.ts ACTION`. Prints one line of JSON and has to leave
 * by itself: no action calls `process.exit`.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { UnitExtractor } from '../../../../src/lib/capture/read/units.js';
import { KitError } from '../../../../src/lib/core/errors.js';
import { setUp } from '../../../../src/lib/net/ip-command.js';
import { type LiveFrame, liveCapture } from '../../../../src/lib/net/live-capture.js';

const ike = Uint8Array.from({ length: 40 }, (_, i) =>
  i === 17 ? 0x20 : i === 27 ? 40 : i % 24 === i ? 7 : 0,
);

/** Captures until so many frames came, while `act` makes them. */
async function capture(iface: string, frames: number, act: () => Promise<void>): Promise<LiveFrame[]> {
  const stop = new AbortController();
  const seen: LiveFrame[] = [];
  const capturing = liveCapture(
    iface,
    (frame) => {
      seen.push(frame);
      if (seen.length === frames) stop.abort();
    },
    stop.signal,
  );
  await untilBound();
  await act();
  await capturing;
  return seen;
}

/** The kernel lists packet sockets; bound ones with the protocol they take. */
async function untilBound(): Promise<void> {
  while (!/ 0003 /.test(readFileSync('/proc/net/packet', 'latin1'))) await delay(10);
}

async function sendTo(address: string, type: 'udp4' | 'udp6'): Promise<void> {
  const receiver = createSocket(type).bind(4500, address);
  await once(receiver, 'listening');
  const sender = createSocket(type).bind(4501, address);
  await once(sender, 'listening');
  for (const payload of [new Uint8Array([0, 0, 0, 0, ...ike]), new Uint8Array([0xff])]) {
    sender.send(payload, 4500, address);
    await once(receiver, 'message');
  }
  sender.close();
  receiver.close();
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'no error',
    (error: unknown) => (error instanceof KitError ? error.code : String(error)),
  );
}

const actions: Record<string, () => Promise<unknown>> = {
  async probe() {
    await liveCapture('lo', () => undefined, AbortSignal.timeout(1));
    return {};
  },

  async loopback() {
    await setUp('lo');
    const before = BigInt(Date.now()) * 1_000_000n;
    const frames = await capture('lo', 4, async () => {
      await sendTo('127.0.0.1', 'udp4');
      await sendTo('::1', 'udp6');
    });
    const after = BigInt(Date.now() + 1) * 1_000_000n;
    const extractor = new UnitExtractor({ ports: [] });
    return {
      linkTypes: [...new Set(frames.map((frame) => frame.linkType))],
      numbers: frames.map((frame) => frame.frame),
      whole: frames.every((frame) => frame.originalLength === frame.data.length),
      timely: frames.every((frame) => frame.time >= before && frame.time <= after),
      units: frames
        .flatMap((frame) => extractor.take(frame))
        .map((u) => `${u.kind} ${u.src.address}:${u.src.port}`),
    };
  },

  async any() {
    await setUp('lo');
    const frames = await capture('any', 2, () => sendTo('127.0.0.1', 'udp4'));
    return { frames: frames.length };
  },

  async 'no-interface'() {
    return codeOf(liveCapture('nowhere0', () => undefined, AbortSignal.timeout(1)));
  },

  async 'no-privilege'() {
    return codeOf(liveCapture('lo', () => undefined, AbortSignal.timeout(1)));
  },
};

const result = await actions[process.argv[2]!]!();
process.stdout.write(`${JSON.stringify(result)}\n`);
