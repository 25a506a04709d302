import type { Endpoint, EspPath } from '../../core/endpoint.js';
import { KitError } from '../../core/errors.js';
import type { UdpTransport } from '../../net/udp.js';
import type { ChildSa } from '../sa.js';

/** Counters of one child SA. */
export interface ChildSaStats {
  packetsIn: number;
  packetsOut: number;
  /** Inner bytes. */
  bytesIn: number;
  bytesOut: number;
  /** Dropped inbound packets by reason. */
  icvFailures: number;
  /**
   * Seen before, or too old to tell. With ESN those that are too old are ICV failures: their number is inferred to be
   * one of the next 2^32 (RFC 4303 A2.2).
   */
  replays: number;
  /** Inner packets outside the selectors, bad padding, unknown inner protocol. */
  malformed: number;
  /** Milliseconds since the epoch of the last authenticated inbound packet; undefined before the first. */
  lastInboundAt: number | undefined;
}

/** What a plane counts beside its child SAs. */
export interface PlaneStats {
  /** Packets dropped that no child SA could be blamed for, by reason. */
  drops: Record<string, number>;
  /** Reads and writes with what they carried, where the plane handles many packets at once. */
  batches?: PlaneBatches;
}

/** How many packets a system call carried: the more, the less each one costs. */
export interface PlaneBatches {
  deviceReads: number;
  devicePacketsOut: number;
  deviceWrites: number;
  devicePacketsIn: number;
  socketReads: number;
  datagramsIn: number;
  socketWrites: number;
  datagramsOut: number;
}

/** Counters before the first packet. */
export function noTraffic(): ChildSaStats {
  return {
    packetsIn: 0,
    packetsOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    icvFailures: 0,
    replays: 0,
    malformed: 0,
    lastInboundAt: undefined,
  };
}

/** What of a child SA runs out: its sequence numbers, or the bytes that its key may protect. */
export type LifetimeReason = 'sequence' | 'bytes';

/** What a plane reports back; called synchronously, must not throw. */
export interface PlaneEvents {
  /**
   * Rekey now (RFC 4301 4.4.2.1, soft lifetime): three quarters of the sequence numbers are used, which never cycle
   * (RFC 4303 3.3.3), or a direction has carried `rekeyBytes`. Said once.
   */
  softLifetimeReached(childSaId: string, reason: LifetimeReason): void;
  /**
   * A pair carries nothing more, because no rekey came in time: its end is due (RFC 4301 4.4.2.1, hard lifetime). Said
   * once.
   */
  hardLifetimeReached(childSaId: string): void;
  /** An authenticated packet came from another outer address (RFC 7296 2.23). */
  peerMoved(childSaId: string, remote: Endpoint): void;
  /**
   * The path to the peer takes less than the device: IP packets of `pathMtu` bytes, and so inner packets of `innerMtu`.
   */
  pathMtu(childSaId: string, pathMtu: number, innerMtu: number): void;
  /** A pair that the plane was told to carry cannot be carried after all. */
  refused(childSaId: string, error: KitError): void;
  /** The plane cannot go on (device gone). */
  failed(error: Error): void;
}

/** Those planes that send through UDP sockets carry no ESP without UDP. */
export function noPlainEsp(plane: 'simple' | 'memory'): KitError {
  return new KitError(
    'environment',
    'E_PLAIN_ESP',
    `Without a NAT in between this tunnel needs ESP without UDP, which the ${plane} plane has not`,
    { hint: 'Use --plane fast; or --encap (the default), so that ESP travels in UDP.' },
  );
}

/**
 * Carries traffic for child SAs. `tun` runs ESP in userspace over a TUN device, `memory` keeps packets in arrays.
 * All calls are synchronous; bad arguments are bugs and throw.
 */
export interface Plane {
  readonly kind: 'fast' | 'simple' | 'memory';
  /** Takes the NAT-T sockets over, where the plane reads and writes them itself. Before that no packet flows. */
  attach?(transport: UdpTransport): Promise<void>;
  /** Largest inner packet, bytes. */
  readonly mtu: number;
  /** Name of the network device, or undefined when there is none. */
  readonly deviceName: string | undefined;
  /**
   * Makes ready for ESP on a path. The calls below do that themselves; this tells beforehand whether it can be carried.
   * @throws {KitError} `E_PLAIN_ESP` (environment) for ESP without UDP where there is none
   */
  prepare(path: EspPath): void;
  /** Adds a pair and uses it for both directions. */
  install(child: ChildSa): void;
  /**
   * Adds `child` as the successor of `oldId` (a rekey). Inbound, both are accepted until `remove(oldId)`.
   * Outbound moves at once with `sendOn: 'new'`; with `'old'` it moves when the first authenticated packet
   * arrives on the new pair or the old pair is removed (RFC 7296 2.8: the rekey's responder must not send before
   * the initiator can receive).
   */
  replace(oldId: string, child: ChildSa, sendOn: 'new' | 'old'): void;
  /** Lets outbound traffic of the pair go to a new outer address, or in another encapsulation. */
  movePeer(childSaId: string, path: EspPath): void;
  remove(childSaId: string): void;
  /**
   * Resolves when all that was said before has been done; without it that is at once. IKE messages that leave by
   * sockets of the NAT-T port come after it anyway.
   */
  settled?(): Promise<void>;
  stats(childSaId: string): ChildSaStats | undefined;
  /** Since the plane was made. */
  planeStats(): PlaneStats;
  /** One UDP-encapsulated ESP packet from the network (without UDP header, marker already told apart). */
  receive(packet: Uint8Array, local: Endpoint, remote: Endpoint): void;
  /** Releases the device; within a second even when idle. */
  close(): Promise<void>;
}
