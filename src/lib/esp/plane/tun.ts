import { openTun } from '../../net/tun-device.js';
import type { Plane, PlaneEvents } from './plane.js';
import { type PlaneSettings, type SendEsp, UserspacePlane } from './userspace.js';

/**
 * Userspace ESP over a new TUN device with the MTU of `settings`; it has no addresses and is down.
 * @throws {KitError} of {@link openTun}
 */
export async function createTunPlane(
  settings: PlaneSettings,
  send: SendEsp,
  events: PlaneEvents,
): Promise<Plane> {
  const device = await openTun({ name: settings.name, mtu: settings.mtu });
  const plane = new UserspacePlane({
    mtu: device.mtu,
    path: settings.path,
    deviceName: device.name,
    send,
    events,
    deliver: (packet) => device.write(packet),
    release: () => device.close(),
  });
  device.onPacket = (packet) => plane.transmit(packet);
  device.onError = (error) => events.failed(error);
  return plane;
}
