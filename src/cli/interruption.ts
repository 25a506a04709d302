import { ExitCode } from '../lib/core/errors.js';

/**
 * Turns SIGINT, SIGTERM, SIGHUP and a vanished reader of stdout into one AbortSignal for the length of a task.
 * The first signal asks for an end in good order, the second leaves at once.
 */
export class Interruption {
  readonly #controller = new AbortController();
  #bySignal = false;

  readonly #onSignal = (): void => {
    if (this.#bySignal) process.exit(ExitCode.interrupted);
    this.#bySignal = true;
    this.#controller.abort();
  };

  readonly #onOutputError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') this.#controller.abort();
  };

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Exit code of a task that ended in good order. */
  get exitCode(): ExitCode {
    return this.#bySignal ? ExitCode.interrupted : ExitCode.ok;
  }

  /** Runs `task` with the signal handlers in place; takes them away afterwards. */
  static async during<T>(task: (interruption: Interruption) => Promise<T>): Promise<T> {
    const interruption = new Interruption();
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const name of signals) process.on(name, interruption.#onSignal);
    process.stdout.on('error', interruption.#onOutputError);
    try {
      return await task(interruption);
    } finally {
      for (const name of signals) process.off(name, interruption.#onSignal);
      process.stdout.off('error', interruption.#onOutputError);
    }
  }
}
