import { describe, expect, test } from 'vitest';
import { openLab } from './harness/lab.js';
import { until } from './harness/process.js';
import { installedChildren } from './harness/strongswan.js';
import { connectToStrongSwan, expectTransfer } from './harness/tunnels.js';

describe.each(['simple', 'fast'] as const)('the %s plane', (plane) => {
  test('rekeys after so many bytes, while a transfer goes on', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const flags = { plane, esp: 'aes256gcm16-x25519', 'rekey-child-bytes': '4M' };
    const { kit } = await connectToStrongSwan(lab, { flags, peer: { esp: 'aes256gcm16-x25519' } });
    const [client, server] = [lab.a, lab.b].map((host) => ({ host, address: host.inner4 }));
    // In steps: what is lost of a rekey in a stream that fills every queue comes again after a second, and that is more
    // than a stream needs for the rest of a pair.
    while (kit.all('child-sa-deleted').length < 2) await expectTransfer(lab, client!, server!, 1_000_000);
    for (const { bytesIn, bytesOut, reason } of kit.all('child-sa-deleted')) {
      expect(reason).toBe('rekeyed');
      expect(Math.max(bytesIn, bytesOut)).toBeGreaterThanOrEqual(0.9 * 4 * 2 ** 20);
      expect(Math.max(bytesIn, bytesOut)).toBeLessThan(8 * 2 ** 20 + 65_536);
    }
  });

  test('ends a child SA that the peer does not let rekey, and has another', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    // Of groups IKE_AUTH says nothing (RFC 7296 1.2): what differs shows in the first CREATE_CHILD_SA.
    const flags = { plane, esp: 'aes256gcm16-x25519', 'rekey-child-bytes': '1M' };
    const { kit, peer } = await connectToStrongSwan(lab, { flags, peer: { esp: 'aes256gcm16-ecp384' } });
    const [first] = kit.all('child-sa-established');
    const [client, server] = [lab.a, lab.b].map((host) => ({ host, address: host.inner4 }));
    // More than one pair may carry. TCP lives until there is another.
    const transfer = expectTransfer(lab, client!, server!, 3_000_000);
    const deleted = await kit.waitFor('child-sa-deleted');
    expect(deleted).toMatchObject({ reason: 'expired', inboundSpi: first?.inboundSpi });
    const most = Math.max(deleted.bytesIn, deleted.bytesOut);
    expect(most).toBeGreaterThanOrEqual(2 * 0.9 * 2 ** 20);
    expect(most).toBeLessThan(2 * 2 ** 20 + 65_536);
    const refused = kit.all('error')[0];
    expect(refused?.message).toMatch(/^A rekey failed: .*aes256gcm16-x25519.*NO_PROPOSAL_CHOSEN$/);
    expect(refused?.hint).toMatch(/forward secrecy/);
    expect(kit.all('child-sa-rekeyed')).toEqual([]);
    await kit.waitFor('child-sa-established', 2);
    await transfer;
    await until('strongSwan to have the last pair and no other', async () => {
      const sas = await peer.listSas();
      const [child, ...more] = sas.flatMap(installedChildren);
      const last = kit.all('child-sa-established').at(-1);
      return sas.length === 1 && more.length === 0 && `0x${child?.['spi-in']}` === last?.outboundSpi;
    });
    expect(peer.log()).toContain(`received DELETE for ESP CHILD_SA with SPI ${first?.inboundSpi.slice(2)}`);
  });
});
