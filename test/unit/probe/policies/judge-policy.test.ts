import { describe, expect, it } from 'vitest';
import { judge } from '../../../../src/lib/probe/judge.js';
import { bundledPolicy } from '../../../../src/lib/probe/policies/bundled.js';
import { judgePolicy } from '../../../../src/lib/probe/policies/judge-policy.js';
import { parsePolicy } from '../../../../src/lib/probe/policies/parse.js';
import type { Policy } from '../../../../src/lib/probe/policies/policy.js';
import type { Finding, TargetFacts } from '../../../../src/lib/probe/types.js';
import {
  accepting,
  algorithm,
  auth,
  gateway,
  goodGateway,
  ikev1,
  NOW,
  seen,
  unclear,
  unseen,
} from '../checks/facts.js';

function policy(demand: string): Policy {
  const rule = `  - { id: 4, title: A rule, severity: high, reference: Chapter 2, ${demand} }\n`;
  return parsePolicy(`name: our-own\ntitle: Ours\nsource: Handbook 2026\nrules:\n${rule}`, 'x');
}

const ruled = (demand: string, facts: TargetFacts): Finding => judgePolicy(facts, policy(demand))[0]!;
const status = (demand: string, facts: TargetFacts): string => ruled(demand, facts).status;

const strict = 'aes256gcm16-prfsha384-ecp384';

