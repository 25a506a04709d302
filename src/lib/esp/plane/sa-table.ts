import { type Endpoint, type EspPath, sameEndpoint } from '../../core/endpoint.js';
import { KitError } from '../../core/errors.js';
import { parseIp } from '../../core/ip.js';
import { SelectorIndex } from '../../ike/selector-index.js';
import { type InnerPacket, narrowestMatch } from '../inner.js';
import type { ChildSa } from '../sa.js';

/** Milliseconds between two reports that a peer moved. */
const MOVE_INTERVAL = 250;

/** A child SA in use; `Halves` is what a plane needs to seal and open its packets. */
export interface Entry<Halves> {
  readonly child: ChildSa;
  readonly halves: Halves;
  /** Where its packets go. */
  path: EspPath;
  /** How many pairs came before it. */
  readonly number: number;
  /** The pair this one replaces, while that is still there. */
  predecessor: Entry<Halves> | undefined;
  /** Pairs that replace this one. */
  readonly successors: Set<Entry<Halves>>;
  /** True while the predecessor goes on sending (`sendOn: 'old'`). */
  pending: boolean;
  /** It seals what its selectors are the best for. */
  sends: boolean;
  /** When the peer was last reported to have moved, milliseconds. */
  movedAt: number;
}

/** The SA database of a plane: which pair opens what arrives, and which one seals what leaves. */
export class SaTable<Halves> {
  /** Oldest first. */
  readonly #entries = new Map<string, Entry<Halves>>();
  /** By the SPI as a signed number, which a `Map` finds without looking into an object of the heap. */
  readonly #bySpi = new Map<number, Entry<Halves>>();
  /** Those that may send, by where to. */
  readonly #senders = new SelectorIndex<Entry<Halves>>();
  /** From where to where outer packets go, and for how many pairs. */
  readonly #outer = new Map<string, number>();
  #installed = 0;

  /**
   * @param makeHalves makes what packets need, once the pair is known to be new
   * @param onChange called when another pair may have to send or receive a flow than before
   */
  constructor(
    private readonly makeHalves: (child: ChildSa) => Halves,
    private readonly onChange: () => void = () => {},
  ) {}

  install(child: ChildSa): Entry<Halves> {
    return this.#add(child, undefined, false);
  }

  /** See `Plane.replace`. */
  replace(oldId: string, child: ChildSa, sendOn: 'new' | 'old'): Entry<Halves> {
    return this.#add(child, this.known(oldId), sendOn === 'old');
  }

  movePeer(id: string, path: EspPath): Entry<Halves> {
    const entry = this.known(id);
    this.#countOuter(entry.path, -1);
    entry.path = path;
    this.#countOuter(path, 1);
    this.onChange();
    return entry;
  }

  remove(id: string): Entry<Halves> {
    const entry = this.known(id);
    this.#entries.delete(id);
    this.#bySpi.delete(entry.child.inbound.spi | 0);
    this.#countOuter(entry.path, -1);
    const { predecessor, successors } = entry;
    predecessor?.successors.delete(entry);
    for (const successor of successors) {
      successor.predecessor = predecessor;
      predecessor?.successors.add(successor);
      successor.pending = false;
    }
    this.#chooseSenders(entry, ...successors, predecessor);
    return entry;
  }

  get(id: string): Entry<Halves> | undefined {
    return this.#entries.get(id);
  }

  /** The pair that opens packets with this SPI. */
  bySpi(spi: number): Entry<Halves> | undefined {
    return this.#bySpi.get(spi | 0);
  }

  /** All pairs, oldest first. */
  entries(): IterableIterator<Entry<Halves>> {
    return this.#entries.values();
  }

