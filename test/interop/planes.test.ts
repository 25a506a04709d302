import { describe, expect, test } from 'vitest';
import { openLab } from './harness/lab.js';
import { connectToStrongSwan, expectTransfer } from './harness/tunnels.js';

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
});
