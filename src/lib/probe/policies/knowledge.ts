import { hashAlgorithmName } from '../../ike/wire/names.js';
import { because, inconclusive, type Outcome, skipped } from '../checks/check.js';
import { algorithmText, sightings, withoutFacts } from '../checks/sightings.js';
import type { Algorithm, AlgorithmKind, PacketNumbers, TargetFacts } from '../types.js';
import { type CapabilityName, capabilityNames, type PolicyEntry, type PolicyKind } from './policy.js';

/** One thing that a gateway does or may do, in the notation of the policy. */
export interface Item {
  id: number | undefined;
  keyLength?: number;
  text: string;
  packets: PacketNumbers;
}

/** What is known about one kind. */
export interface Known {
  accepted: Item[];
  open: Item[];
  /** Why nothing can be said about what is in neither list. */
  gap: Outcome | undefined;
}

/** What is known about what a policy can speak of. */
export function knowledge(facts: TargetFacts, kind: PolicyKind): Known {
  switch (kind) {
    case 'version':
      return versions(facts);
    case 'hash':
      return hashes(facts);
    case 'capability':
      return capabilities(facts);
    default:
      return algorithms(facts, kind);
  }
}

function algorithms(facts: TargetFacts, kind: AlgorithmKind): Known {
  if (!facts.ikev2) return { accepted: [], open: [], gap: withoutFacts(facts, 'IKEv2') };
  const { accepted, open, gap } = sightings({ ...facts, ikev1: undefined }, kind);
  return {
    accepted: accepted.map(({ algorithm, packets }) => itemOf(algorithm, packets)),
    open: open.map(({ algorithm }) => itemOf(algorithm)),
    gap: gap === undefined ? undefined : inconclusive(gap),
  };
}

function versions(facts: TargetFacts): Known {
  const v1 = { id: 1, text: 'IKEv1', packets: facts.ikev1?.enabled.packets ?? [] };
  const v2 = { id: 2, text: 'IKEv2', packets: [] };
  const isOpen = facts.ikev1 !== undefined && facts.ikev1.enabled.value === undefined;
  return {
    accepted: [...(facts.ikev2 ? [v2] : []), ...(facts.ikev1?.enabled.value === true ? [v1] : [])],
    open: isOpen ? [v1] : [],
    gap: versionGap(facts),
  };
}

function versionGap(facts: TargetFacts): Outcome | undefined {
  if (facts.ikev1 !== undefined) return facts.ikev2 ? undefined : withoutFacts(facts, 'IKEv2');
  return facts.verdict === 'answers' ? skipped('IKEv1 was not asked.') : withoutFacts(facts, 'IKEv1');
}

function hashes(facts: TargetFacts): Known {
  const observed = facts.ikev2?.capabilities.signatureHashes;
  const ids = observed?.value ?? [];
  return {
    accepted: ids.map((id) => ({ id, text: hashAlgorithmName(id), packets: observed?.packets ?? [] })),
    open: [],
    gap: observed?.value === undefined ? unobserved(facts, observed?.note, 'signature hashes') : undefined,
  };
}

function capabilities(facts: TargetFacts): Known {
  const items = capabilityNames.map((name) => ({
    name,
    observed: facts.ikev2?.capabilities[name],
  }));
  const item = (name: CapabilityName, packets: PacketNumbers): Item => ({
    id: undefined,
    text: name,
    packets,
  });
  return {
    accepted: items.flatMap(({ name, observed }) =>
      observed?.value === true ? [item(name, observed.packets)] : [],
    ),
    open: items.flatMap(({ name, observed }) =>
      observed !== undefined && observed.value === undefined ? [item(name, [])] : [],
    ),
    gap: facts.ikev2 ? undefined : withoutFacts(facts, 'capabilities'),
  };
}

function unobserved(facts: TargetFacts, note: string | undefined, what: string): Outcome {
  return facts.ikev2
    ? inconclusive(because(note, `Nothing was learnt about ${what}.`))
    : withoutFacts(facts, what);
}

/** Whether an entry of a policy means this. */
export function covers(entry: PolicyEntry, item: Item): boolean {
  if (entry.id === undefined) return entry.text === item.text;
  return entry.id === item.id && (entry.keyLength === undefined || entry.keyLength === item.keyLength);
}

export function itemOf(algorithm: Algorithm, packets: PacketNumbers = []): Item {
  const { id, keyLength } = algorithm;
  return { id, text: algorithmText(algorithm), packets, ...(keyLength !== undefined && { keyLength }) };
}
