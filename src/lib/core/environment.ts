import { randomFillSync } from 'node:crypto';

/** Milliseconds since the epoch. The sans-IO code gets time handed in; drivers read it here. */
export type Milliseconds = number;

/** Where time comes from. */
export interface Clock {
  now(): Milliseconds;
}

/** Where randomness for SPIs, nonces, IVs and padding comes from. */
export interface Entropy {
  /** `length` fresh bytes. */
  bytes(length: number): Uint8Array;
}

export const systemClock: Clock = { now: () => Date.now() };
export const systemEntropy: Entropy = { bytes: randomBytes };

/** Drawn from the system at once, because a call costs as much for 4 bytes as for hundreds. */
const POOL_BYTES = 1024;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

function randomBytes(length: number): Uint8Array {
  if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
  if (used + length > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  // What was given out is nobody else's to see.
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}
