import type { ChalkInstance } from 'chalk';
import type { LogLevel } from '../lib/core/log.js';
import { printable } from '../lib/core/printable.js';
import { EVENT_SCHEMA } from '../lib/report/event.schema.js';
import type { TunnelEvent } from '../lib/tunnel/types.js';
import { type Failure, failureText } from './failure.js';
import { paintFor } from './paint.js';
import { clock, renderEvent } from './render-event.js';

export interface EventOutputOptions {
  format: 'text' | 'ndjson';
  /** Text: exchanges and debug messages as well. */
  verbose: boolean;
  /** False: no colour even on a terminal. */
  color: boolean;
}

/** Writes events of a tunnel to stdout and its diagnostics to stderr. */
export class EventOutput {
  readonly #options: EventOutputOptions;
  readonly #out: ChalkInstance;
  readonly #err: ChalkInstance;
  /** The newest event when it is an error, so that the one that ends the command is not shown twice. */
  #shownError: string | undefined;

  constructor(options: EventOutputOptions) {
    this.#options = options;
    this.#out = paintFor(process.stdout, options.color);
    this.#err = paintFor(process.stderr, options.color);
  }

  readonly onEvent = (event: TunnelEvent): void => {
    const time = new Date();
    this.#shownError = event.event === 'error' ? event.code + event.message : undefined;
    if (this.#options.format === 'ndjson') this.#writeJson(event, time);
    else this.#writeText(event, time);
  };

  readonly log = (level: LogLevel, message: string): void => {
    if (!this.#options.verbose && (level === 'debug' || level === 'info')) return;
    const label = level === 'error' || level === 'warn' ? this.#err.yellow(level) : this.#err.dim(level);
    process.stderr.write(`${this.#err.dim(clock(new Date()))} ${label} ${printable(message)}\n`);
  };

  /** The error that ends the command: always a sentence on stderr, and an event in NDJSON. */
  failure(failure: Failure): void {
    const { code, message, hint } = failure;
    const known = this.#shownError === code + message;
    if (this.#options.format === 'ndjson' && !known) {
      this.#writeJson({ event: 'error', code, message, ...(hint === undefined ? {} : { hint }) }, new Date());
    }
    if (this.#options.format === 'ndjson' || !known || failure.stack !== undefined) {
      process.stderr.write(failureText(failure));
    }
  }

  #writeJson(event: TunnelEvent, time: Date): void {
    const document = { schema: EVENT_SCHEMA, time: time.toISOString(), ...event };
    process.stdout.write(`${JSON.stringify(document)}\n`);
  }

  #writeText(event: TunnelEvent, time: Date): void {
    if (event.event === 'exchange') {
      if (this.#options.verbose) process.stderr.write(`${renderEvent(event, time, this.#err)}\n`);
    } else if (event.event === 'error' || event.event === 'warning') {
      process.stderr.write(`${renderEvent(event, time, this.#err)}\n`);
    } else {
      process.stdout.write(`${renderEvent(event, time, this.#out)}\n`);
    }
  }
}
