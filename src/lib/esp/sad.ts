import { type Entropy, systemEntropy } from '../core/environment.js';
import { bindEspSa, openEsp, readEspHeader, sealEsp } from './packet.js';
import { ReplayWindow } from './replay.js';
import type { EspSaParameters } from './sa.js';

/** The sending half of a child SA: cipher and sequence counter. */
export class OutboundSa {
  readonly #bound;
  readonly #entropy: Entropy;
  readonly #last: number;
  #sequence: number;

  /** @param sequence the number before the first packet's; tests start near the end */
  constructor(sa: EspSaParameters, entropy: Entropy = systemEntropy, sequence = 0) {
    this.#bound = bindEspSa(sa);
    this.#entropy = entropy;
    this.#sequence = sequence;
    // With ESN the counter is held in a Number; it ends at 2^53 - 1 instead of 2^64 - 1.
    this.#last = sa.esn ? Number.MAX_SAFE_INTEGER : 2 ** 32 - 1;
  }

  /** True once three quarters of the sequence numbers are used. */
  get nearlyExhausted(): boolean {
    return this.#sequence >= this.#last * 0.75;
  }

  /** The next packet. @returns undefined when all sequence numbers are used: the counter never cycles (RFC 4303 3.3.3) */
  seal(nextHeader: number, payload: Uint8Array): Uint8Array | undefined {
    if (this.#sequence >= this.#last) return undefined;
    this.#sequence += 1;
    return sealEsp(this.#bound, this.#sequence, nextHeader, payload, this.#entropy);
  }
}

/** `newest`: no authenticated packet before it had a higher sequence number. */
export type InboundResult =
  | { verdict: 'ok'; nextHeader: number; payload: Uint8Array; newest: boolean }
  | { verdict: 'replay' | 'icv' | 'malformed' };

/** The receiving half of a child SA: cipher and replay window. */
export class InboundSa {
  readonly #bound;
  readonly #window: ReplayWindow;

  constructor(sa: EspSaParameters) {
    this.#bound = bindEspSa(sa);
    this.#window = new ReplayWindow(sa.esn);
  }

  /** Order of RFC 4303 3.4.3: the window is asked before the ICV and moved only after it was right. */
  open(packet: Uint8Array): InboundResult {
    const header = readEspHeader(packet);
    if (header === undefined) return { verdict: 'malformed' };
    const sequence = this.#window.sequenceOf(header.sequenceLow);
    if (sequence === undefined || !this.#window.isFresh(sequence)) return { verdict: 'replay' };
    const opened = openEsp(this.#bound, packet, sequence);
    if (opened.verdict !== 'ok') {
      if (opened.verdict === 'malformed' && opened.authentic) this.#window.accept(sequence);
      return { verdict: opened.verdict };
    }
    return { ...opened, newest: this.#window.accept(sequence) };
  }
}
