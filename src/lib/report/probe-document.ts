/** Name and version of the document that `probe --format json` writes, and of each line of `--format ndjson`. */
export const PROBE_SCHEMA = 'ipsec-kit/probe@1';

export const probeVerdicts = [
  'answers',
  'no answer',
  'closed',
  'blocked',
  'not ike',
  'unresolved',
  'unfinished',
] as const;
export type ProbeVerdict = (typeof probeVerdicts)[number];

export const portStates = ['open', 'closed', 'silent', 'not tried'] as const;
export type ProbePortState = (typeof portStates)[number];

/** From weighty to light. */
export const probeSeverities = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type ProbeSeverity = (typeof probeSeverities)[number];

export const findingStatuses = ['pass', 'finding', 'inconclusive', 'skipped', 'error'] as const;
export type ProbeFindingStatus = (typeof findingStatuses)[number];

export const grades = ['A+', 'A', 'B', 'C', 'D', 'F', '?'] as const;
export type ProbeGrade = (typeof grades)[number];

export const probeAlgorithmKinds = ['encr', 'prf', 'integ', 'ke', 'addke'] as const;
export type ProbeAlgorithmKind = (typeof probeAlgorithmKinds)[number];

/** Numbers and names are IANA's; `keyLength` in bits, where the transform has one. */
export interface ProbeAlgorithm {
  id: number;
  keyLength?: number;
  name: string;
}

/** No `integ` with an AEAD; `addke` in the order of the exchanges (RFC 9370). */
export interface ProbeSuite {
  encr: ProbeAlgorithm;
  prf: ProbeAlgorithm;
  integ?: ProbeAlgorithm;
  ke: ProbeAlgorithm;
  addke?: ProbeAlgorithm[];
}

type ByKind = Record<ProbeAlgorithmKind, ProbeAlgorithm[]>;

export interface ProbeIkev2 {
  accepted: ByKind;
  /** Neither accepted nor rejected. What is in no list was rejected. */
  inconclusive: ByKind;
  suites: ProbeSuite[];
  /** Every accepted combination is in `suites`. */
  suitesComplete: boolean;
  suitesMethod: 'exact' | 'pairwise' | 'none';
  /** Chosen from an offer of everything. */
  preferred: ProbeSuite | null;
  /** Chosen from an offer of weak and strong algorithms together. */
  mixedChoice: ProbeSuite | null;
  /** Groups that INVALID_KE_PAYLOAD asked for. */
  steering: { offered: ProbeAlgorithm[]; sent: ProbeAlgorithm; wanted: ProbeAlgorithm; packets: number[] }[];
  /** Status notifies that no capability stands for. */
  otherNotifies: { id: number; name: string }[];
  halfOpenLeft: number;
}

/** What IKE_SA_INIT announces; `null`: not known, and `unknown` says why. */
export interface ProbeCapabilities {
  fragmentation: boolean | null;
  signatureHashes: { id: number; name: string }[] | null;
  intermediate: boolean | null;
  ppk: boolean | null;
  childless: boolean | null;
  redirect: boolean | null;
  downgradePrevention: boolean | null;
  multipleAuth: boolean | null;
  natDetection: boolean | null;
  multipleKe: boolean | null;
  /** Hexadecimal SHA-1 key hashes of certificate authorities. */
  certificateRequest: string[] | null;
  cookies: 'never' | 'under load' | 'always' | null;
}

/** One accepted set of phase 1 attributes. `auth` 0: any method, decided later. */
export interface ProbeIkev1Suite {
  encr: ProbeAlgorithm;
  hash: ProbeAlgorithm;
  auth: ProbeAlgorithm;
  group: ProbeAlgorithm;
}

export interface ProbeIkev1 {
  enabled: boolean | null;
  mainMode: ProbeIkev1Suite[];
  aggressiveMode: ProbeIkev1Suite[];
  aggressiveIdentity: string | null;
  /** A hash of the pre-shared key was given away. It is not in here, but in the file of `--save-hash`. */
  aggressiveHash: { identity: string; hash: string } | null;
  inconclusive: string[];
  /** SAs whose end was not confirmed; former versions lack it. */
  halfOpenLeft?: number;
}

export interface ProbeCertificate {
  pem: string;
  /** Absent where the certificate cannot be read. */
  details?: {
    subject: string;
    issuer: string;
    names: string[];
    /** ISO 8601, UTC. */
    notBefore: string;
    notAfter: string;
    key: string;
    signatureAlgorithm: string;
    sha256: string;
  };
}

