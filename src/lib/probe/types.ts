import type { Milliseconds } from '../core/environment.js';
import type { ErrorKind } from '../core/errors.js';
import type { Transform } from '../ike/wire/types.js';

/** What a gateway said to one question. */
export type Verdict = 'accepted' | 'rejected' | 'no answer' | 'blocked';

/** An algorithm as the gateway took it; numbers and names are IANA's. `keyLength` in bits, where the transform has one. */
export interface Algorithm {
  id: number;
  keyLength?: number;
  name: string;
}

/** One combination that the gateway confirmed as a whole. No `integ` with an AEAD. */
export interface Suite {
  encr: Algorithm;
  prf: Algorithm;
  integ?: Algorithm;
  ke: Algorithm;
  /** RFC 9370, in the order of the exchanges. */
  addke?: Algorithm[];
}

/** One packet that went out or came in, for evidence. `at` counts from the first packet to this target. */
export interface ProbePacket {
  /** Counts from 1. */
  number: number;
  at: Milliseconds;
  direction: 'sent' | 'received';
  bytes: number;
  /** What it was, in a few words, e.g. `IKE_SA_INIT, 14 ciphers, group 31` or `INVALID_KE_PAYLOAD 19`. */
  summary: string;
}

export interface PacketCount {
  sent: number;
  received: number;
  bytesSent: number;
  bytesReceived: number;
}

/** A question with its answer that a conclusion rests on: numbers of {@link ProbePacket}s. */
export type PacketNumbers = number[];

export type AlgorithmKind = 'encr' | 'prf' | 'integ' | 'ke' | 'addke';

/** A yes-or-no that was found out, or was not. */
export interface Observation<T = boolean> {
  value: T | undefined;
  /** Why there is no value, or how it was found. */
  note?: string;
  packets: PacketNumbers;
}

export interface Ikev2Facts {
  /** Everything that was accepted in some suite. */
  accepted: Record<AlgorithmKind, Algorithm[]>;
  /** Neither accepted nor rejected: asked and not answered, or never asked. What is in no list was rejected. */
  inconclusive: Record<AlgorithmKind, Algorithm[]>;
  /** The questions with their answers that show an accepted algorithm. */
  evidence?: { kind: AlgorithmKind; id: number; keyLength?: number; packets: PacketNumbers }[];
  /** Confirmed combinations. */
  suites: Suite[];
  /** Every accepted combination is in `suites`. */
  suitesComplete: boolean;
  /** What was asked for, as far as `limits` allowed: `exact`: every combination; `pairwise`: every pair; `none`: nothing. */
  suitesMethod: 'exact' | 'pairwise' | 'none';
  /** Why fewer suites were asked for, by the method's own bounds: no limit of what is known about algorithms. A sentence. */
  suitesLimit?: string;
  /** What the gateway chose from an offer of everything. */
  preferred: Suite | undefined;
  /** In an offer with weak and strong algorithms together, the gateway chose these. */
  mixedChoice: Observation<Suite>;
  /** Groups that INVALID_KE_PAYLOAD named, with the groups that had been offered. */
  steering: { offered: number[]; sent: number; wanted: number; packets: PacketNumbers }[];
  capabilities: {
    /** RFC 7383. */
    fragmentation: Observation;
    /** Hash ids of SIGNATURE_HASH_ALGORITHMS (RFC 7427). */
    signatureHashes: Observation<number[]>;
    /** RFC 9242. */
    intermediate: Observation;
    /** RFC 8784. */
    ppk: Observation;
    /** RFC 6023. */
    childless: Observation;
    /** RFC 5685. */
    redirect: Observation;
    /** Notify 16447, IKE_SA_INIT_FULL_TRANSCRIPT_AUTH. */
    downgradePrevention: Observation;
    /** RFC 4739. */
    multipleAuth: Observation;
    natDetection: Observation;
    /** RFC 9370: additional key exchanges are negotiated. */
    multipleKe: Observation;
    /** Certificate authorities are named in CERTREQ: hex SHA-1 key hashes. */
    certificateRequest: Observation<string[]>;
    /** In this run: `never` seen, asked `always` (a gateway that others load does too), or `under load` of our questions. */
    cookies: Observation<'never' | 'under load' | 'always'>;
  };
  /** Status notifies that no capability above stands for. */
  otherNotifies: number[];
  /** The same public value or nonce came twice. */
  repeats: { publicValue: Observation; nonce: Observation };
  /** Half-open IKEv2 SAs that could not be cleared again. */
  halfOpenLeft: number;
}

/** One set of IKEv1 phase 1 attributes that was accepted. */
export interface Ikev1Suite {
  encr: Algorithm;
  hash: Algorithm;
  /** Id 0: the gateway takes any method at first and decides later, unseen. */
  auth: Algorithm;
  group: Algorithm;
  packets?: PacketNumbers;
}

export interface Ikev1Facts {
  enabled: Observation;
  mainMode: Ikev1Suite[];
  aggressiveMode: Ikev1Suite[];
  /** What the gateway calls itself in aggressive mode, with whatever method. */
  aggressiveIdentity?: string;
  /** From an aggressive mode answer with a PSK: what an offline guess needs. */
  aggressiveHash:
    | {
        identity: string;
        hash: 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512' /** psk-crack's line. */;
        line: string;
        packets: PacketNumbers;
      }
    | undefined;
  inconclusive: string[];
  /** SAs that it began and whose end it did not confirm. It may have forgotten them, as strongSwan does, or lets them expire. */
  halfOpenLeft: number;
}

