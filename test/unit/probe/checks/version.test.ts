import { describe, expect, it } from 'vitest';
import { goodGateway, ikev1, judged, phase1, seen, statusOf, unknownTarget } from './facts.js';

const ids = ['IKE-VER-001', 'IKE-VER-002', 'IKE-VER-003', 'IKE-VER-004'];
const PSK = 1;
const XAUTH_PSK = 65001;
const RSA_ENCRYPTION = 4;
const REVISED_RSA_ENCRYPTION = 5;

const having = (changes: Parameters<typeof ikev1>[0]) => ({ ...goodGateway(), ikev1: ikev1(changes) });

describe('IKEv1', () => {
  it.each(ids)('%s passes where it is refused', (id) => {
    expect(judged(id, goodGateway())).toMatchObject({ status: 'pass', packets: [9] });
  });

  it.each(ids)('%s is skipped where it was not asked, with the reason', (id) => {
    const found = judged(id, { ...goodGateway(), ikev1: undefined }, { ikev1: false });
    expect(found.status).toBe('skipped');
    expect(found.evidence).toEqual(['IKEv1 was not asked, as wanted.']);
  });

  it.each(ids)('%s is inconclusive where the run ended before', (id) => {
    const found = judged(id, { ...goodGateway(), ikev1: undefined });
    expect(found.status).toBe('inconclusive');
    expect(found.evidence).toEqual(['IKEv1 was not asked before the run ended.']);
  });

  it.each(ids.slice(1))('%s is skipped in a quick run, which asks one thing only', (id) => {
    expect(statusOf(id, goodGateway(), { depth: 'quick' })).toBe('skipped');
    expect(statusOf(id, having({}), { depth: 'quick' })).toBe('skipped');
    expect(statusOf(id, { ...having({}), verdict: 'blocked' }, { depth: 'quick' })).toBe('inconclusive');
  });

  it.each(ids)('%s is inconclusive where nobody knows', (id) => {
    const facts = having({ enabled: { value: undefined, note: 'Three packets, no answer.', packets: [] } });
    expect(judged(id, facts)).toMatchObject({
      status: 'inconclusive',
      evidence: ['Three packets, no answer.'],
    });
  });

  it.each(ids)('%s is inconclusive where the gateway went blind', (id) => {
    expect(statusOf(id, unknownTarget('blocked'))).toBe('inconclusive');
  });

  it('is off for the reason that was found', () => {
    const enabled = { value: false, note: 'every proposal was refused', packets: [7, 8] };
    expect(judged('IKE-VER-001', having({ enabled })).evidence).toEqual([
      'Every proposal was refused (packets 7 and 8).',
    ]);
    const lost = { value: undefined, note: 'the target went blocked', packets: [] };
    expect(judged('IKE-VER-001', having({ enabled: lost })).evidence).toEqual(['The target went blocked.']);
  });

  it('is itself a finding', () => {
    expect(judged('IKE-VER-001', having({}))).toMatchObject({
      status: 'finding',
      severity: 'medium',
      packets: [20, 21],
      remediation: { strongswan: 'version = 2' },
    });
  });

  it.each(ids.slice(1))('%s passes where everything was asked and refused', (id) => {
    expect(statusOf(id, having({ mainMode: [phase1()], aggressiveMode: [phase1()] }))).toBe('pass');
  });

  it.each(ids.slice(1))('%s does not pass with open questions', (id) => {
    const found = judged(id, having({ inconclusive: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }));
    expect(found.status).toBe('inconclusive');
    expect(found.evidence).toEqual(['Open: a, b, c, d, e and 2 more.']);
  });
});

