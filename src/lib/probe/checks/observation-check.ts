import type { Ikev2Facts, Observation } from '../types.js';
import { because, type Check, type CheckDescription, finding, inconclusive, pass } from './check.js';
import { cite, withoutFacts } from './sightings.js';

type ObservationCheck = CheckDescription & {
  /** What it is about, for `… was not looked into`. */
  what: string;
  observe(ikev2: Ikev2Facts): Observation;
  /** Sentences without full stop, for a yes and for a no. */
  yes: string;
  no: string;
  remediation: Check['remediation'];
};

/** A check that IKEv2 offers something. */
export function observationCheck({
  what,
  observe,
  yes,
  no,
  remediation,
  ...description
}: ObservationCheck): Check {
  return {
    ...description,
    examine(facts) {
      if (!facts.ikev2) return withoutFacts(facts, what);
      const { value, note, packets } = observe(facts.ikev2);
      if (value === undefined)
        return inconclusive(because(note, `Nothing was learnt about ${what}.`), packets);
      return value ? pass(`${yes}${cite(packets)}.`, packets) : finding(`${no}${cite(packets)}.`, packets);
    },
    remediation,
  };
}
