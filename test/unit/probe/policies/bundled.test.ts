import { describe, expect, it } from 'vitest';
import {
  type BundledPolicyName,
  bundledPolicy,
  bundledPolicyNames,
} from '../../../../src/lib/probe/policies/bundled.js';
import { judgePolicy } from '../../../../src/lib/probe/policies/judge-policy.js';
import type { Finding, TargetFacts } from '../../../../src/lib/probe/types.js';
import { leaf, rootCa } from '../../pki/build.js';
import {
  accepting,
  algorithm,
  auth,
  gateway,
  goodGateway,
  ikev1,
  seen,
  unclear,
  unknownTarget,
  weakCertificate,
} from '../checks/facts.js';

const issuer = await rootCa();
const rsa2048 = (await leaf(issuer, { kind: 'rsa-2048' })).certificate.der;
const rsa3072 = (await leaf(issuer, { kind: 'rsa-3072' })).certificate.der;
const ecdsa = (await leaf(issuer)).certificate.der;

const withIkev1 = (): TargetFacts => ({ ...goodGateway(), ikev1: ikev1() });
const signing = (...hashes: number[]): TargetFacts => {
  const facts = goodGateway();
  facts.ikev2!.capabilities.signatureHashes = seen(hashes, 5, 6);
  return facts;
};
const showing = (...certificates: Uint8Array[]): TargetFacts => ({
  ...goodGateway(),
  auth: auth({ certificates }),
});

/** A gateway for CNSA 2.0: ML-KEM-1024 in every suite. */
function hybrid(proposal = 'aes256gcm16-prfsha384-ecp384', addke = 37): TargetFacts {
  const facts = accepting(gateway(proposal), 'addke', addke);
  for (const suite of facts.ikev2!.suites) suite.addke = [algorithm('addke', addke)];
  return facts;
}

const more = (
  proposal: string,
  kind: 'encr' | 'prf' | 'integ' | 'ke' | 'addke',
  id: number,
  bits?: number,
): TargetFacts => accepting(gateway(proposal), kind, id, bits);

const nist = 'aes256gcm16-prfsha384-ecp384,aes256-sha256-prfsha256-modp2048';
const bsi = 'aes256gcm16-prfsha384-ecp256bp,aes256-sha256-prfsha256-modp3072';
const rfc = 'aes128-aes256-sha256-prfsha256-modp2048,chacha20poly1305-prfsha512-x25519';

type Row = readonly [rule: number, obeys: TargetFacts, breaks: readonly TargetFacts[]];

const rows: Readonly<Record<BundledPolicyName, readonly Row[]>> = {
  rfc8247: [
    [1, gateway(rfc), [withIkev1()]],
    // 3DES is MAY.
    [2, more(rfc, 'encr', 3), [more(rfc, 'encr', 2), more(rfc, 'encr', 11)]],
    [3, more(rfc, 'prf', 2), [more(rfc, 'prf', 1)]],
    [4, more(rfc, 'integ', 2), [1, 3, 4].map((id) => more(rfc, 'integ', id))],
    [5, more(rfc, 'ke', 2), [1, 22].map((id) => more(rfc, 'ke', id))],
    [6, more(rfc, 'ke', 1), [2, 5, 23, 24].map((id) => more(rfc, 'ke', id))],
    [7, signing(2, 3), [signing(1, 2)]],
    [8, showing(rsa2048, ecdsa), [showing(weakCertificate())]],
    [9, gateway(rfc), [gateway('aes256gcm16-prfsha384-ecp384'), gateway('aes192-sha256-modp2048')]],
    [10, gateway(rfc), [gateway('aes256-sha384-modp2048')]],
    [11, gateway(rfc), [gateway('aes256gcm16-prfsha256-modp2048')]],
    [12, gateway(rfc), [gateway('aes256-sha256-x25519')]],
  ],
  'nist-800-77': [
    [1, gateway(nist), [withIkev1()]],
    [
      2,
      more(nist, 'encr', 13, 192),
      [more(nist, 'encr', 28), more(nist, 'encr', 3), more(nist, 'encr', 23, 256)],
    ],
    [3, more(nist, 'prf', 7), [more(nist, 'prf', 2), more(nist, 'prf', 4)]],
    [4, more(nist, 'integ', 14), [more(nist, 'integ', 2), more(nist, 'integ', 5)]],
    [5, more(nist, 'prf', 2), [more(nist, 'prf', 1), more(nist, 'integ', 1), more(nist, 'integ', 6)]],
    [6, more(nist, 'ke', 23), [1, 2, 5, 22].map((id) => more(nist, 'ke', id))],
    [7, more(nist, 'ke', 18), [31, 32, 24, 28].map((id) => more(nist, 'ke', id))],
    [8, showing(rsa3072, ecdsa), [showing(rsa2048), showing(ecdsa, rsa2048)]],
  ],
  cnsa2: [
    [1, hybrid(), [withIkev1()]],
    [
      2,
      hybrid('aes256-sha384-ecp384'),
      [hybrid('aes128gcm16-prfsha384-ecp384'), hybrid('chacha20poly1305-prfsha384-ecp384')],
    ],
    [3, hybrid(), [hybrid('aes256-sha384-ecp384')]],
    [4, hybrid('aes256gcm16-prfsha512-ecp384'), [hybrid('aes256gcm16-prfsha256-ecp384')]],
    [5, hybrid('aes256-sha384-sha512-ecp384'), [hybrid('aes256-sha256-ecp384')]],
    [6, hybrid(), [gateway('aes256gcm16-prfsha384-ecp384'), hybrid('aes256gcm16-prfsha384-ecp384', 36)]],
    [7, hybrid(), [hybrid('aes256gcm16-prfsha384-x25519'), hybrid('aes256gcm16-prfsha384-ecp256')]],
    [8, hybrid(), [hybrid('aes256gcm16-prfsha384-ecp384', 36)]],
    [9, signing(3, 4, 5), [signing(2, 3)]],
  ],
  bsi: [
    [1, gateway(bsi), [withIkev1()]],
    [2, gateway(bsi), [more(bsi, 'prf', 2)]],
    [3, more(bsi, 'prf', 8), [more(bsi, 'prf', 1)]],
    [4, gateway(bsi), [more(bsi, 'integ', 2), more(bsi, 'integ', 7)]],
    [5, more(bsi, 'integ', 5), [more(bsi, 'integ', 8)]],
    [6, gateway(bsi), [1, 2, 5, 14, 22, 23, 24].map((id) => more(bsi, 'ke', id))],
    [7, more(bsi, 'ke', 30), [more(bsi, 'ke', 31), more(bsi, 'ke', 32)]],
    [8, gateway(bsi), [25, 26, 27].map((id) => more(bsi, 'ke', id))],
    [9, showing(rsa3072), [showing(rsa2048)]],
    [
      10,
      more(bsi, 'encr', 16, 128),
      [more(bsi, 'encr', 28), more(bsi, 'encr', 3), more(bsi, 'encr', 18, 256)],
    ],
  ],
};

function ruling(name: BundledPolicyName, rule: number, facts: TargetFacts): Finding {
  const id = `POLICY-${name.toUpperCase()}-${rule}`;
  const found = judgePolicy(facts, bundledPolicy(name)).find((finding) => finding.id === id);
  if (!found) throw new Error(`no ${id}`);
  return found;
}

describe.each([...bundledPolicyNames])('%s', (name) => {
  const policy = bundledPolicy(name);

  it('has a test for each of its rules', () => {
    expect(rows[name].map(([rule]) => rule)).toEqual(policy.rules.map(({ id }) => id).sort((a, b) => a - b));
  });

  it.each(rows[name])('rule %i passes what obeys it and finds what breaks it', (rule, obeys, breaks) => {
    const { severity, reference, unverified } = policy.rules.find(({ id }) => id === rule)!;
    const passed = ruling(name, rule, obeys);
    expect(passed).toMatchObject({ status: 'pass', remediation: undefined });
    expect(passed.evidence.join().includes('not compared with its source')).toBe(unverified !== undefined);
    for (const facts of breaks) {
      const found = ruling(name, rule, facts);
      expect(found).toMatchObject({ status: 'finding', severity });
      expect(found.references).toEqual([reference, policy.source]);
      expect(found.remediation?.text).toMatch(/\.$/);
      expect(found.evidence.join().includes('not compared with its source')).toBe(unverified !== undefined);
    }
  });

  it.each(policy.rules.map(({ id }) => id))('rule %i passes nothing without facts', (rule) => {
    for (const verdict of ['answers', 'no answer', 'blocked', 'not ike'] as const) {
      expect(['skipped', 'inconclusive']).toContain(ruling(name, rule, unknownTarget(verdict)).status);
    }
  });

  it('is obeyed by the proposal that it recommends, where it is about proposals', () => {
    const words = policy.proposal!.split(',');
    const isHybrid = policy.proposal!.includes('ke1_mlkem1024');
    const plain = words.map((text) => text.replace('-ke1_mlkem1024', '')).join(',');
    const facts = isHybrid ? hybrid(plain) : gateway(plain);
    const broken = judgePolicy(facts, policy).filter(({ status }) => status === 'finding');
    // The hashes of signatures are no part of a proposal.
    expect(broken.filter(({ title }) => !title.includes('signatures'))).toEqual([]);
  });

  it('does not pass an allow-list while something else is an open question', () => {
    const rule = policy.rules.find(({ demand }) => 'lists' in demand && demand.lists.encr !== undefined)!;
    const facts = unclear(name === 'cnsa2' ? hybrid() : gateway(name === 'bsi' ? bsi : nist), 'encr', 2);
    expect(ruling(name, rule.id, facts).status).toBe('inconclusive');
  });
});
