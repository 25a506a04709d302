import { describe, expect, it } from 'vitest';
import { growth, memoryUse } from '../../../bench/soak/memory.js';
import { SoakWorld } from '../../../bench/soak/world.js';

/** `npm run bench:soak` is the same with 10^8 packets. */
const PACKETS = 1_000_000;
const WARM_UP = 300_000;

describe('two data paths under load', () => {
  it('keep their memory as it is, and account for every packet', () => {
    const world = new SoakWorld(20_000);
    try {
      world.run(WARM_UP);
      const warm = memoryUse();
      world.run(PACKETS);
      // Not RSS: what the test runner needs is in it.
      expect(growth(warm, memoryUse(), ['heapUsed', 'external'])).toEqual([]);
      expect(world.finish()).toEqual([]);
      const { packetsIn, replaced } = world.totals();
      expect(packetsIn).toBeGreaterThanOrEqual(PACKETS);
      expect(replaced).toBeGreaterThan(30);
    } finally {
      world.close();
    }
  });
});
