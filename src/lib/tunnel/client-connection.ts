import type { Path } from '../core/endpoint.js';
import { systemEntropy } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import { createInitiator } from '../ike/session/session.js';
import type { AssignedAddresses, ChildSaInfo, SessionEvent, SessionPolicy } from '../ike/session/types.js';
import { openUdp, type UdpTransport } from '../net/udp.js';
import { hostAddresses } from './addresses.js';
import { Driver, onlySession, sessionEngine } from './driver.js';
import { formatEndpoint } from './events.js';
import { type Attempt, connectFailure, internalError, unconfirmed } from './failures.js';
import { HostNetwork, outerPath } from './host-network.js';
import type { KeyLog } from './keylog.js';
import { defaultMtu, mtuWarnings } from './overhead.js';
import { PeerMoves } from './peer-moves.js';
import { deviceFailed, devicePlane, givesSockets, inStep } from './plane.js';
import { findGateway } from './resolve.js';
import { coversAddress, familyOf, leftOutside, sourceWithin, tunnelRoutes } from './routes.js';
import { Sequence } from './sequence.js';
import { statsEvent } from './stats.js';
import { espPath, SaTracker } from './tracker.js';
import type { ClientOptions, TunnelContext, TunnelEvent } from './types.js';

/** How long a gateway may be silent before somebody who waits is told. */
const silence = 2000;

/** How long the peer may take to answer our delete before we leave anyway. */
const farewell = 2000;

/** How long a gateway that deleted the last child SA may take to make the next one, before we ask for it. */
const childPause = 1000;

/** How long it may then take to grant it. */
const childAnswer = 10_000;

/** One attempt to have a tunnel, from the resolver to the last route taken back. */
export class ClientConnection {
  /** True once a child SA carried traffic. */
  wasUp = false;
  readonly #options: ClientOptions;
  readonly #policy: SessionPolicy;
  readonly #context: TunnelContext;
  readonly #tracker: SaTracker;
  readonly #network: HostNetwork;
  readonly #moves: PeerMoves;
  readonly #sequence = new Sequence();
  readonly #attempt: Attempt;
  #driver: Driver | undefined;
  #transport: UdpTransport | undefined;
  #assigned: AssignedAddresses = { addresses: [], dns: [] };
  #onUp: () => void = () => {};
  /** The session has had its last event. */
  #over = false;
  #stillSilent: NodeJS.Timeout | undefined;
  /** Ends the wait in `run`: with the reason why the tunnel is lost, or with undefined. */
  #finish: (reason: KitError | undefined) => void = () => {};

