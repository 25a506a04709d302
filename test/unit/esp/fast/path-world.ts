import koffi from 'koffi';
import type { Endpoint } from '../../../../src/lib/core/endpoint.js';
import { loadEvp } from '../../../../src/lib/crypto/evp-functions.js';
import {
  createPathCounters,
  createSaCounters,
  readPathCounters,
  readSaCounters,
} from '../../../../src/lib/esp/fast/counters.js';
import { DataPath } from '../../../../src/lib/esp/fast/data-path.js';
import { VIRTIO_BYTES } from '../../../../src/lib/esp/fast/virtio.js';
import type { PathPolicy } from '../../../../src/lib/esp/path-policy.js';
import { createMemoryPlane, type MemoryPlane } from '../../../../src/lib/esp/plane/memory.js';
import type { ChildSa, EspSaParameters } from '../../../../src/lib/esp/sa.js';
import { loadLibc } from '../../../../src/lib/net/libc.js';
import { loadNativeIo, type NativeIo } from '../../../../src/lib/net/native-io.js';
import { endpointOf, socketAddress } from '../../../../src/lib/net/socket-address.js';
import { openUdpDescriptor, prepareForBatches } from '../../../../src/lib/net/udp-descriptor.js';
import { freePorts } from '../../net/free-ports.js';
import { selector } from '../inner-packets.js';
import { mirror } from '../plane-sides.js';

const system = await loadNativeIo();
const libc = await loadLibc();
await loadEvp();
const library = koffi.load(null);
const socketpair = library.func('int socketpair(int domain, int type, int protocol, void *pair)');
const sendto = library.func(
  'long sendto(int fd, const void *data, size_t length, int flags, const void *name, unsigned int size)',
);

const recvfrom = library.func(
  'long recvfrom(int fd, void *into, size_t length, int flags, void *name, void *size)',
);

const MSG_DONTWAIT = 0x40;
const AF_UNIX = 1;
const SEQPACKET_NONBLOCK = 5 | 0o4000;
const EFD_NONBLOCK = 0o4000;

export interface WorldOptions {
  inbound: EspSaParameters;
  outbound: EspSaParameters;
  /** Outer addresses; IPv4 by default. */
  address?: string;
  /** The device has offloads. */
  offload?: boolean;
  initialSequence?: number;
  policy?: PathPolicy;
  /** Of the device; 1400 by default. */
  mtu?: number;
  /** A system that does some things in another way. */
  io?: NativeIo;
}

/**
 * A data path between a device, which is one end of a pair of local sockets, and a UDP socket on loopback, and a
 * memory plane as its peer, which is the reference.
 */
export class PathWorld {
  readonly moved: { id: string; remote: Endpoint }[] = [];
  readonly ended: string[] = [];
  readonly worn: { id: string; reason: string }[] = [];
  readonly learned: { id: string; pathMtu: number; innerMtu: number }[] = [];
  readonly ike: { remote: Endpoint; message: Uint8Array }[] = [];
  /** ESP that the reference sealed, instead of its way to the data path. */
  readonly sealed: Uint8Array[] = [];
  readonly path: DataPath;
  readonly peer: MemoryPlane;
  readonly counters = createSaCounters();
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #pathCounters = createPathCounters();
  readonly degraded: string[] = [];
  readonly #descriptors: number[];
  readonly #application: number;
  readonly peerSocket: number;
  /** The socket of the data path. */
  readonly ownSocket: number;
  readonly #offload: boolean;
  readonly #buffer = new Uint8Array(70_000);

  private constructor(
    readonly options: WorldOptions,
    ports: readonly [number, number],
    sockets: { device: number; application: number; wake: number; ours: number; peers: number },
  ) {
    const { address = '127.0.0.1', offload = true, mtu = 1400 } = options;
    this.#offload = offload;
    this.local = { address, port: ports[0] };
    this.remote = { address, port: ports[1] };
    this.#application = sockets.application;
    this.peerSocket = sockets.peers;
    this.ownSocket = sockets.ours;
    this.#descriptors = Object.values(sockets);
    this.path = new DataPath(
      options.io ?? system,
      { fd: sockets.device, mtu, offload: offload ? { udp: true } : undefined },
      [{ fd: sockets.ours, local: this.local }],
      sockets.wake,
      this.#pathCounters,
      {
        ike: (_local, remote, message) => this.ike.push({ remote, message }),
        peerMoved: (id, remote) => this.moved.push({ id, remote }),
        softLifetimeReached: (id, reason) => this.worn.push({ id, reason }),
        hardLifetimeReached: (id) => this.ended.push(id),
        pathMtu: (id, pathMtu, innerMtu) => this.learned.push({ id, pathMtu, innerMtu }),
        degraded: (reason) => this.degraded.push(reason),
      },
      options.policy,
      options.initialSequence,
    );
    this.peer = createMemoryPlane(
      { name: undefined, mtu: 1400 },
      (packet) => {
        this.sealed.push(packet);
      },
      {
        peerMoved() {},
        softLifetimeReached() {},
        hardLifetimeReached() {},
        pathMtu() {},
        refused() {},
        failed(error) {
          throw error;
        },
      },
    );
  }

