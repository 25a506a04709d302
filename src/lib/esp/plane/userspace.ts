import { type Endpoint, sameEndpoint } from '../../core/endpoint.js';
import { type Clock, type Entropy, systemClock, systemEntropy } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { type InnerPacket, narrowestMatch, readInnerPacket } from '../inner.js';
import { NextHeader, readEspHeader } from '../packet.js';
import type { ChildSa } from '../sa.js';
import { InboundSa, OutboundSa } from '../sad.js';
import type { ChildSaStats, Plane, PlaneEvents } from './plane.js';

/** Hands one ESP packet to the UDP socket bound to `local`. */
export type SendEsp = (packet: Uint8Array, local: Endpoint, remote: Endpoint) => void;

/** What a plane is made with: the name wanted for a device, and the largest inner packet. */
export interface PlaneSettings {
  name: string | undefined;
  mtu: number;
}

export interface UserspacePlaneOptions {
  mtu: number;
  deviceName: string | undefined;
  send: SendEsp;
  events: PlaneEvents;
  /** Takes one decrypted inner packet. @returns false when it had to be dropped */
  deliver: (packet: Uint8Array) => boolean;
  /** Releases what lies behind `deliver`. */
  release: () => Promise<void>;
  clock?: Clock;
  entropy?: Entropy;
  /** Sequence number before the first packet's of every SA; tests start near the end. */
  initialSequence?: number;
}

/** Packets that no child SA could be blamed for, and inner packets that could not leave. */
export interface PlaneDrops {
  /** Inbound: no SA has this SPI. */
  unknownSpi: number;
  /** Outbound: no child SA has selectors for the packet. */
  noChild: number;
  /** Outbound: no whole IP packet. */
  malformed: number;
  /** Outbound: bigger than the MTU. */
  tooBig: number;
  /** Outbound: the SA has used all its sequence numbers. */
  exhausted: number;
  /** Inbound: the device took no more. */
  device: number;
}

/** A child SA in use. */
interface Entry {
  child: ChildSa;
  inbound: InboundSa;
  outbound: OutboundSa;
  stats: ChildSaStats;
  local: Endpoint;
  remote: Endpoint;
  /** The pair this one replaces, while that is still there. */
  predecessor: Entry | undefined;
  /** True while the predecessor goes on sending (`sendOn: 'old'`). */
  pending: boolean;
  warned: boolean;
  /** Where the peer was last reported to be. */
  reported: Endpoint;
}

/**
 * ESP in this process: the SA database and the way of a packet through it. What is behind it (a TUN device, arrays)
 * comes in through {@link UserspacePlaneOptions}.
 */
