import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../../src/lib/probe/checks/catalogue.js';
import { atLeast, type Check } from '../../../src/lib/probe/checks/check.js';
import { weaknesses } from '../../../src/lib/probe/checks/weaknesses.js';
import { describeChecks, judge, reportTarget, run } from '../../../src/lib/probe/judge.js';
import type { ActiveFacts, Ikev2Facts, Severity, TargetFacts } from '../../../src/lib/probe/types.js';
import {
  accepting,
  auth,
  goodGateway,
  ikev1,
  NOW,
  phase1,
  unknownIkev2,
  unknownTarget,
  unseen,
} from './checks/facts.js';

const verdicts = ['answers', 'no answer', 'closed', 'blocked', 'not ike', 'unresolved'] as const;

/** The published catalogue: what scripts rely on. Severities are the highest that a finding can have. */
const published: readonly (readonly [id: string, severity: Severity, reference: string])[] = [
  ['IKE-VER-001', 'medium', 'RFC 9395'],
  ['IKE-VER-002', 'critical', 'CVE-2002-1623'],
  ['IKE-VER-003', 'medium', 'CVE-2018-5389'],
  ['IKE-VER-004', 'high', 'CVE-2018-0131'],
  ['IKE-ENC-001', 'critical', 'RFC 8247 2.1'],
  ['IKE-ENC-002', 'medium', 'CVE-2016-2183'],
  ['IKE-ENC-003', 'low', 'RFC 5282'],
  ['IKE-INT-001', 'high', 'RFC 8247 2.3'],
  ['IKE-INT-002', 'low', 'RFC 8247 2.2'],
  ['IKE-KE-001', 'critical', 'RFC 8247 2.4'],
  ['IKE-KE-002', 'high', 'CVE-2015-4000'],
  ['IKE-KE-003', 'medium', 'RFC 8247 2.4'],
  ['IKE-KE-004', 'high', 'RFC 8247 2.4'],
  ['IKE-KE-005', 'medium', 'RFC 8247 2.4'],
  ['IKE-KE-006', 'medium', 'RFC 5114'],
  ['IKE-KE-007', 'high', 'RFC 7296 2.12'],
  ['IKE-KE-008', 'high', 'RFC 6989'],
  ['IKE-DG-001', 'medium', 'https://datatracker.ietf.org/doc/draft-ietf-ipsecme-ikev2-downgrade-prevention/'],
  ['IKE-DG-002', 'high', 'RFC 7296 2.7'],
  ['IKE-DG-003', 'medium', 'RFC 7296 1.2'],
  ['IKE-PQ-001', 'info', 'https://datatracker.ietf.org/doc/draft-ietf-ipsecme-ikev2-mlkem/'],
  ['IKE-PQ-002', 'info', 'RFC 9242'],
  ['IKE-PQ-003', 'info', 'RFC 8784'],
  ['IKE-AUTH-001', 'critical', 'RFC 7296 2.16'],
  ['IKE-AUTH-002', 'high', 'RFC 8247 3.1.1'],
  ['IKE-AUTH-003', 'high', 'RFC 5280 6.1'],
  ['IKE-AUTH-004', 'low', 'RFC 7427 4'],
  ['IKE-AUTH-005', 'critical', 'RFC 7296 2.15'],
  ['IKE-AUTH-006', 'medium', 'RFC 7296 2.21.2'],
  ['IKE-DOS-001', 'medium', 'https://www.kb.cert.org/vuls/id/419128'],
  ['IKE-DOS-002', 'low', 'RFC 8019'],
  ['IKE-NAT-001', 'low', 'RFC 3948'],
  ['IKE-FRAG-001', 'low', 'RFC 7383'],
  ['IKE-VID-001', 'low', 'RFC 7296 3.12'],
  ['IKE-VID-002', 'critical', 'CVE-2025-9242'],
  ['IKE-META-001', 'info', 'RFC 7296 2.4'],
];
const publishedIds = published.map(([id]) => id);

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
  it('has every published id once, with its severity', () => {
    expect(describeChecks().map(({ id, severity }) => [id, severity])).toEqual(
      published.map(([id, severity]) => [id, severity]),
    );
  });

  it.each(published)('%s refers to where its subject is written up', (id, _severity, reference) => {
    const { references } = describeChecks().find((check) => check.id === id)!;
    expect(references).toContain(reference);
    for (const text of references) {
      expect(text).toMatch(/^(RFC \d+( [\d.]+)?|CVE-\d+-\d+|https:\/\/\S+|own judgement: .*)$/);
    }
  });

  it.each(catalogue.map((check) => [check.id, check] as const))('%s explains itself', (_id, check) => {
    const { text, strongswan } = check.remediation({
      active: false,
      depth: 'full',
      ikev1: true,
      now: NOW,
      paste: 'proposals = aes256gcm16-prfsha384-x25519',
      pasteMlKem: 'proposals = aes256gcm16-prfsha384-x25519-ke1_mlkem768',
    });
    expect(check.title).toMatch(/^[A-Z3].*[^.]$/);
    expect(check.topic).toMatch(/^[A-Z3].*[^.]$/);
    expect(check.topic).not.toBe(check.title);
    expect(text).toMatch(/^[A-Z3].*[.0-9e]$/);
    expect(strongswan ?? 'x').not.toBe('');
  });
});

