import { describe, expect, it } from 'vitest';
import type { Ikev2Facts, TargetFacts } from '../../../../src/lib/probe/types.js';
import {
  accepting,
  algorithm,
  gateway,
  goodGateway,
  judged,
  seen,
  statusOf,
  unclear,
  unknownIkev2,
  unknownTarget,
  unseen,
} from './facts.js';

const capability = (
  name: keyof Ikev2Facts['capabilities'],
  value: boolean | undefined,
  base: TargetFacts = goodGateway(),
): TargetFacts => {
  const changed = structuredClone(base);
  Object.assign(changed.ikev2!.capabilities, { [name]: seen(value, 5, 6) });
  return changed;
};

describe('IKE-KE-007, repeated values', () => {
  const repeating = (publicValue: boolean | undefined, nonce: boolean | undefined) =>
    goodGateway({ repeats: { publicValue: seen(publicValue, 3, 5), nonce: seen(nonce, 5, 7) } });

  it('passes without, finds either, and both', () => {
    expect(statusOf('IKE-KE-007', repeating(false, false))).toBe('pass');
    expect(judged('IKE-KE-007', repeating(true, false))).toMatchObject({
      status: 'finding',
      severity: 'high',
    });
    expect(judged('IKE-KE-007', repeating(true, true)).evidence).toHaveLength(2);
    expect(judged('IKE-KE-007', repeating(undefined, true))).toMatchObject({
      status: 'finding',
      packets: [3, 5, 7],
    });
  });

  it('is inconclusive with one answer', () => {
    expect(statusOf('IKE-KE-007', repeating(undefined, false))).toBe('inconclusive');
    expect(statusOf('IKE-KE-007', repeating(false, undefined))).toBe('inconclusive');
    expect(statusOf('IKE-KE-007', repeating(false, undefined), { depth: 'quick' })).toBe('skipped');
  });
});

describe('IKE-KE-008, invalid public values', () => {
  const tried = (value: { group: number; value: string }[] | undefined): TargetFacts => ({
    ...goodGateway(),
    active: { invalidPublicValue: seen(value, 50, 51) },
  });

  it('is an active check', () => {
    expect(judged('IKE-KE-008', goodGateway())).toMatchObject({
      status: 'skipped',
      evidence: ['An active check: it runs only with --active.'],
    });
    expect(statusOf('IKE-KE-008', goodGateway(), { active: true })).toBe('inconclusive');
  });

  it('passes when all are refused and names those that are taken', () => {
    expect(statusOf('IKE-KE-008', tried([]), { active: true })).toBe('pass');
    expect(statusOf('IKE-KE-008', tried(undefined), { active: true })).toBe('inconclusive');
    const found = judged('IKE-KE-008', tried([{ group: 14, value: 'p-1' }]), { active: true });
    expect(found).toMatchObject({ status: 'finding', severity: 'high', packets: [50, 51] });
    expect(found.evidence).toEqual(['2048-bit MODP Group took p-1 (packets 50 and 51).']);
  });
});

describe('IKE-DG-001, unnoticed downgrades', () => {
  it('passes where the transcript is authenticated', () => {
    expect(statusOf('IKE-DG-001', capability('downgradePrevention', true))).toBe('pass');
  });

  it('is for information where there is nothing weak to downgrade to', () => {
    expect(judged('IKE-DG-001', goodGateway())).toMatchObject({ status: 'finding', severity: 'info' });
    expect(judged('IKE-DG-001', gateway('aes256-sha1-modp2048'))).toMatchObject({ severity: 'info' });
    expect(judged('IKE-DG-001', gateway('3des-sha1-modp1024'))).toMatchObject({ severity: 'info' });
  });

  it('is medium where weak and strong are both accepted', () => {
    const found = judged('IKE-DG-001', accepting(goodGateway(), 'ke', 2));
    expect(found).toMatchObject({ status: 'finding', severity: 'medium' });
    expect(found.evidence.join()).toContain('can have 1024-bit MODP Group chosen');
  });

  it('is inconclusive when nothing was learnt', () => {
    expect(statusOf('IKE-DG-001', capability('downgradePrevention', undefined))).toBe('inconclusive');
    expect(statusOf('IKE-DG-001', unknownTarget())).toBe('inconclusive');
    expect(statusOf('IKE-DG-001', unknownTarget('no answer'))).toBe('skipped');
  });
});

describe('IKE-DG-002, the choice from a mixed offer', () => {
  const choosing = (group: number, base = accepting(goodGateway(), 'ke', 2)): TargetFacts => {
    const changed = structuredClone(base);
    changed.ikev2!.mixedChoice = seen({ ...changed.ikev2!.suites[0]!, ke: algorithm('ke', group) }, 7, 8);
    return changed;
  };

  it('passes for strong ones and finds weak ones that could be avoided', () => {
    expect(statusOf('IKE-DG-002', choosing(31))).toBe('pass');
    const found = judged('IKE-DG-002', choosing(2));
    expect(found).toMatchObject({ status: 'finding', severity: 'high', packets: [7, 8] });
    expect(found.evidence.join()).toMatch(/It chose 1024-bit MODP Group although .*Curve25519/);
  });

  it('is not about a gateway that has nothing strong', () => {
    expect(statusOf('IKE-DG-002', gateway('aes256-sha256-modp1024'))).toBe('skipped');
  });

  const unmixed = (proposals: string): TargetFacts => gateway(proposals, { mixedChoice: unseen() });

  it('is inconclusive when no mixed offer was answered', () => {
    const mixed = accepting(unmixed('default'), 'ke', 2);
    expect(statusOf('IKE-DG-002', mixed)).toBe('inconclusive');
    expect(statusOf('IKE-DG-002', mixed, { depth: 'quick' })).toBe('skipped');
    expect(statusOf('IKE-DG-002', { ...goodGateway(), ikev2: unknownIkev2() })).toBe('inconclusive');
  });

  it('passes where nothing weak is accepted, and only when all is known', () => {
    expect(statusOf('IKE-DG-002', unmixed('default'))).toBe('pass');
    expect(statusOf('IKE-DG-002', unclear(unmixed('default'), 'ke', 2))).toBe('inconclusive');
    expect(statusOf('IKE-DG-002', unclear(unmixed('default'), 'ke', 2), { depth: 'quick' })).toBe('skipped');
  });

  it('is not about a gateway of which nothing strong was offered, once that is known', () => {
    const weak = unmixed('3des-sha1-modp1024');
    expect(statusOf('IKE-DG-002', weak)).toBe('skipped');
    expect(statusOf('IKE-DG-002', unclear(weak, 'encr', 12, 256))).toBe('inconclusive');
    expect(statusOf('IKE-DG-002', unmixed('aes256-sha256-modp1024'))).toBe('skipped');
  });
});

