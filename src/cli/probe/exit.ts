import { ExitCode } from '../../lib/core/errors.js';
import {
  type ProbeChanges,
  type ProbeDocument,
  type ProbeFinding,
  type ProbeSeverity,
  type ProbeTargetReport,
  probeSeverities,
} from '../../lib/report/probe-document.js';
import { isReached } from './build-view.js';

export interface ExitRules {
  failOn: ProbeSeverity | 'never';
  depth: 'quick' | 'full';
  /** Only what is new counts. */
  changesOnly: boolean;
}

/** The check that says whether a run is complete. */
const COMPLETENESS = 'IKE-META-001';

/** The exit code of a run that nobody interrupted. */
export function exitCodeOf({ targets, changes = [] }: ProbeDocument, rules: ExitRules): ExitCode {
  const { failOn } = rules;
  if (failOn !== 'never' && countingFindings(targets, changes, rules).some(weighs(failOn))) {
    return ExitCode.findings;
  }
  const reached = targets.filter(({ verdict }) => isReached(verdict));
  if (reached.length === 0) {
    return targets.some(({ verdict }) => verdict === 'not ike') ? ExitCode.protocol : ExitCode.network;
  }
  return reached.some((target) => isInconclusive(target, rules)) ? ExitCode.inconclusive : ExitCode.ok;
}

function countingFindings(
  targets: readonly ProbeTargetReport[],
  changes: readonly ProbeChanges[],
  { changesOnly }: ExitRules,
): { severity: ProbeSeverity }[] {
  // A target that the former result lacks is new as a whole.
  const added = new Set(changes.filter(({ state }) => state === 'added').map(keyOf));
  const whole = changesOnly ? targets.filter((target) => added.has(keyOf(target))) : targets;
  return [
    ...whole.flatMap(({ findings }) => findings.filter(({ status }) => status === 'finding')),
    ...(changesOnly ? changes.flatMap(({ newFindings }) => newFindings) : []),
  ];
}

function keyOf({ host, address, port }: Pick<ProbeTargetReport, 'host' | 'address' | 'port'>): string {
  return `${host} ${address} ${port}`;
}

function weighs(least: ProbeSeverity): (finding: { severity: ProbeSeverity }) => boolean {
  return ({ severity }) => probeSeverities.indexOf(severity) <= probeSeverities.indexOf(least);
}

/**
 * Whether too much stayed open. With `--fail-on` that is a check that could have failed; without, any question: then
 * the run is about completeness. A quick run is not meant to be complete.
 */
function isInconclusive({ verdict, findings }: ProbeTargetReport, { failOn, depth }: ExitRules): boolean {
  if (verdict === 'blocked') return true;
  const open = findings.filter(isOpen);
  if (failOn !== 'never') return open.some(weighs(failOn));
  return depth === 'full' && open.some(({ id }) => id === COMPLETENESS);
}

function isOpen({ status }: ProbeFinding): boolean {
  return status === 'inconclusive' || status === 'error';
}
