import { hash } from 'node:crypto';
import { equalBytes } from '../../core/bytes.js';
import type { Milliseconds } from '../../core/environment.js';
import { isFirstFragment } from '../fragment.js';
import type { SkProtection } from '../sealed.js';
import { type IkeHeader, PayloadType } from '../wire/types.js';
import type { SentMessage } from './sent-message.js';
import type { RetransmitSchedule } from './types.js';

/** Retransmits one request until it is answered or the schedule is through (RFC 7296 2.1). */
export class Retransmission {
  #sends = 1;
  #nextAt: Milliseconds;

  constructor(
    private readonly schedule: RetransmitSchedule,
    now: Milliseconds,
  ) {
    this.#nextAt = now + schedule.initial;
  }

  /** When to ask again. */
  get nextAt(): Milliseconds {
    return this.#nextAt;
  }

  /** What is due: nothing yet, another send (which is counted), or the end of the schedule. */
  due(now: Milliseconds): 'wait' | 'resend' | 'dead' {
    if (now < this.#nextAt) return 'wait';
    if (this.#sends >= this.schedule.sends) return 'dead';
    this.#nextAt = now + this.schedule.initial * this.schedule.factor ** this.#sends;
    this.#sends += 1;
    return 'resend';
  }
}

const digest = (data: Uint8Array): Uint8Array => new Uint8Array(hash('sha256', data, 'buffer'));

/** The peer's requests, window size 1: the next one is new, the last one again is a retransmission, all else is stale. */
export class RequestWindow {
  #expected = 0;
  #last: { digest: Uint8Array; response: SentMessage } | undefined;

  /** Message id of the next request. */
  get expected(): number {
    return this.#expected;
  }

  /**
   * @param inbound opens messages of the peer, once there are keys
   * @returns the datagrams of the stored response when `datagram` repeats the last request to the octet (RFC 7296 2.1),
   *   or is its first fragment, anew or in another size; its other fragments ask for nothing (RFC 7383 2.6.1)
   */
  retransmitted(
    { messageId, nextPayload }: IkeHeader,
    datagram: Uint8Array,
    inbound: SkProtection | undefined,
  ): readonly Uint8Array[] | undefined {
    if (!this.#last || messageId !== this.#expected - 1) return undefined;
    const repeats =
      nextPayload === PayloadType.SKF
        ? inbound !== undefined && isFirstFragment(datagram, inbound)
        : equalBytes(this.#last.digest, digest(datagram));
    return repeats ? this.#last.response.repeat() : undefined;
  }

  /** Moves the window on: the request that `datagram` was, or completed, was answered with `response`. */
  answered(datagram: Uint8Array, response: SentMessage): void {
    this.#last = { digest: digest(datagram), response };
    this.#expected += 1;
  }
}