/** What an IKE_AUTH without AUTH made the gateway show. */
export interface ProbeAuth {
  eap: boolean | null;
  responderMethod: 'certificate' | 'psk' | 'none' | null;
  identity: string | null;
  /** Its own first. */
  certificates: ProbeCertificate[];
  signature: string | null;
  /** As `cert verify` finds them; null: without `--ca` nothing was checked. */
  problems: { code: string; message: string }[] | null;
  identityOracle: boolean | null;
}

/** Results of `--active`; what is absent was not tried. */
export interface ProbeActive {
  invalidPublicValue?: { group: number; value: string }[] | null;
  cookiesUnderLoad?: boolean | null;
  /** `foundLine`: the line of the word list that is the pre-shared key. */
  pskGuesses?: { tried: number; foundLine: number | null } | null;
}

export interface ProbeFinding {
  id: string;
  severity: ProbeSeverity;
  status: ProbeFindingStatus;
  title: string;
  evidence: string[];
  /** Numbers in `log`. */
  packets: number[];
  references: string[];
  remediation: { text: string; strongswan?: string } | null;
}

export interface ProbeLoggedPacket {
  number: number;
  /** Milliseconds since the first packet. */
  at: number;
  direction: 'sent' | 'received';
  bytes: number;
  summary: string;
}

/** One target with its judgement. */
export interface ProbeTargetReport {
  /** As the user wrote it. */
  host: string;
  /** null: the name does not resolve. */
  address: string | null;
  port: number;
  verdict: ProbeVerdict;
  grade: { letter: ProbeGrade; reasons: string[] };
  ports: { ike: ProbePortState; natT: ProbePortState; tcp: ProbePortState };
  ikev2: ProbeIkev2 | null;
  capabilities: ProbeCapabilities | null;
  vendorIds: { hex: string; name?: string; version?: string }[];
  fingerprint: { implementation: string; version?: string; confidence: number; reasons: string[] } | null;
  ikev1: ProbeIkev1 | null;
  auth: ProbeAuth | null;
  active: ProbeActive | null;
  findings: ProbeFinding[];
  /** What was not found out, and why. */
  unknown: { subject: string; reason: string }[];
  /** Why the run is incomplete. */
  limits: string[];
  /** A better configuration, strongSwan keywords. */
  proposal: string;
  /** Lines with it, and comments that say what to know before; former versions lack it. */
  paste?: string;
  packets: { sent: number; received: number; bytesSent: number; bytesReceived: number };
  log: ProbeLoggedPacket[];
}

/** What is different from a former result of the same target. */
export interface ProbeChanges {
  host: string;
  address: string | null;
  port: number;
  /** `added`: the former result lacks it; `missing`: only the former result has it. */
  state: 'unchanged' | 'changed' | 'added' | 'missing';
  verdict: { before: ProbeVerdict; after: ProbeVerdict } | null;
  grade: { before: ProbeGrade; after: ProbeGrade } | null;
  gained: ProbeChangedAlgorithm[];
  lost: ProbeChangedAlgorithm[];
  capabilities: { name: string; before: string; after: string }[];
  /** Combinations, by IANA's names, where both runs know all of them. */
  suites: { gained: string[]; lost: string[] };
  /** What the gateway chooses, by IANA's names, and the SHA-256 of the certificate it proves itself with. */
  preferred: { before: string; after: string } | null;
  certificate: { before: string; after: string } | null;
  /** The check passed before. */
  newFindings: ProbeChangedFinding[];
  /** Findings of checks that the former run did not decide or did not have: perhaps new. */
  newlyKnown: ProbeChangedFinding[];
  /** Findings of both runs that weigh more now. */
  worse: { id: string; title: string; before: ProbeSeverity; after: ProbeSeverity }[];
  goneFindings: ProbeChangedFinding[];
  /** What one of the two runs did not find out, so that nobody can say whether it changed. */
  unclear: string[];
}

export interface ProbeChangedAlgorithm extends ProbeAlgorithm {
  kind: ProbeAlgorithmKind;
}

export interface ProbeChangedFinding {
  id: string;
  severity: ProbeSeverity;
  title: string;
}

/** The result of a run. */
export interface ProbeDocument {
  schema: typeof PROBE_SCHEMA;
  /** ISO 8601, UTC. */
  started: string;
  ended: string;
  /** The user ended the run; what was not probed any more is in no list of this document but `notProbed`. */
  interrupted: boolean;
  targets: ProbeTargetReport[];
  /** Targets that the run did not come to. */
  notProbed: string[];
  /** With `--baseline`. */
  changes?: ProbeChanges[];
}

/** One line of NDJSON. */
export interface ProbeLine extends ProbeTargetReport {
  schema: typeof PROBE_SCHEMA;
  /** With `--baseline`. */
  changes?: ProbeChanges;
}
