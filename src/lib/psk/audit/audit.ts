import { Worker } from 'node:worker_threads';
import type { Batch } from './batches.js';
import type { Finding } from './lines.js';
import type { AuditTarget } from './material.js';
import type { WorkerAnswer, WorkerStart, WorkerTask } from './worker.js';

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

/** Batches that a thread has at a time: it works on one while the next is on its way. */
const AHEAD = 2;

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

/** The worker threads. */
class Pool {
  readonly #workers: { worker: Worker; busy: number }[];
  readonly #waiting = new Map<number, (answer: WorkerAnswer) => void>();
  #batches = 0;
  #failure: unknown;
  #wake: () => void = () => {};

  constructor(threads: number, targets: readonly AuditTarget[]) {
    const workerData: WorkerStart = { targets };
    this.#workers = Array.from({ length: threads }, () => {
      const each = { worker: startWorker(workerData), busy: 0 };
      each.worker.on('message', (answer: WorkerAnswer) => {
        each.busy--;
        const receive = this.#waiting.get(answer.batch);
        this.#waiting.delete(answer.batch);
        receive?.(answer);
        this.#wake();
      });
      each.worker.on('error', (error) => {
        this.#failure = error;
        this.#wake();
      });
      return each;
    });
  }

  /** Waits until a thread can take a batch. */
  async hasRoom(): Promise<void> {
    await this.#until(() => this.#workers.some(({ busy }) => busy < AHEAD));
  }

  send(
    bytes: Uint8Array<ArrayBuffer>,
    open: readonly number[],
    receive: (answer: WorkerAnswer) => void,
  ): void {
    const task: WorkerTask = { batch: this.#batches++, bytes, open };
    const idlest = this.#workers.reduce((least, each) => (each.busy < least.busy ? each : least));
    this.#waiting.set(task.batch, receive);
    idlest.busy++;
    idlest.worker.postMessage(task, [bytes.buffer]);
  }

  /** Waits for all answers and ends the threads. */
  async finish(): Promise<void> {
    try {
      await this.#until(() => this.#waiting.size === 0);
    } finally {
      await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
    }
  }

  async #until(condition: () => boolean): Promise<void> {
    while (this.#failure === undefined && !condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** The thread's code lies beside this file; run from the sources it needs the loader that this process has. */
function startWorker(workerData: WorkerStart): Worker {
  const source = import.meta.url.endsWith('.ts');
  const file = new URL(source ? './worker.ts' : './worker.js', import.meta.url);
  return new Worker(file, { workerData, ...(source && { execArgv: ['--import', 'tsx'] }) });
}
