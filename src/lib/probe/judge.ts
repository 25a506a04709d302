import { advise } from './advice.js';
import { catalogue } from './checks/catalogue.js';
import type { Check, CheckContext, CheckDescription, Outcome } from './checks/check.js';
import { gradeOf } from './grade.js';
import { judgePolicy } from './policies/judge-policy.js';
import type { Policy } from './policies/policy.js';
import type { Finding, TargetFacts, TargetReport } from './types.js';

export interface JudgeOptions {
  /** Active checks were asked for: without, they are skipped and say so. */
  active: boolean;
  /** As it was probed, so that what was not asked is told from what was not answered; default `full`. */
  depth?: 'quick' | 'full';
  /** Whether IKEv1 was asked for; default true. */
  ikev1?: boolean;
  /** Its rules become findings `POLICY-<NAME>-<n>` after those of the catalogue. They do not move the grade. */
  policy?: Policy;
  /** Milliseconds since the epoch, for dates of certificates; without it they are not judged. */
  now?: number;
}

export type Judgement = Pick<TargetReport, 'findings' | 'grade' | 'proposal' | 'paste'>;

/** Every check there is, in the order of its findings. */
export function describeChecks(): CheckDescription[] {
  return catalogue.map(({ id, topic, title, severity, references }) => ({
    id,
    topic,
    title,
    severity,
    references,
  }));
}

/**
 * Judges what was learnt about a target: one finding for each check of the catalogue, whatever its status, then one for
 * each rule of the policy. A check that fails itself has the status `error`; the others go on.
 */
export function judge(facts: TargetFacts, options: JudgeOptions): Judgement {
  const { active, depth = 'full', ikev1 = true, now, policy } = options;
  const { proposals, paste, pasteMlKem } = advise(facts, depth, policy);
  const context: CheckContext = { active, depth, ikev1, now, paste, pasteMlKem };
  const findings = catalogue.map((check) => run(check, facts, context));
  const grade = gradeOf(facts, findings, depth);
  const ofPolicy = policy ? judgePolicy(facts, policy, depth, paste) : [];
  return { findings: [...findings, ...ofPolicy], grade, proposal: proposals, paste };
}

/** The facts with their judgement. */
export function reportTarget(facts: TargetFacts, options: JudgeOptions): TargetReport {
  return { facts, ...judge(facts, options) };
}

/** Runs one check, whatever it does. */
export function run(check: Check, facts: TargetFacts, context: CheckContext): Finding {
  try {
    return toFinding(check, check.examine(facts, context), context);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const { id, topic, severity, references } = check;
    return {
      id,
      severity,
      status: 'error',
      title: topic,
      evidence: [`The check itself failed: ${reason}`],
      packets: [],
      references: [...references],
      remediation: undefined,
    };
  }
}

function toFinding(check: Check, outcome: Outcome, context: CheckContext): Finding {
  const found = outcome.status === 'finding' ? outcome : undefined;
  return {
    id: check.id,
    severity: found?.severity ?? check.severity,
    status: outcome.status,
    title: found ? check.title : check.topic,
    evidence: outcome.evidence,
    packets: outcome.packets,
    references: [...check.references],
    remediation: found && (found.remediation ?? check.remediation(context)),
  };
}
