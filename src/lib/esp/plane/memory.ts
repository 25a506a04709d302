import type { PlaneEvents } from './plane.js';
import { type PlaneSettings, type SendEsp, UserspacePlane } from './userspace.js';

/** How many delivered packets are kept; older ones are forgotten. */
const KEPT = 4096;

/** A plane without a device: inner packets go in by {@link inject} and come out in {@link delivered}. */
export class MemoryPlane extends UserspacePlane {
  /** Inner packets that arrived, oldest first, the newest 4096. */
  readonly delivered: Uint8Array[];
  /** Takes arriving inner packets instead of {@link delivered} when set. */
  onDelivered: ((packet: Uint8Array) => void) | undefined;

  constructor(settings: PlaneSettings, send: SendEsp, events: PlaneEvents) {
    const delivered: Uint8Array[] = [];
    super({
      mtu: settings.mtu,
      path: settings.path,
      deviceName: undefined,
      send,
      events,
      deliver: (packet) => {
        if (this.onDelivered !== undefined) {
          this.onDelivered(packet);
        } else {
          delivered.push(packet);
          if (delivered.length > KEPT) delivered.shift();
        }
        return true;
      },
      release: async () => {},
    });
    this.delivered = delivered;
  }

  /** Sends an inner packet as if a device had brought it. */
  inject(innerPacket: Uint8Array): void {
    this.transmit(innerPacket);
  }
}

/** A plane for tests and for hosts without TUN. */
export function createMemoryPlane(settings: PlaneSettings, send: SendEsp, events: PlaneEvents): MemoryPlane {
  return new MemoryPlane(settings, send, events);
}
