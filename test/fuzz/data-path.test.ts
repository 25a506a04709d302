import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/core/secret.js';
import type { ChildSa, EspSaParameters } from '../../src/lib/esp/sa.js';
import { selector } from '../unit/esp/inner-packets.js';
import { oneSuiteEach } from '../unit/esp/suites.js';
import { Enemy } from './data-path-packets.js';
import { LOCAL, REMOTE, Twins } from './data-path-world.js';
import { createRandom } from './mutate.js';

/** A million where all of CI runs, and wherever it is asked for. */
const COUNT = Number(process.env.IPSEC_KIT_FUZZ_PACKETS ?? (process.env.CI ? 1_000_000 : 60_000));
/** With ESN the first packets end a cycle of the low 32 bits. */
const NEAR_CYCLE = 2 ** 32 - 2000;

/** Two pairs with selectors that overlap, one of them with protocol and ports. */
function pairsOf(sa: EspSaParameters): ChildSa[] {
  const otherKey = (key: Secret) => new Secret(key.reveal().map((byte) => byte ^ 0x3c));
  const second = { ...sa, encrKey: otherKey(sa.encrKey), integKey: otherKey(sa.integKey) };
  const common = {
    localSelectors: [selector('10.0.0.1/32'), selector('fd00::1/128')],
    local: LOCAL,
    remote: REMOTE,
    encapsulation: 'udp' as const,
  };
  return [
    {
      id: 'first',
      inbound: { ...sa, spi: 0x01020304 },
      outbound: { ...sa, spi: 0x1001 },
      remoteSelectors: [selector('10.0.0.2/31'), selector('fd00::2/127')],
      ...common,
    },
    {
      id: 'second',
      inbound: { ...second, spi: 0x01020305 },
      outbound: { ...second, spi: 0x1002 },
      remoteSelectors: [
        selector('10.0.0.2/32'),
        selector('10.0.0.4/32', { protocol: 17, startPort: 4001, endPort: 4002 }),
        selector('fd00::4/128', { protocol: 6, startPort: 4001, endPort: 4002 }),
      ],
      ...common,
    },
  ];
}

const cases = oneSuiteEach.flatMap(({ name, sa }, i) => [
  { name, sa, esn: false, offload: true, outside: 'UDP', seed: 43_000 + i },
  { name, sa, esn: true, offload: i % 2 === 0, outside: 'UDP', seed: 44_000 + i },
  { name, sa, esn: i % 2 === 0, offload: false, outside: 'UDP', seed: 45_000 + i },
  { name, sa, esn: i % 2 === 1, offload: i % 3 > 0, outside: 'IP', seed: 46_000 + i },
]);

describe('the fast and the simple plane deliver and drop the same packets', () => {
  it.each(cases)('$name, ESN $esn, offloads $offload, in $outside', { timeout: 600_000 }, (one) => {
    const { sa, esn, offload, outside, seed } = one;
    const random = createRandom(seed);
    const children = pairsOf({ ...sa, esn });
    const twins = new Twins(offload, children, outside === 'IP');
    const enemy = new Enemy(random, children, esn ? NEAR_CYCLE : 0);
    const count = COUNT / cases.length;
    try {
      let done = 0;
      for (;;) {
        const arrivals = outside === 'IP' ? enemy.packets() : enemy.arrivals();
        const { fast, reference, damaged } = twins.take(arrivals);
        expect(fast).toEqual(reference);
        expect(damaged).toEqual([]);
        done += arrivals.reduce((sum, { bytes, segmentSize }) => {
          return sum + (segmentSize === 0 ? 1 : Math.ceil(bytes.length / segmentSize));
        }, 0);
        if (done < count) continue;
        const [first, second] = fast.stats;
        for (const counted of ['packetsIn', 'icvFailures', 'replays', 'malformed'] as const) {
          expect(first![counted] + second![counted], counted).toBeGreaterThan(count / 200);
        }
        expect(second!.packetsIn).toBeGreaterThan(count / 500);
        expect(fast.strange).toBeGreaterThan(count / 100);
        break;
      }
      const { deviceWrites, devicePacketsIn } = twins.writes;
      if (offload) expect(deviceWrites).toBeLessThan(devicePacketsIn * 0.8);
      else expect(deviceWrites).toBe(devicePacketsIn);
    } finally {
      twins.close();
    }
  });
});
