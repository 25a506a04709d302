import type { Entropy } from '../../core/environment.js';
import type { SessionHooks } from './state.js';

/** Hooks of a process with a single session. */
export function ownHooks(entropy: Entropy, childIds: () => string): SessionHooks {
  return {
    childId: childIds,
    claimSpi: () => randomSpi(entropy),
    releaseSpi: () => {},
    initialContact: () => {},
  };
}

/** A random ESP SPI; 0 to 255 are reserved (RFC 4303 2.1). */
export function randomSpi(entropy: Entropy): number {
  for (;;) {
    const spi = Buffer.from(entropy.bytes(4)).readUInt32BE();
    if (spi > 255) return spi;
  }
}

/** Numbers children c1, c2, … */
export function childCounter(): () => string {
  let count = 0;
  return () => `c${++count}`;
}
