import type { Path } from '../core/endpoint.js';
import type { Log } from '../core/log.js';
import type { TrafficSelector } from '../ike/wire/types.js';
import type { HostNetwork } from './host-network.js';
import { coversAddress } from './routes.js';
import type { SaTracker } from './tracker.js';

/** What decides where a peer may be followed to. */
export interface MoveGround {
  tracker: Pick<SaTracker, 'sessionsReaching' | 'ikeSaOf'>;
  /** Undefined: packets take no routes of this host. */
  network: Pick<HostNetwork, 'protects' | 'protectMoved' | 'unprotect'> | undefined;
  /** Addresses that clients are given, where none can be outside of its tunnel. */
  leased: readonly TrafficSelector[];
  /** Follows the peer of a session after all. */
  follow: (session: number, path: Path) => void;
  log: Log;
}

/**
 * Peers that seem to have moved to where a route into the tunnel leads. Outer packets to there would come back and be
 * sealed again, so such a peer is followed only when there is a way outside for them; anybody who changes addresses on
 * the way can make it seem so, and no client may have traffic of another.
 */
export class PeerMoves {
  readonly #ground: MoveGround;
  /** Sessions whose peer was not followed, which is told once. */
  readonly #told = new Set<number>();
  /** Sessions for whose peer a way is being made. */
  readonly #preparing = new Set<number>();

  constructor(ground: MoveGround) {
    this.#ground = ground;
  }

  /** Whether a peer may be followed to an address as things are. */
  readonly allows = (address: string): boolean => {
    const { network, tracker } = this.#ground;
    return network?.protects(address) === true || tracker.sessionsReaching(address).length === 0;
  };

  /**
   * Makes the way to a peer, and follows it then, or says why not. One way at a time: a peer that is somewhere else
   * again meanwhile will be heard from there again, and no client can have more made than the host keeps up with.
   * @param run queues changes of the host
   * @returns the end of it, never rejected; undefined: nothing is begun
   */
  prepare(
    session: number,
    path: Path,
    run = (step: () => Promise<void>): Promise<void> | undefined => step(),
  ): Promise<void> | undefined {
    if (this.#preparing.has(session)) return undefined;
    this.#preparing.add(session);
    return run(() => this.#prepare(session, path).finally(() => this.#preparing.delete(session)));
  }

  async #prepare(session: number, path: Path): Promise<void> {
    const { network, tracker, leased, follow } = this.#ground;
    const { address } = path.remote;
    if (network === undefined || coversAddress(leased, address)) {
      this.#refuse(session, address, 'it is for the inside of tunnels');
    } else if (tracker.sessionsReaching(address).some((other) => other !== session)) {
      this.#refuse(session, address, 'another client has it');
    } else {
      try {
        await network.protectMoved(address, path.local.port);
      } catch (error) {
        this.#refuse(session, address, (error as Error).message);
        return;
      }
      if (tracker.ikeSaOf(session) === undefined) await network.unprotect(address);
      else follow(session, path);
    }
  }

  /** A session is over. */
  forget(session: number): void {
    this.#told.delete(session);
  }

  #refuse(session: number, address: string, reason: string): void {
    if (this.#told.has(session)) return;
    this.#told.add(session);
    this.#ground.log(
      'warn',
      `packets of a peer came from ${address}, where the tunnel itself leads to; it is not followed: ${reason}`,
    );
  }
}
