import { describe, expect, it } from 'vitest';
import { weaknesses } from '../../../../src/lib/probe/checks/weaknesses.js';
import type { AlgorithmKind } from '../../../../src/lib/probe/types.js';
import {
  accepting,
  gateway,
  goodGateway,
  ikev1,
  judged,
  phase1,
  statusOf,
  unclear,
  unknownIkev2,
  unknownTarget,
} from './facts.js';

/** Check, kind, number, severity: the catalogue, once more by hand. */
const rows: readonly (readonly [string, AlgorithmKind, number, string])[] = [
  ['IKE-ENC-001', 'encr', 2, 'critical'],
  ['IKE-ENC-001', 'encr', 1, 'critical'],
  ['IKE-ENC-001', 'encr', 9, 'critical'],
  ['IKE-ENC-001', 'encr', 11, 'critical'],
  ['IKE-ENC-001', 'encr', 21, 'critical'],
  ['IKE-ENC-001', 'encr', 4, 'high'],
  ['IKE-ENC-001', 'encr', 5, 'high'],
  ['IKE-ENC-001', 'encr', 6, 'high'],
  ['IKE-ENC-001', 'encr', 7, 'high'],
  ['IKE-ENC-002', 'encr', 3, 'medium'],
  ['IKE-INT-001', 'prf', 1, 'high'],
  ['IKE-INT-001', 'integ', 1, 'high'],
  ['IKE-INT-001', 'integ', 3, 'high'],
  ['IKE-INT-001', 'integ', 4, 'high'],
  ['IKE-INT-001', 'integ', 6, 'high'],
  ['IKE-INT-002', 'prf', 2, 'low'],
  ['IKE-INT-002', 'integ', 2, 'low'],
  ['IKE-INT-002', 'integ', 7, 'low'],
  ['IKE-KE-001', 'ke', 1, 'critical'],
  ['IKE-KE-002', 'ke', 2, 'high'],
  ['IKE-KE-003', 'ke', 5, 'medium'],
  ['IKE-KE-004', 'ke', 22, 'high'],
  ['IKE-KE-005', 'ke', 23, 'medium'],
  ['IKE-KE-005', 'ke', 24, 'medium'],
  ['IKE-KE-006', 'ke', 25, 'medium'],
  ['IKE-KE-006', 'ke', 26, 'low'],
];
const ids = [...new Set(rows.map(([id]) => id))];

