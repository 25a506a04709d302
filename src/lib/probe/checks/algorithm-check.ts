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
  pass,
  type Remediation,
  severities,
  unanswered,
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
  const remediation = (drop: string, paste: string): Remediation => ({
    text: `${why} Take ${drop} out of the proposals, and list algorithms instead of relying on defaults.`,
    strongswan: paste,
  });
  return {
    ...description,
    severity: worst(rows.map(({ severity }) => severity)),
    examine(facts, context) {
      const { paste } = context;
      if (!hasAlgorithms(facts)) return withoutFacts(facts, 'which algorithms it accepts');
      const { found, open, gap } = search(facts, rows);
      if (found.length > 0) {
        const drop = listText(found.map(({ sighting }) => dropText(sighting)));
        return finding(
          found.map(({ sighting }) => acceptedSentence(sighting)),
          mergePackets(...found.map(({ sighting }) => sighting.packets)),
          {
            severity: worst(found.map(({ severity }) => severity)),
            remediation: remediation(drop, paste),
          },
        );
      }
      if (open.length > 0) {
        const names = listText(open.map(({ sighting }) => algorithmText(sighting.algorithm)));
        return unanswered(
          facts,
          context,
          `Nobody knows whether ${names} is accepted: not asked, or not answered.`,
        );
      }
      if (gap !== undefined) return inconclusive(gap);
      return context.depth === 'quick'
        ? unanswered(facts, context, 'Only a few algorithms were asked for.')
        : pass(`Refused: ${what}.`);
    },
    remediation: ({ paste }) => remediation(what, paste),
  };
}

interface Weak {
  sighting: Sighting;
  severity: Severity;
}

function search(
  facts: TargetFacts,
  rows: readonly Weakness[],
): { found: Weak[]; open: Weak[]; gap?: string } {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  const known = kinds.map((kind) => sightings(facts, kind));
  const weak = (sighting: Sighting): Weak[] =>
    rows
      .filter(({ kind }) => kind === sighting.kind)
      .filter((row) => (sighting.version === 'IKEv2' ? row.ikev2 : row.ikev1).includes(sighting.algorithm.id))
      .map(({ severity }) => ({ sighting, severity }));
  const gap = known.find((sighted) => sighted.gap !== undefined)?.gap;
  return {
    found: known.flatMap(({ accepted }) => accepted.flatMap(weak)),
    open: known.flatMap((sighted) => sighted.open.flatMap(weak)),
    ...(gap !== undefined && { gap }),
  };
}

function worst(list: readonly Severity[]): Severity {
  return severities.find((severity) => list.some((other) => atLeast(other, severity))) ?? 'info';
}

/** strongSwan's keyword of what is to go; numbers of IKEv1 have none of their own. */
function dropText({ version, kind, algorithm }: Sighting): string {
  if (version === 'IKEv1' && kind !== 'ke') return `${algorithmText(algorithm)} of IKEv1`;
  const { id, keyLength } = algorithm;
  return formatKeyword({ type: transformTypeOf[kind], id, ...(keyLength !== undefined && { keyLength }) });
}
