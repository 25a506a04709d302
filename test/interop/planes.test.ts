import { describe, expect, test } from 'vitest';
import { openLab } from './harness/lab.js';
import { connectToStrongSwan, expectTraffic, expectTransfer } from './harness/tunnels.js';

const suites = ['aes256gcm16', 'chacha20poly1305', 'aes256-sha256', 'aes128-aesxcbc'];

/** All other tests run with the plane that is chosen where none is named: the fast one. */
describe.each(['simple', 'fast'] as const)('the %s plane', (plane) => {
  test('rekeys after so many bytes, while a transfer goes on', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const flags = { plane, esp: 'aes256gcm16-x25519', 'rekey-child-bytes': '4M' };
    const { kit } = await connectToStrongSwan(lab, { flags, peer: { esp: 'aes256gcm16-x25519' } });
    const [client, server] = [lab.a, lab.b].map((host) => ({ host, address: host.inner4 }));
    await expectTransfer(lab, client!, server!, 16_000_000);
    await kit.waitFor('child-sa-deleted', 2);
    for (const { bytesIn, bytesOut, reason } of kit.all('child-sa-deleted')) {
      expect(reason).toBe('rekeyed');
      expect(Math.max(bytesIn, bytesOut)).toBeGreaterThanOrEqual(0.9 * 4 * 2 ** 20);
      expect(Math.max(bytesIn, bytesOut)).toBeLessThan(8 * 2 ** 20 + 65_536);
    }
  });

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
