import type { Clock, Entropy, Milliseconds } from '../core/environment.js';
import type { Log } from '../core/log.js';
import type { Algorithm, AlgorithmKind, ProbeOptions, ProbePacket, TargetFacts } from './types.js';

/** Parts of a run, in order. */
export type ProbePhase =
  | 'reach'
  | 'contact'
  | 'algorithms'
  | 'suites'
  | 'ikev1'
  | 'authentication'
  | 'active';

/** What a run says while it goes on. */
export type ProbeEvent =
  | { type: 'phase'; phase: ProbePhase }
  | {
      type: 'packet';
      packet: ProbePacket /** Sent so far, retransmissions included. */;
      sent: number;
      budget: number;
    }
  | { type: 'accepted'; kind: AlgorithmKind; algorithm: Algorithm }
  /** Nothing is sent for a while, because the gateway went blind to us. */
  | { type: 'pause'; for: Milliseconds; reason: string };

export interface ProbeTarget {
  /** As the user wrote it. */
  host: string;
  /** Resolved; undefined: the name has no address. */
  address: string | undefined;
}

export interface ProbeContext {
  onProgress(event: ProbeEvent): void;
  /** Ends the run early: what is known by then is returned. */
  signal: AbortSignal;
  clock: Clock;
  entropy: Entropy;
  log: Log;
}

/**
 * Finds out everything about one target that can be learnt without credentials. Never rejects for what the target does.
 * @throws KitError of kind environment when no socket can be opened (`E_PRIVILEGE`, `E_PORT_IN_USE`)
 */
export async function probeTarget(
  target: ProbeTarget,
  options: ProbeOptions,
  _context: ProbeContext,
): Promise<TargetFacts> {
  return {
    host: target.host,
    address: target.address,
    port: options.port,
    ports: { ike: 'not tried', natT: 'not tried', tcp: 'not tried' },
    verdict: target.address === undefined ? 'unresolved' : 'no answer',
    limits: [],
    ikev2: undefined,
    ikev1: undefined,
    auth: undefined,
    active: undefined,
    vendorIds: [],
    fingerprint: undefined,
    packets: { sent: 0, received: 0, bytesSent: 0, bytesReceived: 0 },
    log: [],
  };
}
