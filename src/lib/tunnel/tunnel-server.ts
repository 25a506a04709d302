import type { Path } from '../core/endpoint.js';
import { systemEntropy } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import { formatIdentity, sameIdentity } from '../ike/identity.js';
import { createListener } from '../ike/session/listener.js';
import type { ChildSaInfo, SessionEvent, SessionPolicy } from '../ike/session/types.js';
import { formatSelector, selectorCidrs, selectorFromCidr } from '../ike/traffic-selectors.js';
import type { Route } from '../net/ip-command.js';
import { openUdp, type UdpBinding, type UdpTransport } from '../net/udp.js';
import { type HostAddress, hostAddresses } from './addresses.js';
import { hostAdvice, readHostState } from './advice.js';
import { runAfter } from './after.js';
import { ClientRoutes } from './client-routes.js';
import { Driver } from './driver.js';
import { errorEvent } from './events.js';
import { internalError } from './failures.js';
import { HostNetwork, interfaceMtu, outerPath } from './host-network.js';
import type { KeyLog } from './keylog.js';
import { listenBindings } from './listen.js';
import { defaultMtu, mtuWarnings, possibleSuites } from './overhead.js';
import { PeerMoves } from './peer-moves.js';
import { deviceFailed, devicePlane, givesSockets, inStep } from './plane.js';
import { familyOf, sourceWithin } from './routes.js';
import { Sequence } from './sequence.js';
import { statsEvent } from './stats.js';
import { espPath, SaTracker } from './tracker.js';
import type { ServerOptions, TunnelContext, TunnelEvent } from './types.js';

/** How long clients may take to answer our deletes before we leave anyway. */
const farewell = 2000;
/** Routes for one child SA; each is a command to run while other clients wait. */
const maxRoutes = 256;
const maxHalfOpen = 4096;
const maxHalfOpenPerAddress = 256;

/** All clients of one server: their sessions, one plane, and their routes. */
export class TunnelServer {
  readonly #options: ServerOptions;
  readonly #policy: SessionPolicy;
  readonly #context: TunnelContext;
  readonly #tracker: SaTracker;
  readonly #network: HostNetwork;
  readonly #sequence = new Sequence();
  readonly #driver: Driver;
  readonly #routes: ClientRoutes;
  readonly #moves: PeerMoves;
  /** Sessions that broke once; the second time they are dropped without a word to the peer. */
  readonly #broken = new Set<number>();
  /** The MTU that was asked for, until somebody was told that it is too much. */
  #unheardMtu: number | undefined;
  #finish: (reason: KitError | undefined) => void = () => {};
  #onEmpty: () => void = () => {};

