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
  /** An SA may come of it: its answer is waited for in an interrupted run, too, so that the SA can be cleared. */
  opens?: boolean;
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
      reply: Uint8Array;
      /** All matching datagrams in order; `reply` is the last. */
      replies: Uint8Array[];
      packets: PacketNumbers;
    }
  | { outcome: 'no answer' | 'closed' | 'blocked'; note?: string; packets: PacketNumbers };

/** Half-open SAs of ours on one target, shared by everyone who asks it. */
export interface HalfOpenCount {
  /** SAs that were opened and not (yet) confirmed as gone. */
  readonly left: number;
  /** Waits until no other SA is half-open and counts a new one; false: as many as may be left are left already. */
  open(): Promise<boolean>;
  /** Counts a new one beside those that are half-open; false as with `open`. */
  beside(): boolean;
  /** The SA is gone, or never came to be. */
  cleared(): void;
  /** It could not be cleared and stays. */
  stays(): void;
}

/**
 * What the silence after a question means. `recovered`: the target had stopped answering and began again after a while,
 * so that silence before that means nothing.
 */
export type Silence = 'alive' | 'recovered' | 'blocked' | 'gone';

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
  /**
   * Sends a datagram that wants no answer; where packets get lost, it is said again in the end.
   * @param match knows an answer that comes all the same
   * @returns its packet number; undefined: it must not go out any more
   */
  tell(datagram: Uint8Array, summary: string, match?: (reply: Uint8Array) => boolean): number | undefined;
  /** Packets of this run got lost: something had to be said again before it was answered. */
  readonly losesPackets: boolean;
  /** Why nothing came, found out with a question that the target is known to answer. */
  explainSilence(): Promise<Silence>;
}

/** A question that the target is known to answer. */
export interface Control {
  datagram: Uint8Array;
  options: AskOptions;
}
