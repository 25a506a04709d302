import type { DecodedPacket, Unit } from '../types.js';
import type { ConversationReport } from './types.js';

/** Puts packets together to IKE SAs, exchanges, child SAs and flows. Memory is bounded; counters go on beyond it. */
export class Conversations {
  /** Takes one packet, in the order of the capture. `unit` is what it was decoded from. */
  add(_packet: DecodedPacket, _unit: Unit): void {}

  /** What is known now. May be called again after more packets. */
  finish(): ConversationReport {
    return { ikeSas: [], childSas: [], flows: [], omitted: { ikeSas: 0, childSas: 0, flows: 0, packets: 0 } };
  }
}
