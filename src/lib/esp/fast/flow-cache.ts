import type { Arena } from '../../core/arena.js';

/** A power of two. */
const SLOTS = 1024;
/** IPv6: two addresses, ports, protocol. */
const WORDS = 10;

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;

/**
 * Remembers what was decided about a flow, so that selectors are matched once for it and not for each packet. A flow
 * is addresses, protocol and ports of an inner packet; packets without ports to see, with options, extension headers or
 * fragments are nobody's flow and are decided anew each time.
 */
export class FlowCache<Value> {
  readonly #arena: Arena;
  readonly #keys = new Int32Array(SLOTS * WORDS);
  readonly #values: (Value | undefined)[] = new Array<Value | undefined>(SLOTS).fill(undefined);
  readonly #key = new Int32Array(WORDS);
  /** Of the packet asked about last; -1 when it is nobody's flow. */
  #slot = -1;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /**
   * @param at where the inner packet begins
   * @param length bytes of it
   */
  find(at: number, length: number): Value | undefined {
    if (!this.#readKey(at, length)) {
      this.#slot = -1;
      return undefined;
    }
    // Mostly it is the flow of the packet before.
    if (this.#slot < 0 || !this.#isKeyOf(this.#slot)) {
      this.#slot = this.#hash();
      if (!this.#isKeyOf(this.#slot)) return undefined;
    }
    return this.#values[this.#slot];
  }

  /** Notes what is true of the flow that was asked about last. */
  remember(value: Value): void {
    if (this.#slot < 0) return;
    this.#keys.set(this.#key, this.#slot * WORDS);
    this.#values[this.#slot] = value;
  }

  /** Forgets everything, because SAs have changed. */
  clear(): void {
    this.#values.fill(undefined);
  }

  #readKey(at: number, length: number): boolean {
    const { view, bytes } = this.#arena;
    const key = this.#key;
    const version = bytes[at]! >> 4;
    let protocol: number;
    let upper: number;
    if (version === 4) {
      // No options, no fragment.
      if (length < 28 || bytes[at] !== 0x45 || (view.getUint16(at + 6) & 0x3fff) !== 0) return false;
      protocol = bytes[at + 9]!;
      upper = at + 20;
      key[0] = view.getInt32(at + 12);
      key[1] = view.getInt32(at + 16);
      for (let i = 2; i < 8; i++) key[i] = 0;
    } else {
      if (version !== 6 || length < 48) return false;
      protocol = bytes[at + 6]!;
      upper = at + 40;
      for (let i = 0; i < 8; i++) key[i] = view.getInt32(at + 8 + 4 * i);
    }
    if (protocol === TCP || protocol === UDP) key[8] = view.getInt32(upper);
    else if (protocol === ICMP || protocol === ICMPV6) key[8] = view.getUint16(upper);
    else return false;
    key[9] = (version << 8) | protocol;
    return true;
  }

  /** FNV-1a over words, folded. */
  #hash(): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < WORDS; i++) hash = Math.imul(hash ^ this.#key[i]!, 0x01000193);
    return (hash ^ (hash >>> 15)) & (SLOTS - 1);
  }

  #isKeyOf(slot: number): boolean {
    const from = slot * WORDS;
    for (let i = 0; i < WORDS; i++) if (this.#keys[from + i] !== this.#key[i]) return false;
    return true;
  }
}
