import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { BatchedOutput } from '../../../../src/cli/decode/output.js';

/** Keeps what it gets; takes it only when asked. */
class SlowStream extends Writable {
  readonly chunks: Buffer[] = [];
  #waiting: (() => void)[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#waiting.push(() => {
      // Taken late on purpose: the bytes must still be what was written.
      this.chunks.push(Buffer.from(chunk));
      done();
    });
  }

  take(): void {
    for (const done of this.#waiting.splice(0)) done();
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

it('passes on everything in order, whatever its size and alphabet', async () => {
  const stream = new SlowStream({ highWaterMark: 1 << 30 });
  const output = new BatchedOutput(stream, new AbortController().signal);
  const parts = ['a', '→', '😀'.repeat(10), 'x'.repeat(300_000), '', 'é'.repeat(100_000), 'end'];
  for (const part of parts) output.write(part);
  await output.flush();
  for (let i = 0; i < 10; i++) {
    stream.take();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(stream.text).toBe(parts.join(''));
});

it('does not write into bytes the stream still holds', async () => {
  const stream = new SlowStream({ highWaterMark: 1 << 30 });
  const output = new BatchedOutput(stream, new AbortController().signal);
  for (let i = 0; i < 20; i++) {
    output.write(`line ${i}\n`);
    await output.flush();
  }
  for (let i = 0; i < 40; i++) {
    stream.take();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(stream.text).toBe(Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join(''));
});

it('waits for a slow reader, and no longer once that reader is gone', async () => {
  const stream = new SlowStream({ highWaterMark: 1 });
  const abort = new AbortController();
  const output = new BatchedOutput(stream, abort.signal);
  output.write('first');
  let done = false;
  const flushed = output.flush().then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(false);
  stream.take();
  await flushed;
  output.write('second');
  const waiting = output.flush();
  abort.abort();
  await waiting;
  stream.destroy();
  output.write('third');
  await output.flush();
});
