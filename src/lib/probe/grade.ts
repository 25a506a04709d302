import { atLeast } from './checks/check.js';
import { hasAlgorithms } from './checks/sightings.js';
import type { Finding, Grade, Severity, TargetFacts, TargetReport } from './types.js';

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
 * medium C, low B, else A; A+ where the key exchange also resists quantum computers. Checks that were skipped do not
 * count. Where a check that stayed inconclusive, or failed itself, could cost an A, B or C more than the letter says,
 * there is no letter but `?`; D and F stand, because they are bad enough already.
 */
export function gradeOf(facts: TargetFacts, findings: readonly Finding[]): TargetReport['grade'] {
  if (!hasAlgorithms(facts)) {
    const reason =
      facts.verdict === 'answers' || facts.verdict === 'blocked'
        ? 'Too little is known about the gateway.'
        : `The target does not answer IKE (${facts.verdict}).`;
    return { letter: '?', reasons: [reason] };
  }
  const found = findings.filter(({ status }) => status === 'finding');
  const worst = found.reduce<Severity>((a, { severity }) => (atLeast(severity, a) ? severity : a), 'info');
  const causes = found
    .filter(({ severity }) => severity === worst && severity !== 'info')
    .map(({ id, title }) => `${id}: ${title}.`);
  const letter = capOf[worst];
  if (!atLeast(worst, 'high')) {
    const hidden = findings.filter(
      ({ status, severity }) =>
        (status === 'inconclusive' || status === 'error') &&
        atLeast(severity, 'medium') &&
        !atLeast(worst, severity),
    );
    if (hidden.length > 0) {
      const open = hidden.map(({ id, title }) => `Not known: ${id} (${title}).`);
      return { letter: '?', reasons: [`At best ${letter}.`, ...causes, ...open] };
    }
  }
  if (letter !== 'A') return { letter, reasons: causes };
  const plus = PLUS.every((id) => findings.some((finding) => finding.id === id && finding.status === 'pass'));
  return plus
    ? { letter: 'A+', reasons: ['No findings, and the key exchange resists quantum computers.'] }
    : { letter: 'A', reasons: ['No findings but what is for information.'] };
}
