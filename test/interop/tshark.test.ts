import { mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Capture, tsharkFields } from './harness/capture.js';
import { type Lab, openLab } from './harness/lab.js';
import { checkDocument } from './harness/schemas.js';
import { ping } from './harness/traffic.js';
import { connectToStrongSwan, serveStrongSwan } from './harness/tunnels.js';

const suites = [
  { name: 'AES-GCM', ike: 'aes256gcm16-prfsha256-x25519', esp: 'aes256gcm16-x25519' },
  { name: 'AES-CBC', ike: 'aes256-sha256-prfsha256-modp2048', esp: 'aes128-sha256-modp2048' },
];

const tunnels = { connect: connectToStrongSwan, serve: serveStrongSwan };

/** Makes tshark decrypt ESP and check its ICV. */
const decryption = ['-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE'];

/** tshark's environment with a key log as its configuration folder. */
function configuration(lab: Lab, keylog: string): { XDG_CONFIG_HOME: string } {
  const folder = join(lab.dir, 'config');
  mkdirSync(folder);
  symlinkSync(keylog, join(folder, 'wireshark'));
  return { XDG_CONFIG_HOME: folder };
}

describe.each(suites)('tshark reads our key log: $name', ({ ike, esp }) => {
  test.for(['connect', 'serve'] as const)('%s', async (role, context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump', 'tshark'] });
    const { a, b } = lab;
    const keylog = join(lab.dir, 'keys');
    const capture = await Capture.start(lab, a);
    const { kit, peer } = await tunnels[role](lab, { flags: { ike, esp, keylog }, peer: { ike, esp } });
    expect(await ping(lab, a, a.inner4, b.inner4)).toEqual({ sent: 3, received: 3 });
    await peer.rekey('child');
    await kit.waitFor('child-sa-rekeyed');
    expect(await ping(lab, a, a.inner6, b.inner6)).toEqual({ sent: 3, received: 3 });
    await peer.rekey('ike');
    await kit.waitFor('ike-sa-rekeyed');
    await peer.rekey('child');
    await kit.waitFor('child-sa-rekeyed', 2);
    expect(await ping(lab, b, b.inner4, a.inner4)).toEqual({ sent: 3, received: 3 });
    await peer.terminate('ike');
    await kit.waitFor('ike-sa-deleted');
    await capture.stop();

    const env = configuration(lab, keylog);
    const read = (filter: string, fields: string[], keys = true) =>
      tsharkFields(capture.file, fields, { filter, ...(keys && { args: decryption, env }) });

    // Without the keys nothing inside is seen: what is asked for below comes from them.
    expect(await read('icmp or icmpv6 or isakmp.id.data.fqdn', ['frame.number'], false)).toEqual([]);

    const identities = await read('isakmp.id.data.fqdn', ['isakmp.id.data.fqdn']);
    expect(new Set(identities.flatMap(([names = '']) => names.split(',')))).toEqual(
      new Set(['alice.test', 'bob.test']),
    );
    // A delete payload travels in the INFORMATIONAL exchange under the keys after the IKE rekey.
    expect((await read('isakmp.typepayload == 42', ['frame.number'])).length).toBeGreaterThan(0);
    expect(await read('isakmp.exchangetype == 36', ['frame.number'])).not.toEqual([]);

    const echo = async (filter: string) => (await read(filter, ['esp.sequence', 'esp.icv_good'])).length;
    expect(await echo('icmp.type == 8 and ip.src == 10.77.1.1 and esp')).toBe(3);
    expect(await echo('icmp.type == 0 and ip.src == 10.77.2.1 and esp')).toBe(3);
    expect(await echo('icmpv6.type == 128 and esp')).toBe(3);
    expect(await echo('icmpv6.type == 129 and esp')).toBe(3);
    expect(await echo('icmp.type == 8 and ip.src == 10.77.2.1 and esp')).toBe(3);
    expect(await echo('icmp.type == 0 and ip.src == 10.77.1.1 and esp')).toBe(3);
    expect(await read('esp.icv_bad == 1', ['frame.number'])).toEqual([]);
    expect((await read('esp.icv_good == 1', ['frame.number'])).length).toBeGreaterThanOrEqual(18);

    for (const name of ['ikev2_decryption_table', 'esp_sa', 'keys.json']) {
      expect(statSync(join(keylog, name)).mode & 0o777).toBe(0o600);
    }
    checkDocument('keys', JSON.parse(readFileSync(join(keylog, 'keys.json'), 'utf8')));
  });
});
