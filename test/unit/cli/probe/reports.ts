import { targetDocument } from '../../../../src/cli/probe/document.js';
import type {
  Algorithm,
  AlgorithmKind,
  Finding,
  Ikev2Facts,
  Observation,
  TargetFacts,
  TargetReport,
} from '../../../../src/lib/probe/types.js';
import { Baseline, type ComparedTarget } from '../../../../src/lib/report/probe-diff.js';
import {
  PROBE_SCHEMA,
  type ProbeChanges,
  type ProbeDocument,
  type ProbeTargetReport,
} from '../../../../src/lib/report/probe-document.js';

export const aesGcm: Algorithm = { id: 20, keyLength: 256, name: 'ENCR_AES_GCM_16' };
export const tripleDes: Algorithm = { id: 3, name: 'ENCR_3DES' };
export const prfSha256: Algorithm = { id: 5, name: 'PRF_HMAC_SHA2_256' };
export const hmacSha1: Algorithm = { id: 2, name: 'AUTH_HMAC_SHA1_96' };
export const curve25519: Algorithm = { id: 31, name: 'Curve25519' };
export const group2: Algorithm = { id: 2, name: '1024-bit MODP Group' };
export const mlKem: Algorithm = { id: 36, name: 'ml-kem-768' };

/** Text that a gateway might send to take over a terminal or a ticket. */
export const EVIL = '\u001b[2J\u202e\n<b>`*| #7 @me http://x {0}';

export function seen<T>(value: T, ...packets: number[]): Observation<T> {
  return { value, packets };
}

export function byKind(
  lists: Partial<Record<AlgorithmKind, Algorithm[]>> = {},
): Record<AlgorithmKind, Algorithm[]> {
  return { encr: [], prf: [], integ: [], ke: [], addke: [], ...lists };
}

export function ikev2(changes: Partial<Ikev2Facts> = {}): Ikev2Facts {
  const no = seen(false, 1, 2);
  const preferred = { encr: aesGcm, prf: prfSha256, ke: curve25519, addke: [mlKem] };
  return {
    accepted: byKind({
      encr: [aesGcm, tripleDes],
      prf: [prfSha256],
      integ: [hmacSha1],
      ke: [curve25519, group2],
      addke: [mlKem],
    }),
    inconclusive: byKind(),
    suites: [preferred, { encr: tripleDes, prf: prfSha256, integ: hmacSha1, ke: group2 }],
    suitesComplete: true,
    suitesMethod: 'pairwise',
    preferred,
    mixedChoice: seen(preferred, 5, 6),
    steering: [{ offered: [2, 31], sent: 22, wanted: 31, packets: [3, 4] }],
    capabilities: {
      fragmentation: seen(true, 1, 2),
      signatureHashes: seen([2, 3], 1, 2),
      intermediate: seen(true, 1, 2),
      ppk: no,
      childless: no,
      redirect: no,
      downgradePrevention: no,
      multipleAuth: no,
      natDetection: seen(true, 1, 2),
      multipleKe: seen(true, 1, 2),
      certificateRequest: seen([]),
      cookies: seen('never' as const),
    },
    otherNotifies: [16404],
    repeats: { publicValue: no, nonce: no },
    halfOpenLeft: 0,
    ...changes,
  };
}

export function finding(changes: Partial<Finding> = {}): Finding {
  return {
    id: 'IKE-ENC-002',
    severity: 'medium',
    status: 'finding',
    title: '3DES is accepted',
    evidence: ['IKEv2 accepts ENCR_3DES (packets 3 and 4).'],
    packets: [3, 4],
    references: ['RFC 8247 2.1', 'CVE-2016-2183'],
    remediation: {
      text: 'Take 3des out of the proposals.',
      strongswan: 'proposals = aes256gcm16-prfsha256-x25519',
    },
    ...changes,
  };
}

export const pass = finding({
  id: 'IKE-VER-001',
  status: 'pass',
  title: 'IKEv1',
  evidence: ['No answer to IKEv1.'],
  packets: [],
  remediation: undefined,
});

export const open = finding({
  id: 'IKE-META-001',
  severity: 'info',
  status: 'inconclusive',
  title: 'Completeness of the run',
  evidence: ['The gateway stopped answering us.'],
  references: [],
  remediation: undefined,
});

