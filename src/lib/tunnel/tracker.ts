import type { Encapsulation, Endpoint, EspPath, Path } from '../core/endpoint.js';
import type { Milliseconds } from '../core/environment.js';
import { parseIp } from '../core/ip.js';
import type { Log } from '../core/log.js';
import type { Plane } from '../esp/plane/plane.js';
import type { ChildSa } from '../esp/sa.js';
import { SelectorIndex } from '../ike/selector-index.js';
import type { ChildSaInfo, DeleteReason, IkeSaInfo, SessionEvent } from '../ike/session/types.js';
import { toTunnelEvents } from './events.js';
import type { KeyLog } from './keylog.js';
import { coversAddress, overlapping } from './routes.js';
import type { TunnelEvent } from './types.js';

/** The SAs of one session. */
interface SessionRecord {
  ikeSa: IkeSaInfo | undefined;
  path: Path | undefined;
  children: Map<string, ChildSaInfo>;
}

/** A child SA as it was made; its path may have changed since. */
interface OwnedChild {
  session: number;
  child: ChildSaInfo;
}

/**
 * Follows the SAs of all sessions from their events, keeps the plane and the key log in step with them, and says the
 * same as public events. Key log first, so that no packet leaves whose key is not on record.
 */
export class SaTracker {
  /** Set before the first child SA. */
  plane: Plane | undefined;
  readonly #sessions = new Map<number, SessionRecord>();
  /** The child SAs of all sessions, by id and by what lies behind the peer. */
  readonly #owned = new Map<string, OwnedChild>();
  readonly #claims = new SelectorIndex<OwnedChild>();
  readonly #keylog: KeyLog | undefined;
  readonly #log: Log;

  constructor(keylog: KeyLog | undefined, log: Log) {
    this.#keylog = keylog;
    this.#log = log;
  }

  /**
   * Acts on one event.
   * @param via how the datagram came that caused it, for sessions whose peer is not known yet
   * @returns what to tell the user
   */
  apply(session: number, event: SessionEvent, via?: Path): TunnelEvent[] {
    const record = this.#record(session, event);
    record.path ??= via;
    switch (event.type) {
      case 'ike-sa-established':
        record.ikeSa = event.ikeSa;
        record.path = event.ikeSa.path;
        this.#keylog?.ikeSa(event.ikeSa);
        break;
      case 'ike-sa-rekeyed':
        record.ikeSa = event.ikeSa;
        this.#keylog?.ikeSa(event.ikeSa, event.old);
        break;
      case 'child-sa-established':
        this.#recordKeys(record, event.child);
        this.plane?.install(toChildSa(event.child));
        this.#keepChild(session, record, event.child);
        break;
      case 'child-sa-rekeyed': {
        const replaced = record.children.get(event.oldId);
        this.#recordKeys(record, event.child, replaced);
        if (replaced) this.plane?.replace(event.oldId, toChildSa(event.child), event.sendOn);
        else this.plane?.install(toChildSa(event.child));
        this.#keepChild(session, record, event.child);
        return toTunnelEvents(event, { path: record.path, replaced });
      }
      case 'child-sa-deleted':
        return this.#removeChild(record, event);
      case 'peer-moved':
        record.path = event.path;
        for (const [id, child] of record.children) {
          const { path, encapsulation } = event;
          this.plane?.movePeer(id, espPath(path, encapsulation));
          record.children.set(id, { ...child, path, encapsulation });
        }
        break;
      case 'ike-sa-deleted': {
        // Whoever looks into a failed authentication needs the keys to read it.
        if (event.unauthenticated) this.#keylog?.ikeSa(event.unauthenticated);
        const orphans = [...record.children.values()].flatMap((child) =>
          this.#removeChild(record, { type: 'child-sa-deleted', child, reason: event.reason }),
        );
        this.#sessions.delete(session);
        return [...orphans, ...toTunnelEvents(event, { path: record.path })];
      }
      default:
        break;
    }
    return toTunnelEvents(event, { path: record.path });
  }

  /** Forgets a session that cannot end by itself any more, so that nothing of it stays in the plane. */
  drop(session: number, reason: DeleteReason): TunnelEvent[] {
    const record = this.#sessions.get(session);
    if (!record) return [];
    const ikeSa = record.ikeSa;
    return this.apply(session, { type: 'ike-sa-deleted', ikeSa, reason, error: undefined });
  }

  ikeSaOf(session: number): IkeSaInfo | undefined {
    return this.#sessions.get(session)?.ikeSa;
  }

  pathOf(session: number): Path | undefined {
    return this.#sessions.get(session)?.path;
  }

