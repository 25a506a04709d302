import { KitError } from '../core/errors.js';
import type { PlaneFactory, TunnelContext, TunnelOptions } from './types.js';

/** Userspace ESP over a TUN device; loaded when a device is wanted and not before. */
export const devicePlane: PlaneFactory = async (settings, send, events) => {
  const { createTunPlane } = await import('../esp/plane/tun.js');
  return createTunPlane(settings, send, events);
};

/**
 * Fails before any packet is sent when there could be no device in the end.
 * @throws {KitError} of `checkTun`
 */
export async function requireDevice(options: TunnelOptions, context: TunnelContext): Promise<void> {
  if (context.createPlane) return;
  const { checkTun } = await import('../net/tun-descriptor.js');
  await checkTun(options.tunName);
}

/** The peers found no NAT between them and would send ESP as IP protocol 50. */
export function plainEsp(): KitError {
  return new KitError(
    'environment',
    'E_PLAIN_ESP',
    'Without a NAT in between this tunnel would need plain ESP, which is not supported yet',
    {
      hint: 'Use --encap (the default), so that ESP travels in UDP.',
    },
  );
}

/** The plane cannot go on. */
export function deviceFailed(cause: Error): KitError {
  if (cause instanceof KitError) return cause;
  return new KitError('environment', 'E_DEVICE', `The tunnel device failed: ${cause.message}`, {
    hint: 'Start again; something on this host may have removed the device.',
    cause,
  });
}
