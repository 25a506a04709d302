import { atLeast } from './checks/check.js';
import { hasAlgorithms, listText } from './checks/sightings.js';
import type { CheckStatus, Finding, Grade, Severity, TargetFacts, TargetReport } from './types.js';

/** The worst finding caps the letter. */
const capOf: Readonly<Record<Severity, Grade>> = {
  critical: 'F',
  high: 'D',
  medium: 'C',
  low: 'B',
  info: 'A',
};

/** The checks that make an A an A+: ML-KEM, and with it what carries it. */
const PLUS = ['IKE-PQ-001', 'IKE-PQ-002'];

/**
 * The grade of a target, from the findings of the catalogue. The worst finding caps the letter: critical F, high D,
 * medium C, low B, else A; A+ where the key exchange also resists quantum computers. Where a check that stayed
 * inconclusive, or failed itself, could cost an A, B or C more than the letter says, there is no letter but `?`, nor after
 * a quick run or one that ended early; D and F stand, because they are bad enough already, of an interrupted run only F.
 * Checks that were skipped do not count, but a letter
 * that could be better than the truth for it names them.
 */
export function gradeOf(
  facts: TargetFacts,
  findings: readonly Finding[],
  depth: 'quick' | 'full' = 'full',
): TargetReport['grade'] {
  if (!hasAlgorithms(facts)) {
    const reason =
      facts.verdict === 'answers' || facts.verdict === 'blocked'
        ? 'Too little is known about the gateway.'
        : facts.verdict === 'unfinished'
          ? 'The run ended before the target answered (unfinished).'
          : `The target does not answer IKE (${facts.verdict}).`;
    return { letter: '?', reasons: [reason] };
  }
  const found = findings.filter(({ status }) => status === 'finding');
  const worst = found.reduce<Severity>((a, { severity }) => (atLeast(severity, a) ? severity : a), 'info');
  const causes = found
    .filter(({ severity }) => severity === worst && severity !== 'info')
    .map(({ id, title }) => `${id}: ${title}.`);
  const letter = capOf[worst];
  if (atLeast(worst, isStopped(facts) ? 'critical' : 'high')) return { letter, reasons: causes };
  const hidden = (...statuses: CheckStatus[]): Finding[] =>
    findings.filter(
      ({ status, severity }) =>
        statuses.includes(status) && atLeast(severity, 'medium') && !atLeast(worst, severity),
    );
  const open = [
    ...hidden('inconclusive', 'error').map(({ id, title }) => `Not known: ${id} (${title}).`),
    ...(facts.unfinished === undefined ? [] : ['The run ended before everything was asked.']),
    ...(depth === 'quick' ? ['A quick run asks too little for a grade.'] : []),
  ];
  if (open.length > 0) return { letter: '?', reasons: [`At best ${letter}.`, ...causes, ...open] };
  const without = hidden('skipped').map(({ id }) => id);
  const were = without.length === 1 ? 'was' : 'were';
  const caveat = without.length > 0 ? [`Without ${listText(without)}, which ${were} skipped.`] : [];
  if (letter !== 'A') return { letter, reasons: [...causes, ...caveat] };
  const plus = PLUS.every((id) => findings.some((finding) => finding.id === id && finding.status === 'pass'));
  return plus
    ? { letter: 'A+', reasons: ['No findings, and the key exchange resists quantum computers.', ...caveat] }
    : { letter: 'A', reasons: ['No findings but what is for information.', ...caveat] };
}

/** Whoever breaks a run off does not expect a judgement. */
function isStopped({ unfinished }: TargetFacts): boolean {
  return unfinished === 'interrupted' || unfinished === 'error';
}
