import type { Endpoint, EspPath } from '../../core/endpoint.js';
import { type Clock, type Entropy, systemClock, systemEntropy } from '../../core/environment.js';
import { mayBeFragmented, TooBigReplies } from '../icmp.js';
import { readInnerPacket } from '../inner.js';
import { MssClamp } from '../mss.js';
import { NextHeader, readEspHeader } from '../packet.js';
import { defaultPathPolicy, type PathPolicy } from '../path-policy.js';
import { byteLifetime, type ChildSa } from '../sa.js';
import { InboundSa, OutboundSa } from '../sad.js';
import {
  type ChildSaStats,
  noPlainEsp,
  noTraffic,
  type Plane,
  type PlaneEvents,
  type PlaneStats,
} from './plane.js';
import { type Entry as EntryOf, mayArrive, SaTable } from './sa-table.js';

/** Hands one ESP packet to the UDP socket bound to `local`. */
export type SendEsp = (packet: Uint8Array, local: Endpoint, remote: Endpoint) => void;

/** What a plane is made with: the name wanted for a device, and the largest inner packet. */
export interface PlaneSettings {
  name: string | undefined;
  mtu: number;
  /** Undefined: the defaults. */
  path?: PathPolicy | undefined;
}

export interface UserspacePlaneOptions {
  mtu: number;
  /** Of which this plane clamps the MSS; DF and DSCP are the system's. */
  path?: PathPolicy | undefined;
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
  /** Both ways: the SA has carried as many bytes as it may. */
  expired: number;
  /** Inbound: the device took no more. */
  device: number;
}

/** Both directions of a child SA. */
interface Halves {
  inbound: InboundSa;
  outbound: OutboundSa;
  stats: ChildSaStats;
  /** See {@link byteLifetime}. */
  softBytes: number;
  hardBytes: number;
  /** The rekey was asked for. */
  warned: boolean;
  /** The end was asked for. */
  ended: boolean;
}

type Entry = EntryOf<Halves>;

/**
 * ESP in this process: the SA database and the way of a packet through it. What is behind it (a TUN device, arrays)
 * comes in through {@link UserspacePlaneOptions}.
 */
export class UserspacePlane implements Plane {
  readonly kind: 'simple' | 'memory';
  readonly mtu: number;
  readonly deviceName: string | undefined;
  readonly drops: PlaneDrops = {
    unknownSpi: 0,
    noChild: 0,
    malformed: 0,
    tooBig: 0,
    exhausted: 0,
    expired: 0,
    device: 0,
  };
  readonly #options: UserspacePlaneOptions;
  readonly #clock: Clock;
  readonly #table: SaTable<Halves>;
  readonly #mss: MssClamp;
  readonly #replies = new TooBigReplies();
  #closing: Promise<void> | undefined;

