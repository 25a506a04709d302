import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKeyword } from '../../../src/lib/crypto/keywords.js';
import { TransformType } from '../../../src/lib/crypto/transform.js';
import { advise, betterProposals } from '../../../src/lib/probe/advice.js';
import { weaknessOf } from '../../../src/lib/probe/checks/weaknesses.js';
import { judge } from '../../../src/lib/probe/judge.js';
import { bundledPolicy, bundledPolicyNames } from '../../../src/lib/probe/policies/bundled.js';
import { obeys } from '../../../src/lib/probe/policies/obedience.js';
import { parsePolicy } from '../../../src/lib/probe/policies/parse.js';
import type { Policy } from '../../../src/lib/probe/policies/policy.js';
import type { AlgorithmKind, TargetFacts } from '../../../src/lib/probe/types.js';
import {
  accepting,
  gateway,
  goodGateway,
  NOW,
  unclear,
  unknownIkev2,
  unknownTarget,
} from './checks/facts.js';

const adviceFor = (proposals: string): string => betterProposals(gateway(proposals).ikev2);
const comments = (paste: string): string[] => paste.split('\n').filter((line) => line.startsWith('# '));

const kindOf: Record<number, AlgorithmKind> = { 1: 'encr', 2: 'prf', 3: 'integ', 4: 'ke' };
const kinds = Object.values(kindOf);

/** Gateways that accept anything. */
const anyFacts: fc.Arbitrary<TargetFacts> = (() => {
  const numbers = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 });
  return fc.tuple(numbers, numbers, numbers, numbers).map((lists) => {
    let facts: TargetFacts = { ...goodGateway(), ikev2: unknownIkev2() };
    for (const [i, kind] of kinds.entries()) {
      for (const id of new Set(lists[i]))
        facts = accepting(facts, kind, id, kind === 'encr' ? 256 : undefined);
    }
    return facts;
  });
})();

describe('a better configuration', () => {
  it('keeps what is strong, best first, and drops what findings are about', () => {
    expect(adviceFor('aes128-aes256-sha1-sha256-prfsha1-prfsha256-modp1024-modp3072-x25519')).toBe(
      'aes256gcm16-prfsha256-x25519-modp3072,aes256-aes128-sha256-prfsha256-x25519-modp3072',
    );
  });

  it('keeps AEADs apart from classic ciphers', () => {
    expect(adviceFor('aes128gcm16-aes256gcm16-prfsha384-ecp384,aes256-sha384-ecp384')).toBe(
      'aes256gcm16-aes128gcm16-prfsha384-ecp384,aes256-sha384-prfsha384-ecp384',
    );
    expect(adviceFor('aes256gcm16-prfsha384-ecp384')).toBe('aes256gcm16-prfsha384-ecp384');
  });

  it('keeps group 14 and what is rare, after the others', () => {
    expect(adviceFor('aes256gcm16-prfsha256-modp2048-modp1024')).toBe('aes256gcm16-prfsha256-modp2048');
    expect(adviceFor('aes256gcm16-prfsha256-modp2048-ecp256')).toBe('aes256gcm16-prfsha256-ecp256-modp2048');
    let rare = accepting(gateway('aes256-sha256-prfsha256-modp2048-ecp256'), 'encr', 23, 256);
    rare = accepting(accepting(rare, 'integ', 5), 'prf', 4);
    expect(betterProposals(rare.ikev2)).toBe(
      'aes256gcm16-prfsha256-prfaesxcbc-ecp256-modp2048,aes256-camellia256-sha256-aesxcbc-prfsha256-prfaesxcbc-ecp256-modp2048',
    );
  });

  it('gives a cipher whose every integrity algorithm is to go another one', () => {
    expect(adviceFor('aes256-sha1-prfsha256-ecp256')).toBe(
      'aes256gcm16-prfsha256-ecp256,aes256-sha384-sha256-prfsha256-ecp256',
    );
  });

  it('splits what is too long for strongSwan, and drops nothing for it', () => {
    let facts = gateway('aes256-sha256-prfsha256-ecp256');
    const aeads = [14, 15, 16, 18, 19, 20, 25, 26, 27].flatMap((id) =>
      [128, 192, 256].map((bits) => [id, bits]),
    );
    for (const [id, bits] of aeads) facts = accepting(facts, 'encr', id!, bits);
    for (const id of [14, 15, 16, 17, 18, 20, 21, 28, 29, 30, 31, 32]) facts = accepting(facts, 'ke', id);
    for (const id of [4, 6, 7, 8]) facts = accepting(facts, 'prf', id);
    const { proposals, paste } = advise(facts, 'full');
    const lengths = proposals.split(',').map(({ length }) => length);
    expect(lengths).toHaveLength(3);
    expect(Math.max(...lengths)).toBeLessThan(512);
    const words = new Set(proposals.split(/[,-]/));
    expect([...words].filter((word) => /gcm|ccm/.test(word))).toHaveLength(aeads.length);
    expect(paste).toBe(`proposals = ${proposals}`);
  });

  it('starts with ML-KEM where that is accepted', () => {
    const facts = accepting(gateway('aes256gcm16-prfsha384-x25519'), 'addke', 36);
    expect(betterProposals(facts.ikev2)).toBe(
      'aes256gcm16-prfsha384-x25519-ke1_mlkem768,aes256gcm16-prfsha384-x25519',
    );
    const alone = accepting(gateway('aes256gcm16-prfsha384-x25519'), 'ke', 37);
    expect(betterProposals(alone.ikev2)).toBe('aes256gcm16-prfsha384-mlkem1024-x25519');
  });

  it('recommends what everybody has to a gateway with nothing strong, or of which nothing is known', () => {
    const basic = 'aes256gcm16-prfsha384-x25519-ecp384';
    expect(adviceFor('3des-sha1-modp1024')).toBe(basic);
    expect(betterProposals(unknownIkev2())).toBe(basic);
    expect(betterProposals(undefined)).toBe(basic);
  });

  it('drops all that a finding is about and nothing else, in words that strongSwan knows', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { proposals } = advise(facts, 'full');
        const words = proposals.split(',').map((one) => one.split('-').map((word) => parseKeyword(word)));
        for (const proposal of words) {
          const types = new Set(proposal.map((word) => word?.type));
          expect(types).toContain(TransformType.ENCR);
          expect(types).toContain(TransformType.PRF);
          expect(types).toContain(TransformType.KE);
          for (const word of proposal) expect(weaknessOf(kindOf[word!.type]!, word!.id)).toBeUndefined();
        }
        const { paste } = advise(facts, 'full');
        const hasClassic = words.some((one) => one.some((word) => word?.type === TransformType.INTEG));
        for (const kind of kinds) {
          if (kind === 'integ' && !hasClassic) continue;
          for (const { id, name } of facts.ikev2!.accepted[kind]) {
            if (weaknessOf(kind, id) !== undefined) continue;
            const isThere = words.flat().some((word) => kindOf[word!.type] === kind && word!.id === id);
            const isSaid = /has no word for it/.test(paste);
            expect(isThere || isSaid, `${name} in ${proposals}`).toBe(true);
          }
        }
      }),
    );
  });
});