describe('a weak algorithm', () => {
  it.each(rows)('%s finds %s %i: %s', (id, kind, number, severity) => {
    const facts = accepting(goodGateway(), kind, number);
    facts.ikev2!.evidence = [{ kind, id: number, packets: [12, 13] }];
    const found = judged(id, facts);
    expect(found).toMatchObject({ status: 'finding', severity, packets: [12, 13] });
    expect(found.evidence.join()).toMatch(/^IKEv2 accepts .*\(packets 12 and 13\)\.$/);
    expect(found.remediation?.strongswan).toBe('proposals = aes256gcm16-prfsha384-x25519');
    expect(found.references).not.toEqual([]);
  });

  it.each(rows)('%s does not pass while %s %i is an open question', (id, kind, number) => {
    const found = judged(id, unclear(goodGateway(), kind, number));
    expect(found.status).toBe('inconclusive');
    expect(found.evidence.join()).toContain('Nobody knows whether');
  });

  it.each(ids)('%s passes where it is refused', (id) => {
    expect(judged(id, goodGateway())).toMatchObject({ status: 'pass', remediation: undefined });
  });

  it.each(ids)('%s says nothing about a gateway that refuses every offer', (id) => {
    expect(statusOf(id, { ...unknownTarget(), ikev2: unknownIkev2() })).toBe('inconclusive');
  });

  it.each(ids)('%s is skipped or inconclusive without an answer', (id) => {
    expect(statusOf(id, unknownTarget('no answer'))).toBe('skipped');
    expect(statusOf(id, unknownTarget('blocked'))).toBe('inconclusive');
  });

  it.each(ids)('%s is skipped in a quick run, unless it is found or the gateway went blind', (id) => {
    const quick = { depth: 'quick' } as const;
    const [, kind, number] = rows.find(([other]) => other === id)!;
    const open = unclear(goodGateway(), kind, number);
    expect(statusOf(id, open, quick)).toBe('skipped');
    expect(statusOf(id, goodGateway(), quick)).toBe('skipped');
    expect(statusOf(id, { ...open, verdict: 'blocked' }, quick)).toBe('inconclusive');
    expect(statusOf(id, accepting(goodGateway(), kind, number), quick)).toBe('finding');
  });

  it('is an open question only for the check that is about it', () => {
    const facts = unclear(goodGateway(), 'encr', 3);
    expect(statusOf('IKE-ENC-002', facts)).toBe('inconclusive');
    expect(statusOf('IKE-ENC-001', facts)).toBe('pass');
  });

  it('counts with the highest severity of those that are found', () => {
    const facts = accepting(accepting(goodGateway(), 'encr', 7, 128), 'encr', 2);
    expect(judged('IKE-ENC-001', facts)).toMatchObject({ severity: 'critical' });
    expect(judged('IKE-ENC-001', facts).evidence).toHaveLength(2);
  });

  it('is named with what RFC 8247 says of it', () => {
    const { evidence } = judged('IKE-KE-002', accepting(goodGateway(), 'ke', 2));
    expect(evidence).toEqual(['IKEv2 accepts 1024-bit MODP Group, which RFC 8247 calls SHOULD NOT.']);
  });

  it('is named with the keyword that is to go', () => {
    const facts = accepting(accepting(goodGateway(), 'encr', 2), 'encr', 7, 128);
    expect(judged('IKE-ENC-001', facts).remediation?.text).toContain('Take des and blowfish128 out');
    const old = { ...goodGateway(), ikev1: ikev1({ mainMode: [phase1({ encr: 5, group: 2 })] }) };
    expect(judged('IKE-ENC-002', old).remediation?.text).toContain('Take cipher 5 of IKEv1 out');
    expect(judged('IKE-KE-002', old).remediation?.text).toContain('Take modp1024 out');
  });

  it('is shown with the first few packets of many', () => {
    const facts = accepting(goodGateway(), 'ke', 2);
    facts.ikev2!.evidence = [{ kind: 'ke', id: 2, packets: [1, 2, 3, 4, 5, 6, 7, 8] }];
    const { evidence, packets } = judged('IKE-KE-002', facts);
    expect(evidence.join()).toContain('(packets 1, 2, 3, 4, 5, 6 and 2 more)');
    expect(packets).toHaveLength(8);
  });

  it('is on the list of exactly one check', () => {
    const all = weaknesses.flatMap(({ kind, ikev2 }) => ikev2.map((id) => `${kind} ${id}`));
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('a weak algorithm of IKEv1', () => {
  const with1 = (changes: Parameters<typeof phase1>[0]) => ({
    ...goodGateway(),
    ikev1: ikev1({ mainMode: [phase1(changes)] }),
  });

  it.each([
    ['IKE-ENC-001', { encr: 1 }, 'critical'],
    ['IKE-ENC-001', { encr: 3 }, 'high'],
    ['IKE-ENC-002', { encr: 5 }, 'medium'],
    ['IKE-INT-001', { hash: 1 }, 'high'],
    ['IKE-INT-002', { hash: 2 }, 'low'],
    ['IKE-KE-001', { group: 1 }, 'critical'],
    ['IKE-KE-002', { group: 2 }, 'high'],
  ] as const)('%s finds %o', (id, changes, severity) => {
    const found = judged(id, with1(changes));
    expect(found).toMatchObject({ status: 'finding', severity, packets: [22, 23] });
    expect(found.evidence.join()).toContain('IKEv1 accepts');
  });

  it('has numbers of its own: 7 is AES there and Blowfish in IKEv2', () => {
    expect(statusOf('IKE-ENC-001', with1({ encr: 7 }))).toBe('pass');
  });

  it('is looked for where IKEv2 does not answer', () => {
    const facts = { ...with1({ encr: 5 }), ikev2: undefined };
    expect(statusOf('IKE-ENC-002', facts)).toBe('finding');
    expect(statusOf('IKE-ENC-001', facts)).toBe('pass');
  });

  it('may hide behind questions that stayed open', () => {
    const open = {
      ...goodGateway(),
      ikev1: ikev1({ mainMode: [phase1()], inconclusive: ['3DES with group 2'] }),
    };
    expect(statusOf('IKE-ENC-002', open)).toBe('inconclusive');
    expect(statusOf('IKE-ENC-002', { ...goodGateway(), ikev1: ikev1() })).toBe('inconclusive');
  });
});

describe('IKE-ENC-003, no AEAD', () => {
  it('passes with one and finds none', () => {
    expect(statusOf('IKE-ENC-003', goodGateway())).toBe('pass');
    expect(judged('IKE-ENC-003', gateway('aes256-sha256-modp2048'))).toMatchObject({
      status: 'finding',
      severity: 'low',
    });
  });

  it('does not claim that there is none while one is an open question', () => {
    const facts = unclear(gateway('aes256-sha256-modp2048'), 'encr', 20, 256);
    expect(statusOf('IKE-ENC-003', facts)).toBe('inconclusive');
    expect(statusOf('IKE-ENC-003', facts, { depth: 'quick' })).toBe('skipped');
  });

  it('has no facts without IKEv2, or where everything is refused', () => {
    expect(statusOf('IKE-ENC-003', { ...goodGateway(), ikev2: undefined, ikev1: ikev1() })).toBe('skipped');
    expect(statusOf('IKE-ENC-003', { ...goodGateway(), ikev2: unknownIkev2() })).toBe('inconclusive');
  });
});
