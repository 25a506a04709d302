import { X509Certificate } from 'node:crypto';
import { transformName } from '../../../../src/lib/crypto/registry.js';
import { TransformType } from '../../../../src/lib/crypto/transform.js';
import { defaultIkeProposals, parseProposals } from '../../../../src/lib/ike/proposals.js';
import { catalogue } from '../../../../src/lib/probe/checks/catalogue.js';
import type { CheckContext } from '../../../../src/lib/probe/checks/check.js';
import { run } from '../../../../src/lib/probe/judge.js';
import type {
  Algorithm,
  AlgorithmKind,
  AuthFacts,
  Finding,
  Ikev1Facts,
  Ikev1Suite,
  Ikev2Facts,
  Observation,
  Suite,
  TargetFacts,
} from '../../../../src/lib/probe/types.js';

const kinds: Readonly<Record<AlgorithmKind, number>> = {
  encr: TransformType.ENCR,
  prf: TransformType.PRF,
  integ: TransformType.INTEG,
  ke: TransformType.KE,
  addke: TransformType.KE,
};

/** Milliseconds since the epoch at which certificates are judged. */
export const NOW = Date.UTC(2026, 5, 1);

export function algorithm(kind: AlgorithmKind, id: number, keyLength?: number): Algorithm {
  return { id, name: transformName(kinds[kind], id), ...(keyLength !== undefined && { keyLength }) };
}

export function seen<T>(value: T | undefined, ...packets: number[]): Observation<T> {
  return { value, packets };
}

/** Nobody knows. */
export function unseen<T>(): Observation<T> {
  return { value: undefined, packets: [] };
}

/** What is known of a gateway that answers and of which nothing was found out. */
export function unknownIkev2(): Ikev2Facts {
  const none = (): Record<AlgorithmKind, Algorithm[]> => ({
    encr: [],
    prf: [],
    integ: [],
    ke: [],
    addke: [],
  });
  return {
    accepted: none(),
    inconclusive: none(),
    suites: [],
    suitesComplete: false,
    suitesMethod: 'none',
    preferred: undefined,
    mixedChoice: unseen(),
    steering: [],
    capabilities: {
      fragmentation: unseen(),
      signatureHashes: unseen(),
      intermediate: unseen(),
      ppk: unseen(),
      childless: unseen(),
      redirect: unseen(),
      downgradePrevention: unseen(),
      multipleAuth: unseen(),
      natDetection: unseen(),
      multipleKe: unseen(),
      certificateRequest: unseen(),
      cookies: unseen(),
    },
    otherNotifies: [],
    repeats: { publicValue: unseen(), nonce: unseen() },
    halfOpenLeft: 0,
  };
}

/** A target of which nothing is known. */
export function unknownTarget(verdict: TargetFacts['verdict'] = 'answers'): TargetFacts {
  return {
    host: 'gw.example.com',
    address: '192.0.2.1',
    port: 500,
    ports: { ike: 'not tried', natT: 'not tried', tcp: 'not tried' },
    verdict,
    limits: [],
    ikev2: undefined,
    ikev1: undefined,
    auth: undefined,
    active: undefined,
    vendorIds: [],
    fingerprint: undefined,
    amplification: { largestRatio: 0, unsolicited: 0, packets: [] },
    packets: { sent: 0, received: 0, bytesSent: 0, bytesReceived: 0 },
    log: [],
  };
}

/** IKEv2 of a gateway with these proposals, in strongSwan's notation, and no capability but those given. */
export function ikev2(proposals: string, changes: Partial<Ikev2Facts> = {}): Ikev2Facts {
  const templates = proposals === 'default' ? defaultIkeProposals : parseProposals(proposals, 1);
  const facts = unknownIkev2();
  const suites: Suite[] = [];
  for (const { transforms } of templates) {
    const of = (kind: AlgorithmKind): Algorithm[] =>
      transforms
        .filter(({ type }) => type === kinds[kind])
        .map(({ id, keyLength }) => algorithm(kind, id, keyLength));
    for (const kind of ['encr', 'prf', 'integ', 'ke'] as const) {
      const known = facts.accepted[kind];
      known.push(...of(kind).filter((one) => !known.some((other) => sameAlgorithm(one, other))));
    }
    const [encr, prf, integ, ke] = (['encr', 'prf', 'integ', 'ke'] as const).map((kind) => of(kind)[0]);
    suites.push({ encr: encr!, prf: prf!, ...(integ && { integ }), ke: ke! });
  }
  const no = seen(false, 1, 2);
  return {
    ...facts,
    suites,
    suitesComplete: true,
    suitesMethod: 'exact',
    preferred: suites[0],
    mixedChoice: seen(suites[0]!, 1, 2),
    steering: [{ offered: [14, 19, 31], sent: 22, wanted: facts.accepted.ke[0]!.id, packets: [3, 4] }],
    capabilities: {
      fragmentation: seen(true, 1, 2),
      signatureHashes: seen([2, 3, 4], 1, 2),
      intermediate: no,
      ppk: no,
      childless: no,
      redirect: no,
      downgradePrevention: no,
      multipleAuth: no,
      natDetection: seen(true, 1, 2),
      multipleKe: no,
      certificateRequest: seen([]),
      cookies: seen('never' as const),
    },
    repeats: { publicValue: no, nonce: no },
    ...changes,
  };
}

function sameAlgorithm(a: Algorithm, b: Algorithm): boolean {
  return a.id === b.id && a.keyLength === b.keyLength;
}