describe('what to paste', () => {
  const newer = '# strongSwan 6.0 or later, for ML-KEM:';

  it('is a line without comments where everything is known and strongSwan 5.9 loads it', () => {
    expect(advise(gateway('aes256gcm16-prfsha384-x25519'), 'full').paste).toBe(
      'proposals = aes256gcm16-prfsha384-x25519',
    );
  });

  it('has ML-KEM beside what strongSwan 5.9 loads', () => {
    const facts = accepting(gateway('aes256gcm16-prfsha384-x25519'), 'ke', 37);
    expect(advise(facts, 'full').paste.split('\n')).toEqual([
      newer,
      'proposals = aes256gcm16-prfsha384-mlkem1024-x25519',
      '# strongSwan 5.9, instead:',
      '# proposals = aes256gcm16-prfsha384-x25519',
    ]);
    const { pasteMlKem } = advise(gateway('aes256gcm16-prfsha384-x25519-ecp384'), 'full');
    expect(pasteMlKem!.split('\n')).toEqual([
      newer,
      'proposals = aes256gcm16-prfsha384-x25519-ke1_mlkem768,aes256gcm16-prfsha384-x25519-ecp384',
      '# strongSwan 5.9, instead:',
      '# proposals = aes256gcm16-prfsha384-x25519,aes256gcm16-prfsha384-x25519-ecp384',
    ]);
  });

  it.each<[what: string, depth: 'quick' | 'full', facts: TargetFacts, said: RegExp]>([
    ['a quick run', 'quick', goodGateway(), /quick run asks for a few algorithms only/],
    ['a used up budget', 'full', { ...goodGateway(), unfinished: 'budget' }, /budget was used up/],
    ['an interruption', 'full', { ...goodGateway(), unfinished: 'interrupted' }, /run ended before/],
    ['a gateway gone blind', 'full', { ...goodGateway(), verdict: 'blocked' }, /stopped answering/],
    ['limits', 'full', { ...goodGateway(), limits: ['…'] }, /not every question was answered/],
    ['no IKEv2', 'full', unknownTarget(), /nothing is known of IKEv2/],
    ['an open question', 'full', unclear(goodGateway(), 'ke', 21), /not every question was answered/],
  ])('says after %s that it is incomplete', (_what, depth, facts, said) => {
    const { paste } = advise(facts, depth);
    expect(comments(paste)[0]).toMatch(/^# Incomplete: .*Add what your peers need/);
    expect(comments(paste)[0]).toMatch(said);
  });

  it('names what is not known, and what strongSwan cannot say', () => {
    const facts = accepting(unclear(unclear(goodGateway(), 'ke', 21), 'ke', 2), 'ke', 33);
    const said = comments(advise(facts, 'full').paste);
    expect(said).toContain('# Not known whether it is accepted: ecp521.');
    expect(said.join()).toMatch(/Accepted too, but strongSwan has no word for it: .*GOST/);
  });
});

describe('what to paste with a policy', () => {
  const findingsAfter = (policy: Policy, facts: TargetFacts): string[] => {
    const { proposal } = judge(facts, { active: false, now: NOW, policy });
    return obeys(policy, proposal) ? [] : [proposal];
  };

  it('obeys each bundled policy, whatever is accepted', () => {
    for (const policy of bundledPolicyNames.map(bundledPolicy)) {
      fc.assert(
        fc.property(anyFacts, (facts) => {
          expect(findingsAfter(policy, facts)).toEqual([]);
        }),
        { numRuns: 30 },
      );
    }
  });

  it('keeps what the policy allows, and says that the other findings are mended too', () => {
    const nist = bundledPolicy('nist-800-77');
    const { proposals, paste } = advise(
      gateway('aes256gcm16-prfsha384-x25519-ecp384-modp2048'),
      'full',
      nist,
    );
    expect(proposals).toBe('aes256gcm16-prfsha384-ecp384-modp2048');
    expect(comments(paste)).toEqual([
      '# Obeys the policy nist-800-77, and mends the other findings about algorithms too.',
    ]);
  });

  it('adds what the policy requires, and drops nothing for it', () => {
    const { proposals } = advise(gateway('aes256gcm16-prfsha384-x25519'), 'full', bundledPolicy('rfc8247'));
    expect(proposals).toMatch(/^aes256gcm16-prfsha384-x25519,.*modp2048/);
  });

  it('is what CNSA 2.0 wants, for strongSwan 6.0 only', () => {
    const cnsa2 = bundledPolicy('cnsa2');
    const { proposals, paste, pasteMlKem } = advise(gateway('aes256-sha256-ecp384'), 'full', cnsa2);
    expect(proposals).toBe(cnsa2.proposal);
    expect(comments(paste)).toContain('# strongSwan 5.9 has nothing that obeys the policy cnsa2.');
    expect(pasteMlKem).toBe(paste);
    const able = accepting(gateway('aes256gcm16-prfsha512-prfsha384-ecp384-modp4096'), 'addke', 37);
    expect(advise(able, 'full', cnsa2).proposals).toBe(
      'aes256gcm16-prfsha512-prfsha384-ecp384-ke1_mlkem1024',
    );
  });

  const own = (rule: string, proposal?: string): Policy =>
    parsePolicy(
      `name: own\ntitle: t\nsource: s\n${proposal === undefined ? '' : `proposal: ${proposal}\n`}rules:\n  - { id: 1, title: t, severity: low, reference: r, ${rule} }\n`,
      'own.yaml',
    );

  it('is nothing where nothing obeys a policy without a proposal', () => {
    const policy = own('require: { ke: [modp8192] }');
    const { proposals, paste } = advise(gateway('aes256gcm16-prfsha384-x25519'), 'full', policy);
    expect(proposals).toBe('');
    expect(paste).toMatch(/^# Nothing to paste: .*policy own/);
  });

  it('says it where the policy proposes what other findings are about', () => {
    const policy = own('require: { ke: [modp1024] }', 'aes256-sha256-modp1024');
    const { paste } = advise(gateway('aes256gcm16-prfsha384-x25519'), 'full', policy);
    expect(paste).toContain(
      '# Obeys the policy own, whose own proposal has algorithms that other findings are about.',
    );
  });

  it('comes with the findings of a policy that proposes nothing itself', () => {
    const policy = own('forbid: { ke: [modp2048] }');
    const facts = gateway('aes256gcm16-prfsha384-x25519-modp2048');
    const { findings, paste } = judge(facts, { active: false, now: NOW, policy });
    const found = findings.find(({ id }) => id === 'POLICY-OWN-1');
    expect(found?.remediation?.strongswan).toBe(paste);
    expect(paste).toContain('proposals = aes256gcm16-prfsha384-x25519');
    expect(paste).not.toContain('modp2048');
  });
});
