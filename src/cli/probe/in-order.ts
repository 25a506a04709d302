/**
 * Shows what places of a list yield in the order of the places, as soon as that can be. A place that takes long holds
 * up no more than a bounded number of others: then they are shown out of order.
 */
export class InOrder<T> {
  #next = 0;
  #held = 0;
  readonly #waiting = new Map<number, T[]>();
  readonly #ended = new Set<number>();

  /** @param most items that may wait; 0: everything is shown at once */
  constructor(
    private readonly show: (item: T) => void,
    private readonly most: number,
  ) {}

  add(place: number, item: T): void {
    if (place === this.#next) {
      this.show(item);
      return;
    }
    this.#waiting.set(place, [...(this.#waiting.get(place) ?? []), item]);
    this.#held += 1;
    if (this.#held > this.most) this.flush();
  }

  /** The place yields nothing more. */
  end(place: number): void {
    this.#ended.add(place);
    while (this.#ended.delete(this.#next)) {
      this.#next += 1;
      this.#release(this.#next);
    }
  }

  /** Shows what still waits. */
  flush(): void {
    for (const place of [...this.#waiting.keys()].toSorted((a, b) => a - b)) this.#release(place);
  }

  #release(place: number): void {
    const items = this.#waiting.get(place) ?? [];
    this.#waiting.delete(place);
    this.#held -= items.length;
    for (const item of items) this.show(item);
  }
}
