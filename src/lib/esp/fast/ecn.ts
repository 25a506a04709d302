import type { Arena } from '../../core/arena.js';
import { mendChecksum } from '../mend-checksum.js';

/** The ECN field: Not-ECT 00, ECT(1) 01, ECT(0) 10, CE 11 (RFC 3168 5). */
export const ECN_MASK = 0x03;
const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

/** TOS or traffic class of a packet in the arena. */
export function trafficClassOf({ view }: Arena, packet: number): number {
  return view.getUint8(packet) >> 4 === 4 ? view.getUint8(packet + 1) : (view.getUint16(packet) >> 4) & 0xff;
}

/**
 * Brings congestion that the outer packet met into the inner one (RFC 6040 4.2).
 * @returns false when the packet has to be dropped: its sender would not understand that there is congestion
 */
export function combineEcn(arena: Arena, packet: number, outer: number): boolean {
  const inner = trafficClassOf(arena, packet);
  const innerEcn = inner & ECN_MASK;
  switch (outer & ECN_MASK) {
    case CE:
      if (innerEcn === NOT_ECT) return false;
      if (innerEcn !== CE) setEcn(arena, packet, CE);
      return true;
    case ECT_1:
      // The one case besides CE where the outer field says more.
      if (innerEcn === ECT_0) setEcn(arena, packet, ECT_1);
      return true;
    default:
      return true;
  }
}

function setEcn({ view }: Arena, packet: number, ecn: number): void {
  if (view.getUint8(packet) >> 4 === 6) {
    const word = view.getUint16(packet);
    view.setUint16(packet, (word & ~(ECN_MASK << 4)) | (ecn << 4));
    return;
  }
  const word = view.getUint16(packet);
  const changed = (word & ~ECN_MASK) | ecn;
  view.setUint16(packet, changed);
  mendChecksum(view, packet + 10, word, changed);
}
