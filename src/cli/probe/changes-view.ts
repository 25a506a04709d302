import type { ProbeChanges, ProbeSeverity } from '../../lib/report/probe-document.js';
import { algorithmLevel } from './protocol-views.js';
import { plain, type SectionView, type Toned } from './view-model.js';
import { algorithmText, capabilityNames, kindNames, listText, targetText } from './words.js';

/** Suites that are named; JSON has all. */
const MOST_SUITES = 8;

/** What is different from the former result of a target. */
export function changesSections(changes: ProbeChanges): SectionView[] {
  const { unclear } = changes;
  return [
    { title: 'What changed', lines: changeLines(changes) },
    ...(unclear.length === 0
      ? []
      : [
          {
            title: 'Perhaps changed',
            lines: [plain(`Not known in one of the two runs: ${listText(unclear)}.`)],
          },
        ]),
  ];
}

/** Targets that only the former result has. */
export function missingLines(changes: readonly ProbeChanges[]): Toned[] {
  return changes
    .filter(({ state }) => state === 'missing')
    .map((each) => ({
      text: `${targetText(each)}, UDP port ${each.port}: not probed this time`,
      tone: 'note',
    }));
}

function changeLines(changes: ProbeChanges): Toned[] {
  const { state, verdict, grade, gained, lost, capabilities, suites, preferred, certificate } = changes;
  const { newFindings, newlyKnown, worse, goneFindings } = changes;
  if (state === 'added') return [plain('The former result does not have this target.')];
  if (state === 'unchanged') return [{ text: 'Nothing.', tone: 'good' }];
  return [
    ...(verdict ? [plain(`verdict: ${verdict.before} → ${verdict.after}`)] : []),
    ...(grade ? [plain(`grade: ${grade.before} → ${grade.after}`)] : []),
    ...newFindings.map(({ id, severity, title }) =>
      weighted(severity, `new finding: ${severity} ${id}, ${title}`),
    ),
    ...newlyKnown.map(({ id, severity, title }) =>
      weighted(severity, `finding, not known before: ${severity} ${id}, ${title}`),
    ),
    ...worse.map(({ id, before, after, title }) =>
      weighted(after, `worse: ${before} → ${after} ${id}, ${title}`),
    ),
    ...goneFindings.map(
      ({ id, severity, title }): Toned => ({ text: `gone: ${severity} ${id}, ${title}`, tone: 'good' }),
    ),
    ...gained.map((algorithm) => {
      const { tone } = algorithmLevel(algorithm.kind, algorithm.id);
      return { text: `now accepted, ${kindNames[algorithm.kind]}: ${algorithmText(algorithm)}`, tone };
    }),
    ...lost.map((algorithm) =>
      plain(`no longer accepted, ${kindNames[algorithm.kind]}: ${algorithmText(algorithm)}`),
    ),
    ...suiteLines('together now', suites.gained),
    ...suiteLines('no longer together', suites.lost),
    ...(preferred ? [plain(`prefers: ${preferred.before} → ${preferred.after}`)] : []),
    ...(certificate ? [plain(`certificate, SHA-256: ${certificate.before} → ${certificate.after}`)] : []),
    ...capabilities.map(({ name, before, after }) =>
      plain(`${capabilityNames[name as keyof typeof capabilityNames] ?? name}: ${before} → ${after}`),
    ),
  ];
}

function suiteLines(what: string, suites: readonly string[]): Toned[] {
  const more = suites.length - MOST_SUITES;
  return [
    ...suites.slice(0, MOST_SUITES).map((suite) => plain(`${what}: ${suite}`)),
    ...(more > 0 ? [plain(`${what}: ${more} more suites`)] : []),
  ];
}

function weighted(severity: ProbeSeverity, text: string): Toned {
  return { text, tone: severity === 'critical' || severity === 'high' ? 'bad' : 'warn' };
}
