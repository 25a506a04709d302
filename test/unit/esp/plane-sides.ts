import type { Endpoint } from '../../../src/lib/core/endpoint.js';
import { NextHeader } from '../../../src/lib/esp/packet.js';
import { createMemoryPlane, type MemoryPlane } from '../../../src/lib/esp/plane/memory.js';
import type { ChildSa } from '../../../src/lib/esp/sa.js';
import { OutboundSa } from '../../../src/lib/esp/sad.js';
import { ipv4, ports, selector } from './inner-packets.js';
import { suite } from './suites.js';

export const left: Endpoint = { address: '192.0.2.1', port: 4500 };
export const right: Endpoint = { address: '192.0.2.2', port: 4500 };
export const gcm = suite('ENCR_AES_GCM_16');

interface Sent {
  spi: number;
  packet: Uint8Array;
  local: Endpoint;
  remote: Endpoint;
}

/** A memory plane, what it sent and what it reported. */
export class Side {
  readonly sent: Sent[] = [];
  readonly moved: { id: string; remote: Endpoint }[] = [];
  readonly ended: string[] = [];
  readonly worn: { id: string; reason: string }[] = [];
  readonly plane: MemoryPlane;

  constructor(mtu = 1400) {
    this.plane = createMemoryPlane(
      { name: undefined, mtu },
      (packet, local, remote) => {
        const spi = new DataView(packet.buffer, packet.byteOffset).getUint32(0);
        this.sent.push({ spi, packet, local, remote });
      },
      {
        peerMoved: (id, remote) => this.moved.push({ id, remote }),
        softLifetimeReached: (id, reason) => this.worn.push({ id, reason }),
        hardLifetimeReached: (id) => this.ended.push(id),
        pathMtu() {},
        refused() {},
        failed: (error) => {
          throw error;
        },
      },
    );
  }

  /** SPIs of the packets sent since the last call. */
  spis(): number[] {
    return this.sent.splice(0).map(({ spi }) => spi);
  }
}

/** A pair as the left side sees it: it sends with SPI 2n, receives with 2n + 1. */
export function pair(
  n: number,
  changes: Partial<Pick<ChildSa, 'localSelectors' | 'remoteSelectors' | 'rekeyBytes'>> = {},
): ChildSa {
  return {
    id: `child-${n}`,
    outbound: { ...gcm, spi: 0x1000 + 2 * n },
    inbound: { ...gcm, spi: 0x1001 + 2 * n },
    localSelectors: [selector('10.1.0.0/16')],
    remoteSelectors: [selector('10.2.0.0/16')],
    local: left,
    remote: right,
    encapsulation: 'udp',
    ...changes,
  };
}

/** The same pair from the other side. */
export function mirror(child: ChildSa): ChildSa {
  return {
    ...child,
    inbound: child.outbound,
    outbound: child.inbound,
    localSelectors: child.remoteSelectors,
    remoteSelectors: child.localSelectors,
    local: child.remote,
    remote: child.local,
  };
}

export const out = (spi: number): number => 0x1000 + 2 * spi;
export const request = ipv4({ from: '10.1.0.1', to: '10.2.0.1', body: ports(1000, 2000) });
export const reply = ipv4({ from: '10.2.0.1', to: '10.1.0.1', body: ports(2000, 1000) });

/** A packet as the peer of `child` would send it. */
export function fromPeer(
  child: ChildSa,
  payload: Uint8Array,
  nextHeader: number = NextHeader.IPV4,
  sequence = 0,
): Uint8Array {
  return new OutboundSa(child.inbound, undefined, sequence).seal(nextHeader, payload)!;
}

export function bothSides(child = pair(1)): { a: Side; b: Side; child: ChildSa } {
  const a = new Side();
  const b = new Side();
  a.plane.install(child);
  b.plane.install(mirror(child));
  return { a, b, child };
}

export function carry(from: Side, to: Side): void {
  for (const { packet, local, remote } of from.sent.splice(0)) to.plane.receive(packet, remote, local);
}
