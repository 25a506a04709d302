import { KitError } from '../core/errors.js';
import { parseIdentity } from '../ike/identity.js';
import { defaultEspProposals, defaultIkeProposals, parseProposals } from '../ike/proposals.js';
import type { RetransmitSchedule, SessionPolicy } from '../ike/session/types.js';
import { anySelector, selectorFromCidr } from '../ike/traffic-selectors.js';
import type { TrafficSelector } from '../ike/wire/types.js';
import { dialledName, ownIdentity } from './credentials-identity.js';
import { authPolicy } from './credentials-policy.js';
import type { AuthSide } from './credentials-trust.js';
import { VirtualAddressPool } from './pool.js';
import type { ClientOptions, ServerOptions, TunnelOptions } from './types.js';

/**
 * Six sends over 26 seconds. RFC 7296 2.4 suggests a dozen over several minutes and leaves it to the environment; a
 * person at a terminal waits for the answer, and a lost tunnel is made again anyway.
 */
const retransmit: RetransmitSchedule = { initial: 1000, factor: 1.6, sends: 6 };

/** RFC 3948 4. */
const natKeepalive = 20_000;
const halfOpenTimeout = 30_000;

/** What a client asks for: without local selectors a virtual address, without remote ones everything. */
export function clientPolicy(options: ClientOptions, schedule = retransmit): SessionPolicy {
  const localTs = selectors(options.localTs);
  const families = localTs ? familiesOf(localTs) : ([4, 6] as const);
  return {
    ...commonPolicy(options, schedule),
    ...authentication(options, options.gateway),
    localTs,
    remoteTs: selectors(options.remoteTs) ?? families.map(anySelector),
    pool: undefined,
  };
}

/**
 * What a server grants: without local selectors everything in the families of its pools (or of the remote selectors),
 * without remote ones the addresses it leases.
 * @throws {KitError} usage `E_NO_REMOTE_TS` when it could grant no client anything
 */
export function serverPolicy(options: ServerOptions, schedule = retransmit): SessionPolicy {
  const remoteTs = selectors(options.remoteTs);
  const pool = options.pools.length > 0 ? new VirtualAddressPool(options.pools, options.dns) : undefined;
  if (!remoteTs && !pool) {
    throw new KitError('usage', 'E_NO_REMOTE_TS', 'Clients could be given neither an address nor selectors', {
      hint: 'Give --pool CIDR for virtual addresses, or --remote-ts CIDR for the networks behind the clients.',
    });
  }
  const families = new Set([...(pool?.families ?? []), ...(remoteTs ? familiesOf(remoteTs) : [])]);
  const localTs = selectors(options.localTs) ?? [...families].sort().map(anySelector);
  return { ...commonPolicy(options, schedule), ...authentication(options), localTs, remoteTs, pool };
}

function commonPolicy(options: TunnelOptions, schedule: RetransmitSchedule) {
  return {
    ikeProposals: options.ike === undefined ? defaultIkeProposals : parseProposals(options.ike, 1),
    espProposals: options.esp === undefined ? defaultEspProposals : parseProposals(options.esp, 3),
    encap: options.encap,
    rekeyIke: options.rekeyIke,
    rekeyChild: options.rekeyChild,
    rekeyChildBytes: options.rekeyChildBytes,
    dpd: options.dpd,
    natKeepalive,
    retransmit: schedule,
    fullTranscript: options.fullTranscript,
    fragmentation: {
      announce: options.fragmentation ?? true,
      ...(options.fragmentSize !== undefined && { size: options.fragmentSize }),
    },
    halfOpenTimeout,
  };
}

/**
 * Who each side is and how it proves it.
 * @param gateway what a client dials; without a remote identity the gateway's certificate has to be for that
 * @throws {KitError} usage `E_IDENTITY`, `E_IDENTITY_NOT_IN_CERT`, `E_KEY_KIND`
 */
function authentication({ localId, remoteId: expected, credentials }: TunnelOptions, gateway?: string) {
  const remoteId = expected === undefined ? undefined : parseIdentity(expected);
  const dialled = gateway === undefined || expected !== undefined ? undefined : dialledName(gateway);
  const side: AuthSide =
    gateway === undefined ? { role: 'responder' } : { role: 'initiator', dialled, remoteId };
  return {
    localId: ownIdentity(localId, credentials, side.role),
    remoteId,
    auth: authPolicy(credentials, side),
  };
}

function selectors(cidrs: readonly string[] | undefined): TrafficSelector[] | undefined {
  return cidrs && cidrs.length > 0 ? cidrs.map(selectorFromCidr) : undefined;
}

function familiesOf(list: readonly TrafficSelector[]): (4 | 6)[] {
  return [...new Set(list.map((selector): 4 | 6 => (selector.type === 7 ? 4 : 6)))];
}
