import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { concatBytes, equalBytes, toHex } from '../../src/lib/core/bytes.js';
import { WireError } from '../../src/lib/core/errors.js';
import { HEADER_LENGTH } from '../../src/lib/ike/wire/header.js';
import { decodeMessage, decodeMessageLenient, encodeMessage } from '../../src/lib/ike/wire/message.js';
import type { IkeMessage } from '../../src/lib/ike/wire/types.js';
import { chains, messages } from '../unit/wire/samples.js';
import { createRandom, mutate } from './mutate.js';

const count = Number(process.env.IPSEC_KIT_FUZZ_COUNT ?? 1_000_000);
const baseSeed = Number(process.env.IPSEC_KIT_FUZZ_SEED ?? 7296);
const HEAP_BOUND = 32 * 1024 * 1024;

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Whole messages, and what SK payloads held as messages in the clear, so that every codec is reached. */
const samples: Uint8Array[] = [
  ...Object.values(messages),
  ...Object.values(chains).map(({ first, bytes }) => {
    const header = messages.initRequest.slice(0, HEADER_LENGTH);
    header[16] = first;
    return concatBytes(header, bytes);
  }),
];

function heapUsed(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Strict reading, or undefined where it refused with an error of ours. */
function readStrictly(data: Uint8Array): IkeMessage | undefined {
  try {
    return decodeMessage(data);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (error.offset < 0 || error.offset > data.length) throw new Error(`offset ${error.offset} is outside`);
    return undefined;
  }
}

/** Everything that has to hold for any bytes; returns whether they were a message. */
function examine(data: Uint8Array): boolean {
  const message = readStrictly(data);
  if (data.length >= HEADER_LENGTH) {
    const lenient = decodeMessageLenient(data);
    const clean =
      lenient.lengthError === undefined && lenient.payloads.every(({ type }) => type !== 'malformed');
    if (clean !== (message !== undefined)) throw new Error('strict and lenient reading disagree');
  }
  if (message === undefined) return false;
  const encoded = encodeMessage(message.header, message.payloads);
  const again = decodeMessage(encoded);
  if (again.payloads.length !== message.payloads.length) throw new Error('payloads were lost');
  if (!equalBytes(encodeMessage(again.header, again.payloads), encoded))
    throw new Error('encoding is not stable');
  return true;
}

it(`reads ${count} mutated messages without an error that is not its own`, { timeout: 600_000 }, () => {
  let accepted = 0;
  let heapBefore = 0;
  const warmUp = Math.min(20_000, Math.floor(count / 10));
  for (let i = 0; i < count; i++) {
    if (i === warmUp) heapBefore = heapUsed();
    const seed = (baseSeed + i) >>> 0;
    const data = mutate(samples, createRandom(seed));
    try {
      if (examine(data)) accepted++;
    } catch (error) {
      throw new Error(
        `IPSEC_KIT_FUZZ_SEED=${seed} IPSEC_KIT_FUZZ_COUNT=1: ${String(error)}\n${toHex(data)}`,
        {
          cause: error,
        },
      );
    }
  }
  expect(heapUsed() - heapBefore).toBeLessThan(HEAP_BOUND);
  // Both kinds have to come up, or the mutations are too rough or too gentle to test anything.
  if (count >= 1000) {
    expect(accepted).toBeGreaterThan(count / 50);
    expect(accepted).toBeLessThan(count / 2);
  }
});
