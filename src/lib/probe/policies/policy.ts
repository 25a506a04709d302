import type { Severity } from '../types.js';

/** What a rule speaks about. Algorithms are IKEv2's; of IKEv1 a policy says only whether it may be there at all. */
export const policyKinds = ['version', 'encr', 'prf', 'integ', 'ke', 'addke', 'hash', 'capability'] as const;
export type PolicyKind = (typeof policyKinds)[number];

/** As in the JSON report's `capabilities`, those that are a plain yes or no. */
export const capabilityNames = [
  'fragmentation',
  'intermediate',
  'ppk',
  'childless',
  'redirect',
  'downgradePrevention',
  'multipleAuth',
  'natDetection',
  'multipleKe',
] as const;
export type CapabilityName = (typeof capabilityNames)[number];

/** One entry of a list, e.g. `aes256gcm16`, with what it stands for. */
export interface PolicyEntry {
  /** As written. */
  text: string;
  /** IANA's number; for versions 1 or 2; for capabilities undefined. */
  id: number | undefined;
  /** Bits; undefined: any. */
  keyLength?: number;
}

export type PolicyLists = Partial<Record<PolicyKind, readonly PolicyEntry[]>>;

/**
 * What a rule demands:
 * - `allow`: what is accepted has to be in the list of its kind; what another rule forbids is reported there
 * - `forbid`: nothing of the lists may be accepted
 * - `require`: at least one of all the entries has to be accepted
 * - `everySuite`: each confirmed suite has to have at least one of all the entries
 * - `minimum`: keys of certificates have to have as many bits
 */
export type PolicyDemand =
  | { verb: 'allow' | 'forbid' | 'require' | 'everySuite'; lists: PolicyLists }
  | { verb: 'minimum'; rsaBits: number };

export interface PolicyRule {
  /** Stable: it is the last part of `POLICY-<NAME>-<n>`. */
  id: number;
  title: string;
  severity: Severity;
  /** Section of the source. */
  reference: string;
  /** Why the rule could not be compared with its source; undefined: it was. */
  unverified: string | undefined;
  demand: PolicyDemand;
}

export interface Policy {
  /** Lower case letters, digits and hyphens. */
  name: string;
  title: string;
  /** Document, edition and date. */
  source: string;
  /** A strongSwan `proposals` line that obeys the policy. */
  proposal: string | undefined;
  rules: readonly PolicyRule[];
}
