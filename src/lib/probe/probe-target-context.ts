import type { Clock, Entropy, Milliseconds } from '../core/environment.js';
import type { Log } from '../core/log.js';
import type { Secret } from '../core/secret.js';
import type { Identity } from '../ike/identity.js';
import type { AuthTrust } from './auth-probe.js';
import type { Timers } from './scheduler-traffic.js';
import type { ProbeTransport } from './transport.js';
import type { TcpQuestion } from './transport-tcp.js';
import type { UdpTarget } from './transport-udp.js';
import type { Algorithm, AlgorithmKind, PortState, ProbePacket } from './types.js';

/** Parts of a run, in order. */
export type ProbePhase =
  | 'reach'
  | 'contact'
  | 'algorithms'
  | 'suites'
  | 'authentication'
  | 'ikev1'
  | 'active';

/** What a run says while it goes on. */
export type ProbeEvent =
  | { type: 'phase'; phase: ProbePhase }
  /** `sent`: packets so far, retransmissions included. */
  | { type: 'packet'; packet: ProbePacket; sent: number; budget: number }
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
  /** IDi for IKE_AUTH and Aggressive Mode; undefined: our address. */
  identity?: Identity;
  /** What the gateway's certificate is checked against; undefined: it is collected and not checked. */
  trust?: Omit<AuthTrust, 'name' | 'now'>;
  /** Active checks: pre-shared keys to try with `identity`. */
  pskWords?: readonly Secret[];
}

/** How a run reaches the network; stands in for sockets in tests. */
export interface ProbeNetwork {
  openUdp(target: UdpTarget): Promise<ProbeTransport>;
  askTcp(question: TcpQuestion): Promise<PortState>;
  timers: Timers;
}
