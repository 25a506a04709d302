import { concatBytes } from '../../core/bytes.js';
import { BoundedMap, LIMITS } from './limits.js';

/** A message put together again. */
export interface WholeMessage {
  bytes: Uint8Array;
  /** Type of the first payload. */
  first: number;
  frames: number[];
}

interface Pending {
  total: number;
  parts: Map<number, Uint8Array>;
  first: number;
  bytes: number;
  frames: Set<number>;
}

/** Collects the fragments of messages, of which a bounded number can be incomplete at a time. */
export class FragmentStore {
  readonly #pending = new BoundedMap<string, Pending>(LIMITS.fragmented);

  /**
   * Takes the plaintext of one authentic fragment.
   * @param total number of fragments; 0 when only the last one tells (IKEv1): give it with that one
   * @returns the message when this was the last one missing
   */
  take(
    message: string,
    fragment: { number: number; total: number; first: number; bytes: Uint8Array; frames: readonly number[] },
  ): WholeMessage | undefined {
    const { number, total, bytes, frames } = fragment;
    if (number < 1 || number > LIMITS.fragments || total > LIMITS.fragments) return undefined;
    if (total !== 0 && number > total) return undefined;
    let pending = this.#pending.get(message);
    // A sender that lowers its fragment size starts again with more fragments (RFC 7383 2.5.1); fewer are stale.
    if (pending && total !== 0 && pending.total !== 0 && pending.total !== total) {
      if (total < pending.total) return undefined;
      pending = undefined;
    }
    pending ??= { total, parts: new Map(), first: 0, bytes: 0, frames: new Set() };
    pending.total = Math.max(pending.total, total);
    const before = pending.parts.get(number)?.length ?? 0;
    pending.parts.set(number, bytes.slice());
    pending.bytes += bytes.length - before;
    if (number === 1) pending.first = fragment.first;
    for (const frame of frames) pending.frames.add(frame);
    this.#pending.set(message, pending);
    if (pending.bytes > LIMITS.fragmentedBytes) this.#pending.delete(message);
    else if (pending.total !== 0 && pending.parts.size >= pending.total)
      return this.#complete(message, pending);
    return undefined;
  }

  #complete(message: string, pending: Pending): WholeMessage | undefined {
    const parts: Uint8Array[] = [];
    for (let number = 1; number <= pending.total; number++) {
      const part = pending.parts.get(number);
      if (!part) return undefined;
      parts.push(part);
    }
    this.#pending.delete(message);
    const frames = [...pending.frames].sort((a, b) => a - b);
    return { bytes: concatBytes(...parts), first: pending.first, frames };
  }
}