describe('a rule', () => {
  it('has a stable id, its severity, its references, and packets where they are known', () => {
    const facts = accepting(gateway(strict), 'ke', 14);
    facts.ikev2!.evidence = [{ kind: 'ke', id: 14, packets: [8, 9] }];
    expect(ruled('allow: { ke: [ecp384] }', facts)).toEqual({
      id: 'POLICY-OUR-OWN-4',
      severity: 'high',
      status: 'finding',
      title: 'A rule',
      evidence: ['Accepted against the policy: 2048-bit MODP Group (packets 8 and 9).'],
      packets: [8, 9],
      references: ['Chapter 2', 'Handbook 2026'],
      remediation: { text: 'Keep only what Chapter 2 allows: ecp384.' },
    });
  });

  it('tells key lengths apart', () => {
    const demand = 'allow: { encr: [aes256gcm16] }';
    expect(status(demand, gateway(strict))).toBe('pass');
    expect(status(demand, gateway('aes128gcm16-prfsha384-ecp384'))).toBe('finding');
    expect(status('allow: { encr: [ENCR_AES_GCM_16] }', gateway('aes128gcm16-prfsha384-ecp384'))).toBe(
      'pass',
    );
  });

  it('about what is forbidden does not care about other open questions', () => {
    const demand = 'forbid: { ke: [modp1024] }';
    expect(status(demand, unclear(gateway(strict), 'ke', 2))).toBe('inconclusive');
    expect(status(demand, unclear(gateway(strict), 'ke', 5))).toBe('pass');
  });

  it('is skipped where a quick run did not ask, and inconclusive where that went blind', () => {
    const rule = policy('forbid: { ke: [modp1024] }');
    const open = unclear(gateway(strict), 'ke', 2);
    const quick = (facts: TargetFacts): string => judgePolicy(facts, rule, 'quick')[0]!.status;
    expect(quick(open)).toBe('skipped');
    expect(quick({ ...open, verdict: 'blocked' })).toBe('inconclusive');
    expect(quick(accepting(gateway(strict), 'ke', 2))).toBe('finding');
  });

  it('about what is required needs one of all lists', () => {
    const demand = 'require: { ke: [mlkem768], addke: [mlkem768] }';
    expect(status(demand, gateway(strict))).toBe('finding');
    expect(status(demand, accepting(gateway(strict), 'addke', 36))).toBe('pass');
    expect(status(demand, accepting(gateway(strict), 'ke', 36))).toBe('pass');
    expect(status(demand, unclear(gateway(strict), 'addke', 36))).toBe('inconclusive');
  });

  it('about capabilities and hashes reads what was announced', () => {
    const facts = goodGateway();
    expect(status('require: { capability: [fragmentation] }', facts)).toBe('pass');
    expect(status('require: { capability: [intermediate] }', facts)).toBe('finding');
    expect(status('forbid: { capability: [redirect] }', facts)).toBe('pass');
    facts.ikev2!.capabilities.redirect = unseen();
    expect(status('forbid: { capability: [redirect] }', facts)).toBe('inconclusive');
    facts.ikev2!.capabilities.redirect = seen(true, 5);
    expect(ruled('forbid: { capability: [redirect] }', facts)).toMatchObject({
      status: 'finding',
      packets: [5],
    });
    facts.ikev2!.capabilities.signatureHashes = unseen();
    expect(status('allow: { hash: [SHA2-256] }', facts)).toBe('inconclusive');
  });

  it('about versions wants both asked', () => {
    const demand = 'allow: { version: [IKEv2] }';
    expect(status(demand, gateway(strict))).toBe('pass');
    expect(status(demand, { ...gateway(strict), ikev1: undefined })).toBe('skipped');
    expect(status(demand, { ...gateway(strict), ikev1: ikev1({ enabled: unseen() }) })).toBe('inconclusive');
    expect(ruled(demand, { ...gateway(strict), ikev1: ikev1() })).toMatchObject({
      status: 'finding',
      remediation: { strongswan: 'version = 2' },
    });
  });

  it('about suites looks at each that was confirmed', () => {
    const demand = 'everySuite: { ke: [ecp384], addke: [mlkem768] }';
    expect(status(demand, gateway(strict))).toBe('pass');
    const mixed = gateway(`${strict},aes256gcm16-prfsha384-x25519`);
    expect(ruled(demand, mixed).evidence).toEqual([
      'Without ecp384 or mlkem768: ENCR_AES_GCM_16-256 / PRF_HMAC_SHA2_384 / Curve25519.',
    ]);
    mixed.ikev2!.suites[1]!.addke = [algorithm('addke', 36)];
    expect(status(demand, mixed)).toBe('pass');
  });

  it('about suites does not pass on some of them', () => {
    const demand = 'everySuite: { ke: [ecp384] }';
    const incomplete = gateway(strict, { suitesComplete: false });
    expect(status(demand, incomplete)).toBe('inconclusive');
    expect(status(demand, { ...incomplete, ikev2: { ...incomplete.ikev2!, suites: [] } })).toBe(
      'inconclusive',
    );
    const without = gateway('aes256gcm16-prfsha384-x25519', { suites: [], suitesComplete: false });
    expect(status(demand, without)).toBe('finding');
  });

  it('about keys looks at the whole chain and passes none that it cannot read', () => {
    const demand = 'minimum: { rsaBits: 2048 }';
    const showing = (
      certificates: Uint8Array[],
      method: 'certificate' | 'psk' | undefined = 'certificate',
    ) => ({
      ...goodGateway(),
      auth: auth({ certificates, responderMethod: seen(method) }),
    });
    expect(status(demand, showing([Uint8Array.of(1)]))).toBe('inconclusive');
    expect(status(demand, showing([]))).toBe('inconclusive');
    expect(status(demand, showing([], 'psk'))).toBe('skipped');
    expect(status(demand, goodGateway())).toBe('skipped');
  });

  it('reports once what one rule forbids and another does not allow', () => {
    const facts = accepting(gateway('aes256gcm16-prfsha384-ecp256bp'), 'ke', 14);
    const found = judgePolicy(facts, bundledPolicy('bsi')).filter(({ evidence }) =>
      evidence.join().includes('2048-bit MODP'),
    );
    expect(found.map(({ id, status }) => [id, status])).toEqual([['POLICY-BSI-6', 'finding']]);
  });

  it.each([
    ['allow: { hash: [SHA2-384, SHA2-512, Identity] }', 'pubkey-sha384-sha512'],
    ['forbid: { hash: [SHA2-256] }', 'pubkey-sha384-sha512'],
    ['forbid: { hash: [SHA2-384] }', 'pubkey-sha256-sha512'],
  ])('shows how to sign as %s wants', (rule, words) => {
    const [found] = judgePolicy(gateway(strict), policy(rule));
    expect(found).toMatchObject({
      status: 'finding',
      remediation: { strongswan: `local {\n  auth = ${words}\n}\nremote {\n  auth = ${words}\n}` },
    });
  });

  it('shows how to have a capability, where there is a setting', () => {
    const lacking = gateway(strict);
    lacking.ikev2!.capabilities.fragmentation = seen(false);
    const ask = (rule: string): unknown => judgePolicy(lacking, policy(rule))[0]!.remediation?.strongswan;
    expect(ask('require: { capability: [fragmentation] }')).toBe('fragmentation = yes');
    expect(ask('require: { capability: [intermediate] }')).toBeUndefined();
    expect(ask('forbid: { capability: [natDetection] }')).toBeUndefined();
  });

  it('shows the lines to paste with rules about algorithms', () => {
    const lines = 'proposals = aes256gcm16-prfsha384-x25519';
    const own = policy('forbid: { ke: [ecp384] }');
    expect(judgePolicy(gateway(strict), own, 'full', lines)[0]!.remediation).toEqual({
      text: 'Take out what Chapter 2 forbids: ecp384.',
      strongswan: lines,
    });
  });
});

describe('judging with a policy', () => {
  it('adds its findings after the catalogue and leaves the grade alone', () => {
    const facts = gateway(strict);
    const plain = judge(facts, { active: false, now: NOW });
    const ruledOut = judge(facts, { active: false, now: NOW, policy: policy('forbid: { ke: [ecp384] }') });
    const withoutPaste = (list: typeof plain.findings): object[] =>
      list.map((found) => ({ ...found, remediation: found.remediation?.text }));
    expect(withoutPaste(ruledOut.findings.slice(0, -1))).toEqual(withoutPaste(plain.findings));
    expect(ruledOut.findings.at(-1)).toMatchObject({ id: 'POLICY-OUR-OWN-4', status: 'finding' });
    expect(ruledOut.grade).toEqual(plain.grade);
  });
});
