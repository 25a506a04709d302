import { describe, expect, it } from 'vitest';
import type { AuthFacts, TargetFacts } from '../../../../src/lib/probe/types.js';
import { leaf, rootCa } from '../../pki/build.js';
import {
  auth,
  goodGateway,
  ikev1,
  judged,
  NOW,
  seen,
  statusOf,
  unknownTarget,
  unseen,
  weakCertificate,
} from './facts.js';

const DAY = 86_400_000;

const showing = (changes: Partial<AuthFacts>, host = 'vpn.example.com'): TargetFacts => ({
  ...goodGateway(),
  host,
  auth: auth({ identity: 'vpn.example.com', ...changes }),
});

const issuer = await rootCa();
const { certificate } = await leaf(issuer);
const certificates = [certificate.der];

describe('IKE-AUTH-001, pre-shared key with EAP', () => {
  it.each([
    ['certificate', 'pass'],
    ['none', 'pass'],
    ['psk', 'finding'],
    [undefined, 'inconclusive'],
  ] as const)('%s: %s', (method, status) => {
    expect(statusOf('IKE-AUTH-001', showing({ responderMethod: seen(method, 30, 31) }))).toBe(status);
  });

  it('is critical', () => {
    const found = judged('IKE-AUTH-001', showing({ responderMethod: seen('psk', 30, 31) }));
    expect(found).toMatchObject({ severity: 'critical', packets: [30, 31] });
  });

  it('is not about gateways without EAP, nor about those that were not asked', () => {
    expect(statusOf('IKE-AUTH-001', showing({ eap: seen(false) }))).toBe('skipped');
    expect(statusOf('IKE-AUTH-001', showing({ eap: unseen() }))).toBe('inconclusive');
    expect(judged('IKE-AUTH-001', goodGateway())).toMatchObject({ status: 'skipped', packets: [30, 31] });
    expect(statusOf('IKE-AUTH-001', { ...goodGateway(), auth: undefined })).toBe('inconclusive');
    const quick = statusOf('IKE-AUTH-001', { ...goodGateway(), auth: undefined }, { depth: 'quick' });
    expect(quick).toBe('skipped');
    const only1 = { ...goodGateway(), auth: undefined, ikev2: undefined, ikev1: ikev1() };
    expect(statusOf('IKE-AUTH-001', only1)).toBe('skipped');
    expect(statusOf('IKE-AUTH-001', unknownTarget('blocked'))).toBe('inconclusive');
  });
});

describe('IKE-AUTH-002, weak keys and signatures', () => {
  it('passes for P-256 with SHA-256', () => {
    expect(judged('IKE-AUTH-002', showing({ certificates }))).toMatchObject({ status: 'pass' });
  });

  it('finds RSA of 1024 bits and SHA-1 in the certificate', () => {
    const found = judged('IKE-AUTH-002', showing({ certificates: [weakCertificate()] }));
    expect(found).toMatchObject({ status: 'finding', severity: 'high' });
    expect(found.evidence).toEqual([
      "The certificate's RSA 1024 has fewer than 2048 bits.",
      'The certificate is signed with sha1WithRSAEncryption.',
    ]);
  });

  it.each(['RSA with SHA-1', 'RSA with SHA1', 'RSA with MD5'])('finds AUTH signed with %s', (signature) => {
    const facts = showing({ certificates, signature: seen(signature, 33) });
    expect(judged('IKE-AUTH-002', facts)).toMatchObject({ status: 'finding', packets: [33] });
  });

  it('takes what the chain check says', () => {
    const problems = [{ code: 'E_CERT_WEAK_KEY', message: 'The CA has a short key.' }];
    expect(judged('IKE-AUTH-002', showing({ certificates, problems })).evidence).toEqual([
      'The CA has a short key.',
    ]);
  });

  it('does not pass when the signature is not known', () => {
    expect(statusOf('IKE-AUTH-002', showing({ certificates, signature: unseen() }))).toBe('inconclusive');
  });
});