describe('IKE-DG-003, steering', () => {
  const steering = (offered: number[], sent: number, wanted: number): TargetFacts =>
    accepting(goodGateway({ steering: [{ offered, sent, wanted, packets: [11, 12] }] }), 'ke', 2);

  it.each([
    ['a strong group', [14, 19, 31], 22, 31],
    ['the fastest of strong groups instead of the longest', [31, 21], 21, 31],
    ['the only acceptable group', [2], 22, 2],
    ['group 14 when nothing better was offered', [14, 5], 22, 14],
    ['group 14 although others were in the offer, but not in the KE payload', [14, 31], 22, 14],
    ['a weak group when the strong ones are none it accepts', [2, 29], 22, 2],
  ])('passes for %s', (_what, offered, sent, wanted) => {
    expect(statusOf('IKE-DG-003', steering(offered, sent, wanted))).toBe('pass');
  });

  it.each([
    ['a weak group although a strong one was offered', [2, 31], 22, 2],
    ['group 14 instead of the curve in the KE payload', [14, 20], 20, 14],
  ])('finds %s', (_what, offered, sent, wanted) => {
    expect(judged('IKE-DG-003', steering(offered, sent, wanted))).toMatchObject({
      status: 'finding',
      severity: 'medium',
      packets: [11, 12],
    });
  });

  it('passes for a gateway that took a group of the offer at once', () => {
    expect(judged('IKE-DG-003', goodGateway({ steering: [] }))).toMatchObject({ status: 'pass' });
  });

  it.each([
    ['the same offer', [2, 14, 31]],
    ['the group alone', [2]],
  ])('finds answers to %s that contradict each other', (_what, again) => {
    const facts = goodGateway({
      steering: [
        { offered: [2, 14, 31], sent: 31, wanted: 2, packets: [1, 2] },
        { offered: again, sent: 2, wanted: 31, packets: [3, 4] },
      ],
    });
    expect(judged('IKE-DG-003', facts)).toMatchObject({
      status: 'finding',
      severity: 'medium',
      packets: [1, 2, 3, 4],
    });
  });

  it('takes answers to different offers for what they are', () => {
    const facts = goodGateway({
      steering: [
        { offered: [2, 14, 31], sent: 22, wanted: 14, packets: [1, 2] },
        { offered: [14, 31], sent: 14, wanted: 31, packets: [3, 4] },
      ],
    });
    expect(statusOf('IKE-DG-003', facts)).toBe('pass');
  });

  it('is inconclusive when it neither asked nor took one', () => {
    const facts = goodGateway({ steering: [], preferred: undefined });
    expect(statusOf('IKE-DG-003', facts)).toBe('inconclusive');
    expect(statusOf('IKE-DG-003', facts, { depth: 'quick' })).toBe('skipped');
    expect(statusOf('IKE-DG-003', unknownTarget('no answer'))).toBe('skipped');
  });
});

describe('post-quantum', () => {
  it.each(['ke', 'addke'] as const)('IKE-PQ-001 passes with ML-KEM as %s', (kind) => {
    expect(judged('IKE-PQ-001', accepting(goodGateway(), kind, 36))).toMatchObject({ status: 'pass' });
    const open = unclear(goodGateway(), kind, 37);
    expect(statusOf('IKE-PQ-001', open)).toBe('inconclusive');
    expect(statusOf('IKE-PQ-001', open, { depth: 'quick' })).toBe('skipped');
  });

  it('IKE-PQ-001 is for information without, and shows how to add it', () => {
    const found = judged('IKE-PQ-001', goodGateway());
    expect(found).toMatchObject({ status: 'finding', severity: 'info' });
    expect(found.remediation?.strongswan).toBe('proposals = aes256gcm16-prfsha384-x25519-ke1_mlkem768');
    expect(statusOf('IKE-PQ-001', accepting(goodGateway(), 'addke', 38))).toBe('finding');
    expect(statusOf('IKE-PQ-001', { ...goodGateway(), ikev2: unknownIkev2() })).toBe('inconclusive');
  });

  it.each([
    ['IKE-PQ-002', 'intermediate', 'info'],
    ['IKE-PQ-003', 'ppk', 'info'],
    ['IKE-FRAG-001', 'fragmentation', 'low'],
  ] as const)('%s is about %s', (id, name, severity) => {
    expect(judged(id, capability(name, true))).toMatchObject({ status: 'pass', packets: [5, 6] });
    expect(judged(id, capability(name, false))).toMatchObject({ status: 'finding', severity });
    expect(statusOf(id, capability(name, undefined))).toBe('inconclusive');
    expect(statusOf(id, unknownTarget('no answer'))).toBe('skipped');
  });
});
