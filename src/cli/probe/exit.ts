import { ExitCode, exitCodeOf } from '../../lib/core/errors.js';
import type { TargetFacts } from '../../lib/probe/types.js';
import {
  type ProbeChanges,
  type ProbeFinding,
  type ProbeSeverity,
  type ProbeTargetReport,
  probeSeverities,
} from '../../lib/report/probe-document.js';
import { isReached } from './build-view.js';

export interface ExitRules {
  failOn: ProbeSeverity | 'never';
  depth: 'quick' | 'full';
  /** Only what is new, perhaps new or worse counts. */
  changesOnly: boolean;
}

/** The check that says whether a run is complete. */
const COMPLETENESS = 'IKE-META-001';

/** Works out the exit code of a run that nobody interrupted, target by target. */
export class ExitTally {
  #total = 0;
  #reached = 0;
  #fails = false;
  #isInconclusive = false;
  #isOther = false;
  #failure: ExitCode | undefined;

  constructor(private readonly rules: ExitRules) {}

  /** Targets so far, and those of them that answered IKE. */
  get counts(): { total: number; reached: number } {
    return { total: this.#total, reached: this.#reached };
  }

  add(
    target: ProbeTargetReport,
    changes: ProbeChanges | undefined,
    { failure }: Pick<TargetFacts, 'failure'> = {},
  ): void {
    const { failOn, depth } = this.rules;
    this.#total += 1;
    if (failOn !== 'never') {
      this.#fails ||= countingFindings(target, changes, this.rules).some(weighs(failOn));
    }
    if (failure !== undefined) this.#failure ??= exitCodeOf[failure];
    if (isReached(target.verdict)) {
      this.#reached += 1;
      this.#isInconclusive ||= isInconclusive(target, this.rules);
    } else if (target.verdict === 'unfinished' && depth === 'full') {
      // The few packets of a quick run are all that silence is worth to it.
      this.#isInconclusive = true;
    } else if (target.verdict === 'not ike') this.#isOther = true;
  }

  get code(): ExitCode {
    if (this.#fails) return ExitCode.findings;
    if (this.#failure !== undefined) return this.#failure;
    if (this.#reached === 0 && !this.#isInconclusive)
      return this.#isOther ? ExitCode.protocol : ExitCode.network;
    return this.#isInconclusive ? ExitCode.inconclusive : ExitCode.ok;
  }
}

function countingFindings(
  { findings }: ProbeTargetReport,
  changes: ProbeChanges | undefined,
  { changesOnly }: ExitRules,
): { severity: ProbeSeverity }[] {
  // A target that the former result lacks is new as a whole.
  if (changesOnly && changes && changes.state !== 'added') {
    const { newFindings, newlyKnown, worse } = changes;
    return [...newFindings, ...newlyKnown, ...worse.map(({ after }) => ({ severity: after }))];
  }
  return findings.filter(({ status }) => status === 'finding');
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
