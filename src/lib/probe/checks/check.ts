import { printable } from '../../core/printable.js';
import type { Finding, PacketNumbers, Severity, TargetFacts } from '../types.js';

export type Remediation = NonNullable<Finding['remediation']>;

/** What a check may know besides the facts. */
export interface CheckContext {
  /** Active checks were asked for. */
  active: boolean;
  /** Of a quick run what was not found out was not asked either. */
  depth: 'quick' | 'full';
  /** IKEv1 was asked for too. */
  ikev1: boolean;
  /** Milliseconds since the epoch; undefined: dates of certificates are not judged. */
  now: number | undefined;
  /** Lines with better proposals for this gateway, strongSwan's `connections.<name>`. */
  paste: string;
  /** The same with ML-KEM; undefined where a policy has no place for that. */
  pasteMlKem: string | undefined;
}

/** What a check found out. Only `pass` and `finding` are statements about the gateway. */
export type Outcome =
  | { status: 'pass'; evidence: string[]; packets: PacketNumbers }
  | {
      status: 'finding';
      evidence: string[];
      packets: PacketNumbers;
      /** Where it depends on what was found. */
      severity?: Severity;
      remediation?: Remediation;
    }
  | { status: 'inconclusive' | 'skipped'; evidence: string[]; packets: PacketNumbers };

/** What a check is, without running it: a row of the catalogue. */
export interface CheckDescription {
  /** Stable, e.g. `IKE-ENC-002`. */
  id: string;
  /** What it is about, a noun: the title of everything but a finding. */
  topic: string;
  /** What is wrong when it is a finding. */
  title: string;
  /** The highest that it can have. */
  severity: Severity;
  references: readonly string[];
}

export interface Check extends CheckDescription {
  examine(facts: TargetFacts, context: CheckContext): Outcome;
  /** What to change when it is a finding. */
  remediation(context: CheckContext): Remediation;
}

export function pass(evidence: string, packets: PacketNumbers = []): Outcome {
  return { status: 'pass', evidence: [evidence], packets };
}

export function finding(
  evidence: string | string[],
  packets: PacketNumbers = [],
  more: { severity?: Severity; remediation?: Remediation } = {},
): Outcome {
  return { status: 'finding', evidence: [evidence].flat(), packets, ...more };
}

/** It was tried, and nobody knows. */
export function inconclusive(reason: string, packets: PacketNumbers = []): Outcome {
  return { status: 'inconclusive', evidence: [reason], packets };
}

/** It was not tried because the user did not want it, or there is nothing to try it on. */
export function skipped(reason: string, packets: PacketNumbers = []): Outcome {
  return { status: 'skipped', evidence: [reason], packets };
}

/** What nobody knows: of a quick run because it was not meant to find it out, else for the reason. */
export function unanswered(
  { verdict }: TargetFacts,
  { depth }: Pick<CheckContext, 'depth'>,
  reason: string,
  packets: PacketNumbers = [],
): Outcome {
  return depth === 'quick' && verdict === 'answers'
    ? skipped('Not asked in a quick run.')
    : inconclusive(reason, packets);
}

/** From weighty to light. */
export const severities: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

/** Whether `a` weighs at least as much as `b`. */
export function atLeast(a: Severity, b: Severity): boolean {
  return severities.indexOf(a) <= severities.indexOf(b);
}

/** Packet numbers of several sources, each once, ascending. */
export function mergePackets(...lists: readonly (PacketNumbers | undefined)[]): PacketNumbers {
  return [...new Set(lists.flatMap((list) => list ?? []))].sort((a, b) => a - b);
}

/** A note of those who asked, made a sentence; `otherwise` where they left none. */
export function because(note: string | undefined, otherwise: string): string {
  if (note === undefined || note === '') return otherwise;
  const text = printable(note);
  return `${capital(text)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
