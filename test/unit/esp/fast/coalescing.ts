import { expect } from 'vitest';
import { Coalescer, type CoalescerOptions } from '../../../../src/lib/esp/fast/coalescer.js';
import { plainArena } from '../../plain-arena.js';

/** What decryption leaves behind a packet, bytes. */
const BEHIND = 40;

/** A coalescer and what comes out of it: virtio headers with packets. */
export function makeCoalescer(options: CoalescerOptions = {}) {
  const arena = plainArena(1 << 20);
  const written: Uint8Array[] = [];
  const coalescer = new Coalescer(
    arena,
    (offset, length) => {
      written.push(arena.bytes.slice(offset, offset + length));
      // Nobody may count on what is there afterwards.
      arena.bytes.fill(0xdd, offset, offset + length);
    },
    options,
  );

  /** Decrypts a packet to where the coalescer wants it. */
  const receive = (packet: Uint8Array, authentic = true): boolean => {
    const size = packet.length + BEHIND;
    const at = coalescer.place(size);
    arena.bytes.fill(0xcc, at, at + size);
    if (!authentic) {
      coalescer.refuse();
      return false;
    }
    arena.bytes.set(packet, at);
    return coalescer.accept(at, packet.length);
  };

  /** All that comes out for these packets, received in one batch. */
  const merge = (...packets: readonly Uint8Array[]): Uint8Array[] => {
    for (const packet of packets) receive(packet);
    coalescer.flush();
    expect(arena.damaged()).toEqual([]);
    return written.splice(0);
  };
  return { arena, coalescer, receive, merge, written };
}