  childrenOf(session: number): ChildSaInfo[] {
    return [...(this.#sessions.get(session)?.children.values() ?? [])];
  }

  /** Every session that has an IKE SA or children. */
  get sessions(): number[] {
    return [...this.#sessions.keys()];
  }

  /** Which session a child SA belongs to. */
  ownerOf(childId: string): number | undefined {
    return this.#owned.get(childId)?.session;
  }

  /** Other sessions, oldest first, of which a child SA could carry a packet that this one could. */
  rivalsOf(session: number, { localTs, remoteTs }: ChildSaInfo): number[] {
    const rivals = new Set<number>();
    for (const { session: owner, child } of new Set(this.#claims.meeting(remoteTs))) {
      if (owner === session || rivals.has(owner)) continue;
      if (overlapping(child.remoteTs, remoteTs) && overlapping(child.localTs, localTs)) rivals.add(owner);
    }
    return [...rivals].sort((a, b) => a - b);
  }

  /** Sessions of which a child SA carries traffic to an address. */
  sessionsReaching(address: string): number[] {
    const sessions = new Set<number>();
    for (const { session, child } of this.#claims.covering(parseIp(address))) {
      if (coversAddress(child.remoteTs, address)) sessions.add(session);
    }
    return [...sessions];
  }

  /** Which session an IKE SA belongs to, by its SPIs. */
  sessionOf(initiatorSpi: bigint, responderSpi: bigint): number | undefined {
    for (const [session, { ikeSa }] of this.#sessions) {
      if (ikeSa?.initiatorSpi === initiatorSpi && ikeSa.responderSpi === responderSpi) return session;
    }
    return undefined;
  }

  /** When the last authenticated packet of any child SA came. */
  inboundSeenAt(session: number): Milliseconds | undefined {
    const seen = this.childrenOf(session).flatMap(({ id }) => this.plane?.stats(id)?.lastInboundAt ?? []);
    return seen.length > 0 ? Math.max(...seen) : undefined;
  }

  /** Half-open sessions are not remembered: there may be many, and they hold nothing of ours. */
  #record(session: number, event: SessionEvent): SessionRecord {
    const known = this.#sessions.get(session);
    if (known) return known;
    const record: SessionRecord = { ikeSa: undefined, path: undefined, children: new Map() };
    if (event.type === 'ike-sa-established') this.#sessions.set(session, record);
    return record;
  }

  #recordKeys(record: SessionRecord, child: ChildSaInfo, replaced?: ChildSaInfo): void {
    if (record.ikeSa) this.#keylog?.childSa(child, record.ikeSa, replaced);
    else this.#log('warn', 'a child SA came without an IKE SA and is not in the key log');
  }

  #keepChild(session: number, record: SessionRecord, child: ChildSaInfo): void {
    record.children.set(child.id, child);
    const owned = { session, child };
    this.#owned.set(child.id, owned);
    this.#claims.add(child.remoteTs, owned);
  }

  #removeChild(record: SessionRecord, event: SessionEvent & { type: 'child-sa-deleted' }): TunnelEvent[] {
    const { id } = event.child;
    // A pair that was refused before it carried traffic was never announced.
    if (!record.children.delete(id)) return [];
    const owned = this.#owned.get(id);
    this.#owned.delete(id);
    if (owned) this.#claims.remove(owned.child.remoteTs, owned);
    const stats = this.plane?.stats(id);
    this.plane?.remove(id);
    return toTunnelEvents(event, { path: record.path, stats });
  }
}

/** What the plane needs to know. RFC 7296 2.17: the exchange's initiator sends with the first half of KEYMAT. */
export function toChildSa(child: ChildSaInfo): ChildSa {
  const { suite, keys, role } = child;
  const initiator = { encrKey: keys.initiatorEncr, integKey: keys.initiatorInteg };
  const responder = { encrKey: keys.responderEncr, integKey: keys.responderInteg };
  const common = { encr: suite.encr, integ: suite.integ, esn: suite.esn };
  const [sent, received] = role === 'initiator' ? [initiator, responder] : [responder, initiator];
  return {
    id: child.id,
    inbound: { spi: child.inboundSpi, ...common, ...received },
    outbound: { spi: child.outboundSpi, ...common, ...sent },
    localSelectors: child.localTs,
    remoteSelectors: child.remoteTs,
    ...espPath(child.path, child.encapsulation),
    rekeyBytes: child.rekeyBytes,
  };
}

/** Where ESP of a child SA travels whose IKE messages travel on `path`. */
export function espPath({ local, remote }: Path, encapsulation: Encapsulation): EspPath {
  const place = ({ address, port }: Endpoint) => ({ address, port: encapsulation === 'udp' ? port : 0 });
  return { local: place(local), remote: place(remote), encapsulation };
}
