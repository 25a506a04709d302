/** A map that forgets what was used longest ago: the state of a capture of any length stays bounded. */
export class BoundedMap<K, V> {
  readonly #map = new Map<K, V>();

  constructor(readonly limit: number) {}

  get size(): number {
    return this.#map.size;
  }

  /** Does not count as a use, so that looking costs nothing. */
  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  /** Puts a value at the young end. */
  set(key: K, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.limit) return;
    const [oldest] = this.#map.keys();
    if (oldest !== undefined) this.#map.delete(oldest);
  }

  delete(key: K): void {
    this.#map.delete(key);
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }
}

/** Bounds of a decryptor's memory. */
export const LIMITS = {
  ikeSas: 4096,
  /** Requests of one IKE SA that wait for their response. */
  exchanges: 16,
  /** IKE messages whose fragments are being collected, their size, and fragments of one. */
  fragmented: 512,
  fragmentedBytes: 128 * 1024,
  fragments: 1024,
  /** SPIs with a key whose addresses are remembered. */
  flows: 16_384,
  children: 16_384,
  notes: 1000,
  /** Packets inside packets. */
  depth: 4,
} as const;
