import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBatches, readCapture } from '../../../../src/lib/capture/read/capture.js';
import { openInput } from '../../../../src/lib/capture/read/input.js';
import type { CaptureNote } from '../../../../src/lib/capture/types.js';
import { be, pcap } from './build.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capture-'));
});
afterAll(() => rm(folder, { recursive: true }));

const packets = Array.from({ length: 100_000 }, (_, i) => ({ data: be(4, i) }));
const never = new AbortController().signal;

describe('a file', () => {
  it('bigger than a chunk is read whole', async () => {
    const path = join(folder, 'big.pcap');
    await writeFile(path, pcap(packets));
    let next = 0;
    for await (const { data } of readCapture(openInput(path, { signal: never }), () => expect.fail())) {
      if (new DataView(data.buffer, data.byteOffset).getUint32(0) !== next) expect.fail(`frame ${next}`);
      next += 1;
    }
    expect(next).toBe(packets.length);
  });

  it('that is not there, or is a folder, is named', async () => {
    for (const [path, reason] of [
      [join(folder, 'absent'), 'no such file'],
      [folder, 'folder'],
    ] as const) {
      const reading = openInput(path, { signal: never }).next();
      await expect(reading).rejects.toMatchObject({
        code: 'E_CAPTURE_FILE',
        kind: 'usage',
        message: expect.stringContaining(reason),
      });
    }
  });

  it('that grows is followed until the signal, records in two pieces included', async () => {
    const path = join(folder, 'growing.pcap');
    const file = pcap(packets.slice(0, 3));
    await writeFile(path, file.subarray(0, 50));
    const stop = new AbortController();
    const notes: CaptureNote[] = [];
    const seen: number[] = [];
    const ends = [70, file.length];
    for await (const { frame } of readCapture(
      openInput(path, { follow: true, signal: stop.signal }),
      (note) => notes.push(note),
    )) {
      seen.push(frame);
      const from = ends.length === 2 ? 50 : 70;
      const to = ends.shift();
      if (to !== undefined) await appendFile(path, file.subarray(from, to));
      if (frame === 3) stop.abort();
    }
    expect(seen).toEqual([1, 2, 3]);
    expect(notes).toEqual([]);
  });

  it.each([
    ['plain', (file: Uint8Array) => file],
    ['gzipped', gzipSync],
  ])('that grows (%s) and is left in the middle of a record is not damaged', async (name, pack) => {
    const path = join(folder, `left-${name}.pcap`);
    await writeFile(path, pack(pcap(packets)).subarray(0, 70_000));
    const stop = new AbortController();
    const notes: CaptureNote[] = [];
    const input = openInput(path, { follow: true, signal: stop.signal });
    let frames = 0;
    for await (const batch of readBatches(input, (note) => notes.push(note), stop.signal)) {
      frames += batch.length;
      setTimeout(() => stop.abort(), 50);
    }
    expect(frames).toBeGreaterThan(1000);
    expect(notes).toEqual([]);
  });

  it('is not even opened when the signal came before', async () => {
    const input = openInput(join(folder, 'absent'), { signal: AbortSignal.abort() });
    expect(await input.next()).toEqual({ done: true, value: undefined });
  });
});

describe('standard input', () => {
  const script = `
    import { openInput } from './src/lib/capture/read/input.ts';
    import { readBatches, readCapture } from './src/lib/capture/read/capture.ts';
    const stop = new AbortController();
    process.once('SIGUSR2', () => stop.abort());
    let frames = 0;
    for await (const frame of readCapture(openInput('-', { signal: stop.signal }), (note) => console.log(note.code))) {
      if (++frames === 2) console.log('two');
    }
    console.log(frames);
  `;

  function run(onOutput: (text: string, child: ReturnType<typeof execFile>) => void): Promise<string> {
    return new Promise((resolve, reject) => {
      const argv = ['--import', 'tsx', '--input-type=module', '-e', script];
      const child = execFile(process.execPath, argv, { timeout: 45_000 }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
      child.stdout?.on('data', (text: string) => onOutput(text, child));
      child.stdin?.write(pcap(packets.slice(0, 2)));
    });
  }

  it('is read until it ends', async () => {
    expect(await run((text, child) => text.includes('two') && child.stdin?.end())).toBe('two\n2\n');
  });

  it('is left on the signal', async () => {
    expect(await run((text, child) => text.includes('two') && child.kill('SIGUSR2'))).toBe('two\n2\n');
  });
});
