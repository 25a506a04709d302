import type { Milliseconds } from '../../core/environment.js';
import { siteOf } from './half-open.js';

/** How long nothing more is said about one site. */
const QUIET: Milliseconds = 60_000;

/** Sites that are remembered; while all of them are quiet, others go without a word. */
const MAX_SITES = 64;

/** Decides which unauthenticated refusals are worth a word, so that a flood cannot fill a log. */
export class RefusalNotes {
  /** When each site was last told of, oldest first. */
  readonly #told = new Map<string, Milliseconds>();

  /** @returns whether to tell of a refusal to `address`; what is told counts at once */
  admit(address: string, now: Milliseconds): boolean {
    for (const [site, at] of this.#told) {
      const age = now - at;
      // A clock that was set back would keep a site quiet for ever.
      if (age >= 0 && age < QUIET) break;
      this.#told.delete(site);
    }
    const site = siteOf(address);
    if (this.#told.has(site) || this.#told.size >= MAX_SITES) return false;
    this.#told.set(site, now);
    return true;
  }
}