describe('open questions of IKEv1', () => {
  it.each([
    ['Main Mode authentication methods: any is taken at first', []],
    ['Main Mode: not all combinations of the accepted algorithms were asked', []],
    ['Main Mode: not all combinations were asked', ['IKE-VER-003', 'IKE-VER-004']],
    ['Main Mode: no answer to 3 combinations', ['IKE-VER-003', 'IKE-VER-004']],
    ['Main Mode with pre-shared key: no answer to 3 combinations', ['IKE-VER-003']],
    ['Main Mode with RSA signatures: no answer to 3 combinations', []],
    ['Main Mode with Encryption with RSA: no answer to 3 combinations', ['IKE-VER-004']],
    ['Aggressive Mode: no answer to us as 192.0.2.9', ['IKE-VER-002', 'IKE-VER-004']],
    ['Aggressive Mode with XAUTHInitPreShared: no answer', ['IKE-VER-002']],
    ['Aggressive Mode with RSA signatures: not all combinations were asked', []],
    ['something else', ids.slice(1)],
  ])('%s: concerns %j', (entry, concerned) => {
    const facts = having({ inconclusive: [entry], mainMode: [phase1()] });
    expect(ids.filter((id) => statusOf(id, facts) === 'inconclusive')).toEqual(concerned);
  });

  it('about methods that are decided on later skip checks of methods, and leave the run complete', () => {
    const entry = 'Main Mode authentication methods: the gateway takes any at first';
    const facts = having({ inconclusive: [entry], mainMode: [phase1({ auth: 0 })] });
    for (const id of ['IKE-VER-003', 'IKE-VER-004']) {
      expect(judged(id, facts)).toMatchObject({
        status: 'skipped',
        evidence: [`Not to be seen from outside. ${entry}.`],
      });
    }
    expect(statusOf('IKE-META-001', facts)).toBe('pass');
    const more = having({ inconclusive: [entry, 'Main Mode: no answer'], mainMode: [phase1({ auth: 0 })] });
    expect(statusOf('IKE-VER-003', more)).toBe('inconclusive');
    expect(judged('IKE-META-001', more).evidence).toEqual(['Open questions of IKEv1: 1.']);
  });

  it('about who gets into Aggressive Mode say nothing about algorithms', () => {
    const entry = 'Aggressive Mode: AUTHENTICATION-FAILED for us as 192.0.2.9; another identity may get in';
    const facts = having({ inconclusive: [entry], mainMode: [phase1()] });
    expect(statusOf('IKE-KE-002', facts)).toBe('pass');
    expect(statusOf('IKE-VER-002', facts)).toBe('inconclusive');
    expect(statusOf('IKE-META-001', facts)).toBe('inconclusive');
    expect(statusOf('IKE-KE-002', having({ inconclusive: [entry] }))).toBe('inconclusive');
  });

  it('about what goes together say nothing about algorithms, and leave the run complete', () => {
    const entry = 'Main Mode: not all combinations of the accepted algorithms were asked';
    const facts = having({ inconclusive: [entry], mainMode: [phase1()] });
    expect(statusOf('IKE-KE-002', facts)).toBe('pass');
    expect(statusOf('IKE-META-001', facts)).toBe('pass');
  });

  it('about methods say nothing about algorithms', () => {
    const methods = having({ inconclusive: ['Main Mode authentication methods: any'], mainMode: [phase1()] });
    expect(statusOf('IKE-KE-002', methods)).toBe('pass');
    const combinations = having({ inconclusive: ['Main Mode: no answer'], mainMode: [phase1()] });
    expect(judged('IKE-KE-002', combinations)).toMatchObject({
      status: 'inconclusive',
      evidence: ['IKEv1 left questions open: Main Mode: no answer.'],
    });
  });
});

describe('authentication in IKEv1', () => {
  it.each([PSK, XAUTH_PSK])('Aggressive Mode with method %i is critical', (auth) => {
    const found = judged('IKE-VER-002', having({ aggressiveMode: [phase1({ auth })] }));
    expect(found).toMatchObject({ status: 'finding', severity: 'critical', packets: [22, 23] });
    expect(found.references).toContain('CVE-2002-1623');
  });

  it('says that a hash was given away', () => {
    const aggressiveHash = {
      identity: 'gw',
      hash: 'sha1' as const,
      line: 'aa:bb',
      packets: [40, 41],
    };
    const { evidence, packets } = judged('IKE-VER-002', having({ aggressiveHash }));
    expect(evidence.join()).toContain('psk audit');
    expect(evidence.join()).not.toContain('aa:bb');
    expect(packets).toEqual([40, 41]);
  });

  it('Main Mode with a pre-shared key is medium, and nothing for Aggressive Mode', () => {
    const facts = having({ mainMode: [phase1({ auth: PSK })] });
    expect(judged('IKE-VER-003', facts)).toMatchObject({ status: 'finding', severity: 'medium' });
    expect(statusOf('IKE-VER-002', facts)).toBe('pass');
  });

  it.each([RSA_ENCRYPTION, REVISED_RSA_ENCRYPTION, 65007, 65010])('RSA encryption (%i) is high', (auth) => {
    const facts = having({ mainMode: [phase1({ auth })] });
    expect(judged('IKE-VER-004', facts)).toMatchObject({ status: 'finding', severity: 'high' });
    expect(statusOf('IKE-VER-003', facts)).toBe('pass');
  });

  it('names a few suites and counts the others', () => {
    const mainMode = [1, 2, 5, 14, 15].map((group) => phase1({ auth: PSK, group }));
    const { evidence } = judged('IKE-VER-003', having({ mainMode }));
    expect(evidence.join()).toMatch(/; and 2 more \(packets 22 and 23\)\.$/);
  });

  it('is found also with open questions beside', () => {
    const facts = having({ mainMode: [phase1({ auth: PSK })], inconclusive: ['x'] });
    expect(statusOf('IKE-VER-003', facts)).toBe('finding');
  });

  it('is not asked twice of a gateway whose Aggressive Mode signs', () => {
    expect(
      statusOf('IKE-VER-002', having({ aggressiveMode: [phase1({ auth: 3 })], enabled: seen(true) })),
    ).toBe('pass');
  });
});
