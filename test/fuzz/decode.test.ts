import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { CaptureDecoder } from '../../src/lib/capture/decode.js';
import { readBatches } from '../../src/lib/capture/read/capture.js';
import type { CapturedFrame } from '../../src/lib/capture/types.js';
import { recordSession } from '../cli/decode-session.js';
import { createRandom, mutate } from './mutate.js';

const COUNT = Number(process.env.IPSEC_KIT_FUZZ_PACKETS ?? 500_000);
/** Bytes. What analysis remembers of SAs and flows is bounded; after a fifth of the frames the bounds are reached. */
const MAX_GROWTH = 48 << 20;

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;

function heapInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

async function* bytes(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}

it(`${COUNT} changed packets are decoded and analysed without an exception and without growing memory`, async () => {
  const frames: CapturedFrame[] = [];
  for await (const batch of readBatches(bytes(recordSession({ packets: 4 }).pcap), () => expect.fail())) {
    frames.push(...batch.map((frame) => ({ ...frame, data: frame.data.slice() })));
  }
  const samples = frames.map(({ data }) => data);
  const random = createRandom(7296);
  const decoder = new CaptureDecoder();
  let packets = 0;
  let settled = 0;
  for (let frame = 1; frame <= COUNT; frame++) {
    const data = mutate(samples, random);
    const time = BigInt(frame) * 1_000_000n;
    decoder.decode([{ frame, time, linkType: 101, data, originalLength: data.length }], () => {
      packets += 1;
    });
    if (frame === Math.ceil(COUNT / 5)) settled = heapInUse();
  }
  const grown = heapInUse() - settled;
  const { diagnosis } = decoder.finish();
  expect(packets).toBeGreaterThan(COUNT / 10);
  expect(diagnosis.length).toBeGreaterThan(0);
  expect(grown, `bytes more after ${COUNT} packets`).toBeLessThan(MAX_GROWTH);
  console.log(`${packets} packets, heap ${(grown / 2 ** 20).toFixed(1)} MB larger`);
}, 300_000);
