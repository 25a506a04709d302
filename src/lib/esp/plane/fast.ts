import { closeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { EspPath } from '../../core/endpoint.js';
import { KitError } from '../../core/errors.js';
import type { Log } from '../../core/log.js';
import { startThread } from '../../core/thread.js';
import { loadEvp } from '../../crypto/evp-functions.js';
import { type Libc, loadLibc } from '../../net/libc.js';
import { loadNativeIo } from '../../net/native-io.js';
import { openEspDescriptor } from '../../net/raw-descriptor.js';
import { openTunDescriptor, type TunDescriptor } from '../../net/tun-descriptor.js';
import type { GivenSockets, UdpTransport } from '../../net/udp.js';
import { createPathCounters, createSaCounters, readPathCounters, readSaCounters } from '../fast/counters.js';
import { errorOf, type PathOrder, type PathReport, type PathStart, toMessage } from '../fast/messages.js';
import type { PathPolicy } from '../path-policy.js';
import type { ChildSa } from '../sa.js';
import type { ChildSaStats, Plane, PlaneEvents, PlaneStats } from './plane.js';
import type { PlaneSettings } from './userspace.js';

const EFD_NONBLOCK_CLOEXEC = 0o2004000;
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/**
 * ESP in a thread that owns the TUN device, the NAT-T sockets and those for ESP without UDP: see `DataPath`. What
 * this side says is done in order: a child SA that was installed is there before an IKE message leaves that was sent
 * after by one of those sockets; for others there is {@link settled}.
 */
export class FastPlane implements Plane {
  readonly kind = 'fast';
  readonly mtu: number;
  readonly deviceName: string;
  readonly #device: TunDescriptor;
  readonly #libc: Libc;
  readonly #wake: number;
  readonly #events: PlaneEvents;
  readonly #log: Log;
  readonly #policy: PathPolicy | undefined;
  readonly #counters = new Map<string, Float64Array>();
  readonly #pathCounters = createPathCounters();
  readonly #ikeWaiting = new Int32Array(new SharedArrayBuffer(4));
  /** Said before there was a thread. */
  readonly #early: PathOrder[] = [];
  readonly #misses = new Set<string>();
  /** Raw sockets by the address that they are bound to. */
  readonly #raw = new Map<string, number>();
  /** Who wants to know when everything is done that was said before, oldest first. */
  readonly #settling: (() => void)[] = [];
  #given: GivenSockets | undefined;
  #onReady: () => void = () => {};
  #worker: Worker | undefined;
  #ended: Promise<void> | undefined;
  #attaching: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    device: TunDescriptor,
    libc: Libc,
    wake: number,
    events: PlaneEvents,
    log: Log,
    policy: PathPolicy | undefined,
  ) {
    this.mtu = device.mtu;
    this.deviceName = device.name;
    this.#device = device;
    this.#libc = libc;
    this.#wake = wake;
    this.#events = events;
    this.#log = log;
    this.#policy = policy;
  }

  attach(transport: UdpTransport): Promise<void> {
    this.#attaching = this.#attach(transport);
    return this.#attaching;
  }

  async #attach(transport: UdpTransport): Promise<void> {
    const given = await transport.giveAway((local, remote, message) =>
      this.#order({ type: 'ike', local, remote, message }),
    );
    if (given === undefined) throw new KitError('bug', 'E_SOCKETS', 'The sockets cannot be given away');
    this.#given = given;
    if (this.#closing !== undefined) return;
    this.#tellWhatMisses(given);
    const { fd, mtu, offload } = this.#device;
    const start: PathStart = {
      device: { fd, mtu, offload },
      sockets: given.sockets.map(({ local, fd }) => ({ local, fd })),
      policy: this.#policy,
      wake: this.#wake,
      counters: this.#pathCounters,
      ikeWaiting: this.#ikeWaiting,
    };
    const worker = startThread(new URL('../fast/worker', import.meta.url), start);
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve;
    });
    worker.on('message', (report: PathReport) => this.#hear(report));
    worker.on('error', (error) => this.#events.failed(error));
    this.#ended = new Promise((resolve) => worker.once('exit', () => resolve()));
    this.#worker = worker;
    for (const order of this.#early.splice(0)) this.#order(order);
    // A thread that fails has said so, and nobody is to wait for it.
    await Promise.race([ready, this.#ended]);
  }

  /** Raw sockets are opened when they are needed: most tunnels never do. */
  prepare({ local: { address }, encapsulation }: EspPath): void {
    // What is opened after the end nobody closes.
    if (encapsulation === 'udp' || this.#raw.has(address) || this.#closing !== undefined) return;
    const fd = openEspDescriptor(this.#libc, address);
    this.#raw.set(address, fd);
    this.#order({ type: 'raw', fd, address });
  }

  install(child: ChildSa): void {
    this.prepare(child);
    this.#order({ type: 'install', child: toMessage(child), counters: this.#newCounters(child.id) });
  }

  replace(oldId: string, child: ChildSa, sendOn: 'new' | 'old'): void {
    this.prepare(child);
    const counters = this.#newCounters(child.id);
    this.#order({ type: 'replace', oldId, child: toMessage(child), sendOn, counters });
  }

  movePeer(id: string, path: EspPath): void {
    this.prepare(path);
    this.#order({ type: 'move', id, path });
  }

  remove(id: string): void {
    if (!this.#counters.delete(id)) {
      throw new KitError('bug', 'E_CHILD_SA_UNKNOWN', `There is no child SA ${id}`);
    }
    this.#order({ type: 'remove', id });
  }

  async settled(): Promise<void> {
    const done = new Promise<void>((resolve) => this.#settling.push(resolve));
    this.#order({ type: 'settle' });
    await Promise.race([done, this.#ended]);
  }

  stats(id: string): ChildSaStats | undefined {
    const counters = this.#counters.get(id);
    return counters && readSaCounters(counters);
  }

  planeStats(): PlaneStats {
    const {
      deviceReads,
      devicePacketsOut,
      deviceWrites,
      devicePacketsIn,
      socketReads,
      datagramsIn,
      socketWrites,
      datagramsOut,
      ...drops
    } = readPathCounters(this.#pathCounters);
    const device = { deviceReads, devicePacketsOut, deviceWrites, devicePacketsIn };
    return { drops, batches: { ...device, socketReads, datagramsIn, socketWrites, datagramsOut } };
  }

  /** ESP comes to the thread; what still comes here came before it, and is as good as lost on the way. */
  receive(): void {}

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    // Whoever closes while the sockets are given away has to wait until it is known whose they are.
    await this.#attaching?.catch(() => {});
    this.#post({ type: 'close' });
    await this.#ended;
    for (const { fd } of this.#given?.sockets ?? []) closeSync(fd);
    for (const fd of this.#raw.values()) closeSync(fd);
    closeSync(this.#device.fd);
    closeSync(this.#wake);
  }

  #order(order: PathOrder): void {
    // The number of a closed descriptor may be somebody else's by now.
    if (this.#closing !== undefined) return;
    if (this.#worker === undefined) this.#early.push(order);
    else this.#post(order);
  }

  #post(order: PathOrder): void {
    if (this.#worker === undefined) return;
    this.#worker.postMessage(order);
    this.#libc.write(this.#wake, ONE);
  }

  #hear(report: PathReport): void {
    switch (report.type) {
      case 'ready':
        this.#onReady();
        break;
      case 'ike':
        Atomics.sub(this.#ikeWaiting, 0, 1);
        this.#given?.receive(report.local, report.remote, report.message);
        break;
      case 'moved':
        this.#events.peerMoved(report.id, report.remote);
        break;
      case 'lifetime':
        this.#events.softLifetimeReached(report.id, report.reason);
        break;
      case 'ended':
        this.#events.hardLifetimeReached(report.id);
        break;
      case 'degraded':
        this.#degraded(report.reason);
        break;
      case 'path-mtu':
        this.#events.pathMtu(report.id, report.pathMtu, report.innerMtu);
        break;
      case 'settled':
        this.#settling.shift()?.();
        break;
      case 'refused':
        // A pair that was removed meanwhile is nobody's worry.
        if (this.#counters.has(report.id)) this.#events.refused(report.id, errorOf(report.error));
        break;
      case 'failed':
        this.#events.failed(errorOf(report.error));
    }
  }

  /** Offloads that this system has not; each is said once. */
  #tellWhatMisses({ sockets }: GivenSockets): void {
    const { offload } = this.#device;
    if (offload === undefined) {
      this.#degraded('the system gives TUN devices no offloads: packets are read and written one by one');
    } else if (!offload.udp) {
      this.#degraded(
        'the system has no UDP segmentation for TUN devices (Linux 6.2 has): UDP inside goes packet by packet',
      );
    }
    if (sockets.some(({ superSegments }) => !superSegments)) {
      this.#degraded('the system merges no datagrams (UDP_GRO, Linux 5.0): they are received one by one');
    }
  }

  /** What misses may show on several sockets. */
  #degraded(reason: string): void {
    if (this.#misses.has(reason)) return;
    this.#misses.add(reason);
    this.#log('info', `less speed: ${reason}`);
  }

  #newCounters(id: string): Float64Array {
    if (this.#counters.has(id)) {
      throw new KitError('bug', 'E_CHILD_SA_EXISTS', `Child SA ${id} is in use already`);
    }
    const counters = createSaCounters();
    this.#counters.set(id, counters);
    return counters;
  }
}

/**
 * What keeps the fast plane from working on this system, as far as that shows without a device.
 * @returns undefined when nothing does
 */
export async function fastPlaneMisses(): Promise<KitError | undefined> {
  try {
    await loadNativeIo();
    await loadEvp();
    return undefined;
  } catch (error) {
    if (error instanceof KitError) return error;
    throw error;
  }
}

/**
 * The fast plane over a new TUN device with the MTU of `settings`; it has no addresses and is down. Packets flow once
 * it was attached to sockets.
 * @throws {KitError} of {@link openTunDescriptor}
 */
export async function createFastPlane(
  settings: PlaneSettings,
  events: PlaneEvents,
  log: Log,
): Promise<FastPlane> {
  const libc = await loadLibc();
  const device = await openTunDescriptor(settings, true);
  const wake = libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
  if (wake < 0) {
    closeSync(device.fd);
    throw new KitError('environment', 'E_TUN', `There is no wake-up descriptor (errno ${libc.errno()})`);
  }
  return new FastPlane(device, libc, wake, events, log, settings.path);
}
