import type {
  ProbeChanges,
  ProbeFinding,
  ProbeGrade,
  ProbeSeverity,
  ProbeTargetReport,
  ProbeVerdict,
} from '../../lib/report/probe-document.js';
import { probeSeverities } from '../../lib/report/probe-document.js';
import { changesSections } from './changes-view.js';
import { protocolSections } from './protocol-views.js';
import { type FindingView, note, plain, type SectionView, type TargetView, type Tone } from './view-model.js';
import { bytesText, countText, suiteText, targetText } from './words.js';

export interface ViewOptions {
  /** Passed and skipped checks, and every packet. */
  verbose: boolean;
  /** With `--baseline`. */
  changes?: ProbeChanges | undefined;
  /** With `--diff`: changes and nothing else. */
  changesOnly?: boolean;
}

const verdictTexts: Readonly<Record<ProbeVerdict, string>> = {
  answers: 'answers IKE',
  'no answer': 'does not answer',
  closed: 'is closed: the host says that nobody listens',
  blocked: 'answered IKE and then no longer us',
  'not ike': 'answers something that is not IKE',
  unresolved: 'has no address',
  unfinished: 'is not known: the run ended before it answered',
};

/** Everything a report says about a target, in the order it is read. */
export function targetView(target: ProbeTargetReport, options: ViewOptions): TargetView {
  const { changes, verbose } = options;
  const title = `${targetText(target)}, UDP port ${target.port}`;
  if (changes && options.changesOnly) {
    return {
      title,
      grade: undefined,
      facts: [['target', verdictTexts[target.verdict]]],
      findings: undefined,
      sections: changesSections(changes),
    };
  }
  const reached = isReached(target.verdict);
  return {
    title,
    grade: { ...target.grade, tone: gradeTone(target.grade.letter) },
    facts: summary(target),
    findings: reached
      ? sorted(target.findings.filter(isFinding)).map((each) => view(each, target))
      : undefined,
    sections: [
      ...(changes ? changesSections(changes) : []),
      ...(reached ? protocolSections(target) : []),
      ...unknownSection(target),
      ...(reached ? [pasteSection(target)] : []),
      ...(verbose && reached ? [otherChecks(target)] : []),
      ...(verbose ? packetLog(target) : []),
    ],
  };
}

/** Whether something is known about the gateway behind a target. */
export function isReached(verdict: ProbeVerdict): boolean {
  return verdict === 'answers' || verdict === 'blocked';
}

export function severityTone(severity: ProbeSeverity): Tone {
  if (severity === 'critical' || severity === 'high') return 'bad';
  return severity === 'medium' ? 'warn' : severity === 'low' ? 'plain' : 'note';
}

export function gradeTone(letter: ProbeGrade): Tone {
  if (letter === '?') return 'warn';
  if (letter === 'A+' || letter === 'A' || letter === 'B') return 'good';
  return letter === 'C' ? 'warn' : 'bad';
}

