import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Capture, tsharkFields } from './harness/capture.js';
import { command } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { Child, run } from './harness/process.js';
import { checkDocument } from './harness/schemas.js';
import { ping } from './harness/traffic.js';
import { connectToStrongSwan } from './harness/tunnels.js';

interface Decoded {
  packets: { frame: number; protocol: string; decrypted: boolean; icv: string; ike?: { exchange: string } }[];
  ikeSas: unknown[];
  childSas: unknown[];
  diagnosis: { id: string; severity: string }[];
}

/** A session of ours with strongSwan, both rekeys and a delete in it, and its key log. */
async function recordSession(lab: Lab, suite: { ike: string; esp: string }) {
  const { a, b } = lab;
  const keylog = join(lab.dir, 'keys');
  const capture = await Capture.start(lab, a);
  const { kit, peer } = await connectToStrongSwan(lab, { flags: { ...suite, keylog }, peer: suite });
  expect(await ping(lab, a, a.inner4, b.inner4)).toEqual({ sent: 3, received: 3 });
  await peer.rekey('child');
  await kit.waitFor('child-sa-rekeyed');
  expect(await ping(lab, a, a.inner6, b.inner6)).toEqual({ sent: 3, received: 3 });
  await peer.rekey('ike');
  await kit.waitFor('ike-sa-rekeyed');
  expect(await ping(lab, b, b.inner4, a.inner4)).toEqual({ sent: 3, received: 3 });
  await peer.terminate('ike');
  await kit.waitFor('ike-sa-deleted');
  await capture.stop();
  return { file: capture.file, keylog };
}

describe('decode reads a live session of ours', () => {
  test.for([
    { name: 'AES-GCM', ike: 'aes256gcm16-prfsha256-x25519', esp: 'aes256gcm16-x25519' },
    { name: 'ChaCha20-Poly1305', ike: 'chacha20poly1305-prfsha256-x25519', esp: 'chacha20poly1305-x25519' },
    { name: 'AES-CBC', ike: 'aes256-sha256-modp2048', esp: 'aes128-sha256-modp2048' },
  ])('$name: all opened, and tshark reads what it wrote', async ({ ike, esp }, context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump', 'tshark'] });
    const { file, keylog } = await recordSession(lab, { ike, esp });
    const plain = join(lab.dir, 'plain.pcapng');
    const argv = [
      process.execPath,
      command,
      'decode',
      file,
      '--keys',
      keylog,
      '--json',
      '--write-decrypted',
      plain,
    ];
    const decoded = JSON.parse(await run(argv)) as Decoded;
    checkDocument('decode', decoded);

    const sealed = decoded.packets.filter(({ ike }) => ike?.exchange !== 'IKE_SA_INIT');
    expect(sealed.filter(({ decrypted, icv }) => !decrypted || icv !== 'good')).toEqual([]);
    expect(sealed.filter(({ protocol }) => protocol === 'ESP').length).toBeGreaterThanOrEqual(18);
    expect(decoded.ikeSas).toHaveLength(2);
    expect(decoded.childSas).toHaveLength(2);
    expect(decoded.diagnosis.filter(({ severity }) => severity !== 'info')).toEqual([]);

    const echoes = await tsharkFields(plain, ['frame.time_epoch'], {
      filter: 'icmp.type == 8 or icmpv6.type == 128',
    });
    expect(echoes).toHaveLength(9);
    const outer = await tsharkFields(file, ['frame.time_epoch']);
    const times = new Set(outer.flat());
    expect(echoes.flat().every((time) => times.has(time))).toBe(true);
  });

  test('opens nothing with the keys of another session', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump'] });
    const suite = { ike: 'aes256gcm16-prfsha256-x25519', esp: 'aes256gcm16-x25519' };
    const { file, keylog } = await recordSession(lab, suite);
    const keys = readFileSync(join(keylog, 'keys.json'), 'utf8');
    const wrong = join(lab.dir, 'wrong.json');
    const flip = (hex: string): string => hex.replace(/^[0-9a-f]/, (digit) => (digit === '0' ? '1' : '0'));
    const secret = /"(sk\w*|keSecret|encrKey|integKey)": "([0-9a-f]{16,})"/g;
    const spoilt = keys.replace(secret, (_all, name: string, hex: string) => `"${name}": "${flip(hex)}"`);
    expect(spoilt).not.toBe(keys);
    writeFileSync(wrong, spoilt, { mode: 0o600 });
    const child = new Child([process.execPath, command, 'decode', file, '--keys', wrong, '--json']);
    // Exit code 5: an ICV was wrong.
    expect((await child.exited).code).toBe(5);
    const decoded = JSON.parse(child.stdout) as Decoded;
    expect(decoded.packets.some(({ icv }) => icv === 'bad')).toBe(true);
    expect(decoded.packets.some(({ decrypted }) => decrypted)).toBe(false);
  });
});