export class UserspacePlane implements Plane {
  readonly mtu: number;
  readonly deviceName: string | undefined;
  readonly drops: PlaneDrops = {
    unknownSpi: 0,
    noChild: 0,
    malformed: 0,
    tooBig: 0,
    exhausted: 0,
    device: 0,
  };
  readonly #options: UserspacePlaneOptions;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #bySpi = new Map<number, Entry>();
  /** Those that may send, newest first. */
  #senders: Entry[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: UserspacePlaneOptions) {
    this.mtu = options.mtu;
    this.deviceName = options.deviceName;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#entropy = options.entropy ?? systemEntropy;
  }

  install(child: ChildSa): void {
    this.#add(child, undefined, false);
  }

  replace(oldId: string, child: ChildSa, sendOn: 'new' | 'old'): void {
    this.#add(child, this.#known(oldId), sendOn === 'old');
  }

  movePeer(childSaId: string, local: Endpoint, remote: Endpoint): void {
    const entry = this.#known(childSaId);
    entry.local = local;
    entry.remote = remote;
    entry.reported = remote;
  }

  remove(childSaId: string): void {
    const entry = this.#known(childSaId);
    this.#entries.delete(childSaId);
    this.#bySpi.delete(entry.child.inbound.spi);
    for (const successor of this.#entries.values()) {
      if (successor.predecessor !== entry) continue;
      successor.predecessor = entry.predecessor;
      successor.pending = false;
    }
    this.#chooseSenders();
  }

  stats(childSaId: string): ChildSaStats | undefined {
    const entry = this.#entries.get(childSaId);
    return entry && { ...entry.stats };
  }

  receive(packet: Uint8Array, _local: Endpoint, remote: Endpoint): void {
    if (this.#closing !== undefined) return;
    const header = readEspHeader(packet);
    const entry = header && this.#bySpi.get(header.spi);
    if (entry === undefined) {
      this.drops.unknownSpi += 1;
      return;
    }
    const { stats } = entry;
    const opened = entry.inbound.open(packet);
    switch (opened.verdict) {
      case 'icv':
        stats.icvFailures += 1;
        break;
      case 'replay':
        stats.replays += 1;
        break;
      case 'malformed':
        stats.malformed += 1;
        break;
      case 'ok':
        this.#heard(entry, opened.newest, remote);
        this.#deliver(entry, opened.nextHeader, opened.payload);
    }
  }

  /** Seals one inner packet and sends it, or counts it as dropped. The packet's memory is free again on return. */
  transmit(data: Uint8Array): void {
    if (this.#closing !== undefined) return;
    const packet = readInnerPacket(data);
    if (packet === undefined) {
      this.drops.malformed += 1;
      return;
    }
    if (packet.length > this.mtu) {
      this.drops.tooBig += 1;
      return;
    }
    const entry = this.#senderFor(packet);
    if (entry === undefined) {
      this.drops.noChild += 1;
      return;
    }
    const sealed = entry.outbound.seal(packet.nextHeader, data.subarray(0, packet.length));
    if (sealed === undefined) {
      this.drops.exhausted += 1;
      return;
    }
    entry.stats.packetsOut += 1;
    entry.stats.bytesOut += packet.length;
    if (!entry.warned && entry.outbound.nearlyExhausted) {
      entry.warned = true;
      this.#options.events.sequenceNearlyExhausted(entry.child.id);
    }
    this.#options.send(sealed, entry.local, entry.remote);
  }

  close(): Promise<void> {
    this.#closing ??= this.#options.release();
    return this.#closing;
  }

  #add(child: ChildSa, predecessor: Entry | undefined, pending: boolean): void {
    if (this.#entries.has(child.id) || this.#bySpi.has(child.inbound.spi)) {
      throw new KitError(
        'bug',
        'E_CHILD_SA_EXISTS',
        `Child SA ${child.id} or its inbound SPI is in use already`,
      );
    }
    const entry: Entry = {
      child,
      inbound: new InboundSa(child.inbound),
      outbound: new OutboundSa(child.outbound, this.#entropy, this.#options.initialSequence),
      stats: {
        packetsIn: 0,
        packetsOut: 0,
        bytesIn: 0,
        bytesOut: 0,
        icvFailures: 0,
        replays: 0,
        malformed: 0,
        lastInboundAt: undefined,
      },
      local: child.local,
      remote: child.remote,
      predecessor,
      pending,
      warned: false,
      reported: child.remote,
    };
    this.#entries.set(child.id, entry);
    this.#bySpi.set(child.inbound.spi, entry);
    this.#chooseSenders();
  }

  #known(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new KitError('bug', 'E_CHILD_SA_UNKNOWN', `There is no child SA ${id}`);
    return entry;
  }

  /** A pair sends unless it waits for its turn or a successor has taken over. */
  #chooseSenders(): void {
    const entries = [...this.#entries.values()].reverse();
    const superseded = new Set(entries.filter((entry) => !entry.pending).map((entry) => entry.predecessor));
    this.#senders = entries.filter((entry) => !entry.pending && !superseded.has(entry));
  }

  /** The child SA with the narrowest selectors for the packet, the newest among equals. */
  #senderFor(packet: InnerPacket): Entry | undefined {
    let best: Entry | undefined;
    let bestRemote = -1;
    let bestLocal = -1;
    for (const entry of this.#senders) {
      const { localSelectors, remoteSelectors } = entry.child;
      const { source, destination, protocol, sourcePort, destinationPort } = packet;
      const remote = narrowestMatch(remoteSelectors, destination, protocol, destinationPort);
      if (remote === undefined || remote < bestRemote) continue;
      const local = narrowestMatch(localSelectors, source, protocol, sourcePort);
      if (local === undefined || (remote === bestRemote && local <= bestLocal)) continue;
      best = entry;
      bestRemote = remote;
      bestLocal = local;
    }
    return best;
  }

  /** An authenticated packet came: the peer lives, uses the pair, and is where the packet came from. */
  #heard(entry: Entry, newest: boolean, remote: Endpoint): void {
    entry.stats.lastInboundAt = this.#clock.now();
    if (entry.pending) {
      entry.pending = false;
      this.#chooseSenders();
    }
    // A late packet must not lead back to an address that the peer has left.
    if (newest && !sameEndpoint(remote, entry.reported)) {
      entry.reported = remote;
      this.#options.events.peerMoved(entry.child.id, remote);
    }
  }

  /** Inbound checks of RFC 4301 5.2 and out to the device. */
  #deliver(entry: Entry, nextHeader: number, payload: Uint8Array): void {
    if (nextHeader === NextHeader.NONE) return;
    const packet = readInnerPacket(payload);
    const { localSelectors, remoteSelectors } = entry.child;
    if (
      packet === undefined ||
      packet.nextHeader !== nextHeader ||
      narrowestMatch(remoteSelectors, packet.source, packet.protocol, packet.sourcePort) === undefined ||
      narrowestMatch(localSelectors, packet.destination, packet.protocol, packet.destinationPort) ===
        undefined
    ) {
      entry.stats.malformed += 1;
      return;
    }
    entry.stats.packetsIn += 1;
    entry.stats.bytesIn += packet.length;
    if (!this.#options.deliver(payload.subarray(0, packet.length))) this.drops.device += 1;
  }
}
