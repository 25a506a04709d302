import { expect, test } from 'vitest';
import { describeMessage, describePayloads } from '../../../../src/lib/capture/describe/describe.js';
import type { DescribedPayload } from '../../../../src/lib/capture/types.js';
import { concatBytes } from '../../../../src/lib/core/bytes.js';
import { encodeIkev1Message } from '../../../../src/lib/ike/v1/wire.js';
import { createRandom, mutate } from '../../../fuzz/mutate.js';
import { allPayloads, header } from '../../v1/samples.js';
import { chains, messages } from '../../wire/samples.js';
import { ecCertificate } from './certificate-samples.js';

const COUNT = 100_000;
const HEADER = 28;

const samples: Uint8Array[] = [
  encodeIkev1Message(header, allPayloads),
  ...allPayloads.map((payload) =>
    encodeIkev1Message(header, [payload, { type: 10, data: new Uint8Array(8) }]),
  ),
  encodeIkev1Message(header, [{ type: 6, encoding: 4, data: new Uint8Array(ecCertificate) }]),
  ...Object.values(messages),
  ...Object.values(chains).map(({ first, bytes }) => inTheClear(first, bytes)),
];

/** A message whose payloads travel unprotected, so that mutation reaches every one of them. */
function inTheClear(first: number, bytes: Uint8Array): Uint8Array {
  const message = concatBytes(messages.initRequest.subarray(0, HEADER), bytes);
  message[16] = first;
  new DataView(message.buffer).setUint32(24, message.length);
  return message;
}

/** Payloads lie one behind the other, within the data, and nothing in them can steer a terminal. */
function check(payloads: readonly DescribedPayload[], start: number, end: number): void {
  let at = start;
  for (const payload of payloads) {
    if (payload.offset !== at) throw new Error(`${payload.type} at ${payload.offset}, not ${at}`);
    at += payload.length;
  }
  if (at > end) throw new Error(`payloads up to ${at} of ${end} bytes`);
  const json = JSON.stringify(payloads);
  // JSON writes control characters as \u00XX; formatting and bidirectional characters it leaves alone.
  const unsafe =
    /(?<!\\)(?:\\\\)*\\u00[01]|[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/.exec(json);
  if (unsafe !== null) throw new Error(`${JSON.stringify(unsafe[0])} in ${json}`);
}

test(`${COUNT} mutated messages are described without a throw`, () => {
  const random = createRandom(20260728);
  let readable = 0;
  let broken = 0;
  for (let i = 0; i < COUNT; i++) {
    const data = mutate(samples, random);
    const { ike } = describeMessage(data, { certificates: i % 16 === 0 });
    check(ike.payloads, HEADER, Math.max(data.length, HEADER));
    if (ike.payloads.some(({ error }) => error !== undefined)) broken++;
    else readable++;
    const version = (random(2) + 1) as 1 | 2;
    const chain = data.subarray(Math.min(HEADER, data.length));
    check(describePayloads(version, data[16] ?? 0, chain), 0, chain.length);
  }
  expect(readable).toBeGreaterThan(COUNT / 10);
  expect(broken).toBeGreaterThan(COUNT / 10);
});