describe('judging', () => {
  it('gives one finding a check, whatever is known', () => {
    for (const facts of [goodGateway(), unknownTarget(), unknownTarget('unresolved')]) {
      const { findings } = judge(facts, { active: true, now: NOW });
      expect(findings.map(({ id }) => id)).toEqual(publishedIds);
      for (const { evidence } of findings) expect(evidence.join()).not.toBe('');
    }
  });

  it('passes nothing without facts', () => {
    fc.assert(
      fc.property(emptyFacts, fc.boolean(), fc.constantFrom('quick', 'full'), (facts, active, depth) => {
        const { findings, grade } = judge(facts, { active, depth, now: NOW });
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

  it('never finds more severe than the catalogue says, nor without saying what to do', () => {
    let worst = { ...goodGateway(), ikev1: ikev1({ mainMode: [phase1({ auth: 1, encr: 1, group: 1 })] }) };
    for (const { kind, ikev2 } of weaknesses)
      for (const id of ikev2) worst = accepting(worst, kind, id) as typeof worst;
    worst.ikev2!.steering = [{ offered: [2, 31], sent: 22, wanted: 2, packets: [3, 4] }];
    worst.amplification = { largestRatio: 9, unsolicited: 3, packets: [5] };
    const found = judge(worst, { active: true, now: NOW }).findings.filter(
      ({ status }) => status === 'finding',
    );
    expect(found.length).toBeGreaterThan(15);
    for (const { id, severity, remediation } of found) {
      expect(atLeast(catalogue.find((check) => check.id === id)!.severity, severity), id).toBe(true);
      expect(remediation?.text, id).toMatch(/\w/);
    }
  });

  it('gives no letter to a run that ended early, went blind or was quick', () => {
    const grade = (facts: TargetFacts, options: Partial<Parameters<typeof judge>[1]> = {}): string =>
      judge(facts, { active: false, now: NOW, ...options }).grade.letter;
    expect(grade(goodGateway())).toBe('A');
    expect(grade({ ...goodGateway(), ikev1: undefined })).toBe('?');
    expect(grade({ ...goodGateway(), ikev1: undefined }, { ikev1: false })).toBe('A');
    expect(grade({ ...goodGateway(), auth: undefined })).toBe('?');
    expect(grade({ ...goodGateway(), verdict: 'blocked', auth: undefined })).toBe('?');
    expect(grade(goodGateway(), { depth: 'quick' })).toBe('?');
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
    const found = run(broken, goodGateway(), {
      active: false,
      depth: 'full',
      ikev1: true,
      now: NOW,
      paste: '',
      pasteMlKem: undefined,
    });
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
    expect(Object.keys(report).sort()).toEqual(['facts', 'findings', 'grade', 'paste', 'proposal']);
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({
      grade: report.grade,
      proposal: report.proposal,
    });
  });
});
