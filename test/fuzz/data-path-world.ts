import { toHex } from '../../src/lib/core/bytes.js';
import { loadEvp } from '../../src/lib/crypto/evp-functions.js';
import {
  createPathCounters,
  createSaCounters,
  readPathCounters,
  readSaCounters,
} from '../../src/lib/esp/fast/counters.js';
import { DataPath } from '../../src/lib/esp/fast/data-path.js';
import { createMemoryPlane, type MemoryPlane } from '../../src/lib/esp/plane/memory.js';
import type { ChildSa } from '../../src/lib/esp/sa.js';
import { socketAddress } from '../../src/lib/net/socket-address.js';
import { slowSegments } from '../unit/esp/fast/slow-segmenter.js';
import { type MemoryEnds, MemoryIo } from '../unit/net/memory-io.js';

await loadEvp();

export const LOCAL = { address: '192.0.2.1', port: 4500 };
export const REMOTE = { address: '192.0.2.2', port: 4500 };
const MTU = 1400;

/** What one read of a socket brings: a datagram, or several of the same size but the last. */
export interface Arrival {
  readonly bytes: Uint8Array;
  /** Bytes of each; 0 when it is one. */
  readonly segmentSize: number;
}

/** A data path and the simple plane, which get the same datagrams. */
export class Twins implements MemoryEnds {
  readonly deviceReady = false;
  readonly sender = socketAddress(REMOTE);
  segmentSize = 0;
  readonly #path: DataPath;
  readonly #reference: MemoryPlane;
  readonly #offload: boolean;
  readonly #counters = createPathCounters();
  readonly #saCounters = new Map<string, Float64Array>();
  #arrivals: Arrival[] = [];
  readonly #written: Uint8Array[] = [];
  readonly #ike: string[] = [];
  readonly #expectedIke: string[] = [];
  /** What came by the raw socket without a whole IPv4 header. */
  #headerless = 0;

  /**
   * @param offload whether the device takes super-segments behind virtio headers
   * @param raw whether what comes does so by a raw socket, behind IPv4 headers
   */
  constructor(
    offload: boolean,
    children: readonly ChildSa[],
    readonly raw = false,
  ) {
    this.#offload = offload;
    const events = {
      peerMoved() {},
      softLifetimeReached() {},
      hardLifetimeReached() {},
      pathMtu() {},
      degraded() {},
    };
    this.#path = new DataPath(
      new MemoryIo(this),
      { fd: MemoryIo.device, mtu: MTU, offload: offload ? { udp: true } : undefined },
      [{ fd: raw ? MemoryIo.idle : MemoryIo.socket, local: LOCAL }],
      MemoryIo.wake,
      this.#counters,
      { ...events, ike: (_local, _remote, message) => this.#ike.push(toHex(message)) },
    );
    if (raw) this.#path.addRaw(MemoryIo.socket, LOCAL.address);
    this.#reference = createMemoryPlane({ name: undefined, mtu: MTU }, () => {}, {
      ...events,
      refused() {},
      failed(error) {
        throw error;
      },
    });
    for (const child of children) {
      const counters = createSaCounters();
      this.#saCounters.set(child.id, counters);
      this.#path.install(child, counters);
      this.#reference.install(child);
    }
  }

  /** Has both take what came. @returns what each delivered and counted, and where memory is damaged */
  take(arrivals: readonly Arrival[]) {
    for (const { bytes, segmentSize } of arrivals) {
      const size = segmentSize || bytes.length;
      for (let at = 0; at < bytes.length; at += size) this.#refer(bytes.subarray(at, at + size));
    }
    this.#arrivals = [...arrivals];
    while (this.socketReady) this.#path.turn(0);
    const ids = [...this.#saCounters.keys()];
    const path = readPathCounters(this.#counters);
    return {
      fast: {
        packets: byFlow(this.#written.splice(0).flatMap((written) => this.#cut(written))),
        ike: this.#ike.splice(0),
        stats: ids.map((id) => withoutTime(readSaCounters(this.#saCounters.get(id)!))),
        // The simple plane makes no difference between a strange SPI and none.
        strange: path.unknownSpi + path.malformed,
      },
      reference: {
        packets: byFlow(this.#reference.delivered.splice(0)),
        ike: this.#expectedIke.splice(0),
        stats: ids.map((id) => withoutTime(this.#reference.stats(id)!)),
        strange: this.#reference.drops.unknownSpi + this.#headerless,
      },
      damaged: this.#path.damaged(),
    };
  }

  /** Super-segments that were written, and the packets in them, since the beginning. */
  get writes() {
    const { deviceWrites, devicePacketsIn } = readPathCounters(this.#counters);
    return { deviceWrites, devicePacketsIn };
  }

  close(): void {
    this.#path.close();
  }

  get socketReady(): boolean {
    return this.#arrivals.length > 0;
  }

  fromDevice(): number {
    return 0;
  }

  toDevice(arena: Uint8Array, at: number, length: number): void {
    this.#written.push(arena.slice(at, at + length));
  }

  receive(arena: Uint8Array, at: number): number {
    const arrival = this.#arrivals.shift();
    if (arrival === undefined) return 0;
    arena.set(arrival.bytes, at);
    this.segmentSize = arrival.segmentSize;
    return arrival.bytes.length;
  }

  send(): boolean {
    throw new Error('nothing was to be sent');
  }

  /** What a driver does for the simple plane (RFC 3948 2): IKE and keepalives are told apart before. */
  #refer(datagram: Uint8Array): void {
    if (this.raw) {
      const header = (datagram[0]! & 15) * 4;
      const whole = datagram[0]! >> 4 === 4 && header >= 20 && datagram.length >= header;
      if (whole) this.#reference.receive(datagram.slice(header), LOCAL, REMOTE);
      else this.#headerless += 1;
      return;
    }
    if (datagram.length === 1) return;
    if (datagram.length > 8 && datagram.subarray(0, 4).every((byte) => byte === 0)) {
      this.#expectedIke.push(toHex(datagram.subarray(4)));
    } else {
      this.#reference.receive(datagram.slice(), LOCAL, REMOTE);
    }
  }

  #cut(written: Uint8Array): Uint8Array[] {
    if (!this.#offload) return [written];
    const packets = slowSegments(written);
    if (packets === undefined) throw new Error(`a device would refuse ${toHex(written.subarray(0, 100))}`);
    return packets;
  }
}

function withoutTime<Stats extends { lastInboundAt: number | undefined }>({
  lastInboundAt: _,
  ...stats
}: Stats) {
  return stats;
}

/**
 * Packets by flow, each flow in its order; which flow comes first is nobody's business. What segmentation may make
 * anew is left out: the Identification of packets that are never fragmented (RFC 6864 4.1).
 */
function byFlow(packets: readonly Uint8Array[]): Record<string, string[]> {
  const flows: Record<string, string[]> = {};
  for (const delivered of packets) {
    const packet = delivered.slice();
    const four = packet[0]! >> 4 === 4;
    if (four && (packet[6]! & 0x7f) === 0x40 && packet[7] === 0) packet.fill(0, 4, 6).fill(0, 10, 12);
    const flow = four
      ? `${packet[9]} ${toHex(packet.subarray(12, 24))}`
      : `${packet[6]} ${toHex(packet.subarray(8, 44))}`;
    flows[flow] ??= [];
    flows[flow].push(toHex(packet));
  }
  return flows;
}
