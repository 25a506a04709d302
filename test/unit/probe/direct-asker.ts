import { systemEntropy } from '../../../src/lib/core/environment.js';
import type { Asked, Asker, AskOptions } from '../../../src/lib/probe/asker.js';

/** A gateway without a network: what it answers to a datagram. */
export type Gateway = (datagram: Uint8Array) => readonly Uint8Array[];

export interface DirectAsker extends Asker {
  /** What was sent, in order, retransmissions too. */
  readonly sent: { datagram: Uint8Array; summary: string; once: boolean }[];
  readonly counts: {
    opened: number;
    cleared: number;
    stayed: number;
    /** Answers to what wants none, which it was not prepared for. */
    unasked: number;
  };
}

export interface DirectOptions {
  /** Number of the send, counted from 0: lost on its way. */
  lost?: (index: number) => boolean;
  /** Packets that may be sent. */
  budget?: number;
  /** Number of the send from which on the gateway has gone blind or closed. */
  gone?: { from: number; outcome: 'closed' | 'blocked' };
}

/** Asks a gateway within the same call, with two retransmissions. */
export function directAsker(
  gateway: Gateway,
  { lost, gone, budget = Number.POSITIVE_INFINITY }: DirectOptions = {},
): DirectAsker {
  const sent: DirectAsker['sent'] = [];
  const counts = { opened: 0, cleared: 0, stayed: 0, unasked: 0 };
  let packets = 0;
  const send = (datagram: Uint8Array, summary: string, once: boolean): readonly Uint8Array[] => {
    const index = sent.length;
    sent.push({ datagram, summary, once });
    packets += 1;
    return lost?.(index) || (gone !== undefined && index >= gone.from) ? [] : gateway(datagram);
  };
  const ask = async (
    datagram: Uint8Array,
    { summary, match, describe, once = false }: AskOptions,
  ): Promise<Asked> => {
    const numbers: number[] = [];
    if (gone !== undefined && sent.length >= gone.from) {
      send(datagram, summary, once);
      return { outcome: gone.outcome, packets: [packets] };
    }
    const replies: Uint8Array[] = [];
    for (let attempt = 0; attempt < (once ? 1 : 3); attempt++) {
      if (sent.length >= budget)
        return { outcome: 'no answer', note: 'The budget is used up.', packets: numbers };
      const answers = send(datagram, summary, once);
      numbers.push(packets);
      for (const reply of answers) {
        const matched = match(reply);
        if (matched === false) continue;
        packets += 1;
        numbers.push(packets);
        replies.push(reply);
        describe?.(reply);
        if (matched === true) return { outcome: 'answered', reply, replies, packets: numbers };
      }
    }
    return { outcome: 'no answer', packets: numbers };
  };
  return {
    path: {
      local: { address: '192.0.2.1', port: 40_000 },
      remote: { address: '192.0.2.2', port: 500 },
      natT: false,
    },
    entropy: systemEntropy,
    clock: { now: () => 1_800_000_000_000 },
    halfOpen: {
      get left() {
        return counts.stayed;
      },
      open: async () => {
        counts.opened += 1;
        return true;
      },
      beside: () => {
        counts.opened += 1;
        return true;
      },
      cleared: () => {
        counts.cleared += 1;
      },
      stays: () => {
        counts.stayed += 1;
      },
    },
    ask,
    tell(datagram, summary, match) {
      const replies = send(datagram, summary, true);
      counts.unasked += replies.filter((reply) => !match?.(reply)).length;
      return packets;
    },
    losesPackets: lost !== undefined,
    explainSilence: async () => (gone !== undefined && sent.length >= gone.from ? 'gone' : 'alive'),
    sent,
    counts,
  };
}
