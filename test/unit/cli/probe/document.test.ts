import { X509Certificate } from 'node:crypto';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { targetDocument } from '../../../../src/cli/probe/document.js';
import { reportTarget } from '../../../../src/lib/probe/judge.js';
import { bundledPolicy } from '../../../../src/lib/probe/policies/bundled.js';
import { probeSchema } from '../../../../src/lib/report/probe.schema.js';
import { PROBE_SCHEMA, type ProbeTargetReport } from '../../../../src/lib/report/probe-document.js';
import { weakCertificate } from '../../probe/checks/facts.js';
import {
  aesGcm,
  byKind,
  compareProbes,
  document,
  facts,
  ikev2,
  open,
  report,
  seen,
  silent,
  target,
} from './reports.js';

const validate = new Ajv({ allErrors: true }).compile(probeSchema);

function expectValid(value: unknown): void {
  // As it is read by others: what is undefined is not there.
  const valid = validate(JSON.parse(JSON.stringify(value)));
  expect(valid, JSON.stringify(validate.errors)).toBe(true);
}

const unseen = { value: undefined, packets: [] };

/** Everything that can be known of a target. */
const rich = target({
  facts: facts({
    auth: {
      eap: seen(true, 20, 21),
      responderMethod: seen('certificate' as const, 20, 21),
      identity: 'vpn.example.com',
      certificates: [weakCertificate(), Uint8Array.of(1, 2, 3)],
      signature: seen('RSA with SHA-1'),
      problems: [{ code: 'E_CERT_EXPIRED', message: 'It expired.' }],
      identityOracle: seen(false),
    },
    active: {
      invalidPublicValue: seen([{ group: 14, value: 'p-1' }]),
      cookiesUnderLoad: unseen,
      pskGuesses: seen({ tried: 7, foundLine: undefined }),
    },
  }),
  findings: [open],
});

/** A gateway that answers and tells nothing. */
const blank = target({
  facts: facts({
    ikev2: ikev2({
      accepted: byKind(),
      inconclusive: byKind({ encr: [aesGcm] }),
      suites: [],
      suitesComplete: false,
      suitesMethod: 'none',
      preferred: undefined,
      mixedChoice: unseen,
      capabilities: {
        fragmentation: { value: undefined, note: 'no whole answer came', packets: [] },
        signatureHashes: unseen,
        intermediate: unseen,
        ppk: unseen,
        childless: unseen,
        redirect: unseen,
        downgradePrevention: unseen,
        multipleAuth: unseen,
        natDetection: unseen,
        multipleKe: unseen,
        certificateRequest: unseen,
        cookies: unseen,
      },
    }),
    ikev1: {
      enabled: unseen,
      mainMode: [],
      aggressiveMode: [],
      aggressiveHash: undefined,
      inconclusive: ['Main Mode: no answer'],
      halfOpenLeft: 0,
    },
    fingerprint: undefined,
  }),
});

