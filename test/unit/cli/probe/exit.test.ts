import { describe, expect, it } from 'vitest';
import { ExitTally } from '../../../../src/cli/probe/exit.js';
import type { ProbeChanges, ProbeTargetReport } from '../../../../src/lib/report/probe-document.js';
import { compareProbes, facts, finding, open, pass, silent, target } from './reports.js';

type Rules = ConstructorParameters<typeof ExitTally>[0];

function code(targets: ProbeTargetReport[], rules: Partial<Rules> = {}, changes?: ProbeChanges[]): number {
  const tally = new ExitTally({ failOn: 'never', depth: 'full', changesOnly: false, ...rules });
  for (const [at, each] of targets.entries()) tally.add(each, changes?.[at]);
  return tally.code;
}

const high = target({ findings: [finding({ severity: 'high' })] });
const good = target({ findings: [pass] });
const incomplete = target({ findings: [open] });
const blocked = target({ facts: facts({ verdict: 'blocked' }), findings: [pass] });

describe('the exit code', () => {
  it('does not tell of findings unless --fail-on asks for it', () => {
    expect(code([high])).toBe(0);
    expect(code([high], { failOn: 'critical' })).toBe(0);
    expect(code([high], { failOn: 'high' })).toBe(3);
    expect(code([high], { failOn: 'info' })).toBe(3);
  });

  it('counts only what is a finding', () => {
    const others = (['pass', 'skipped'] as const).map((status) => finding({ status, severity: 'critical' }));
    expect(code([target({ findings: others })], { failOn: 'info' })).toBe(0);
  });

  it.each(['no answer', 'closed', 'unresolved'] as const)(
    'is 4 when every target is unreachable (%s)',
    (verdict) => {
      expect(code([silent(verdict)])).toBe(4);
      expect(code([silent(verdict), silent('closed', 'b')], { failOn: 'info' })).toBe(4);
      expect(code([silent(verdict), good])).toBe(0);
    },
  );

  it('is 5 when what answers is not IKE', () => {
    expect(code([silent('not ike')])).toBe(5);
    expect(code([silent('not ike'), silent()])).toBe(5);
    expect(code([silent('not ike'), good])).toBe(0);
  });

  it('is 8 when a gateway went blind or left questions open', () => {
    expect(code([blocked])).toBe(8);
    expect(code([good, incomplete])).toBe(8);
  });

  it('is 8 when the packets were used up before anything answered, unless a quick run has no more', () => {
    expect(code([silent('unfinished')])).toBe(8);
    expect(code([silent('unfinished')], { failOn: 'high' })).toBe(8);
    expect(code([good, silent('unfinished')])).toBe(8);
    expect(code([silent('unfinished')], { depth: 'quick' })).toBe(4);
    expect(code([good, silent('unfinished')], { depth: 'quick' })).toBe(0);
  });

  it.each([
    ['bug', 1],
    ['environment', 7],
    ['network', 4],
  ] as const)('is that of the error that ended the run of a target (%s)', (failure, expected) => {
    const broken = facts({ verdict: 'unfinished', unfinished: 'error', failure });
    const tally = new ExitTally({ failOn: 'high', depth: 'full', changesOnly: false });
    tally.add(good, undefined);
    tally.add(target({ facts: broken, findings: [] }), undefined, broken);
    expect(tally.code).toBe(expected);
    tally.add(high, undefined);
    expect(tally.code).toBe(3);
  });

  it('does not ask a quick run to be complete, unless it went blind', () => {
    expect(code([incomplete], { depth: 'quick' })).toBe(0);
    expect(code([blocked], { depth: 'quick' })).toBe(8);
  });

  it('is 8 with --fail-on when a check that could fail stayed open or failed itself', () => {
    for (const status of ['inconclusive', 'error'] as const) {
      const unsure = target({ findings: [finding({ status, severity: 'high' })] });
      expect(code([unsure], { failOn: 'high' })).toBe(8);
      expect(code([unsure], { failOn: 'high', depth: 'quick' })).toBe(8);
      expect(code([unsure], { failOn: 'critical' })).toBe(0);
      expect(code([unsure, high], { failOn: 'high' })).toBe(3);
    }
    // Incompleteness alone weighs little: what matters is the checks.
    expect(code([incomplete], { failOn: 'high' })).toBe(0);
  });

  it('counts with --diff what is new, and new targets as a whole', () => {
    const diff = (before: ProbeTargetReport[], after: ProbeTargetReport[]): number =>
      code(after, { failOn: 'high', changesOnly: true }, compareProbes(before, after));
    expect(diff([high], [high])).toBe(0);
    expect(diff([good], [high])).toBe(3);
    expect(diff([], [high])).toBe(3);
    expect(diff([high], [good])).toBe(0);
    expect(diff([target({ findings: [finding({ severity: 'low' })] })], [high])).toBe(3);
    expect(diff([target({ findings: [finding({ status: 'inconclusive' })] })], [high])).toBe(3);
    expect(diff([], [target({ findings: [finding({ severity: 'low' })] })])).toBe(0);
  });
});
