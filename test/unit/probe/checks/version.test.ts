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
    const found = judged(id, { ...goodGateway(), ikev1: undefined });
    expect(found.status).toBe('skipped');
    expect(found.evidence).toEqual(['IKEv1 was not looked into.']);
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
      'IKEv1 is off (packets 7 and 8): every proposal was refused.',
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
    expect(found.evidence).toEqual(['Not answered: a, b, c, d and e and 2 more.']);
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
