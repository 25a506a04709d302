import type { Worker } from 'node:worker_threads';
import { startThread } from '../../core/thread.js';
import type { AuditTarget } from './material.js';
import type { WorkerAnswer, WorkerStart, WorkerTask } from './worker.js';

/** Batches that a thread has at a time: it works on one while the next is on its way. */
const AHEAD = 2;

/** Worker threads that try lines against the same targets. */
export class Pool {
  readonly #workers: { worker: Worker; busy: number }[];
  readonly #waiting = new Map<number, (answer: WorkerAnswer) => void>();
  #batches = 0;
  #failure: unknown;
  #wake: () => void = () => {};

  constructor(threads: number, targets: readonly AuditTarget[]) {
    const workerData: WorkerStart = { targets };
    this.#workers = Array.from({ length: threads }, () => {
      const each = { worker: startThread(new URL('./worker', import.meta.url), workerData), busy: 0 };
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
