import { readFileSync } from 'node:fs';
import { KitError } from '../core/errors.js';

/** linux/capability.h: the bit in the masks of /proc/self/status. */
const CAP_NET_ADMIN = 12n;

/** What to do where a right is missing: all at once, so that nobody finds out one after the other. */
const RIGHTS =
  'Run as root, or as a user with the ambient capability CAP_NET_ADMIN; serve takes CAP_NET_BIND_SERVICE too for ports 500 and 4500, ESP without UDP takes CAP_NET_RAW.';

/** The network may not be changed. @param what needs the right, e.g. `Creating a TUN device` */
export function privilegeError(what: string, cause?: unknown): KitError {
  return new KitError('environment', 'E_PRIVILEGE', `${what} needs CAP_NET_ADMIN`, { hint: RIGHTS, cause });
}

/**
 * Says whether this process, and with it the programs that it starts, may change the network. Where the system does not
 * tell, that remains to be seen.
 * @throws {KitError} `E_PRIVILEGE` (environment)
 */
export function checkNetworkRights(): void {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return;
  }
  const missing = missingRight(status, process.geteuid?.());
  if (missing !== undefined) throw missing;
}

/**
 * @param status text of /proc/self/status
 * @param uid effective user; programs that root starts get its capabilities, those of others only ambient ones
 *   (capabilities(7))
 */
export function missingRight(status: string, uid: number | undefined): KitError | undefined {
  if (has(status, 'CapEff') === false) return privilegeError('Creating a TUN device');
  if (uid === 0 || has(status, 'CapAmb') !== false) return undefined;
  const message =
    'This process has CAP_NET_ADMIN, but the program `ip`, which sets addresses and routes, would not have it';
  return new KitError('environment', 'E_PRIVILEGE', message, {
    hint: 'Capabilities of a file do not reach programs that it starts: make CAP_NET_ADMIN an ambient capability (`setpriv --ambient-caps`, AmbientCapabilities= in systemd), or run as root.',
  });
}

/** @returns undefined where the mask is not told */
function has(status: string, set: 'CapEff' | 'CapAmb'): boolean | undefined {
  const mask = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return mask === undefined ? undefined : ((BigInt(`0x${mask}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}