  constructor(
    options: ServerOptions,
    policy: SessionPolicy,
    context: TunnelContext,
    keylog: KeyLog | undefined,
  ) {
    this.#options = options;
    this.#unheardMtu = context.createPlane ? undefined : options.mtu;
    this.#policy = policy;
    this.#context = context;
    this.#tracker = new SaTracker(keylog, context.log);
    this.#network = new HostNetwork(context.log);
    this.#routes = new ClientRoutes(
      this.#network,
      () => this.#device,
      (to, child) => this.#routeTo(to, child),
    );
    this.#moves = new PeerMoves({
      tracker: this.#tracker,
      network: context.createPlane ? undefined : this.#network,
      leased: options.pools.map(selectorFromCidr),
      follow: (session, path) => this.#driver.command(session, { type: 'peer-moved', path }),
      log: context.log,
    });
    const limits = { cookieThreshold: options.cookieThreshold, maxHalfOpen, maxHalfOpenPerAddress };
    const host = {
      onEvent: (session: number, event: SessionEvent, via: Path | undefined) =>
        this.#act(session, event, via),
      onCrash: (error: KitError, session: number | undefined) => this.#crashed(error, session),
    };
    const listener = createListener({ ...policy, mayFollow: this.#moves.allows }, limits, systemEntropy);
    this.#driver = new Driver(listener, host, this.#tracker, context.log);
  }

  /** @throws {KitError} see `runServer` */
  async run(): Promise<void> {
    const { signal } = this.#context;
    let transport: UdpTransport | undefined;
    let cancelLeave: (() => void) | undefined;
    const onStop = () => this.#finish(undefined);
    const endStats = this.#context.onStatsWanted?.(() => this.#tellStats());
    try {
      const ended = new Promise<KitError | undefined>((resolve) => {
        this.#finish = resolve;
      });
      signal.addEventListener('abort', onStop, { once: true });
      const addresses = await hostAddresses(true);
      const { listen, port, natPort, duration } = this.#options;
      const bindings = listenBindings(listen, addresses, port, natPort);
      await this.#createPlane(bindings, addresses);
      transport = await openUdp(
        bindings,
        (datagram) => this.#driver.receive(datagram),
        this.#context.log,
        givesSockets(this.#options, this.#context),
      );
      this.#driver.transport = transport;
      await this.#tracker.plane?.attach?.(transport);
      this.#emit([{ event: 'listening', addresses: transport.bindings.map((binding) => ({ ...binding })) }]);
      if (duration !== undefined) cancelLeave = runAfter(duration, onStop);
      if (signal.aborted) onStop();
      const reason = await ended;
      if (reason) throw reason;
    } finally {
      cancelLeave?.();
      endStats?.();
      signal.removeEventListener('abort', onStop);
      await this.#tearDown(transport);
    }
  }

  #tellStats(): void {
    const stats = statsEvent(this.#tracker);
    if (stats !== undefined) this.#emit([stats]);
  }

  async #createPlane(bindings: readonly UdpBinding[], addresses: HostAddress[]): Promise<void> {
    const { mtu = await this.#smallestMtu(bindings, addresses), tunName, pools, path } = this.#options;
    const create = this.#context.createPlane ?? devicePlane(this.#options.plane ?? 'auto', this.#context.log);
    const plane = await create(
      { name: tunName, mtu, path },
      (packet, local, remote) => this.#driver.sendEsp(packet, local, remote),
      this.#driver.planeEvents(
        (error) => this.#finish(deviceFailed(error)),
        (event) => this.#emit([event]),
      ),
    );
    this.#tracker.plane = plane;
    const device = plane.deviceName;
    if (this.#context.createPlane || device === undefined) return;
    await this.#network.bringUp(device, mtu, [], []);
    this.#emit([{ event: 'device-up', device, mtu, addresses: [], routes: [] }]);
    const localTs = this.#policy.localTs ?? [];
    this.#emit(hostAdvice({ pools, localTs, device, addresses }, await readHostState()));
  }

  /** One device for all clients: what fits through the narrowest interface with the largest suite. */
  async #smallestMtu(bindings: readonly UdpBinding[], addresses: HostAddress[]): Promise<number> {
    const suites = possibleSuites(this.#policy.espProposals);
    const sizes = await Promise.all(
      bindings.map(async ({ address }) => {
        const device = this.#context.createPlane
          ? undefined
          : addresses.find((entry) => entry.address === address)?.device;
        return defaultMtu(
          device === undefined ? undefined : await interfaceMtu(device),
          familyOf(address),
          suites,
        );
      }),
    );
    return Math.min(...sizes);
  }

  #act(session: number, event: SessionEvent, via: Path | undefined): Promise<void> | undefined {
    if (event.type === 'refused-unconfirmed') {
      this.#context.log(
        'warn',
        `${event.error.message}; ${event.error.code.slice('E_'.length)} was answered`,
      );
      return undefined;
    }
    if (event.type === 'peer-elsewhere') {
      return this.#moves.prepare(session, event.path, (step) => this.#sequence.run(step, this.#failed));
    }
    const made = event.type === 'child-sa-established' || event.type === 'child-sa-rekeyed';
    if (made && !this.#admit(session, event.child)) return undefined;
    const ends = event.type === 'ike-sa-deleted';
    const concerned = ends || event.type === 'peer-moved' ? this.#tracker.childrenOf(session) : [];
    const events = this.#tracker.apply(session, event, via);
    const done = this.#sequence.run(() => {
      const changes = this.#context.createPlane ? undefined : this.#route(event, concerned);
      if (!changes) return this.#emit(events);
      return changes.finally(() => this.#emit(events));
    }, this.#failed);
    if (event.type === 'child-sa-established') this.#checkMtu(event.child);
    if (event.type === 'ike-sa-deleted') {
      this.#broken.delete(session);
      this.#moves.forget(session);
      if (this.#tracker.sessions.length === 0) this.#onEmpty();
    }
    const ready = made ? inStep(this.#tracker.plane, event.child) : undefined;
    return done && ready ? Promise.all([done, ready]).then(() => {}) : (done ?? ready);
  }

  /** Warns once of an MTU that was asked for and is too much for the path to a client, which does not wait for it. */
  #checkMtu(child: ChildSaInfo): void {
    const mtu = this.#unheardMtu;
    if (mtu === undefined) return;
    void this.#sequence.run(async () => {
      const outer = await outerPath(child.path.remote.address);
      const warnings = mtuWarnings(mtu, outer?.pathMtu, child);
      if (warnings.length === 0 || this.#unheardMtu === undefined) return;
      this.#unheardMtu = undefined;
      this.#emit(warnings);
    }, this.#failed);
  }

  /** What happened to one child SA is told, and the others go on. */
  readonly #failed = (error: unknown): void =>
    this.#emit([errorEvent(error instanceof KitError ? error : internalError(error))]);

  /**
   * No client may draw another's traffic to itself. A newcomer that claims what a present client has replaces it when
   * both proved the same identity (it came back before its old session was noticed dead), and is refused otherwise.
   */
  #admit(session: number, child: ChildSaInfo): boolean {
    try {
      this.#tracker.plane?.prepare(espPath(child.path, child.encapsulation));
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      this.#refuse(session, error);
      return false;
    }
    if (takesTooManyRoutes(child)) {
      const claimed = `${this.#identity(session)} claims ranges that take more than ${maxRoutes} routes`;
      this.#refuse(
        session,
        new KitError('refused', 'E_TOO_MANY_ROUTES', claimed, {
          hint: 'Let the client ask for whole networks (CIDR) instead of ranges.',
        }),
      );
      return false;
    }
    for (const other of this.#tracker.rivalsOf(session, child)) {
      if (this.#sameIdentity(other, session)) {
        this.#context.log('info', `session ${other} gives way to a newer one of ${this.#identity(session)}`);
        this.#driver.command(other, { type: 'close' });
        continue;
      }
      const claimed = child.remoteTs.map(formatSelector).join(', ');
      this.#refuse(
        session,
        new KitError(
          'refused',
          'E_SELECTORS_IN_USE',
          `${this.#identity(session)} claims ${claimed}, which ${this.#identity(other)} already has`,
          { hint: 'Give each client its own addresses: --pool here, or different --local-ts there.' },
        ),
      );
      return false;
    }
    return true;
  }

  #refuse(session: number, error: KitError): void {
    this.#emit([errorEvent(error, this.#tracker.pathOf(session)?.remote)]);
    this.#driver.command(session, { type: 'close' });
  }

  #identity(session: number): string {
    const ikeSa = this.#tracker.ikeSaOf(session);
    return ikeSa ? formatIdentity(ikeSa.remoteId) : 'an unknown client';
  }

  #sameIdentity(one: number, other: number): boolean {
    const a = this.#tracker.ikeSaOf(one)?.remoteId;
    const b = this.#tracker.ikeSaOf(other)?.remoteId;
    return a !== undefined && b !== undefined && sameIdentity(a, b);
  }

  /** Host routes follow child SAs. */
  #route(event: SessionEvent, concerned: readonly ChildSaInfo[]): Promise<void> | undefined {
    switch (event.type) {
      case 'child-sa-established':
      case 'child-sa-rekeyed':
        return this.#routes.add(event.child);
      case 'child-sa-deleted':
        return this.#routes.remove(event.child);
      case 'peer-moved':
        return this.#routes.move(concerned, event.path.remote.address);
      case 'ike-sa-deleted':
        if (concerned.length === 0) return undefined;
        return Promise.all(concerned.map((child) => this.#routes.remove(child))).then(() => {});
      default:
        return undefined;
    }
  }

  get #device(): string {
    return this.#tracker.plane?.deviceName ?? '';
  }

  async #routeTo(to: string, child: ChildSaInfo): Promise<Route> {
    const explicit = this.#options.localTs !== undefined && this.#options.localTs.length > 0;
    const source = explicit ? sourceWithin(child.localTs, familyOf(to), await hostAddresses()) : undefined;
    return { to, device: this.#device, source };
  }

  /** One session's failure is its own: it is told, closed, and if that fails too, forgotten. */
  #crashed(error: KitError, session: number | undefined): void {
    this.#emit([
      errorEvent(error, session === undefined ? undefined : this.#tracker.pathOf(session)?.remote),
    ]);
    if (session === undefined) return;
    if (this.#broken.has(session)) {
      this.#emit(this.#tracker.drop(session, 'failed'));
      return;
    }
    this.#broken.add(session);
    this.#driver.command(session, { type: 'close' });
  }

  async #tearDown(transport: UdpTransport | undefined): Promise<void> {
    if (transport && this.#tracker.sessions.length > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, farewell);
        this.#onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
        this.#driver.command('all', { type: 'close' });
      });
    }
    this.#driver.stop();
    for (const session of this.#tracker.sessions) this.#emit(this.#tracker.drop(session, 'deleted-by-us'));
    await this.#sequence.idle();
    await this.#network.close();
    await this.#tracker.plane?.close();
    await transport?.close();
  }

  #emit(events: readonly TunnelEvent[]): void {
    for (const event of events) this.#context.onEvent(event);
  }
}

/** Stops counting early: a range of IPv6 addresses can make 254 prefixes, and there may be many. */
function takesTooManyRoutes({ remoteTs }: ChildSaInfo): boolean {
  let routes = 0;
  return remoteTs.some((selector) => {
    routes += selectorCidrs(selector).length;
    return routes > maxRoutes;
  });
}