describe('the document', () => {
  it.each<[string, ProbeTargetReport[]]>([
    ['an ordinary gateway', [target()]],
    ['a gateway that shows everything', [rich]],
    ['a gateway that tells nothing', [blank]],
    [
      'targets that do not answer',
      (['no answer', 'closed', 'not ike', 'unresolved'] as const).map((verdict) => silent(verdict)),
    ],
    ['no target at all', []],
  ])('fits its schema with %s', (_what, targets) => {
    expectValid(document(targets));
    for (const each of targets) expectValid({ schema: PROBE_SCHEMA, ...each });
  });

  it('fits its schema with a comparison', () => {
    const [before, after] = [
      [target(), silent()],
      [rich, blank],
    ];
    const changes = compareProbes(before, after);
    expectValid(document(after, { changes, interrupted: true, notProbed: ['b'] }));
    expectValid({ schema: PROBE_SCHEMA, ...after[0], changes: changes[0] });
  });

  it('fits its schema with what the judges say, policies included', () => {
    const policy = bundledPolicy('cnsa2');
    const judged = reportTarget(facts(), { active: false, policy, now: 0 });
    expectValid(document([targetDocument(judged)]));
  });

  it('has a schema that refuses what is not promised', () => {
    const { host: _, ...nameless } = target();
    for (const wrong of [
      { ...document([]), extra: 1 },
      { ...document([]), schema: 'ipsec-kit/probe@2' },
      document([nameless as ProbeTargetReport]),
      document([{ ...target(), verdict: 'fine' as 'answers' }]),
      { ...target() },
    ]) {
      expect(validate(JSON.parse(JSON.stringify(wrong)))).toBe(false);
    }
  });

  it('says why not every pair was asked for', () => {
    const facts2 = ikev2({ suitesComplete: false, suitesLimit: 'Too many pairs.' });
    const { unknown, limits } = target({ facts: facts({ ikev2: facts2 }) });
    const count = facts2.suites.length;
    expect(unknown).toContainEqual({
      subject: 'which algorithms go together',
      reason: `Too many pairs; ${count} are confirmed`,
    });
    expect(limits).toEqual([]);
  });

  it('keeps to the contract', () => {
    const { ikev2: v2, ...rest } = target();
    expect(v2?.accepted.encr).toEqual([
      { id: 20, keyLength: 256, name: 'ENCR_AES_GCM_16' },
      { id: 3, name: 'ENCR_3DES' },
    ]);
    expect(v2).toMatchObject({
      suitesComplete: true,
      suitesMethod: 'pairwise',
      preferred: { ke: { id: 31 } },
    });
    expect(v2?.otherNotifies).toEqual([{ id: 16404, name: 'MULTIPLE_AUTH_SUPPORTED' }]);
    expect(rest).toMatchObject({
      host: 'vpn.example.com',
      address: '192.0.2.1',
      verdict: 'answers',
      grade: { letter: 'C' },
      capabilities: {
        fragmentation: true,
        ppk: false,
        signatureHashes: [{ id: 2, name: 'SHA2-256' }, { id: 3 }],
        cookies: 'never',
      },
      vendorIds: [{ hex: '882fe56d6fd20dbc2251613b2ebe5beb', name: 'strongSwan' }],
      packets: { sent: 40, received: 38, bytesSent: 31_000, bytesReceived: 4321 },
    });
    expect(rest.findings.map(({ status, remediation }) => [status, remediation === null])).toEqual([
      ['pass', true],
      ['finding', false],
      ['finding', false],
    ]);
  });

  it('says null for what nobody knows, and why', () => {
    expect(blank.capabilities?.fragmentation).toBeNull();
    expect(blank.ikev2?.preferred).toBeNull();
    expect(blank.ikev1?.enabled).toBeNull();
    expect(blank.unknown).toContainEqual({
      subject: 'fragmentation (RFC 7383)',
      reason: 'no whole answer came',
    });
    expect(blank.unknown).toContainEqual({ subject: 'IKEv1', reason: 'Main Mode: no answer' });
    expect(blank.unknown.find(({ subject }) => subject === 'encryption')?.reason).toContain('AES_GCM_16-256');
    expect(silent().unknown).toEqual([]);
  });

  it('names at most a dozen open algorithms of a kind, and counts the rest', () => {
    const many = Array.from({ length: 30 }, (_, id) => ({ id, name: `ENCR_${id}` }));
    const { unknown } = target({ facts: facts({ ikev2: ikev2({ inconclusive: byKind({ encr: many }) }) }) });
    expect(unknown).toHaveLength(1);
    expect(unknown[0]?.reason).toMatch(/0, 1, .* 11 and 18 more$/);
  });

  it('does not carry the hash of a pre-shared key', () => {
    expect(report().facts.ikev1?.aggressiveHash?.line).toBe('aa:bb:cc:dd:ee:ff:00:11:22');
    expect(JSON.stringify(target())).not.toContain('aa:bb:cc');
    expect(target().ikev1?.aggressiveHash).toEqual({ identity: 'gw.example.com', hash: 'sha1' });
  });

  it('carries certificates as PEM, with what can be read of them', () => {
    const [readable, broken] = rich.auth?.certificates ?? [];
    expect(new X509Certificate(readable!.pem).subject).toBe('CN=old');
    expect(readable?.details).toMatchObject({ subject: 'CN=old', key: expect.stringContaining('1024') });
    expect(broken).toEqual({ pem: expect.stringContaining('AQID') });
  });
});
