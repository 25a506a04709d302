import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { CaptureDecoder, type DecodeDocument, decodeCapture } from '../../../src/lib/capture/decode.js';
import { loadKeys } from '../../../src/lib/capture/keys/load.js';
import { KeyRing } from '../../../src/lib/capture/keys/ring.js';
import { packetJson } from '../../../src/lib/capture/packet-json.js';
import { readBatches } from '../../../src/lib/capture/read/capture.js';
import { openInput } from '../../../src/lib/capture/read/input.js';
import type { CapturedFrame } from '../../../src/lib/capture/types.js';
import { decodedPacketSchema, decodeSchema } from '../../../src/lib/report/decode.schema.js';
import { recordSession } from '../../cli/decode-session.js';
import { createRandom, mutate } from '../../fuzz/mutate.js';

const ajv = new Ajv();
const isDocument = ajv.compile<DecodeDocument>(decodeSchema);
const isPacket = ajv.compile(decodedPacketSchema);
const never = new AbortController().signal;
const shared = process.env.IPSEC_KIT_SHARED;
if (shared === undefined) {
  console.warn('Skipped: IPSEC_KIT_SHARED does not name the folder with captures/ and corpus/');
}

async function* bytes(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}

function captures(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(pcap|pcapng|cap)(\.gz)?$/.test(name))
    .map((name) => join(folder, name));
}

describe.skipIf(shared === undefined)('documents of real captures fit the schema', () => {
  const folders = shared === undefined ? [] : [join(shared, 'captures'), join(shared, 'corpus')];
  it.each(folders.flatMap(captures))('%s', async (path) => {
    const keyFile = join(path, '..', 'keys.json');
    const keys = existsSync(keyFile) ? (await loadKeys([keyFile])).keys : [];
    const document = await decodeCapture(
      (onNote) => readBatches(openInput(path, { signal: never, lend: true }), onNote),
      { keys: new KeyRing(keys) },
    );
    // As it is written: what is undefined is absent.
    const written: unknown = JSON.parse(JSON.stringify(document));
    expect(isDocument(written), JSON.stringify(isDocument.errors)).toBe(true);
    expect(document.packets.map((packet) => JSON.parse(packetJson(packet)))).toEqual(
      JSON.parse(JSON.stringify(document.packets)),
    );
  });
});

it('frames that were changed at random are decoded to packets that fit the schema, without an exception', async () => {
  const session = recordSession({ packets: 2 });
  const frames: CapturedFrame[] = [];
  for await (const batch of readBatches(bytes(session.pcap), () => expect.fail())) frames.push(...batch);
  const samples = frames.map(({ data }) => data);
  const random = createRandom(4303);
  const count = Number(process.env.IPSEC_KIT_FUZZ_PACKETS ?? 20_000);
  const decoder = new CaptureDecoder();
  for (let frame = 1; frame <= count; frame++) {
    const data = mutate(samples, random);
    const time = BigInt(frame) * 1_000_000n;
    const changed = { frame, time, linkType: 101, data, originalLength: data.length };
    decoder.decode([changed], (packet) => {
      const written: unknown = JSON.parse(packetJson(packet));
      if (!isPacket(written)) throw new Error(`${JSON.stringify(isPacket.errors)}: ${packetJson(packet)}`);
    });
  }
  const { summary, ...result } = decoder.finish();
  expect(summary.packets).toBeGreaterThan(count / 10);
  const document = JSON.parse(
    JSON.stringify({ ...result, summary, schema: 'ipsec-kit/decode@1', packets: [] }),
  );
  expect(isDocument(document), JSON.stringify(isDocument.errors)).toBe(true);
});

it('counts and keeps notes within bounds', () => {
  const decoder = new CaptureDecoder({ analyse: false });
  for (let i = 0; i < 1500; i++) decoder.onNote({ code: 'N_SOMETHING', message: 'again' });
  decoder.onNote({ code: 'E_CAPTURE_DAMAGED', message: 'the end', offset: 7 });
  const { notes, summary } = decoder.finish();
  expect(notes).toHaveLength(1002);
  expect(notes.at(-2)).toMatchObject({ code: 'E_CAPTURE_DAMAGED', offset: 7 });
  expect(notes.at(-1)).toMatchObject({ code: 'N_NOTES_OMITTED', message: expect.stringContaining('500') });
  expect(summary.damaged).toBe(true);
});