  /** @throws {KitError} `E_CHILD_SA_UNKNOWN` (bug) */
  known(id: string): Entry<Halves> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new KitError('bug', 'E_CHILD_SA_UNKNOWN', `There is no child SA ${id}`);
    return entry;
  }

  /** An authenticated packet came on a pair that waited for it: the peer has it, so it sends from now on. */
  confirm(entry: Entry<Halves>): void {
    if (!entry.pending) return;
    entry.pending = false;
    this.#chooseSenders(entry, entry.predecessor);
  }

  /**
   * The newest authenticated packet of a pair came from `remote`. Whoever changes the addresses of packets on the way
   * can make that true of each of them, so it is told now and then only; and of a pair that has been replaced it says
   * where the peer was.
   * @param now milliseconds
   * @returns true when it is to be told
   */
  moved(entry: Entry<Halves>, remote: Endpoint, now: number): boolean {
    // A clock that is set back must not silence it.
    const tooSoon = Math.abs(now - entry.movedAt) < MOVE_INTERVAL;
    if (tooSoon || sameEndpoint(remote, entry.path.remote)) return false;
    if (!entry.pending && !entry.sends) return false;
    entry.movedAt = now;
    return true;
  }

  /**
   * The child SA with the narrowest selectors for the packet, the newest among equals. What goes from where to where
   * outer packets go has none: it is one of ours that a route led back into the tunnel, where it would be sealed again
   * and again. Ports do not matter, since fragments have none to see.
   */
  senderFor(packet: InnerPacket): Entry<Halves> | undefined {
    let best: Entry<Halves> | undefined;
    let bestRemote = -1;
    let bestLocal = -1;
    const { source, destination, protocol, sourcePort, destinationPort } = packet;
    for (const entry of this.#senders.covering(destination)) {
      const { localSelectors, remoteSelectors } = entry.child;
      const remote = narrowestMatch(remoteSelectors, destination, protocol, destinationPort);
      if (remote === undefined || remote < bestRemote) continue;
      const local = narrowestMatch(localSelectors, source, protocol, sourcePort);
      if (local === undefined) continue;
      const better = remote - bestRemote || local - bestLocal || entry.number - (best?.number ?? 0);
      if (better <= 0) continue;
      best = entry;
      bestRemote = remote;
      bestLocal = local;
    }
    return best !== undefined && this.#outer.has(flowKey(source, destination)) ? undefined : best;
  }

  #add(child: ChildSa, predecessor: Entry<Halves> | undefined, pending: boolean): Entry<Halves> {
    if (this.#entries.has(child.id) || this.#bySpi.has(child.inbound.spi | 0)) {
      throw new KitError(
        'bug',
        'E_CHILD_SA_EXISTS',
        `Child SA ${child.id} or its inbound SPI is in use already`,
      );
    }
    const { local, remote, encapsulation } = child;
    const halves = this.makeHalves(child);
    const path = { local, remote, encapsulation };
    const entry: Entry<Halves> = {
      child,
      halves,
      path,
      number: this.#installed++,
      predecessor,
      successors: new Set(),
      pending,
      sends: false,
      movedAt: Number.NEGATIVE_INFINITY,
    };
    this.#entries.set(child.id, entry);
    this.#bySpi.set(child.inbound.spi | 0, entry);
    this.#countOuter(path, 1);
    predecessor?.successors.add(entry);
    this.#chooseSenders(entry, predecessor);
    return entry;
  }

  #countOuter({ local, remote }: EspPath, change: 1 | -1): void {
    const key = flowKey(parseIp(local.address), parseIp(remote.address));
    const count = (this.#outer.get(key) ?? 0) + change;
    if (count > 0) this.#outer.set(key, count);
    else this.#outer.delete(key);
  }

  /** Looks again at pairs that a change concerns: one sends unless it waits for its turn or a successor has taken over. */
  #chooseSenders(...concerned: (Entry<Halves> | undefined)[]): void {
    for (const entry of concerned) {
      if (entry === undefined) continue;
      const { child, pending, successors } = entry;
      const sends =
        this.#entries.get(child.id) === entry &&
        !pending &&
        [...successors].every((successor) => successor.pending);
      if (sends === entry.sends) continue;
      entry.sends = sends;
      if (sends) this.#senders.add(child.remoteSelectors, entry);
      else this.#senders.remove(child.remoteSelectors, entry);
    }
    this.onChange();
  }
}

function flowKey(source: Uint8Array, destination: Uint8Array): string {
  return `${source.join()}>${destination.join()}`;
}

/** Whether an inner packet that arrived on a pair is one that it may carry (RFC 4301 5.2). */
export function mayArrive(child: ChildSa, packet: InnerPacket): boolean {
  const { source, destination, protocol, sourcePort, destinationPort } = packet;
  return (
    narrowestMatch(child.remoteSelectors, source, protocol, sourcePort) !== undefined &&
    narrowestMatch(child.localSelectors, destination, protocol, destinationPort) !== undefined
  );
}