  constructor(options: UserspacePlaneOptions) {
    const { mtu, deviceName, clock = systemClock, entropy = systemEntropy, initialSequence } = options;
    this.kind = deviceName === undefined ? 'memory' : 'simple';
    this.mtu = mtu;
    this.deviceName = deviceName;
    this.#options = options;
    this.#clock = clock;
    this.#mss = new MssClamp((options.path ?? defaultPathPolicy).mssClamp);
    this.#table = new SaTable((child) => ({
      inbound: new InboundSa(child.inbound),
      outbound: new OutboundSa(child.outbound, entropy, initialSequence),
      stats: noTraffic(),
      ...byteLifetime(child),
      warned: false,
      ended: false,
    }));
  }

  prepare({ encapsulation }: EspPath): void {
    if (encapsulation !== 'udp') throw noPlainEsp(this.kind);
  }

  install(child: ChildSa): void {
    this.prepare(child);
    this.#table.install(child);
  }

  replace(oldId: string, child: ChildSa, sendOn: 'new' | 'old'): void {
    this.prepare(child);
    this.#table.replace(oldId, child, sendOn);
  }

  movePeer(childSaId: string, path: EspPath): void {
    this.prepare(path);
    this.#table.movePeer(childSaId, path);
  }

  remove(childSaId: string): void {
    this.#table.remove(childSaId);
  }

  planeStats(): PlaneStats {
    return { drops: { ...this.drops } };
  }

  stats(childSaId: string): ChildSaStats | undefined {
    const entry = this.#table.get(childSaId);
    return entry && { ...entry.halves.stats };
  }

  receive(packet: Uint8Array, _local: Endpoint, remote: Endpoint): void {
    if (this.#closing !== undefined) return;
    const header = readEspHeader(packet);
    const entry = header && this.#table.bySpi(header.spi);
    if (entry === undefined) {
      this.drops.unknownSpi += 1;
      return;
    }
    const { inbound, stats, hardBytes } = entry.halves;
    if (stats.bytesIn >= hardBytes) {
      this.drops.expired += 1;
      this.#askForEnd(entry);
      return;
    }
    const opened = inbound.open(packet);
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
      if (!mayBeFragmented(viewOf(data), 0, packet.length)) {
        const message = this.#replies.reply(data.subarray(0, packet.length), this.mtu);
        if (message !== undefined) this.#options.deliver(message);
      }
      return;
    }
    const entry = this.#table.senderFor(packet);
    if (entry === undefined) {
      this.drops.noChild += 1;
      return;
    }
    const { outbound, stats, hardBytes } = entry.halves;
    if (stats.bytesOut >= hardBytes) {
      this.drops.expired += 1;
      this.#askForEnd(entry);
      return;
    }
    this.#clampMss(data, packet.length);
    const sealed = outbound.seal(packet.nextHeader, data.subarray(0, packet.length));
    if (sealed === undefined) {
      this.drops.exhausted += 1;
      this.#askForEnd(entry);
      return;
    }
    stats.packetsOut += 1;
    stats.bytesOut += packet.length;
    this.#watchLifetime(entry);
    this.#options.send(sealed, entry.path.local, entry.path.remote);
  }

  close(): Promise<void> {
    this.#closing ??= this.#options.release();
    return this.#closing;
  }

  /** Asks once for the end of a pair that may carry no more. */
  #askForEnd({ child, halves }: Entry): void {
    if (!halves.ended) this.#options.events.hardLifetimeReached(child.id);
    halves.ended = true;
  }

  /** Asks once for a successor. */
  #watchLifetime({ child, halves }: Entry): void {
    const { warned, outbound, stats, softBytes } = halves;
    if (warned) return;
    const bytes = Math.max(stats.bytesIn, stats.bytesOut) >= softBytes;
    if (!bytes && !outbound.nearlyExhausted) return;
    halves.warned = true;
    this.#options.events.softLifetimeReached(child.id, bytes ? 'bytes' : 'sequence');
  }

  /** An authenticated packet came: the peer lives, uses the pair, and is where the packet came from. */
  #heard(entry: Entry, newest: boolean, remote: Endpoint): void {
    const now = this.#clock.now();
    entry.halves.stats.lastInboundAt = now;
    this.#table.confirm(entry);
    // A late packet must not lead back to an address that the peer has left.
    if (newest && this.#table.moved(entry, remote, now)) {
      this.#options.events.peerMoved(entry.child.id, remote);
    }
  }

  /** Inbound checks of RFC 4301 5.2 and out to the device. */
  #deliver(entry: Entry, nextHeader: number, payload: Uint8Array): void {
    if (nextHeader === NextHeader.NONE) return;
    const { stats } = entry.halves;
    const packet = readInnerPacket(payload);
    if (packet === undefined || packet.nextHeader !== nextHeader || !mayArrive(entry.child, packet)) {
      stats.malformed += 1;
      return;
    }
    this.#clampMss(payload, packet.length);
    stats.packetsIn += 1;
    stats.bytesIn += packet.length;
    this.#watchLifetime(entry);
    if (!this.#options.deliver(payload.subarray(0, packet.length))) this.drops.device += 1;
  }

  #clampMss(data: Uint8Array, length: number): void {
    const view = viewOf(data);
    if (this.#mss.concerns(view, 0, length)) this.#mss.apply(view, 0, length, this.mtu);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
