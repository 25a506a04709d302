import type { Encapsulation } from '../core/endpoint.js';
import type { Log } from '../core/log.js';
import type { PathPolicy } from '../esp/path-policy.js';
import type { ChildSaStats, Plane, PlaneEvents, PlaneStats } from '../esp/plane/plane.js';
import type { RetransmitSchedule } from '../ike/session/types.js';
import type { Credentials } from './credentials.js';

/** What `connect` and `serve` share; texts are as the user wrote them and are parsed by the tunnel. */
export interface TunnelOptions {
  /** strongSwan's notation, e.g. `alice@example.com`, `%any`. */
  localId?: string | undefined;
  remoteId?: string | undefined;
  credentials: Credentials;
  /** Comma-separated strongSwan proposals; undefined: the defaults. */
  ike?: string | undefined;
  esp?: string | undefined;
  /** CIDRs. */
  localTs?: string[] | undefined;
  remoteTs?: string[] | undefined;
  /** connect: the gateway's ports; serve: the ports to listen on. */
  port: number;
  natPort: number;
  encap: boolean;
  /** IKE messages that are too long for one datagram (RFC 7383); undefined: they are fragmented. */
  fragmentation?: boolean | undefined;
  /** AUTH may cover both IKE_SA_INIT messages; undefined: it does, with peers that know it. */
  fullTranscript?: boolean | undefined;
  /** Largest IP datagram with a fragment, bytes; undefined: chosen, and smaller when nothing comes back. */
  fragmentSize?: number | undefined;
  /** Inner MTU, bytes; undefined: derived from the path. */
  mtu?: number | undefined;
  /** Undefined: the defaults. */
  path?: PathPolicy | undefined;
  tunName?: string | undefined;
  /** Undefined: `auto`. */
  plane?: PlaneChoice | undefined;
  /** Folder for the key log; undefined: none. */
  keylog?: string | undefined;
  /** Milliseconds; undefined: never. */
  rekeyIke?: number | undefined;
  rekeyChild?: number | undefined;
  /** Inner bytes in one direction; undefined: what the cipher is good for. */
  rekeyChildBytes?: number | undefined;
  dpd?: number | undefined;
  /** Milliseconds after which to leave by itself; undefined: stay. */
  duration?: number | undefined;
}

export interface ClientOptions extends TunnelOptions {
  /** Host name or address. */
  gateway: string;
  dnsMode: 'none' | 'resolvectl';
}

export interface ServerOptions extends TunnelOptions {
  /** Addresses to listen on; empty: all of this host. */
  listen: string[];
  /** CIDRs of virtual address pools. */
  pools: string[];
  dns: string[];
  /** Half-open SAs from which on cookies are asked. */
  cookieThreshold: number;
}

/** Which plane carries the traffic: the fast one, the simple one, or the fast one where it can be had. */
export type PlaneChoice = 'auto' | 'fast' | 'simple';

/** Where a tunnel gets its plane; `demo` and tests hand in memory planes. */
export type PlaneFactory = (
  settings: { name: string | undefined; mtu: number; path?: PathPolicy | undefined },
  send: (
    packet: Uint8Array,
    local: { address: string; port: number },
    remote: { address: string; port: number },
  ) => void,
  events: PlaneEvents,
) => Promise<Plane> | Plane;

/** What the tunnel needs from its surroundings. */
export interface TunnelContext {
  /** Called for every event, in order. */
  onEvent(event: TunnelEvent): void;
  log: Log;
  /** Aborting closes the tunnel in good order. */
  signal: AbortSignal;
  /** Registers who reports counters when they are asked for. @returns ends that */
  onStatsWanted?: (report: () => void) => () => void;
  /** Undefined: a TUN device. With a factory no device, address, route or resolver setting is touched. */
  createPlane?: PlaneFactory;
  /** How patiently requests are repeated; undefined: six sends over 26 seconds. */
  retransmit?: RetransmitSchedule;
  /** Pauses before the second, third … attempt of a client that lost its tunnel; the last one repeats. */
  reconnectDelays?: readonly number[];
}

/** The counters of a tunnel. */
export interface StatsEvent extends PlaneStats {
  event: 'stats';
  plane: Plane['kind'];
  childSas: ({
    inboundSpi: string;
    outboundSpi: string;
    peer: string;
    /** ISO 8601; absent before the first packet. */
    lastInbound?: string;
  } & Omit<ChildSaStats, 'lastInboundAt'>)[];
}

/** SPIs of an IKE SA, 16 hex digits each. */
interface IkeSpis {
  initiatorSpi: string;
  responderSpi: string;
}

/** A child SA; SPIs as `0x` and 8 hex digits. */
interface ChildFields {
  inboundSpi: string;
  outboundSpi: string;
  proposal: string;
  /** How ESP travels. */
  encapsulation: Encapsulation;
  localTs: string[];
  remoteTs: string[];
}

/**
 * One line of `--format ndjson`, without `schema` and `time`, which the renderer adds.
 * `peer` is `address:port` (`[address]:port` for IPv6).
 */
export type TunnelEvent =
  | { event: 'listening'; addresses: { address: string; port: number; natT: boolean }[] }
  | { event: 'host-advice'; missing: string; commands: string[] }
  | { event: 'device-up'; device: string; mtu: number; addresses: string[]; routes: string[] }
  | {
      event: 'exchange';
      exchange: string;
      initiatedByUs: boolean;
      messageId: number;
      purpose: string;
      peer: string;
    }
  | ({
      event: 'ike-sa-established';
      role: 'initiator' | 'responder';
      proposal: string;
      localId: string;
      remoteId: string;
      /** How each side proved who it is: `psk`, `ECDSA P-256 with SHA-256`, `eap-mschapv2`, `null`; rounds joined by ` + `. */
      localAuth: string;
      remoteAuth: string;
      /** The client's name to EAP. */
      eapIdentity?: string;
      local: string;
      peer: string;
    } & IkeSpis)
  | { event: 'addresses-assigned'; addresses: string[]; dns: string[]; peer: string }
  | ({ event: 'child-sa-established'; peer: string } & ChildFields)
  | ({ event: 'child-sa-rekeyed'; oldInboundSpi: string; oldOutboundSpi: string; peer: string } & ChildFields)
  | ({
      event: 'child-sa-deleted';
      reason: string;
      packetsIn: number;
      packetsOut: number;
      bytesIn: number;
      bytesOut: number;
      peer: string;
    } & ChildFields)
  | ({
      event: 'ike-sa-rekeyed';
      oldInitiatorSpi: string;
      oldResponderSpi: string;
      proposal: string;
      peer: string;
    } & IkeSpis)
  | StatsEvent
  | { event: 'peer-moved'; local: string; peer: string }
  /** The path to a peer takes less than the device: IP packets of so many bytes, inner packets of so many. */
  | { event: 'path-mtu'; peer: string; pathMtu: number; innerMtu: number }
  | ({ event: 'ike-sa-deleted'; reason: string; peer: string } & Partial<IkeSpis>)
  /** A file that a client imports; `for` names the kind of client, `note` says what to do with it. */
  | { event: 'profile-exported'; for: string; path: string; secret: boolean; note: string }
  /** Something that works, and yet somebody should know. */
  | { event: 'warning'; code: string; message: string; peer?: string }
  | { event: 'error'; code: string; message: string; hint?: string; peer?: string };
