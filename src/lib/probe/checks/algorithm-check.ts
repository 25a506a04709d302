import { formatKeyword } from '../../crypto/keywords.js';
import { TransformType } from '../../crypto/transform.js';
import type { AlgorithmKind, Severity, TargetFacts } from '../types.js';
import {
  atLeast,
  type Check,
  type CheckDescription,
  finding,
  inconclusive,
  mergePackets,
  type Outcome,
  pass,
  severities,
} from './check.js';
import {
  acceptedSentence,
  algorithmText,
  hasAlgorithms,
  listText,
  type Sighting,
  sightings,
  withoutFacts,
} from './sightings.js';
import { type Weakness, weaknesses } from './weaknesses.js';

export const transformTypeOf: Readonly<Record<AlgorithmKind, number>> = {
  encr: TransformType.ENCR,
  prf: TransformType.PRF,
  integ: TransformType.INTEG,
  ke: TransformType.KE,
  addke: TransformType.KE,
};

type AlgorithmCheck = Omit<CheckDescription, 'severity'> & {
  /** What is looked for, e.g. `3DES`. */
  what: string;
  /** What is wrong with it, one sentence. */
  why: string;
};

/** A check that the gateway refuses the algorithms that {@link weaknesses} lists under its id. */
export function algorithmCheck({ what, why, ...description }: AlgorithmCheck): Check {
  const rows = weaknesses.filter(({ check }) => check === description.id);
  return {
    ...description,
    severity: worst(rows.map(({ severity }) => severity)),
    examine: (facts) => examine(facts, rows, what),
    remediation: ({ proposal }) => ({
      text: `${why} Take ${what} out of the proposals (${dropText(rows)}); list the algorithms instead of relying on defaults.`,
      strongswan: `proposals = ${proposal}`,
    }),
  };
}

function examine(facts: TargetFacts, rows: readonly Weakness[], what: string): Outcome {
  if (!hasAlgorithms(facts)) return withoutFacts(facts, 'which algorithms it accepts');
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  const known = kinds.map((kind) => sightings(facts, kind));
  const severityOf = ({ version, kind, algorithm }: Sighting): Severity | undefined =>
    rows.find(
      (row) => row.kind === kind && (version === 'IKEv2' ? row.ikev2 : row.ikev1).includes(algorithm.id),
    )?.severity;
  const found = known.flatMap(({ accepted }) => accepted).filter((sighting) => severityOf(sighting));
  if (found.length > 0) {
    return finding(found.map(acceptedSentence), mergePackets(...found.map(({ packets }) => packets)), {
      severity: worst(found.map((sighting) => severityOf(sighting) ?? 'info')),
    });
  }
  const open = known.flatMap((sighted) => sighted.open).filter((sighting) => severityOf(sighting));
  if (open.length > 0) {
    const names = listText(open.map(({ algorithm }) => algorithmText(algorithm)));
    return inconclusive(`Nobody knows whether ${names} is accepted: not asked, or not answered.`);
  }
  const gap = known.find((sighted) => sighted.gap !== undefined)?.gap;
  return gap === undefined ? pass(`${capital(what)} is refused.`) : inconclusive(gap);
}

function worst(list: readonly Severity[]): Severity {
  return severities.find((severity) => list.some((other) => atLeast(other, severity))) ?? 'info';
}

/** Keywords that strongSwan has for what is to go. */
function dropText(rows: readonly Weakness[]): string {
  const words = rows.flatMap(({ kind, ikev2 }) =>
    ikev2.map((id) => formatKeyword({ type: transformTypeOf[kind], id })),
  );
  return `keywords such as ${listText(words.slice(0, 4))}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
