import type { Milliseconds } from '../../core/environment.js';

/** Who can be woken. Both fields belong to {@link Alarms}. */
export interface Sleeper {
  /** Undefined: not at all. */
  wakeAt: Milliseconds | undefined;
  /** Its place in the heap; -1 while nothing is set. */
  place: number;
}

/**
 * Who is to be woken when: a binary heap, soonest first, because each message moves the alarm of one session among
 * many thousands.
 */
export class Alarms<T extends Sleeper> {
  readonly #heap: T[] = [];

  /** When the first one is due; undefined: nobody sleeps. */
  get soonest(): Milliseconds | undefined {
    return this.#heap[0]?.wakeAt;
  }

  /** Moves the alarm of `sleeper`; undefined takes it away. */
  set(sleeper: T, at: Milliseconds | undefined): void {
    if (at === sleeper.wakeAt) return;
    if (at === undefined) {
      this.#remove(sleeper);
      return;
    }
    if (sleeper.place < 0) sleeper.place = this.#heap.push(sleeper) - 1;
    sleeper.wakeAt = at;
    this.#rise(sleeper, at);
    this.#sink(sleeper, at);
  }

  /** Takes everybody whose moment has come, soonest first; their alarms are off then. */
  take(now: Milliseconds): T[] {
    const due: T[] = [];
    for (
      let first = this.#heap[0];
      first?.wakeAt !== undefined && first.wakeAt <= now;
      first = this.#heap[0]
    ) {
      this.#remove(first);
      due.push(first);
    }
    return due;
  }

  #remove(sleeper: T): void {
    const last = this.#heap.pop();
    if (last !== undefined && last !== sleeper) {
      const at = last.wakeAt ?? 0;
      this.#put(last, sleeper.place);
      this.#rise(last, at);
      this.#sink(last, at);
    }
    sleeper.place = -1;
    sleeper.wakeAt = undefined;
  }

  #rise(sleeper: T, at: Milliseconds): void {
    while (sleeper.place > 0) {
      const parent = this.#heap[(sleeper.place - 1) >> 1]!;
      if (moment(parent) <= at) return;
      this.#swap(sleeper, parent);
    }
  }

  #sink(sleeper: T, at: Milliseconds): void {
    for (;;) {
      const left = this.#heap[2 * sleeper.place + 1];
      const right = this.#heap[2 * sleeper.place + 2];
      const child = moment(right) < moment(left) ? right : left;
      if (child === undefined || moment(child) >= at) return;
      this.#swap(sleeper, child);
    }
  }

  #swap(a: T, b: T): void {
    const { place } = a;
    this.#put(a, b.place);
    this.#put(b, place);
  }

  #put(sleeper: T, place: number): void {
    sleeper.place = place;
    this.#heap[place] = sleeper;
  }
}

function moment(sleeper: Sleeper | undefined): Milliseconds {
  return sleeper?.wakeAt ?? Number.POSITIVE_INFINITY;
}