  constructor(
    options: ClientOptions,
    policy: SessionPolicy,
    context: TunnelContext,
    keylog: KeyLog | undefined,
  ) {
    this.#options = options;
    this.#policy = policy;
    this.#context = context;
    this.#tracker = new SaTracker(keylog, context.log);
    this.#network = new HostNetwork(context.log);
    this.#moves = new PeerMoves({
      tracker: this.#tracker,
      network: context.createPlane ? undefined : this.#network,
      leased: [],
      follow: (session, path) => this.#driver?.command(session, { type: 'peer-moved', path }),
      log: context.log,
    });
    this.#attempt = {
      gateway: options.gateway,
      address: '',
      port: options.port,
      natPort: options.natPort,
      ikeProposals: policy.ikeProposals,
      espProposals: policy.espProposals,
      heard: false,
      heardNatT: false,
      movedToNatT: false,
    };
  }

  /**
   * Connects and stays until `stop` aborts or the tunnel is lost; then everything is put back.
   * @param onUp called when traffic can flow
   * @returns why the tunnel could not be had or was lost; undefined after a wanted end
   */
  async run(stop: AbortSignal, onUp: () => void): Promise<KitError | undefined> {
    this.#onUp = onUp;
    let transport: UdpTransport | undefined;
    const onStop = () => this.#finish(undefined);
    const endStats = this.#context.onStatsWanted?.(() => this.#tellStats());
    try {
      const ended = new Promise<KitError | undefined>((resolve) => {
        this.#finish = resolve;
      });
      stop.addEventListener('abort', onStop, { once: true });
      const { local, remote } = await findGateway(this.#options.gateway);
      this.#attempt.address = remote;
      if (stop.aborted) return undefined;
      transport = await openUdp(
        [
          { address: local, port: 0, natT: false },
          { address: local, port: 0, natT: true },
        ],
        (datagram) => {
          if (datagram.kind === 'ike') {
            if (datagram.path.natT) this.#attempt.heardNatT = true;
            else this.#attempt.heard = true;
          }
          this.#driver?.receive(datagram);
        },
        this.#context.log,
        givesSockets(this.#options, this.#context),
      );
      this.#transport = transport;
      this.#start(transport, remote);
      if (stop.aborted) onStop();
      const reason = await ended;
      return reason && this.#explain(reason);
    } catch (error) {
      return this.#explain(error);
    } finally {
      stop.removeEventListener('abort', onStop);
      endStats?.();
      await this.#tearDown(transport);
    }
  }

  #tellStats(): void {
    const stats = statsEvent(this.#tracker);
    if (stats !== undefined) this.#emit([stats]);
  }

  /** Ends an attempt that has taken long enough. */
  giveUp(): void {
    this.#fail(new KitError('network', 'E_NO_ANSWER', 'The tunnel did not come up in the time it was given'));
  }

  #start(transport: UdpTransport, remote: string): void {
    this.#stillSilent = setTimeout(() => {
      const { heard, heardNatT } = this.#attempt;
      const place = formatEndpoint({ address: remote, port: this.#options.port });
      if (!heard && !heardNatT) this.#context.log('warn', `waiting for ${place} …`);
    }, silence);
    const [ike, nat] = transport.bindings;
    const path = (binding: typeof ike, port: number): Path => ({
      local: { address: binding!.address, port: binding!.port },
      remote: { address: remote, port },
      natT: binding!.natT,
    });
    const session = createInitiator(
      { ...this.#policy, mayFollow: this.#moves.allows },
      { path: path(ike, this.#options.port), natPath: path(nat, this.#options.natPort) },
      systemEntropy,
    );
    const engine = sessionEngine(session);
    const host = {
      // One after the other: what follows the first child SA waits for the device.
      onEvent: (_session: number, event: SessionEvent, via: Path | undefined) =>
        this.#sequence.run(
          () => this.#act(event, via),
          (error) => this.#fail(error),
        ),
      onCrash: (error: KitError) => this.#fail(error),
    };
    this.#driver = new Driver(engine, host, this.#tracker, this.#context.log);
    this.#driver.transport = transport;
    this.#driver.command(onlySession, { type: 'initiate' });
  }

  #act(event: SessionEvent, via: Path | undefined): Promise<void> | undefined {
    switch (event.type) {
      case 'refused-unconfirmed':
        this.#context.log('warn', unconfirmed(event.error, this.#attempt.address, this.#policy.retransmit));
        return undefined;
      case 'addresses-assigned':
        this.#assigned = event.assigned;
        break;
      case 'exchange':
        if (event.summary.exchange === 'IKE_SA_INIT') this.#attempt.movedToNatT = true;
        break;
      case 'child-sa-established':
        if (!this.#tracker.plane) return this.#firstChild(event, via);
        break;
      case 'child-sa-failed':
        if (!this.wasUp || this.#tracker.childrenOf(onlySession).length === 0) {
          this.#fail(event.error);
          return undefined;
        }
        break;
      case 'ike-sa-deleted':
        return this.#ended(event, via);
      case 'peer-elsewhere':
        return this.#moves.prepare(onlySession, event.path);
      case 'peer-moved':
        return this.#moved(event, via);
      default:
        break;
    }
    this.#emit(this.#tracker.apply(onlySession, event, via));
    // An IKE SA takes its children along; only when it stays, the missing child is a loss of its own.
    if (event.type === 'child-sa-deleted' && event.reason !== 'rekeyed') this.#replaceGone(event.child);
    const made = event.type === 'child-sa-established' || event.type === 'child-sa-rekeyed';
    return made ? inStep(this.#tracker.plane, event.child) : undefined;
  }

  /** Traffic to where the gateway was belongs into the tunnel now. */
  #moved(event: SessionEvent & { type: 'peer-moved' }, via: Path | undefined): Promise<void> | undefined {
    const before = this.#tracker.pathOf(onlySession)?.remote.address;
    this.#emit(this.#tracker.apply(onlySession, event, via));
    if (before === undefined || before === event.path.remote.address) return undefined;
    return this.#network.unprotect(before);
  }

  /**
   * Some gateways let a child SA expire and make the next one themselves, at once: that one is waited for, then asked
   * for. Only when neither brings one the connection is given up.
   */
  #replaceGone({ localTs, remoteTs }: ChildSaInfo): void {
    const whenStillGone = (act: () => void) => () => {
      if (!this.#over && this.#tracker.childrenOf(onlySession).length === 0) act();
    };
    const giveUp = () =>
      this.#fail(
        new KitError(
          'refused',
          'E_CHILD_SA_GONE',
          'The last child SA is gone, and the gateway makes no other',
        ),
      );
    const ask = () => {
      this.#driver?.command(onlySession, { type: 'create-child', localTs, remoteTs });
      setTimeout(whenStillGone(giveUp), childAnswer).unref();
    };
    setTimeout(whenStillGone(ask), childPause).unref();
  }

  #ended(event: SessionEvent & { type: 'ike-sa-deleted' }, via: Path | undefined): undefined {
    this.#over = true;
    // The end of an IKE SA that never was, because nobody answered, is no news.
    const known = via ?? event.unauthenticated ?? this.#tracker.ikeSaOf(onlySession);
    // The failure is told once: by `run`, with all that is known here.
    const events = this.#tracker.apply(onlySession, { ...event, error: undefined }, via);
    if (known) this.#emit(events);
    const unwanted = new KitError('refused', 'E_IKE_SA_GONE', 'The gateway deleted the IKE SA', {
      hint: 'Look into the log of the gateway for the reason.',
    });
    this.#finish(event.error ?? unwanted);
  }

  /** Makes plane and device, and opens the way for traffic, before anyone hears that the tunnel is up. */
  async #firstChild(
    event: SessionEvent & { type: 'child-sa-established' },
    via: Path | undefined,
  ): Promise<void> {
    const { child } = event;
    const virtual = this.#context.createPlane !== undefined;
    const outer = virtual ? undefined : await outerPath(child.path.remote.address);
    const mtu =
      this.#options.mtu ??
      defaultMtu(outer?.mtu, familyOf(child.path.remote.address), [child.suite], child.encapsulation);
    const driver = this.#driver!;
    const create = this.#context.createPlane ?? devicePlane(this.#options.plane ?? 'auto', this.#context.log);
    const plane = await create(
      { name: this.#options.tunName, mtu, path: this.#options.path },
      (packet, local, remote) => driver.sendEsp(packet, local, remote),
      driver.planeEvents(
        (error) => this.#fail(deviceFailed(error)),
        (event) => this.#emit([event]),
      ),
    );
    this.#tracker.plane = plane;
    plane.prepare(espPath(child.path, child.encapsulation));
    if (this.#transport !== undefined) await plane.attach?.(this.#transport);
    const events = this.#tracker.apply(onlySession, event, via);
    const device = this.#tracker.plane.deviceName;
    if (!virtual && device !== undefined) await this.#configure(device, mtu, child);
    if (this.#options.mtu !== undefined) this.#emit(mtuWarnings(mtu, outer?.pathMtu, child));
    this.wasUp = true;
    this.#emit(events);
    this.#onUp();
  }

  async #configure(device: string, mtu: number, child: ChildSaInfo): Promise<void> {
    const { addresses, dns } = this.#assigned;
    const present = await hostAddresses();
    const routes = tunnelRoutes(child.localTs, child.remoteTs);
    const gateway = child.path.remote.address;
    if (coversAddress(child.remoteTs, gateway)) await this.#network.protect(gateway);
    await this.#network.bringUp(
      device,
      mtu,
      addresses,
      routes.map((to) => {
        const family = familyOf(to);
        const source =
          addresses.find((address) => familyOf(address) === family) ??
          sourceWithin(child.localTs, family, present);
        return { to, device, source };
      }),
    );
    if (this.#options.dnsMode === 'resolvectl') {
      const all = child.remoteTs.some(({ startAddress, endAddress }) =>
        startAddress.every((byte, i) => byte === 0 && endAddress[i] === 255),
      );
      await this.#network.setResolvers(device, dns, all);
    }
    this.#emit([{ event: 'device-up', device, mtu, addresses, routes }]);
    for (const family of leftOutside(this.#policy.remoteTs ?? [], child.remoteTs)) {
      const message = `The gateway tunnels no IPv${family}: traffic of that family stays outside the tunnel.`;
      this.#emit([{ event: 'warning', code: 'W_FAMILY', message }]);
    }
    if (dns.length > 0 && this.#options.dnsMode === 'none') {
      const message = `The DNS servers that the gateway assigned (${dns.join(', ')}) are not used; --dns-mode resolvectl would.`;
      this.#emit([{ event: 'warning', code: 'W_DNS_UNUSED', message }]);
    }
  }

  async #tearDown(transport: UdpTransport | undefined): Promise<void> {
    clearTimeout(this.#stillSilent);
    await this.#sequence.idle();
    if (this.#driver && !this.#over) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, farewell);
        this.#finish = () => {
          clearTimeout(timer);
          resolve();
        };
        this.#driver?.command(onlySession, { type: 'close' });
      });
      await this.#sequence.idle();
    }
    this.#driver?.stop();
    this.#emit(this.#tracker.drop(onlySession, 'deleted-by-us'));
    await this.#network.close();
    await this.#tracker.plane?.close();
    await transport?.close();
  }

  #fail(error: unknown): void {
    this.#finish(error instanceof KitError ? error : internalError(error));
  }

  /** Only a connect that never came up is told with all that was offered; later the cause says enough. */
  #explain(error: unknown): KitError {
    const known = error instanceof KitError ? error : internalError(error);
    return this.wasUp ? known : connectFailure(known, this.#attempt);
  }

  #emit(events: readonly TunnelEvent[]): void {
    for (const event of events) this.#context.onEvent(event);
  }
}
