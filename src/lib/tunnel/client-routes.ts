import type { ChildSaInfo } from '../ike/session/types.js';
import type { Route } from '../net/ip-command.js';
import type { HostNetwork } from './host-network.js';
import { coversAddress, tunnelRoutes } from './routes.js';

/** Host routes of a server's clients: in with the first child SA that wants them, out with the last. */
export class ClientRoutes {
  /** Destinations and the ids of the child SAs that want them. */
  readonly #users = new Map<string, Set<string>>();
  /** Child SAs whose selectors cover the very peer they lead to, and where that was when its path was pinned. */
  readonly #pinned = new Map<string, string>();

  /** @param routeTo the route into the tunnel for a destination of a child SA */
  constructor(
    private readonly network: Pick<HostNetwork, 'protect' | 'unprotect' | 'addRoute' | 'removeRoute'>,
    private readonly device: () => string,
    private readonly routeTo: (to: string, child: ChildSaInfo) => Promise<Route>,
  ) {}

  async add(child: ChildSaInfo): Promise<void> {
    const peer = child.path.remote.address;
    if (coversAddress(child.remoteTs, peer)) {
      this.#pinned.set(child.id, peer);
      await this.network.protect(peer);
    }
    for (const to of tunnelRoutes(child.localTs, child.remoteTs)) {
      const users = this.#users.get(to) ?? new Set();
      this.#users.set(to, users);
      users.add(child.id);
      if (users.size === 1) await this.network.addRoute(await this.routeTo(to, child));
    }
  }

  /**
   * A peer was followed to an address, which is pinned if its child SAs cover it: the pin of the old one is in the way
   * of their traffic now.
   */
  async move(children: readonly ChildSaInfo[], address: string): Promise<void> {
    const left = new Set<string>();
    for (const { id, remoteTs } of children) {
      left.add(this.#pinned.get(id) ?? address);
      if (coversAddress(remoteTs, address)) this.#pinned.set(id, address);
      else this.#pinned.delete(id);
    }
    for (const old of left) await this.#unpin(old);
  }

  async remove(child: ChildSaInfo): Promise<void> {
    for (const to of tunnelRoutes(child.localTs, child.remoteTs)) {
      const users = this.#users.get(to);
      if (!users?.delete(child.id) || users.size > 0) continue;
      this.#users.delete(to);
      await this.network.removeRoute({ to, device: this.device() });
    }
    // Not the present address of the peer: it may have moved since.
    const peer = this.#pinned.get(child.id);
    this.#pinned.delete(child.id);
    if (peer !== undefined) await this.#unpin(peer);
  }

  async #unpin(peer: string): Promise<void> {
    if (![...this.#pinned.values()].includes(peer)) await this.network.unprotect(peer);
  }
}
