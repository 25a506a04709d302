import { concatBytes } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import type { CapturedFrame, CaptureNote } from '../types.js';
import { GunzipError, gunzip, isGzip } from './gunzip.js';
import { isPcap, PcapReader } from './pcap.js';
import { isPcapng, PcapngReader } from './pcapng.js';
import { Damage, type RecordReader, type RecordSink } from './records.js';

const MAGIC_BYTES = 4;

/**
 * The frames of a pcap or pcapng file, gzipped or not, in constant memory. Damage ends the reading with a note
 * `E_CAPTURE_DAMAGED`; frames before it are kept. `data` is a view into the chunk read: copy what is to be kept.
 * @param signal once it is set, an end in the middle of a record is no damage: the reading was left off
 * @throws {KitError} `E_CAPTURE_FORMAT` (usage) when it is no capture file at all
 */
export async function* readCapture(
  source: AsyncIterable<Uint8Array>,
  onNote: (note: CaptureNote) => void,
  signal?: AbortSignal,
): AsyncGenerator<CapturedFrame> {
  for await (const batch of readBatches(source, onNote, signal)) yield* batch;
}

/** As {@link readCapture}, all frames of a chunk at once, which is faster for a big file. */
export async function* readBatches(
  source: AsyncIterable<Uint8Array>,
  onNote: (note: CaptureNote) => void,
  signal?: AbortSignal,
): AsyncGenerator<CapturedFrame[]> {
  const parser = new CaptureParser(onNote);
  try {
    for await (const chunk of plainBytes(source)) {
      const frames = parser.push(chunk);
      if (frames.length > 0) yield frames;
      if (parser.damaged) return;
    }
  } catch (error) {
    if (!(error instanceof GunzipError)) throw error;
    if (signal?.aborted !== true) parser.fail(error.message);
    return;
  }
  if (signal?.aborted !== true) parser.finish();
}

/** The chunks themselves, or what they unpack to. */
async function* plainBytes(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    let head: Uint8Array = new Uint8Array(0);
    while (head.length < MAGIC_BYTES) {
      const { done, value } = await chunks.next();
      if (done) break;
      head = head.length === 0 ? value : concatBytes(head, value);
    }
    const all = resumed(head, chunks);
    yield* isGzip(head) ? gunzip(all) : all;
  } finally {
    await chunks.return?.();
  }
}

async function* resumed(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** The same bytes, never as a `Buffer`: its `slice` does not copy, and its views are slower to make. */
function plain(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** Turns chunks of any size into frames. A record that spans chunks is the only thing ever held. */
export class CaptureParser {
  /** Set once nothing more can be read. */
  damaged = false;
  readonly #onNote: (note: CaptureNote) => void;
  readonly #sink: RecordSink;
  #reader: RecordReader | undefined;
  /** Bytes read, which is the offset in the unpacked file. */
  #offset = 0;
  /** The beginning of a record whose end is still to come. */
  #held = new Uint8Array(0);
  #heldLength = 0;

  constructor(onNote: (note: CaptureNote) => void) {
    this.#onNote = onNote;
    this.#sink = { frames: [], count: 0, note: onNote };
  }

  /** The frames that the bytes complete. @throws {KitError} `E_CAPTURE_FORMAT` (usage) */
  push(bytes: Uint8Array): CapturedFrame[] {
    const chunk = plain(bytes);
    this.#sink.frames = [];
    let at = 0;
    try {
      while (at < chunk.length && !this.damaged) {
        if (this.#skip > 0) at += this.#pass(chunk.length - at);
        else if (this.#heldLength > 0) at += this.#fill(chunk, at);
        else at += this.#readAll(chunk, at);
      }
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      this.#damage(error.message, this.#offset + error.at);
    }
    return this.#sink.frames;
  }

  /** Tells that the source itself broke off. */
  fail(reason: string): void {
    if (!this.damaged) this.#damage(reason, this.#offset);
  }

  /** The end of the file: notes when it is not the end of a record. */
  finish(): void {
    if (this.damaged) return;
    if (this.#skip > 0) this.fail('the file ends inside a block');
    else if (this.#heldLength > 0)
      this.fail(`the file ends inside ${this.#reader?.what ?? 'its first bytes'}`);
    else if (this.#reader === undefined) this.#tellDamage('The file is empty', 0);
  }

  get #skip(): number {
    return this.#reader?.skip ?? 0;
  }

  get #need(): number {
    return this.#reader?.need ?? MAGIC_BYTES;
  }

  #pass(available: number): number {
    const count = Math.min(this.#skip, available);
    if (this.#reader !== undefined) this.#reader.skip -= count;
    this.#offset += count;
    return count;
  }

  /** Completes the held record as far as the chunk goes. @returns bytes taken from the chunk */
  #fill(chunk: Uint8Array, at: number): number {
    const need = this.#need;
    if (this.#held.length < need) {
      const bigger = new Uint8Array(need);
      bigger.set(this.#held.subarray(0, this.#heldLength));
      this.#held = bigger;
    }
    const count = Math.min(need - this.#heldLength, chunk.length - at);
    this.#held.set(chunk.subarray(at, at + count), this.#heldLength);
    this.#heldLength += count;
    if (this.#heldLength === need) {
      const record = this.#held.subarray(0, need);
      this.#held = new Uint8Array(0);
      this.#heldLength = 0;
      this.#readAll(record, 0);
    }
    return count;
  }

  /** Reads records from `at` on and holds what is left. @returns bytes dealt with */
  #readAll(data: Uint8Array, from: number): number {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    let at = from;
    while (at < data.length && this.#skip === 0) {
      if (data.length - at < this.#need) break;
      this.#reader ??= detect(new DataView(data.buffer, data.byteOffset + at, MAGIC_BYTES));
      if (data.length - at < this.#reader.need) break;
      const length = this.#reader.read(data, view, at, this.#offset, this.#sink);
      if (length === 0) break;
      at += length;
      this.#offset += length;
    }
    if (this.#skip === 0 && at < data.length) {
      this.#held = data.slice(at);
      this.#heldLength = this.#held.length;
      at = data.length;
    }
    return at - from;
  }

  #damage(reason: string, offset: number): void {
    this.#tellDamage(
      `Reading stopped at byte ${offset}, after ${this.#sink.count} frames: ${reason}`,
      offset,
    );
  }

  #tellDamage(message: string, offset: number): void {
    this.damaged = true;
    this.#onNote({ code: 'E_CAPTURE_DAMAGED', message, offset });
  }
}

function detect(view: DataView): RecordReader {
  if (isPcap(view)) return new PcapReader();
  if (isPcapng(view)) return new PcapngReader();
  throw new KitError('usage', 'E_CAPTURE_FORMAT', 'This is no capture file: neither pcap nor pcapng', {
    hint: 'Files of tcpdump, tshark and Wireshark can be read, gzipped or not.',
  });
}