describe('IKE-AUTH-003, validity of the certificate', () => {
  it('passes when it covers the name and is in time', () => {
    const found = judged('IKE-AUTH-003', showing({ certificates }));
    expect(found).toMatchObject({ status: 'pass', packets: [30, 31] });
    expect(found.evidence.join()).toContain('no CA was given');
  });

  it('passes with a chain that was checked', () => {
    const found = judged('IKE-AUTH-003', showing({ certificates, problems: [] }), { now: undefined });
    expect(found).toMatchObject({ status: 'pass' });
  });

  it('finds one that expired or is not valid yet', () => {
    const expired = judged('IKE-AUTH-003', showing({ certificates }), { now: NOW + 500 * DAY });
    expect(expired).toMatchObject({ status: 'finding', severity: 'high' });
    expect(expired.evidence.join()).toContain('expired on');
    expect(statusOf('IKE-AUTH-003', showing({ certificates }), { now: NOW - 500 * DAY })).toBe('finding');
  });

  it('does not judge dates without a clock', () => {
    expect(statusOf('IKE-AUTH-003', showing({ certificates }), { now: undefined })).toBe('inconclusive');
  });

  it('finds one for another name than was dialled', () => {
    const found = judged('IKE-AUTH-003', showing({ certificates }, 'gw.example.com'));
    expect(found).toMatchObject({ status: 'finding' });
    expect(found.evidence.join()).toContain('does not cover gw.example.com');
  });

  it('compares with the identity when an address was dialled', () => {
    expect(statusOf('IKE-AUTH-003', showing({ certificates }, '192.0.2.1'))).toBe('pass');
    const other = showing({ certificates, identity: 'other.example.com' }, '192.0.2.1');
    expect(judged('IKE-AUTH-003', other).evidence.join()).toContain('does not cover its identity');
  });

  it('holds no missing address against it, and says what was not checked', () => {
    for (const identity of [undefined, '192.0.2.9']) {
      const found = judged('IKE-AUTH-003', showing({ certificates, identity, problems: [] }, '192.0.2.1'));
      expect(found.status).toBe('pass');
      expect(found.evidence.join()).toContain('the name that clients dial was not checked');
    }
    const late = judged('IKE-AUTH-003', showing({ certificates, identity: undefined }, '192.0.2.1'), {
      now: NOW + 500 * DAY,
    });
    expect(late.status).toBe('finding');
  });

  it('takes what the chain check says, warnings and weaknesses apart', () => {
    const problems = [
      { code: 'E_CERT_UNTRUSTED', message: 'Nobody knows the CA.' },
      { code: 'E_CERT_WEAK_KEY', message: 'Short.' },
      { code: 'W_EXPIRES_SOON', message: 'Soon.' },
    ];
    const found = judged('IKE-AUTH-003', showing({ certificates, problems }));
    expect(found.evidence).toEqual(['Nobody knows the CA.']);
    const rest = showing({ certificates, problems: problems.slice(1) });
    expect(statusOf('IKE-AUTH-003', rest)).toBe('pass');
  });
});

describe.each(['IKE-AUTH-002', 'IKE-AUTH-003'])('%s', (id) => {
  it('needs a certificate that can be read', () => {
    expect(statusOf(id, showing({}))).toBe('inconclusive');
    expect(statusOf(id, showing({ certificates: [Uint8Array.of(1, 2, 3)] }))).toBe('inconclusive');
    expect(statusOf(id, showing({ responderMethod: seen('psk') }))).toBe('skipped');
    expect(statusOf(id, showing({ responderMethod: unseen() }))).toBe('inconclusive');
  });

  it('says that a gateway which wants the client to authenticate first shows none', () => {
    expect(judged(id, goodGateway())).toMatchObject({
      status: 'skipped',
      evidence: [
        'The gateway does not show a certificate before the client has authenticated (packets 30 and 31).',
      ],
      packets: [30, 31],
    });
  });

  it('is inconclusive where nobody could ask', () => {
    expect(statusOf(id, showing({ eap: unseen(), responderMethod: unseen() }))).toBe('inconclusive');
    expect(statusOf(id, { ...goodGateway(), auth: undefined })).toBe('inconclusive');
    expect(statusOf(id, { ...goodGateway(), auth: undefined }, { depth: 'quick' })).toBe('skipped');
    expect(statusOf(id, unknownTarget('blocked'))).toBe('inconclusive');
  });
});