/** `1 high, 2 low; 20 passed, 3 skipped`. */
export function findingCounts(findings: readonly ProbeFinding[]): string {
  const found = findings.filter(isFinding);
  const bySeverity = probeSeverities.flatMap((severity) => {
    const count = found.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  const byStatus = (
    [
      ['pass', 'passed'],
      ['inconclusive', 'not known'],
      ['skipped', 'skipped'],
      ['error', 'failed'],
    ] as const
  ).flatMap(([status, word]) => {
    const count = findings.filter((finding) => finding.status === status).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return [bySeverity.join(', ') || 'none', byStatus.join(', ')].filter((part) => part !== '').join('; ');
}

function summary(target: ProbeTargetReport): [string, string][] {
  const { ports, ikev2, ikev1, fingerprint, packets, verdict } = target;
  const facts: [string, string][] = [['target', verdictTexts[verdict]]];
  if (!isReached(verdict)) {
    return packets.sent === 0 ? facts : [...facts, ['packets', packetText(target)]];
  }
  const versions = [
    ikev2 ? 'IKEv2' : 'IKEv2: not known',
    ikev1 === null ? 'IKEv1: not asked' : versionText(ikev1.enabled),
  ];
  facts.push(
    ['versions', versions.join('; ')],
    ['ports', `IKE ${ports.ike}, behind NAT ${ports.natT}, TCP ${ports.tcp}`],
  );
  if (ikev2?.preferred) facts.push(['prefers', suiteText(ikev2.preferred)]);
  if (fingerprint) {
    const { implementation, version, confidence, reasons } = fingerprint;
    const name = version === undefined ? implementation : `${implementation} ${version}`;
    facts.push([
      'software',
      `${name} (${Math.round(confidence * 100)} % sure${reasons.length > 0 ? `: ${reasons.join(', ')}` : ''})`,
    ]);
  }
  facts.push(['findings', findingCounts(target.findings)], ['packets', packetText(target)]);
  return facts;
}

function versionText(enabled: boolean | null): string {
  if (enabled === null) return 'IKEv1: not known';
  return enabled ? 'IKEv1 too' : 'no offer of IKEv1 is accepted';
}

function packetText({ packets, ikev2, ikev1 }: ProbeTargetReport): string {
  const { sent, received, bytesSent, bytesReceived } = packets;
  const left = ikev2 ? `; ${countText(ikev2.halfOpenLeft, 'half-open SA')} left` : '';
  // Who understands that they are taken back forgets them without a word.
  const begun = ikev1?.halfOpenLeft
    ? `; ${countText(ikev1.halfOpenLeft, 'IKEv1 SA')} perhaps left to expire`
    : '';
  return `${sent} sent (${bytesText(bytesSent)}), ${received} received (${bytesText(bytesReceived)})${left}${begun}`;
}

function isFinding({ status }: ProbeFinding): boolean {
  return status === 'finding';
}

function sorted(findings: readonly ProbeFinding[]): ProbeFinding[] {
  const weight = ({ severity }: ProbeFinding): number => probeSeverities.indexOf(severity);
  return findings.toSorted((a, b) => weight(a) - weight(b));
}

function view(finding: ProbeFinding, { paste }: ProbeTargetReport): FindingView {
  const { id, severity, title, evidence, references, remediation } = finding;
  const config = remediation?.strongswan;
  const isPaste = config !== undefined && config === paste;
  return {
    id,
    severity,
    tone: severityTone(severity),
    title,
    evidence,
    // The report ends with the lines that mend most of them.
    remediation: isPaste ? `${remediation?.text} What to paste stands at the end.` : remediation?.text,
    config: isPaste ? undefined : config,
    references,
  };
}

function pasteSection({ paste = '' }: ProbeTargetReport): SectionView {
  return { title: 'What to paste (strongSwan, connections.<name>)', code: paste };
}

/** Checks whose result nobody knows stand here too: they are what to look into next. */
function unknownSection({ unknown, limits, findings }: ProbeTargetReport): SectionView[] {
  const open = findings.filter(({ status }) => status === 'inconclusive' || status === 'error');
  const lines = [
    ...limits.map((limit) => ({ text: limit, tone: 'warn' as const })),
    ...unknown.map(({ subject, reason }) => plain(`${subject}: ${reason}`)),
    ...open.map(({ id, title, evidence }) => plain(`${id}, ${title}: ${evidence.join(' ')}`)),
  ];
  return lines.length === 0 ? [] : [{ title: 'Not found out', lines }];
}

function otherChecks({ findings }: ProbeTargetReport): SectionView {
  const rows = findings
    .filter(({ status }) => status === 'pass' || status === 'skipped')
    .map(({ id, status, title, evidence }) => [
      plain(id),
      { text: status, tone: status === 'pass' ? ('good' as const) : ('note' as const) },
      plain(`${title}: ${evidence.join(' ')}`),
    ]);
  return { title: 'Passed and skipped checks', table: { head: ['check', 'result', 'why'], rows } };
}

function packetLog({ log }: ProbeTargetReport): SectionView[] {
  if (log.length === 0) return [];
  const rows = log.map(({ number, at, direction, bytes, summary }) => [
    plain(String(number)),
    note(`${(at / 1000).toFixed(3)} s`),
    plain(direction === 'sent' ? '→' : '←'),
    note(String(bytes)),
    plain(summary),
  ]);
  return [{ title: 'Packets', table: { head: ['number', 'at', '', 'bytes', 'what'], rows } }];
}
