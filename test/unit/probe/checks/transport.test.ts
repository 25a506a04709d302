import { describe, expect, it } from 'vitest';
import type { Fingerprint, PortState, TargetFacts, VendorId } from '../../../../src/lib/probe/types.js';
import {
  gateway,
  goodGateway,
  ikev1,
  judged,
  phase1,
  seen,
  statusOf,
  unclear,
  unknownIkev2,
  unknownTarget,
} from './facts.js';

describe('IKE-DOS-001, amplification', () => {
  const answering = (largestRatio: number, unsolicited = 0): TargetFacts => ({
    ...goodGateway(),
    amplification: { largestRatio, unsolicited, packets: [3, 4] },
  });

  it.each([
    [0.3, 0, 'pass'],
    [1, 0, 'pass'],
    [1.4, 0, 'pass'],
    [1.5, 0, 'low'],
    [2, 0, 'medium'],
    [0.3, 1, 'medium'],
  ])('%f times, %i unasked: %s', (ratio, unsolicited, expected) => {
    const found = judged('IKE-DOS-001', answering(ratio, unsolicited));
    expect(found.status === 'pass' ? 'pass' : found.severity).toBe(expected);
  });

  it('is about gateways with IKEv1 alone, too', () => {
    const facts = { ...answering(1, 3), ikev2: undefined, ikev1: ikev1() };
    expect(judged('IKE-DOS-001', facts)).toMatchObject({ status: 'finding', severity: 'medium' });
  });

  it('is inconclusive when nothing came', () => {
    const facts = { ...goodGateway(), packets: { sent: 9, received: 0, bytesSent: 900, bytesReceived: 0 } };
    expect(statusOf('IKE-DOS-001', facts)).toBe('inconclusive');
    expect(statusOf('IKE-DOS-001', unknownTarget('closed'))).toBe('skipped');
  });
});

describe('IKE-DOS-002, cookies under load', () => {
  const cookies = (value: 'never' | 'under load' | 'always' | undefined): TargetFacts => {
    const facts = goodGateway();
    facts.ikev2!.capabilities.cookies = seen(value, 8);
    return facts;
  };

  it.each(['under load', 'always'] as const)('passes where they were seen %s, without load', (value) => {
    expect(judged('IKE-DOS-002', cookies(value))).toMatchObject({ status: 'pass', packets: [8] });
  });

  it('is an active check otherwise', () => {
    expect(statusOf('IKE-DOS-002', cookies('never'))).toBe('skipped');
    expect(statusOf('IKE-DOS-002', cookies(undefined))).toBe('skipped');
  });

  it.each([
    [true, 'pass'],
    [false, 'finding'],
    [undefined, 'inconclusive'],
  ])('under load %s: %s', (value, status) => {
    const facts = { ...cookies('never'), active: { cookiesUnderLoad: seen(value, 90) } };
    expect(statusOf('IKE-DOS-002', facts, { active: true })).toBe(status);
  });
});

describe('IKE-NAT-001, port 4500', () => {
  const natT = (state: PortState, verdict: TargetFacts['verdict'] = 'answers'): TargetFacts => ({
    ...goodGateway(),
    verdict,
    ports: { ike: 'open', natT: state, tcp: 'not tried' },
  });

  it.each([
    ['open', 'answers', 'pass'],
    ['closed', 'answers', 'finding'],
    ['silent', 'answers', 'finding'],
    ['not tried', 'answers', 'inconclusive'],
    ['not tried', 'no answer', 'skipped'],
    ['silent', 'blocked', 'inconclusive'],
    ['not tried', 'blocked', 'inconclusive'],
    ['silent', 'no answer', 'skipped'],
  ] as const)('%s, %s: %s', (state, verdict, status) => {
    expect(statusOf('IKE-NAT-001', natT(state, verdict))).toBe(status);
  });

  it('is skipped in a quick run', () => {
    expect(statusOf('IKE-NAT-001', natT('not tried'), { depth: 'quick' })).toBe('skipped');
    expect(statusOf('IKE-NAT-001', natT('silent'), { depth: 'quick' })).toBe('skipped');
    expect(statusOf('IKE-NAT-001', natT('closed'), { depth: 'quick' })).toBe('finding');
  });

  it('is low', () => {
    expect(judged('IKE-NAT-001', natT('closed'))).toMatchObject({ severity: 'low' });
  });
});

