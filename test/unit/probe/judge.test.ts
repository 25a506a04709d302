import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../../src/lib/probe/checks/catalogue.js';
import { atLeast, type Check } from '../../../src/lib/probe/checks/check.js';
import { describeChecks, judge, reportTarget, run } from '../../../src/lib/probe/judge.js';
import type { ActiveFacts, Ikev2Facts, TargetFacts } from '../../../src/lib/probe/types.js';
import {
  accepting,
  auth,
  goodGateway,
  ikev1,
  NOW,
  unknownIkev2,
  unknownTarget,
  unseen,
} from './checks/facts.js';

const verdicts = ['answers', 'no answer', 'closed', 'blocked', 'not ike', 'unresolved'] as const;

/** Ids of the published catalogue. */
const published = [
  ...['VER-001', 'VER-002', 'VER-003', 'VER-004'],
  ...['ENC-001', 'ENC-002', 'ENC-003', 'INT-001', 'INT-002'],
  ...['KE-001', 'KE-002', 'KE-003', 'KE-004', 'KE-005', 'KE-006', 'KE-007', 'KE-008'],
  ...['DG-001', 'DG-002', 'DG-003', 'PQ-001', 'PQ-002', 'PQ-003'],
  ...['AUTH-001', 'AUTH-002', 'AUTH-003', 'AUTH-004', 'AUTH-005', 'AUTH-006'],
  ...['DOS-001', 'DOS-002', 'NAT-001', 'FRAG-001', 'VID-001', 'VID-002', 'META-001'],
].map((id) => `IKE-${id}`);

/** Shells without content, in every mix: a target that was asked, and of which nothing was learnt. */
const emptyFacts: fc.Arbitrary<TargetFacts> = fc
  .record({
    verdict: fc.constantFrom(...verdicts),
    ikev2: fc.constantFrom(undefined, unknownIkev2()),
    ikev1: fc.constantFrom(
      undefined,
      ikev1({ enabled: unseen() }),
      ikev1({ enabled: unseen(), inconclusive: ['everything'] }),
    ),
    auth: fc.constantFrom(undefined, auth({ eap: unseen(), responderMethod: unseen(), signature: unseen() })),
    active: fc.constantFrom<(ActiveFacts | undefined)[]>(
      undefined,
      {},
      {
        invalidPublicValue: unseen(),
        cookiesUnderLoad: unseen(),
        pskGuesses: unseen(),
      },
    ),
    limits: fc.constantFrom<string[][]>([], ['interrupted']),
  })
  .map((parts) => ({ ...unknownTarget(), ...parts }));

describe('the catalogue', () => {
  it('has every published id once', () => {
    expect(describeChecks().map(({ id }) => id)).toEqual(published);
  });

  it.each(catalogue.map((check) => [check.id, check] as const))('%s explains itself', (_id, check) => {
    const { text, strongswan } = check.remediation({
      active: false,
      now: NOW,
      proposal: 'aes256gcm16-prfsha384-x25519',
    });
    expect(check.title).toMatch(/^[A-Z3].*[^.]$/);
    expect(check.topic).toMatch(/^[A-Z3].*[^.]$/);
    expect(check.topic).not.toBe(check.title);
    expect(text).toMatch(/^[A-Z3].*[.0-9e]$/);
    expect(strongswan ?? 'x').not.toBe('');
    if (check.id !== 'IKE-META-001') expect(check.references.length).toBeGreaterThan(0);
  });
});

describe('judging', () => {
  it('gives one finding a check, whatever is known', () => {
    for (const facts of [goodGateway(), unknownTarget(), unknownTarget('unresolved')]) {
      const { findings } = judge(facts, { active: true, now: NOW });
      expect(findings.map(({ id }) => id)).toEqual(published);
      for (const { evidence } of findings) expect(evidence.join()).not.toBe('');
    }
  });

  it('passes nothing without facts', () => {
    fc.assert(
      fc.property(emptyFacts, fc.boolean(), (facts, active) => {
        const { findings, grade } = judge(facts, { active, now: NOW });
        expect(findings.filter(({ status }) => status === 'pass')).toEqual([]);
        expect(findings.filter(({ status }) => status === 'error')).toEqual([]);
        expect(findings.filter(({ status }) => status === 'finding')).toEqual([]);
        expect(grade.letter).toBe('?');
      }),
    );
  });

  it('finds nothing above low at a gateway like our own server', () => {
    const { findings, grade } = judge(goodGateway(), { active: false, now: NOW });
    const found = findings.filter(({ status }) => status === 'finding');
    expect(found.filter(({ severity }) => atLeast(severity, 'medium'))).toEqual([]);
    expect(found.map(({ id, severity }) => [id, severity])).toEqual([
      ['IKE-DG-001', 'info'],
      ['IKE-PQ-001', 'info'],
      ['IKE-PQ-002', 'info'],
      ['IKE-PQ-003', 'info'],
    ]);
    expect(findings.filter(({ status }) => status === 'inconclusive' || status === 'error')).toEqual([]);
    expect(grade.letter).toBe('A');
  });

  it('names what is wrong in a finding, and what was looked into otherwise', () => {
    const titleOf = (facts: TargetFacts): string | undefined =>
      judge(facts, { active: false }).findings.find(({ id }) => id === 'IKE-KE-002')?.title;
    expect(titleOf(goodGateway())).toBe('Group 2 (MODP 1024)');
    expect(titleOf(unknownTarget())).toBe('Group 2 (MODP 1024)');
    expect(titleOf(accepting(goodGateway(), 'ke', 2))).toBe('Group 2 (MODP 1024) is accepted');
  });

  it('goes on when a check fails itself', () => {
    const broken: Check = {
      ...catalogue[0]!,
      examine: () => {
        throw new Error('no such thing');
      },
    };
    const found = run(broken, goodGateway(), { active: false, now: NOW, proposal: '' });
    expect(found).toMatchObject({ id: 'IKE-VER-001', status: 'error', remediation: undefined });
    expect(found.evidence.join()).toContain('no such thing');

    const misshapen = goodGateway({ steering: undefined as unknown as Ikev2Facts['steering'] });
    const { findings, grade } = judge(misshapen, { active: false, now: NOW });
    expect(findings.filter(({ status }) => status === 'error').map(({ id }) => id)).toEqual(['IKE-DG-003']);
    expect(grade.letter).toBe('?');
  });

  it('does not change the facts', () => {
    const facts = goodGateway();
    const before = structuredClone(facts);
    judge(facts, { active: true, now: NOW });
    expect(facts).toEqual(before);
  });

  it('makes a report of plain data', () => {
    const report = reportTarget(goodGateway(), { active: false, now: NOW });
    expect(Object.keys(report).sort()).toEqual(['facts', 'findings', 'grade', 'proposal']);
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({
      grade: report.grade,
      proposal: report.proposal,
    });
  });
});
