import type { Batch } from './batches.js';
import type { Finding } from './lines.js';
import type { AuditTarget } from './material.js';
import { Pool } from './pool.js';
import type { WorkerAnswer } from './worker.js';

/** How far an audit is: everything before this place was tried, nothing behind it. */
export interface Position {
  /** Bytes of the word list. */
  offset: number;
  lines: number;
  tried: number;
  /** Lines that were too long. */
  skipped: number;
  found: FoundKey[];
}

export interface FoundKey {
  /** Index of the target. */
  target: number;
  /** Line of the word list, from 1. */
  line: number;
  /** Unknown of keys that were found before an interruption. */
  word?: Uint8Array | undefined;
}

export const beginning: Readonly<Position> = { offset: 0, lines: 0, tried: 0, skipped: 0, found: [] };

export interface AuditOptions {
  targets: readonly AuditTarget[];
  /** From `start` on. */
  batches: AsyncIterable<Batch>;
  start?: Readonly<Position>;
  threads: number;
  /** Ends the audit as soon as what is being tried has been tried. */
  signal?: AbortSignal | undefined;
  /** Told after each batch. */
  onProgress?: ((position: Position) => void) | undefined;
}

export interface AuditResult {
  position: Position;
  /** Every key was found, or the list came to its end. */
  complete: boolean;
}

/**
 * Tries words against targets on several threads until all keys are found, the list ends, or the signal comes. What was
 * handed to a thread is always finished, so that the position is exact: an audit that goes on from it tries no word twice
 * and leaves none out. A key that stands in the list twice is reported where it stands first.
 */
export async function runAudit(options: AuditOptions): Promise<AuditResult> {
  const { targets, batches, threads, start = beginning, signal, onProgress } = options;
  const progress = new Progress(targets.length, start);
  const pool = new Pool(threads, targets);
  let ended = progress.open.length === 0;
  try {
    for await (const batch of ended ? [] : batches) {
      await pool.hasRoom();
      if (progress.open.length === 0 || signal?.aborted) break;
      const { consumed } = batch;
      pool.send(batch.bytes, progress.open, (answer) => {
        progress.take(answer, consumed);
        onProgress?.(progress.position);
      });
    }
    ended = !signal?.aborted;
  } catch (error) {
    // The source may have been torn down to end the wait for it.
    if (!signal?.aborted) throw error;
  } finally {
    await pool.finish();
  }
  return { position: progress.position, complete: ended || progress.open.length === 0 };
}

/** Puts answers, which come in any order, back into the order of the list. */
class Progress {
  readonly position: Position;
  /** Indices of targets without a key. */
  open: number[];
  readonly #early = new Map<number, { answer: WorkerAnswer; consumed: number }>();
  #next = 0;

  constructor(targets: number, start: Readonly<Position>) {
    this.position = { ...start, found: [...start.found] };
    this.open = Array.from({ length: targets }, (_, index) => index);
    this.#close(start.found.map(({ target }) => target));
  }

  take(answer: WorkerAnswer, consumed: number): void {
    this.#early.set(answer.batch, { answer, consumed });
    for (let next = this.#early.get(this.#next); next; next = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      this.#add(next.answer, next.consumed);
    }
  }

  #add({ lines, tried, skipped, found }: WorkerAnswer, consumed: number): void {
    const { position } = this;
    const fresh = found.filter(({ target }) => this.open.includes(target));
    position.found.push(...fresh.map((each) => this.#keyOf(each)));
    this.#close(fresh.map(({ target }) => target));
    position.offset += consumed;
    position.lines += lines;
    position.tried += tried;
    position.skipped += skipped;
  }

  #keyOf({ target, line, word }: Finding): FoundKey {
    return { target, line: this.position.lines + line + 1, word };
  }

  #close(found: readonly number[]): void {
    this.open = this.open.filter((target) => !found.includes(target));
  }
}
