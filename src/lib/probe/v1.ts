import type { Identity } from '../ike/identity.js';
import type { Asker } from './scheduler.js';
import type { Ikev1Facts } from './types.js';

export interface Ikev1Options {
  /** What Aggressive Mode says who we are; undefined: our address. */
  identity: Identity | undefined;
  /** `quick` asks whether IKEv1 answers at all and what it prefers. */
  depth: 'quick' | 'full';
}

/** What IKEv1 probing found, and what it saw on the way. */
export interface Ikev1Findings {
  facts: Ikev1Facts;
  /** Vendor ids of all answers, each once, in the order they came. */
  vendorIds: Uint8Array[];
}

/** Finds out what phase 1 of IKEv1 a gateway accepts. Never rejects for what the target does. */
export async function probeIkev1(_asker: Asker, _options: Ikev1Options): Promise<Ikev1Findings> {
  return {
    facts: {
      enabled: { value: undefined, note: 'not asked', packets: [] },
      mainMode: [],
      aggressiveMode: [],
      aggressiveHash: undefined,
      inconclusive: [],
    },
    vendorIds: [],
  };
}
