/**
 * Runs steps one after the other. A step that returns nothing while nothing is under way runs at once and
 * synchronously; a step that returns a promise makes later ones wait.
 */
export class Sequence {
  #tail: Promise<void> | undefined;

  /**
   * @param step must handle its own errors: a rejection is passed to `onError` and the sequence goes on
   * @returns undefined when the step has run; else a promise, never rejected, for its end
   */
  run(step: () => Promise<void> | void, onError: (error: unknown) => void): Promise<void> | undefined {
    const guarded = (): Promise<void> | undefined => {
      try {
        return step()?.catch(onError);
      } catch (error) {
        onError(error);
        return undefined;
      }
    };
    const running = this.#tail ? this.#tail.then(guarded) : guarded();
    if (!running) return undefined;
    this.#tail = running;
    void running.then(() => {
      if (this.#tail === running) this.#tail = undefined;
    });
    return running;
  }

  /** Resolves when every step given so far has run. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
