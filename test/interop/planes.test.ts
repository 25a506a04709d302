import { describe, expect, test } from 'vitest';
import { openLab } from './harness/lab.js';
import { connectToStrongSwan, expectTraffic } from './harness/tunnels.js';

const suites = ['aes256gcm16', 'chacha20poly1305', 'aes256-sha256', 'aes128-aesxcbc'];

/** All other tests run with the plane that is chosen where none is named: the fast one. */
describe.each(['simple', 'fast'] as const)('the %s plane', (plane) => {
  for (const esp of suites)
    test(`carries ${esp} to strongSwan and back, and says what it carried`, async (context) => {
      const lab = await openLab(context, { needs: ['strongswan'] });
      const settings = { flags: { esp, plane }, peer: { esp } };
      const { kit } = await connectToStrongSwan(lab, settings);
      await expectTraffic(lab);
      kit.child.signal('SIGUSR1');
      const stats = await kit.waitFor('stats');
      expect(stats.plane).toBe(plane);
      expect(stats.childSas).toMatchObject([{ icvFailures: 0, replays: 0, malformed: 0 }]);
      expect(stats.childSas[0]!.packetsIn).toBeGreaterThan(100);
    });
});
