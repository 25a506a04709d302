import type { Writable } from 'node:stream';

const BUFFER = 1 << 18;
/** Bytes of UTF-8 that one UTF-16 unit can become. */
const MAX_UTF8 = 3;

const encoder = new TextEncoder();

/**
 * Collects text for a stream and hands it over in big pieces, waiting when the reader is slow. Text becomes bytes at
 * once: thousands of short strings would cost more to join than to encode.
 */
export class BatchedOutput {
  #buffer = new Uint8Array(BUFFER);
  #used = 0;
  /** Pieces that are full. */
  #full: Uint8Array[] = [];
  readonly #stream: Writable;
  readonly #signal: AbortSignal;

  /** @param signal ends the waiting for a reader that went away */
  constructor(stream: Writable, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
  }

  write(text: string): void {
    const most = text.length * MAX_UTF8;
    if (this.#used + most > this.#buffer.length) this.#next(most);
    this.#used += encoder.encodeInto(text, this.#buffer.subarray(this.#used)).written;
  }

  /**
   * Lets a function write bytes itself.
   * @param most bytes it writes at most
   * @param encode returns where it ended, or a negative number when nothing is to be written
   * @returns whether something was written
   */
  encode<T>(most: number, encode: (value: T, into: Uint8Array, at: number) => number, value: T): boolean {
    if (this.#used + most > this.#buffer.length) this.#next(most);
    const end = encode(value, this.#buffer, this.#used);
    if (end >= 0) this.#used = end;
    return end >= 0;
  }

  /** Hands over what was collected. */
  async flush(): Promise<void> {
    if (this.#used > 0) this.#full.push(this.#buffer.subarray(0, this.#used));
    const pieces = this.#full;
    this.#full = [];
    this.#used = 0;
    if (pieces.length === 0 || this.#stream.destroyed) return;
    let ready = true;
    for (const piece of pieces) ready = this.#stream.write(piece);
    // Bytes that the stream still holds are its own until it has written them.
    if (this.#stream.writableLength > 0) this.#buffer = new Uint8Array(BUFFER);
    if (!ready) await this.#drained();
  }

  #next(atLeast: number): void {
    if (this.#used > 0) this.#full.push(this.#buffer.subarray(0, this.#used));
    this.#buffer = new Uint8Array(Math.max(BUFFER, atLeast));
    this.#used = 0;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stream.off('drain', done).off('close', done);
        this.#signal.removeEventListener('abort', done);
        resolve();
      };
      if (this.#signal.aborted || this.#stream.destroyed) {
        resolve();
        return;
      }
      this.#stream.once('drain', done).once('close', done);
      this.#signal.addEventListener('abort', done, { once: true });
    });
  }
}
