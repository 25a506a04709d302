import type { Milliseconds } from '../../core/environment.js';
import type { Payload } from '../wire/types.js';
import type { Say, TaskOutcome } from './types.js';

/** What a script waits for: slow work outside the session, or the peer's answer to a message of ours. */
type Wanted = { type: 'task'; run(): unknown } | { type: 'exchange'; payloads: Payload[]; story: string };

/**
 * A conversation over several messages, written down in the order in which it happens. What it yields is what it waits
 * for; use {@link task} and {@link exchange} to yield.
 */
export type Script<T> = Generator<Wanted, T, unknown>;

/** Waits for work that may be slow. What `run` throws or rejects with is thrown here. */
export function* task<T>(run: () => T | Promise<T>): Script<T> {
  return (yield { type: 'task', run }) as T;
}

/**
 * Sends a message and waits for the peer's next one.
 * @param story what the exchange was for, in plain words, for timelines
 */
export function* exchange(payloads: Payload[], story: string): Script<Payload[]> {
  return (yield { type: 'exchange', payloads, story }) as Payload[];
}

/** Takes slow work, and calls back with its outcome. */
interface TaskDesk {
  defer(
    run: () => unknown,
    resume: (outcome: TaskOutcome, now: Milliseconds) => void,
    now: Milliseconds,
  ): void;
}

/** Runs a script against the session: its tasks go out, the peer's messages come in. */
export class Conversation<T> {
  #over = false;

  /**
   * @param moment what the script reads the time from; kept up to date here
   * @param finished called with what the script returns
   */
  constructor(
    private readonly desk: TaskDesk,
    private readonly moment: { now: Milliseconds },
    private readonly script: Script<T>,
    private readonly finished: (result: T, say: Say) => void,
  ) {}

  /** Begins, or goes on with a message of the peer. */
  advance(payloads: Payload[] | undefined, say: Say, now: Milliseconds): void {
    this.#step(() => this.script.next(payloads), say, now);
  }

  /** Ends it where it stands, so that what it holds is let go. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.script.return(undefined as T);
  }

  #step(next: () => IteratorResult<Wanted, T>, say: Say, now: Milliseconds): void {
    if (this.#over) return;
    this.moment.now = now;
    const result = next();
    if (result.done) {
      this.#over = true;
      this.finished(result.value, say);
      return;
    }
    const wanted = result.value;
    if (wanted.type === 'exchange') {
      say(wanted.payloads, wanted.story);
      return;
    }
    const resume = (outcome: TaskOutcome, later: Milliseconds): void => {
      const back = () => (outcome.ok ? this.script.next(outcome.value) : this.script.throw(outcome.error));
      this.#step(back, say, later);
    };
    this.desk.defer(wanted.run, resume, now);
  }
}