/** What an IKE_AUTH without AUTH made the gateway show (EAP gateways only). */
export interface AuthFacts {
  /** The gateway goes on with EAP. */
  eap: Observation;
  /** How the gateway proved itself before EAP. */
  responderMethod: Observation<'certificate' | 'psk' | 'none'>;
  /** RFC 7296 3.5 notation as in `--remote-id`. */
  identity: string | undefined;
  /** DER, its own first. */
  certificates: Uint8Array[];
  /** In words, e.g. `RSA with SHA-1`. */
  signature: Observation<string>;
  /** Chain problems as `cert verify` finds them; undefined: no CA to check against was given. */
  problems: { code: string; message: string }[] | undefined;
  /** Answers tell identities that exist from others; undefined: not tried. */
  identityOracle?: Observation;
}

export interface VendorId {
  /** Hexadecimal, as received. */
  hex: string;
  name?: string;
  /** A version that it discloses. */
  version?: string;
}

export interface Fingerprint {
  implementation: string;
  version?: string;
  /** 0 to 1. */
  confidence: number;
  /** What speaks for it. */
  reasons: string[];
}

/** `open`: IKE answers; `closed`: the host says so (ICMP); `silent`: nothing. */
export type PortState = 'open' | 'closed' | 'silent' | 'not tried';

/** Results of checks that need `--active`. */
export interface ActiveFacts {
  invalidPublicValue?: Observation<{ group: number; value: string }[]>;
  cookiesUnderLoad?: Observation;
  /** `tried` guesses; `found`: one of them is the PSK (never the PSK itself: its line in the list). */
  pskGuesses?: Observation<{ tried: number; foundLine: number | undefined }>;
}

/** Everything that was learnt about one target: data, no judgement. */
export interface TargetFacts {
  host: string;
  /** As dialled; undefined when the name does not resolve. */
  address: string | undefined;
  port: number;
  ports: { ike: PortState; natT: PortState; tcp: PortState };
  /**
   * `blocked`: it answered and then went blind to us; `not ike`: what answers is not IKE; `unfinished`: nothing came before
   * the run ended early.
   */
  verdict: 'answers' | 'no answer' | 'closed' | 'blocked' | 'not ike' | 'unresolved' | 'unfinished';
  /** What ended the run before everything was asked; the sentence is in `limits`. */
  unfinished?: 'interrupted' | 'budget' | 'error';
  /** What kind of error. */
  failure?: ErrorKind;
  /** Why the run is incomplete: blind spells, exhausted budget, interruption. */
  limits: string[];
  ikev2: Ikev2Facts | undefined;
  ikev1: Ikev1Facts | undefined;
  auth: AuthFacts | undefined;
  active: ActiveFacts | undefined;
  vendorIds: VendorId[];
  fingerprint: Fingerprint | undefined;
  /** Answers larger than their questions, and answers that nobody asked for, of whatever version. */
  amplification: { largestRatio: number; unsolicited: number; packets: PacketNumbers };
  packets: PacketCount;
  log: ProbePacket[];
}

export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info';

export type CheckStatus = 'pass' | 'finding' | 'inconclusive' | 'skipped' | 'error';

/** The result of one check of the catalogue. */
export interface Finding {
  /** Stable, e.g. `IKE-ENC-002`. */
  id: string;
  /** Of the check, or what the finding deserves where that depends. */
  severity: Severity;
  status: CheckStatus;
  title: string;
  /** What was seen, or why the check was skipped or inconclusive; sentences. */
  evidence: string[];
  packets: PacketNumbers;
  /** `RFC 8247 2.1`, `CVE-2016-2183`, URLs. */
  references: string[];
  /** What to change; undefined for a pass. */
  remediation: { text: string /** strongSwan configuration to paste. */; strongswan?: string } | undefined;
}

export type Grade = 'A+' | 'A' | 'B' | 'C' | 'D' | 'F' | '?';

/** A target with its judgement. */
export interface TargetReport {
  facts: TargetFacts;
  findings: Finding[];
  grade: { letter: Grade; reasons: string[] };
  /** A better configuration for this gateway, strongSwan keywords; empty where nothing obeys the policy. */
  proposal: string;
  /** Lines with it for strongSwan's `connections.<name>`, and comments that say what to know before. */
  paste: string;
}

/** How a probe goes about it. */
export interface ProbeOptions {
  port: number;
  natPort: number;
  sourcePort: number | undefined;
  depth: 'quick' | 'full';
  suites: 'none' | 'pairwise' | 'exact';
  /** Packets that may be sent to one target. */
  budget: number;
  /** Packets a second to one target; undefined: as fast as two questions in flight allow. */
  pps: number | undefined;
  timeout: Milliseconds;
  retries: number;
  ikev1: boolean;
  /** Transforms that a question may hold, and the order in which they are wanted, are the oracle's business. */
  active: boolean;
}

/** One question to the oracle: is some combination out of these proposals acceptable? */
export interface Question {
  /** Each becomes one proposal; types ENCR, PRF, INTEG, KE, ADDKE. */
  proposals: readonly (readonly Transform[])[];
  /** Group of the KE payload. `outside`: a known group that is not in the proposals, so that nothing half-open is left. */
  ke: number | 'outside';
  /** In a few words, for the packet log. */
  summary: string;
}

export type Answer =
  /** Accepted; `wanted`: the group that INVALID_KE_PAYLOAD names, or `chosen`: a whole SA, now half-open there. */
  | { verdict: 'accepted'; wanted: number; packets: PacketNumbers }
  | { verdict: 'accepted'; chosen: Transform[]; packets: PacketNumbers }
  | { verdict: 'rejected'; notify: number; packets: PacketNumbers }
  /** Neither yes nor no. `note`: an answer came that says neither (`answered INVALID_SYNTAX`), or why none could come. */
  | { verdict: 'no answer' | 'blocked'; note?: string; packets: PacketNumbers };