describe('IKE-AUTH-004, signature hashes', () => {
  const announcing = (hashes: number[] | undefined): TargetFacts => {
    const facts = goodGateway();
    facts.ikev2!.capabilities.signatureHashes = seen(hashes, 5, 6);
    return facts;
  };

  it.each([
    [[2, 3, 4], 'pass'],
    [[1, 2], 'pass'],
    [[1], 'finding'],
    [[], 'finding'],
    [undefined, 'inconclusive'],
  ])('%o: %s', (hashes, status) => {
    expect(statusOf('IKE-AUTH-004', announcing(hashes))).toBe(status);
  });

  it('is low where there may be signatures, and for information where nothing speaks for them', () => {
    const found = (changes: Partial<TargetFacts>) =>
      judged('IKE-AUTH-004', { ...announcing([]), ...changes });
    expect(found({})).toMatchObject({ status: 'finding', severity: 'info' });
    expect(found({}).evidence.join()).toContain('perhaps it uses no signatures');
    expect(found({ auth: auth() })).toMatchObject({ severity: 'low' });
    expect(found({ auth: undefined })).toMatchObject({ severity: 'low' });
    const requests = (value: string[] | undefined): TargetFacts => {
      const facts = announcing([]);
      facts.ikev2!.capabilities.certificateRequest = seen(value);
      return facts;
    };
    expect(judged('IKE-AUTH-004', requests(['aa']))).toMatchObject({ severity: 'low' });
    expect(judged('IKE-AUTH-004', requests(undefined))).toMatchObject({ severity: 'low' });
    expect(judged('IKE-AUTH-004', announcing([1]))).toMatchObject({ status: 'finding', severity: 'low' });
  });

  it('weighs nothing in a quick run that does not know whether there are signatures', () => {
    const quick = { depth: 'quick' } as const;
    const facts = { ...announcing([]), auth: undefined };
    expect(statusOf('IKE-AUTH-004', facts, quick)).toBe('skipped');
    facts.ikev2!.capabilities.certificateRequest = seen(['aa']);
    expect(judged('IKE-AUTH-004', facts, quick)).toMatchObject({ status: 'finding', severity: 'low' });
  });

  it('has nothing to say without an answer', () => {
    expect(statusOf('IKE-AUTH-004', unknownTarget('no answer'))).toBe('skipped');
  });
});

describe('IKE-AUTH-005, guessed pre-shared keys', () => {
  const guessing = (value: { tried: number; foundLine: number | undefined } | undefined): TargetFacts => ({
    ...goodGateway(),
    active: { pskGuesses: seen(value, 60) },
  });

  it('is an active check', () => {
    expect(statusOf('IKE-AUTH-005', goodGateway())).toBe('skipped');
    expect(statusOf('IKE-AUTH-005', goodGateway(), { active: true })).toBe('skipped');
  });

  it('names the line, never the key', () => {
    const found = judged('IKE-AUTH-005', guessing({ tried: 8, foundLine: 7 }), { active: true });
    expect(found).toMatchObject({ status: 'finding', severity: 'critical' });
    expect(found.evidence).toEqual(['The key is on line 7 of the list (packet 60).']);
  });

  it('passes for the guesses that were made, and only for those', () => {
    expect(judged('IKE-AUTH-005', guessing({ tried: 8, foundLine: undefined })).evidence).toEqual([
      'None of 8 guesses was the key.',
    ]);
    expect(statusOf('IKE-AUTH-005', guessing({ tried: 0, foundLine: undefined }))).toBe('inconclusive');
    expect(statusOf('IKE-AUTH-005', guessing(undefined))).toBe('inconclusive');
  });
});

describe('IKE-AUTH-006, identity oracle', () => {
  it.each([
    [true, 'finding'],
    [false, 'pass'],
    [undefined, 'inconclusive'],
  ])('%s: %s', (value, status) => {
    expect(statusOf('IKE-AUTH-006', showing({ identityOracle: seen(value, 70) }))).toBe(status);
  });

  it('is skipped where it was not tried', () => {
    expect(statusOf('IKE-AUTH-006', showing({}))).toBe('skipped');
  });

  it('makes what the gateway said safe for terminals', () => {
    const identityOracle = { value: true, note: 'it says \u001b[31mno', packets: [] };
    expect(judged('IKE-AUTH-006', showing({ identityOracle })).evidence.join()).toContain('\\x1b[31mno');
  });
});