export function facts(changes: Partial<TargetFacts> = {}): TargetFacts {
  return {
    host: 'vpn.example.com',
    address: '192.0.2.1',
    port: 500,
    ports: { ike: 'open', natT: 'open', tcp: 'closed' },
    verdict: 'answers',
    limits: [],
    ikev2: ikev2(),
    ikev1: {
      enabled: seen(true, 9, 10),
      mainMode: [
        {
          encr: { id: 7, keyLength: 256, name: 'AES-CBC' },
          hash: { id: 4, name: 'SHA2-256' },
          auth: { id: 1, name: 'PSK' },
          group: group2,
          packets: [9, 10],
        },
      ],
      aggressiveMode: [],
      aggressiveIdentity: 'gw.example.com',
      aggressiveHash: {
        identity: 'gw.example.com',
        hash: 'sha1',
        line: 'aa:bb:cc:dd:ee:ff:00:11:22',
        packets: [11],
      },
      inconclusive: [],
      halfOpenLeft: 0,
    },
    auth: undefined,
    active: undefined,
    vendorIds: [{ hex: '882fe56d6fd20dbc2251613b2ebe5beb', name: 'strongSwan' }],
    fingerprint: {
      implementation: 'strongSwan',
      version: '5.9',
      confidence: 0.8,
      reasons: ['its vendor id'],
    },
    amplification: { largestRatio: 0.3, unsolicited: 0, packets: [] },
    packets: { sent: 40, received: 38, bytesSent: 31_000, bytesReceived: 4321 },
    log: [
      { number: 1, at: 0, direction: 'sent', bytes: 800, summary: 'IKE_SA_INIT, everything' },
      { number: 2, at: 31.5, direction: 'received', bytes: 300, summary: 'IKE_SA_INIT: SA, KE, Nonce' },
    ],
    ...changes,
  };
}

export function report(changes: Partial<TargetReport> & { facts?: TargetFacts } = {}): TargetReport {
  return {
    facts: facts(),
    findings: [pass, finding({ id: 'IKE-INT-002', severity: 'low', title: 'SHA-1 is accepted' }), finding()],
    grade: { letter: 'C', reasons: ['IKE-ENC-002: 3DES is accepted.'] },
    proposal: 'aes256gcm16-prfsha256-x25519',
    paste: 'proposals = aes256gcm16-prfsha256-x25519',
    ...changes,
  };
}

export const target = (changes: Partial<TargetReport> = {}): ProbeTargetReport =>
  targetDocument(report(changes));

/** A target that says nothing. */
export function silent(
  verdict: TargetFacts['verdict'] = 'no answer',
  host = 'silent.example.com',
): ProbeTargetReport {
  return target({
    facts: facts({
      host,
      address: verdict === 'unresolved' ? undefined : '192.0.2.9',
      verdict,
      ports: { ike: 'silent', natT: 'not tried', tcp: 'not tried' },
      limits: verdict === 'unresolved' ? ['there is no such name'] : [],
      ikev2: undefined,
      ikev1: undefined,
      vendorIds: [],
      fingerprint: undefined,
      packets: { sent: 4, received: 0, bytesSent: 3200, bytesReceived: 0 },
      log: [],
    }),
    findings: [
      finding({ status: 'skipped', evidence: ['The target does not answer IKE.'], remediation: undefined }),
    ],
    grade: { letter: '?', reasons: ['The target does not answer IKE.'] },
  });
}

export function document(targets: ProbeTargetReport[], changes: Partial<ProbeDocument> = {}): ProbeDocument {
  return {
    schema: PROBE_SCHEMA,
    started: '2026-06-01T10:00:00.000Z',
    ended: '2026-06-01T10:00:02.500Z',
    interrupted: false,
    targets,
    notProbed: [],
    ...changes,
  };
}

/** What a whole run says of changes. */
export function compareProbes(
  before: readonly ComparedTarget[],
  after: readonly ComparedTarget[],
): ProbeChanges[] {
  const baseline = new Baseline(before);
  return [...after.map((each) => baseline.compare(each)), ...baseline.missing()];
}