/** A gateway that has IKEv2 with these proposals and refuses IKEv1. */
export function gateway(proposals: string, changes: Partial<Ikev2Facts> = {}): TargetFacts {
  return {
    ...unknownTarget(),
    ports: { ike: 'open', natT: 'open', tcp: 'closed' },
    ikev2: ikev2(proposals, changes),
    ikev1: ikev1({ enabled: seen(false, 9) }),
    auth: refusingEap(),
    amplification: { largestRatio: 0.3, unsolicited: 0, packets: [1, 2] },
    packets: { sent: 30, received: 30, bytesSent: 9000, bytesReceived: 2000 },
  };
}

/** A gateway with our own server's default settings. */
export const goodGateway = (changes: Partial<Ikev2Facts> = {}): TargetFacts => gateway('default', changes);

/** The gateway with an algorithm more. */
export function accepting(
  facts: TargetFacts,
  kind: AlgorithmKind,
  id: number,
  keyLength?: number,
): TargetFacts {
  const changed = structuredClone(facts);
  changed.ikev2!.accepted[kind].push(algorithm(kind, id, keyLength));
  return changed;
}

/** The gateway with a question open about an algorithm. */
export function unclear(
  facts: TargetFacts,
  kind: AlgorithmKind,
  id: number,
  keyLength?: number,
): TargetFacts {
  const changed = structuredClone(facts);
  changed.ikev2!.inconclusive[kind].push(algorithm(kind, id, keyLength));
  return changed;
}

export function ikev1(changes: Partial<Ikev1Facts> = {}): Ikev1Facts {
  return {
    enabled: seen(true, 20, 21),
    mainMode: [],
    aggressiveMode: [],
    aggressiveHash: undefined,
    inconclusive: [],
    halfOpenLeft: 0,
    ...changes,
  };
}

/** Phase 1: AES-256, SHA2-256, group 14, RSA signatures unless said otherwise. Numbers are those of RFC 2409. */
export function phase1(
  changes: { encr?: number; hash?: number; auth?: number; group?: number } = {},
): Ikev1Suite {
  const { encr = 7, hash = 4, auth = 3, group = 14 } = changes;
  return {
    encr: { id: encr, name: `cipher ${encr}`, ...(encr === 7 && { keyLength: 256 }) },
    hash: { id: hash, name: `hash ${hash}` },
    auth: { id: auth, name: `method ${auth}` },
    group: algorithm('ke', group),
    packets: [22, 23],
  };
}

export function auth(changes: Partial<AuthFacts> = {}): AuthFacts {
  return {
    eap: seen(true, 30, 31),
    responderMethod: seen('certificate' as const, 30, 31),
    identity: 'gw.example.com',
    certificates: [],
    signature: seen('ECDSA with SHA-256', 30, 31),
    problems: undefined,
    ...changes,
  };
}

/** What is learnt of a gateway that wants to see a pre-shared key or a certificate first. */
export function refusingEap(): AuthFacts {
  return auth({
    eap: { value: false, note: 'EAP is refused: AUTHENTICATION_FAILED', packets: [30, 31] },
    responderMethod: unseen(),
    identity: undefined,
    signature: unseen(),
  });
}

/** The finding of one check. */
export function judged(id: string, facts: TargetFacts, context: Partial<CheckContext> = {}): Finding {
  const check = catalogue.find((candidate) => candidate.id === id);
  if (!check) throw new Error(`no check ${id}`);
  return run(check, facts, {
    active: false,
    depth: 'full',
    ikev1: true,
    now: NOW,
    paste: 'proposals = aes256gcm16-prfsha384-x25519',
    pasteMlKem: 'proposals = aes256gcm16-prfsha384-x25519-ke1_mlkem768',
    ...context,
  });
}

export function statusOf(id: string, facts: TargetFacts, context: Partial<CheckContext> = {}): string {
  return judged(id, facts, context).status;
}

/** RSA with 1024 bits, signed over SHA-1, valid for a hundred years. */
export function weakCertificate(): Uint8Array {
  return new X509Certificate(`-----BEGIN CERTIFICATE-----
MIIB+jCCAWOgAwIBAgIUb5v6opVfZjmI9WWE644xtFznlJEwDQYJKoZIhvcNAQEF
BQAwDjEMMAoGA1UEAwwDb2xkMCAXDTI2MTEyMTEyMjgxN1oYDzIxMjYxMDI4MTIy
ODE3WjAOMQwwCgYDVQQDDANvbGQwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGB
ANNjMEUuCc5AHSSD8uZSMxvtF1mLR16siYKFCL3dBLSMeHRTYVNMGCuiupPB6LAp
QpU6hUcyliIRLzKrFNhF3oouBIX51OCqGhWquPDBs2ZP3zk6/lobx9LIm//4CFmm
88NMhg9rBZMKJ3CjmnfQ3UE0YAoegLmbJWZvo/bK71yvAgMBAAGjUzBRMB0GA1Ud
DgQWBBSx/QW9kgnnQQ7BU3Vt/Lw3UDRN7TAfBgNVHSMEGDAWgBSx/QW9kgnnQQ7B
U3Vt/Lw3UDRN7TAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBBQUAA4GBAL/K
ms3JKWkBCBz80NtieZ4f3/iy7J3KtA1iEcC5YeOBZgDtU+gtnyaAM0LMb0LEjLUm
W84JG7FbJZosfPMzfYq1kmk/4z3qzgAdgEHty4wlz6o56bAXBD4b/L/jBDTKrjxo
/dQl6NLv64Xj8lIM+U3N5pqrMIgLtPZlejl4/ExM
-----END CERTIFICATE-----`).raw;
}
