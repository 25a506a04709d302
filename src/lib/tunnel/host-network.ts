import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { KitError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import {
  addAddress,
  addPortRule,
  addRoute,
  type Route,
  removePortRule,
  removePortRuleCommand,
  removeRoute,
  removeRouteCommand,
  routeBeside,
  routeTo,
  setUp,
  TOOL_PATH,
} from '../net/ip-command.js';
import { openUndo, type Undo } from '../net/undo.js';
import { familyOf, hostCidr } from './routes.js';

/** Routing tables are a number for all; nobody else's is likely to be this one, and another process has another. */
const TABLE = 2 ** 30 + process.pid;

/** How the host reaches a peer. */
export interface OuterPath {
  device: string;
  /** Bytes; undefined when the system does not say. */
  mtu: number | undefined;
  /** Bytes: the same, or less by a route, or by ICMP that the system believed. */
  pathMtu: number | undefined;
}

/**
 * What a tunnel changes on this host, and how it is put back. Addresses and routes of the tunnel's device go with the
 * device, whatever happens to the process; what outlives the device is told to an undo guardian first.
 */
export class HostNetwork {
  readonly #log: Log;
  #undo: Undo | undefined;
  /** Peers whose path is pinned, and what takes that back, last change first. */
  readonly #protected = new Map<string, (() => Promise<void>)[]>();
  /** The tunnel's own device, once it is there. */
  #device: string | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Sets the device up with its addresses and routes. A family that the host does not carry is left out if another works. */
  async bringUp(
    device: string,
    mtu: number,
    addresses: readonly string[],
    routes: readonly Route[],
  ): Promise<void> {
    this.#device = device;
    await setUp(device, mtu);
    const failures: unknown[] = [];
    let worked = 0;
    for (const family of [4, 6] as const) {
      try {
        for (const address of addresses) {
          if (familyOf(address) === family) await addAddress(device, hostCidr(address));
        }
        for (const route of routes) {
          if (familyOf(route.to) !== family) continue;
          await this.addRoute(route);
          worked++;
        }
      } catch (error) {
        this.#log('warn', `no IPv${family} in the tunnel: ${(error as Error).message}`);
        failures.push(error);
      }
    }
    if (failures.length > 0 && worked === 0) throw failures[0];
  }

  /** Adds a route of the tunnel's device. One that is there already stays as it is. */
  async addRoute(route: Route): Promise<void> {
    try {
      await addRoute(route);
    } catch (error) {
      if (!exists(error)) throw error;
      this.#log('debug', `the route to ${route.to} is there already`);
    }
  }

  /** Takes a route of the tunnel's device back; one that is gone is no matter. */
  async removeRoute(route: Route): Promise<void> {
    await removeRoute(route).catch((error: Error) => this.#log('debug', error.message));
  }

  /** Pins the present path to a peer, before routes into the tunnel cover it. */
  async protect(peer: string): Promise<void> {
    const { device, via } = await routeTo(peer);
    // A peer on this host is reached by the local table, which comes before all routes.
    if (device === 'lo' || this.#protected.has(peer)) return;
    try {
      this.#protected.set(peer, [await this.#addGuarded({ to: hostCidr(peer), device, via })]);
    } catch (error) {
      if (!exists(error)) throw error;
    }
  }

  /**
   * Pins a path to a peer that the tunnel's routes cover already. Whoever changes packets on the way can make any
   * address that of a peer, so this is for datagrams of one port of ours alone: other traffic to there must not leave
   * the tunnel for it.
   * @param port where we send from
   * @throws {KitError} `E_OWN_ADDRESS`, `E_NO_ROUTE` (network), or as `addRoute`
   */
  async protectMoved(peer: string, port: number): Promise<void> {
    if (this.#protected.has(peer)) return;
    const found = await routeTo(peer);
    if (found.device === 'lo') {
      throw new KitError('network', 'E_OWN_ADDRESS', `${peer} is an address of this host`);
    }
    const inside = found.device === this.#device;
    const { device, via } = inside ? await routeBeside(found.device, peer) : found;
    const to = hostCidr(peer);
    const removeRoute = await this.#addGuarded({ to, device, via, table: TABLE });
    const rule = { to, sourcePort: port, table: TABLE };
    const forget = this.#guardian().add(removePortRuleCommand(rule));
    try {
      await addPortRule(rule);
    } catch (error) {
      forget();
      await removeRoute();
      throw error;
    }
    const removeRule = async () => {
      await removePortRule(rule).catch((error: Error) => this.#log('debug', error.message));
      forget();
    };
    this.#protected.set(peer, [removeRule, removeRoute]);
  }

  /** Whether the path to a peer is pinned. */
  protects(peer: string): boolean {
    return this.#protected.has(peer);
  }

  /** Takes back what `protect` or `protectMoved` did. */
  async unprotect(peer: string): Promise<void> {
    const pinned = this.#protected.get(peer) ?? [];
    this.#protected.delete(peer);
    for (const takeBack of pinned) await takeBack();
  }

  /** Adds a route that outlives the device. @returns what takes it back */
  async #addGuarded(route: Route): Promise<() => Promise<void>> {
    const forget = this.#guardian().add(removeRouteCommand(route));
    try {
      await addRoute(route);
    } catch (error) {
      forget();
      throw error;
    }
    return async () => {
      await this.removeRoute(route);
      forget();
    };
  }

  /** Tells systemd-resolved about the resolvers of a device; with `all`, for every name. */
  async setResolvers(device: string, servers: readonly string[], all: boolean): Promise<void> {
    if (servers.length === 0) return;
    const undo = this.#guardian();
    const revert = ['resolvectl', 'revert', device];
    const forget = undo.add(revert);
    try {
      await run('resolvectl', ['dns', device, ...servers]);
      if (all) await run('resolvectl', ['domain', device, '~.']);
    } catch (error) {
      forget();
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const reason = missing ? 'the program resolvectl is not installed' : (error as Error).message;
      this.#log('warn', `the resolvers ${servers.join(', ')} are not used: ${reason}`);
    }
  }

  /** Puts everything back, newest change first. */
  async close(): Promise<void> {
    this.#protected.clear();
    await this.#undo?.done();
    this.#undo = undefined;
  }

  #guardian(): Undo {
    this.#undo ??= openUndo();
    return this.#undo;
  }
}

/** The interface that packets to `remote` leave by, and what they may measure. Never throws: nothing depends on it but a default. */
export async function outerPath(remote: string): Promise<OuterPath | undefined> {
  try {
    const route = await routeTo(remote);
    const mtu = await interfaceMtu(route.device);
    const pathMtu = Math.min(mtu ?? Infinity, route.mtu ?? Infinity);
    return { device: route.device, mtu, pathMtu: Number.isFinite(pathMtu) ? pathMtu : undefined };
  } catch {
    return undefined;
  }
}

/** @returns undefined when the system does not say */
export async function interfaceMtu(device: string): Promise<number | undefined> {
  const text = await readFile(`/sys/class/net/${device}/mtu`, 'utf8').catch(() => '');
  const mtu = Number.parseInt(text, 10);
  return Number.isSafeInteger(mtu) && mtu > 0 ? mtu : undefined;
}

function exists(error: unknown): boolean {
  return error instanceof KitError && error.code === 'E_IP_COMMAND' && /File exists/.test(error.message);
}

function run(program: string, argv: readonly string[]): Promise<void> {
  const env = { PATH: TOOL_PATH, LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    execFile(program, argv, { env, timeout: 10_000 }, (error) => (error ? reject(error) : resolve()));
  });
}