  static async open(options: WorldOptions): Promise<PathWorld> {
    const pair = new Uint8Array(8);
    if (socketpair(AF_UNIX, SEQPACKET_NONBLOCK, 0, pair) !== 0) throw new Error('no pair of sockets');
    const [device, application] = new Int32Array(pair.buffer) as unknown as [number, number];
    const { address = '127.0.0.1' } = options;
    const ports = (await freePorts(2)) as [number, number];
    const ours = await openUdpDescriptor({ address, port: ports[0] });
    const peers = await openUdpDescriptor({ address, port: ports[1] });
    await prepareForBatches(ours, address.includes(':'));
    const wake = libc.eventfd(0, EFD_NONBLOCK);
    return new PathWorld(options, ports, { device, application, wake, ours, peers });
  }

  /** A pair of SAs of the options, as the data path sees it. */
  child(id = 'child-1', change: Partial<ChildSa> = {}): ChildSa {
    return {
      id,
      inbound: this.options.inbound,
      outbound: this.options.outbound,
      localSelectors: [selector('10.1.0.0/16'), selector('fd01::/16')],
      remoteSelectors: [selector('10.2.0.0/16'), selector('fd02::/16')],
      local: this.local,
      remote: this.remote,
      encapsulation: 'udp',
      ...change,
    };
  }

  /** Installs a pair on both sides. */
  install(child = this.child()): void {
    this.path.install(child, this.counters);
    // The reference seals and opens; how its packets travel is the test's to say.
    this.peer.install({ ...mirror(child), encapsulation: 'udp' });
  }

  /** What an application sends, or the device brings: with its virtio header where there are offloads. */
  fromDevice(packet: Uint8Array, header?: Uint8Array): void {
    this.queue(packet, header);
    this.path.turn(0);
  }

  /** The same, without waiting for it to be read. */
  queue(packet: Uint8Array, header: Uint8Array = new Uint8Array(VIRTIO_BYTES)): void {
    const data = this.#offload ? Uint8Array.from([...header, ...packet]) : packet;
    if (libc.write(this.#application, data) !== data.length) throw new Error('the device is full');
  }

  /** ESP or IKE from the peer's address, or from another socket. */
  fromNetwork(datagram: Uint8Array, socket = this.peerSocket, to = this.local): void {
    this.sendTo(datagram, socket, to);
    this.path.turn(100);
  }

  /** Sends without waiting for it to be read. */
  sendTo(datagram: Uint8Array, socket = this.peerSocket, to = this.local): void {
    const name = socketAddress(to);
    if (sendto(socket, datagram, datagram.length, 0, name, name.length) !== datagram.length) {
      throw new Error(`not sent (errno ${libc.errno()})`);
    }
  }

  /** Everything that the data path sent, datagram by datagram. */
  sent(): Uint8Array[] {
    return drain(this.peerSocket, this.#buffer);
  }

  /** Who sent each datagram that the data path sent. */
  senders(): (Endpoint | undefined)[] {
    const all = [];
    const name = new Uint8Array(28);
    const size = new Uint8Array(4);
    for (;;) {
      size[0] = name.length;
      if (recvfrom(this.peerSocket, this.#buffer, this.#buffer.length, MSG_DONTWAIT, name, size) < 0)
        return all;
      all.push(endpointOf(name));
    }
  }

  /** Everything that the data path wrote to the device, with virtio headers where there are offloads. */
  delivered(): Uint8Array[] {
    return drain(this.#application, this.#buffer);
  }

  /** What the device got, for packets that are not merged. */
  packets(): Uint8Array[] {
    return this.delivered().map((data) => (this.#offload ? data.subarray(VIRTIO_BYTES) : data));
  }

  stats() {
    return readSaCounters(this.counters);
  }

  pathStats() {
    return readPathCounters(this.#pathCounters);
  }

  close(): void {
    this.path.close();
    for (const fd of this.#descriptors) libc.close(fd);
  }
}

function drain(fd: number, buffer: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let length = libc.read(fd, buffer); length > 0; ) {
    all.push(buffer.slice(0, length));
    length = libc.read(fd, buffer);
  }
  return all;
}
