import { randomBytes } from 'node:crypto';

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
export const systemEntropy: Entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };
