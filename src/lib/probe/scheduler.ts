import type { Path } from '../core/endpoint.js';
import type { Clock, Entropy } from '../core/environment.js';
import type { PacketNumbers } from './types.js';

/** Whether a datagram answers a question: no, wholly, or in part, so that others must follow (fragments). */
export type Match = boolean | 'part';

export interface AskOptions {
  /** What is asked, in a few words, for the packet log. */
  summary: string;
  /** Reads a datagram that came; hostile, unauthenticated bytes. Must not throw. */
  match(reply: Uint8Array): Match;
  /** What a matching reply was, in a few words, for the packet log. Without it the header and notifies are named. */
  describe?(reply: Uint8Array): string;
  /** Send it once and wait no longer than one timeout, e.g. for a peer that is expected to say nothing. */
  once?: boolean;
}

/**
 * What came of a question. `blocked`: the target answers others but no longer us. `no answer` also stands for a run
 * that was interrupted or has no packets left; then `note` says so.
 */
export type Asked =
  | {
      outcome: 'answered';
      reply: Uint8Array /** All matching datagrams in order; `reply` is the last. */;
      replies: Uint8Array[];
      packets: PacketNumbers;
    }
  | { outcome: 'no answer' | 'closed' | 'blocked'; note?: string; packets: PacketNumbers };

/** How long the gateway keeps half-open SAs of ours in mind, shared by everyone who asks one target. */
export interface HalfOpenCount {
  /** SAs that were opened and not (yet) confirmed as gone. */
  readonly left: number;
  /** Waits until no other SA is half-open and counts a new one; false: as many as may be left are left already. */
  open(): Promise<boolean>;
  /** The SA is gone, or never came to be. */
  cleared(): void;
  /** It could not be cleared and stays. */
  stays(): void;
}

/**
 * Asks one port of one target: keeps at most two questions in flight, repeats what stays unanswered, keeps to pace and
 * packet budget, counts and logs every packet.
 */
export interface Asker {
  /** For NAT detection hashes. */
  readonly path: Path;
  readonly entropy: Entropy;
  readonly clock: Clock;
  readonly halfOpen: HalfOpenCount;
  /** Sends a datagram, as often as needed unchanged, until something matches. Never rejects for what the target does. */
  ask(datagram: Uint8Array, options: AskOptions): Promise<Asked>;
  /** Sends a datagram that wants no answer. @returns its packet number, or undefined when the budget is used up */
  tell(datagram: Uint8Array, summary: string): number | undefined;
}