describe('versions', () => {
  const telling = (vendorIds: VendorId[], fingerprint?: Fingerprint): TargetFacts => ({
    ...goodGateway(),
    vendorIds,
    fingerprint,
  });
  const watchGuard = (version: string): TargetFacts => telling([{ hex: 'bf', name: 'WatchGuard', version }]);

  it('IKE-VID-001 finds those in vendor ids', () => {
    expect(statusOf('IKE-VID-001', telling([]))).toBe('pass');
    expect(statusOf('IKE-VID-001', telling([{ hex: 'aa', name: 'XAUTH' }]))).toBe('pass');
    expect(judged('IKE-VID-001', watchGuard('12.11.6'))).toMatchObject({
      status: 'finding',
      severity: 'low',
      evidence: ['A vendor id says WatchGuard 12.11.6.'],
    });
  });

  it('IKE-VID-001 does not hold a good guess against the gateway', () => {
    const guess = { implementation: 'strongSwan', version: '5.9', confidence: 0.8, reasons: [] };
    expect(statusOf('IKE-VID-001', telling([], guess))).toBe('pass');
  });

  it.each([
    ['12.11.3', ['CVE-2025-9242', 'CVE-2025-14733']],
    ['12.11.4', ['CVE-2025-14733']],
    ['12.11.6', []],
    ['12.5.12', ['CVE-2025-9242', 'CVE-2025-14733']],
    ['12.5.13', ['CVE-2025-14733']],
    ['12.5.15', []],
    ['12.3.1_Update2', ['CVE-2025-9242', 'CVE-2025-14733']],
    ['12.3.1_Update3', ['CVE-2025-14733']],
    ['12.3.1_Update4', []],
    ['11.12.4_Update1', ['CVE-2025-9242', 'CVE-2025-14733']],
    ['11.10.1', []],
    ['2025.1', ['CVE-2025-9242', 'CVE-2025-14733']],
    ['2025.1.1', ['CVE-2025-14733']],
    ['2025.1.4', []],
  ])('IKE-VID-002 knows what Fireware %s has', (version, holes) => {
    const found = judged('IKE-VID-002', watchGuard(version));
    expect(found.status).toBe(holes.length > 0 ? 'finding' : 'pass');
    expect(found.evidence).toHaveLength(Math.max(1, holes.length));
    for (const hole of holes) expect(found.evidence.join()).toContain(hole);
    expect(found.severity).toBe('critical');
  });

  it('IKE-VID-002 looks at the fingerprint too, and only at the product that has the hole', () => {
    const guess = { implementation: 'WatchGuard Fireware', version: '12.11.3', confidence: 0.9, reasons: [] };
    expect(judged('IKE-VID-002', telling([], guess)).evidence.join()).toContain('90 % sure');
    expect(statusOf('IKE-VID-002', telling([{ hex: 'aa', name: 'strongSwan', version: '12.11.3' }]))).toBe(
      'pass',
    );
    expect(statusOf('IKE-VID-002', watchGuard('unreadable'))).toBe('pass');
  });

  it('IKE-VID-002 says nothing where no version is told', () => {
    expect(statusOf('IKE-VID-002', telling([]))).toBe('skipped');
  });

  it.each(['IKE-VID-001', 'IKE-VID-002'])('%s says nothing about a gateway that only refused', (id) => {
    expect(statusOf(id, { ...goodGateway(), ikev2: unknownIkev2() })).toBe('inconclusive');
    expect(statusOf(id, unknownTarget('no answer'))).toBe('skipped');
    expect(statusOf(id, unknownTarget('blocked'))).toBe('inconclusive');
    const only1 = { ...unknownTarget(), ikev1: ikev1({ mainMode: [phase1()] }) };
    expect(statusOf('IKE-VID-001', only1)).toBe('pass');
  });

  it('makes what the gateway said safe for terminals', () => {
    expect(judged('IKE-VID-001', watchGuard('1.2\u001b[2J')).evidence.join()).toContain('1.2\\x1b[2J');
  });
});

describe('IKE-META-001, completeness', () => {
  it('passes only where everything was answered', () => {
    expect(statusOf('IKE-META-001', goodGateway())).toBe('pass');
  });

  it.each([
    ['a blind gateway', { ...goodGateway(), verdict: 'blocked' as const }, /stopped answering/],
    ['a limit', { ...goodGateway(), limits: ['The budget was used up.'] }, /budget/],
    ['an open question', unclear(goodGateway(), 'encr', 3), /ciphers \(1\)/],
    ['open questions of IKEv1', { ...goodGateway(), ikev1: ikev1({ inconclusive: ['x'] }) }, /IKEv1: 1/],
    ['refusals only', { ...goodGateway(), ikev2: unknownIkev2() }, /no connection for us/],
    ['IKEv1 not asked', { ...goodGateway(), ikev1: undefined }, /before the run ended/],
    ['neither version', unknownTarget(), /Neither/],
    ['nothing but silence, from a gateway that answered once', unknownTarget('blocked'), /Neither/],
  ])('is inconclusive with %s', (_what, facts, reason) => {
    const found = judged('IKE-META-001', facts);
    expect(found.status).toBe('inconclusive');
    expect(found.evidence.join(' ')).toMatch(reason);
  });

  it.each(['no answer', 'closed', 'not ike', 'unresolved'] as const)(
    'is skipped for a target with %s',
    (verdict) => {
      expect(statusOf('IKE-META-001', unknownTarget(verdict))).toBe('skipped');
    },
  );

  it('does not hold against a run what it was not meant to find out', () => {
    expect(statusOf('IKE-META-001', { ...goodGateway(), ikev1: undefined }, { ikev1: false })).toBe('pass');
    const open = unclear(goodGateway(), 'encr', 3);
    expect(statusOf('IKE-META-001', open, { depth: 'quick' })).toBe('skipped');
    expect(statusOf('IKE-META-001', { ...open, verdict: 'blocked' }, { depth: 'quick' })).toBe(
      'inconclusive',
    );
    expect(statusOf('IKE-META-001', { ...open, limits: ['Interrupted.'] }, { depth: 'quick' })).toBe(
      'inconclusive',
    );
  });

  it('is no finding', () => {
    expect(
      judged('IKE-META-001', unclear(gateway('aes256-sha256-modp2048'), 'ke', 2)).remediation,
    ).toBeUndefined();
  });
});
