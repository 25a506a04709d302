import type { Writable } from 'node:stream';

/** Collects text for a stream and hands it over in big pieces, waiting when the reader is slow. */
export class BatchedOutput {
  #pending: string[] = [];
  readonly #stream: Writable;
  readonly #signal: AbortSignal;

  /** @param signal ends the waiting for a reader that went away */
  constructor(stream: Writable, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
  }

  write(text: string): void {
    this.#pending.push(text);
  }

  /** Hands over what was collected. */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const text = this.#pending.join('');
    this.#pending = [];
    if (this.#signal.aborted && this.#stream.destroyed) return;
    if (this.#stream.write(text)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#stream.off('drain', done);
        this.#stream.off('close', done);
        this.#signal.removeEventListener('abort', done);
        resolve();
      };
      this.#stream.once('drain', done).once('close', done);
      this.#signal.addEventListener('abort', done, { once: true });
    });
  }
}
