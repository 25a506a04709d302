import { KitError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import { defaultPathPolicy, type PathPolicy } from '../esp/path-policy.js';
import { noPlainEsp, type Plane } from '../esp/plane/plane.js';
import type { ChildSaInfo } from '../ike/session/types.js';
import type { PlaneChoice, PlaneFactory, TunnelContext, TunnelOptions } from './types.js';

/**
 * Userspace ESP over a TUN device; loaded when a device is wanted and not before.
 * @param wanted `auto` takes the fast plane, and where it cannot be had says so and takes the simple one
 */
export function devicePlane(wanted: PlaneChoice, log: Log): PlaneFactory {
  return async (settings, send, events) => {
    if (wanted !== 'simple') {
      const { createFastPlane, fastPlaneMisses } = await import('../esp/plane/fast.js');
      const missing = await fastPlaneMisses();
      if (missing === undefined || wanted === 'fast') {
        if (missing !== undefined) throw missing;
        return createFastPlane(settings, events, log);
      }
      log('info', `the simple plane carries the traffic: ${missing.message}`);
    }
    if (leftToSystem(settings.path)) {
      log('warn', 'the simple plane leaves DF and DSCP to the system: --df and --dscp say nothing');
    }
    const { createTunPlane } = await import('../esp/plane/tun.js');
    return createTunPlane(settings, send, events);
  };
}

/** The simple plane sends through sockets of Node.js, which have neither. */
function leftToSystem({ df, dscp }: PathPolicy = defaultPathPolicy): boolean {
  return df !== defaultPathPolicy.df || dscp !== defaultPathPolicy.dscp;
}

/** Whether sockets are opened so that a plane can take them over. */
export function givesSockets(options: TunnelOptions, context: TunnelContext): boolean {
  return context.createPlane === undefined && options.plane !== 'simple';
}

/**
 * Fails before any packet is sent when there could be no device in the end, or none for what is wanted.
 * @throws {KitError} `E_PLAIN_ESP`, and of `checkTun`
 */
export async function requireDevice(options: TunnelOptions, context: TunnelContext): Promise<void> {
  if (context.createPlane) return;
  if (options.plane === 'simple' && !options.encap) throw noPlainEsp(options.plane);
  const { checkTun } = await import('../net/tun-descriptor.js');
  await checkTun(options.tunName);
}

/**
 * Resolves when a plane does what it was told about a child SA, where IKE goes by a socket of its own: the peer may
 * use an SA as soon as it has our answer. Undefined: it is so already.
 */
export function inStep(plane: Plane | undefined, { path }: ChildSaInfo): Promise<void> | undefined {
  return path.natT ? undefined : plane?.settled?.();
}

/** The plane cannot go on. */
export function deviceFailed(cause: Error): KitError {
  if (cause instanceof KitError) return cause;
  return new KitError('environment', 'E_DEVICE', `The tunnel device failed: ${cause.message}`, {
    hint: 'Start again; something on this host may have removed the device.',
    cause,
  });
}
