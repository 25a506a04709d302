import { describe, expect, it } from 'vitest';
import { gradeOf } from '../../../src/lib/probe/grade.js';
import { judge } from '../../../src/lib/probe/judge.js';
import type { CheckStatus, Finding, Severity } from '../../../src/lib/probe/types.js';
import { accepting, goodGateway, NOW, seen, unclear, unknownTarget } from './checks/facts.js';

function result(severity: Severity, status: CheckStatus = 'finding', id = `IKE-${severity}`): Finding {
  return {
    id,
    severity,
    status,
    title: `A ${severity} thing`,
    evidence: [],
    packets: [],
    references: [],
    remediation: undefined,
  };
}

const letter = (...findings: Finding[]): string => gradeOf(goodGateway(), findings).letter;

describe('a grade', () => {
  it.each([
    ['critical', 'F'],
    ['high', 'D'],
    ['medium', 'C'],
    ['low', 'B'],
    ['info', 'A'],
  ] as const)('is capped by a %s finding: %s', (severity, expected) => {
    expect(
      letter(result(severity), result('info'), result('critical', 'pass'), result('high', 'skipped')),
    ).toBe(expected);
  });

  it('is A+ where the key exchange resists quantum computers too', () => {
    const pq = ['IKE-PQ-001', 'IKE-PQ-002'].map((id) => result('info', 'pass', id));
    expect(letter(...pq)).toBe('A+');
    expect(letter(...pq, result('low'))).toBe('B');
    expect(letter(pq[0]!)).toBe('A');
  });

  it.each(['inconclusive', 'error'] as const)('is ? where something %s could cost more', (status) => {
    const { letter: none, reasons } = gradeOf(goodGateway(), [result('low'), result('high', status)]);
    expect(none).toBe('?');
    expect(reasons).toEqual(['At best B.', 'IKE-low: A low thing.', 'Not known: IKE-high (A high thing).']);
  });

  it('stands where what is not known could not cost more', () => {
    expect(letter(result('low', 'inconclusive'))).toBe('A');
    expect(letter(result('medium'), result('medium', 'inconclusive'))).toBe('C');
    expect(letter(result('high'), result('critical', 'inconclusive'))).toBe('D');
    expect(letter(result('critical'), result('critical', 'inconclusive'))).toBe('F');
  });

  it('is ? after a quick run, unless what it found is bad enough already', () => {
    const quick = (...findings: Finding[]) => gradeOf(goodGateway(), findings, 'quick');
    expect(quick(result('low'), result('critical', 'skipped'))).toEqual({
      letter: '?',
      reasons: ['At best B.', 'IKE-low: A low thing.', 'A quick run asks too little for a grade.'],
    });
    expect(quick(result('high'))).toEqual({ letter: 'D', reasons: ['IKE-high: A high thing.'] });
  });

  it('names what was skipped and could make it worse', () => {
    const reasons = (...findings: Finding[]): string[] => gradeOf(goodGateway(), findings).reasons;
    const skipped = result('high', 'skipped', 'IKE-a');
    expect(reasons(result('low'), skipped, result('medium', 'skipped', 'IKE-b'))).toEqual([
      'IKE-low: A low thing.',
      'Without IKE-a and IKE-b, which were skipped.',
    ]);
    expect(reasons(skipped).at(-1)).toBe('Without IKE-a, which was skipped.');
    expect(reasons(result('high'), skipped)).toEqual(['IKE-high: A high thing.']);
    expect(reasons(result('low'), result('low', 'skipped'))).toEqual(['IKE-low: A low thing.']);
  });

  it('names what caused it', () => {
    const { reasons } = gradeOf(goodGateway(), [
      result('high'),
      result('high', 'finding', 'IKE-b'),
      result('low'),
    ]);
    expect(reasons).toEqual(['IKE-high: A high thing.', 'IKE-b: A high thing.']);
  });

  it('is ? for a run that ended early, unless it is an F', () => {
    const of = (unfinished: 'interrupted' | 'budget' | 'error', ...findings: Finding[]): string =>
      gradeOf({ ...goodGateway(), unfinished }, findings).reasons[0]!;
    expect(gradeOf({ ...goodGateway(), unfinished: 'interrupted' }, [result('high')]).letter).toBe('?');
    expect(of('interrupted')).toBe('At best A.');
    expect(of('interrupted', result('high'))).toBe('At best D.');
    expect(of('interrupted', result('critical'))).toBe('IKE-critical: A critical thing.');
    expect(of('budget', result('low'))).toBe('At best B.');
    expect(of('budget', result('high'))).toBe('IKE-high: A high thing.');
  });

  it.each(['no answer', 'closed', 'not ike', 'unresolved', 'unfinished'] as const)(
    'is ? for a target with %s',
    (verdict) => {
      expect(gradeOf(unknownTarget(verdict), []).letter).toBe('?');
      expect(gradeOf(unknownTarget(verdict), []).reasons.join()).toContain(verdict);
    },
  );

  it('follows from facts', () => {
    const of = (facts = goodGateway()): string => judge(facts, { active: false, now: NOW }).grade.letter;
    expect(of(accepting(goodGateway(), 'ke', 1))).toBe('F');
    expect(of(accepting(goodGateway(), 'ke', 2))).toBe('D');
    expect(of(accepting(goodGateway(), 'encr', 3))).toBe('C');
    expect(of(accepting(goodGateway(), 'prf', 2))).toBe('B');
    expect(of()).toBe('A');
    expect(of({ ...goodGateway(), ikev1: undefined })).toBe('?');
    expect(of({ ...goodGateway(), auth: undefined })).toBe('?');
    expect(of({ ...goodGateway(), verdict: 'blocked', auth: undefined })).toBe('?');
    expect(of(unclear(goodGateway(), 'ke', 1))).toBe('?');
    expect(of(unclear(goodGateway(), 'prf', 2))).toBe('A');
    const hybrid = accepting(goodGateway(), 'addke', 36);
    hybrid.ikev2!.capabilities.intermediate = seen(true);
    expect(of(hybrid)).toBe('A+');
  });
});
