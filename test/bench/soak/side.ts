import type { Endpoint } from '../../../src/lib/core/endpoint.js';
import { createPathCounters, readPathCounters } from '../../../src/lib/esp/fast/counters.js';
import { DataPath } from '../../../src/lib/esp/fast/data-path.js';
import { VIRTIO_BYTES } from '../../../src/lib/esp/fast/virtio.js';
import { socketAddress } from '../../../src/lib/net/socket-address.js';
import { packetOf, superOf, withVirtio } from '../../unit/esp/fast/packets.js';
import { type MemoryEnds, MemoryIo } from '../../unit/net/memory-io.js';
import { Link } from './link.js';

/** Largest inner packet, bytes. */
const MTU = 1400;
/** How many writes to the device are made for each whose bytes are looked at. */
const LOOK_EVERY = 61;
/** All bytes of all payloads. */
const PAYLOAD = 0x5a;
const TCP = 6;

/** A data path without a system: its device brings what applications send, its socket is one end of a pair of links. */
export class Side implements MemoryEnds {
  readonly path: DataPath;
  /** To this side. */
  readonly incoming = new Link();
  readonly sender: Uint8Array;
  /** IKE messages that came. */
  ike = 0;
  segmentSize = 0;
  readonly #counters = createPathCounters();
  readonly #reads: readonly Uint8Array[];
  #outgoing: Link | undefined;
  #resting = false;
  #read = 0;
  #written = 0;

  /** @param host last byte of its inner address, 1 or 2; that of the other side is the other */
  constructor(
    host: 1 | 2,
    readonly local: Endpoint,
    readonly remote: Endpoint,
  ) {
    this.#reads = readsOf(host);
    this.sender = socketAddress(remote);
    this.path = new DataPath(
      new MemoryIo(this),
      { fd: MemoryIo.device, mtu: MTU, offload: { udp: true } },
      [{ fd: MemoryIo.socket, local }],
      MemoryIo.wake,
      this.#counters,
      {
        ike: () => {
          this.ike += 1;
        },
        peerMoved() {},
        pathMtu() {},
        softLifetimeReached() {},
        hardLifetimeReached() {},
        degraded() {},
      },
    );
  }

  /** Lets the device bring packets from now on, which go to the other side. */
  join(outgoing: Link): void {
    this.#outgoing = outgoing;
  }

  /** Lets the device bring nothing anymore. */
  rest(): void {
    this.#resting = true;
  }

  counters() {
    return readPathCounters(this.#counters);
  }

  get deviceReady(): boolean {
    return !this.#resting && (this.#outgoing?.hasRoom ?? false);
  }

  get socketReady(): boolean {
    return this.incoming.waiting > 0;
  }

  fromDevice(arena: Uint8Array, at: number, room: number): number {
    if (!this.deviceReady) return 0;
    const read = this.#reads[this.#read++ % this.#reads.length]!;
    if (read.length > room) throw new Error(`there is room for ${room} bytes only`);
    arena.set(read, at);
    return read.length;
  }

  toDevice(arena: Uint8Array, at: number, length: number): void {
    this.#written += 1;
    if (this.#written % LOOK_EVERY !== 0) return;
    const packet = at + VIRTIO_BYTES;
    const six = arena[packet]! >> 4 === 6;
    const network = six ? 40 : 20;
    const headers = network + (arena[packet + (six ? 6 : 9)] === TCP ? 20 : 8);
    for (let i = packet + headers; i < at + length; i++) {
      if (arena[i] !== PAYLOAD) throw new Error(`byte ${i - packet} of a packet is changed`);
    }
  }

  receive(arena: Uint8Array, at: number, room: number): number {
    const length = this.incoming.take(arena, at, room);
    this.segmentSize = this.incoming.segmentSize;
    return length;
  }

  send(arena: Uint8Array, at: number, length: number, size: number): boolean {
    return this.#outgoing!.put(arena, at, length, size);
  }
}

/** What applications of a host send in turn: bulk of TCP and UDP in large and small packets, and single ones. */
function readsOf(host: 1 | 2): Uint8Array[] {
  const payload = (length: number) => new Uint8Array(length).fill(PAYLOAD);
  const base = { source: host, destination: 3 - host };
  return [
    superOf({ ...base, payload: payload(45 * 1360) }, 1360),
    superOf({ ...base, payload: payload(64 * 64), sourcePort: 4001 }, 64),
    superOf({ ...base, version: 6, payload: payload(45 * 1340) }, 1340),
    superOf({ ...base, protocol: 'udp', payload: payload(64 * 64), sourcePort: 4002 }, 64),
    superOf({ ...base, version: 6, protocol: 'udp', payload: payload(64 * 512), sourcePort: 4003 }, 512),
    withVirtio(packetOf({ ...base, payload: payload(1), sourcePort: 4004 })),
    superOf({ ...base, payload: payload(64 * 64), sourcePort: 4005 }, 64),
    withVirtio(packetOf({ ...base, protocol: 'udp', payload: payload(1000), sourcePort: 4006 })),
  ];
}
