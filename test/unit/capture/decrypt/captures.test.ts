import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Decryptor } from '../../../../src/lib/capture/decrypt/decryptor.js';
import { loadKeys } from '../../../../src/lib/capture/keys/load.js';
import { KeyRing } from '../../../../src/lib/capture/keys/ring.js';
import type { KeyEntry } from '../../../../src/lib/capture/keys/types.js';
import { readCapture } from '../../../../src/lib/capture/read/capture.js';
import { UnitExtractor } from '../../../../src/lib/capture/read/units.js';
import type { DecodedPacket } from '../../../../src/lib/capture/types.js';

const shared = process.env.IPSEC_KIT_SHARED;
if (shared === undefined) {
  console.info(
    'captures are not decrypted: IPSEC_KIT_SHARED does not name the folder with captures/ and corpus/',
  );
}
const captures = join(shared ?? '', 'captures');
const corpus = join(shared ?? '', 'corpus');

async function decode(file: string, entries: Iterable<KeyEntry>) {
  const inner: Uint8Array[] = [];
  const decryptor = new Decryptor(new KeyRing(entries), { onInner: (packet) => inner.push(packet) });
  const extractor = new UnitExtractor({ ports: [] });
  const packets: DecodedPacket[] = [];
  for await (const frame of readCapture(createReadStream(file), () => {})) {
    for (const unit of extractor.take(frame)) packets.push(decryptor.decode(unit));
  }
  return { decryptor, packets, inner };
}

const isClear = ({ ike }: DecodedPacket) => ike?.exchange === 'IKE_SA_INIT';
const open = { decrypted: true, icv: 'good' };

describe.skipIf(shared === undefined)('the keyed captures', () => {
  const names = shared === undefined ? [] : readdirSync(captures).sort();

  it.each(names)('%s with keys.json: everything', async (name) => {
    const { keys, problems } = await loadKeys([join(captures, name, 'keys.json')]);
    expect(problems).toEqual([]);
    const { packets, inner } = await decode(join(captures, name, 'capture.pcap'), keys);
    const closed = packets.filter((packet) => !isClear(packet));
    for (const packet of closed) expect(packet).toMatchObject(open);
    expect(packets.filter(({ error }) => error)).toEqual([]);
    expect(inner.length).toBe(packets.filter(({ protocol }) => protocol === 'ESP').length);
  });

  it.each(names.filter((name) => !name.startsWith('3-')))('%s with the tables of Wireshark', async (name) => {
    const { keys, problems } = await loadKeys([join(captures, name, 'wireshark')]);
    expect(problems).toEqual([]);
    const { packets, decryptor } = await decode(join(captures, name, 'capture.pcap'), keys);
    const closed = packets.filter((packet) => !isClear(packet));
    for (const packet of closed) expect(packet).toMatchObject(open);
    expect(decryptor.children.every(({ keys: from }) => from === 'listed')).toBe(true);
  });

  it.each(names)('%s with the IKE secrets of keys.json: children without PFS too', async (name) => {
    const { keys } = await loadKeys([join(captures, name, 'keys.json')]);
    const ike = keys.filter(({ kind }) => kind === 'ikev2');
    const { packets, decryptor } = await decode(join(captures, name, 'capture.pcap'), ike);
    const withoutKeys = decryptor.children
      .filter(({ keys: from }) => from === 'no KE secret')
      .flatMap(({ initiatorSpi, responderSpi }) => [initiatorSpi, responderSpi]);
    for (const packet of packets.filter((candidate) => !isClear(candidate))) {
      const hopeless = withoutKeys.includes(packet.esp?.spi ?? '');
      expect(packet).toMatchObject(hopeless ? { decrypted: false, icv: 'unchecked' } : open);
    }
    expect(withoutKeys).toHaveLength(name.startsWith('5-') ? 4 : 0);
  });

  it('puts the fragments of certificates together', async () => {
    const { keys } = await loadKeys([join(captures, '3-chacha-x25519-cert-frag')]);
    const { packets } = await decode(join(captures, '3-chacha-x25519-cert-frag', 'capture.pcap'), keys);
    const fragments = packets.filter(({ ike }) => ike?.fragment);
    expect(fragments.length).toBeGreaterThan(3);
    const whole = fragments.filter(({ ike }) => ike!.payloads.some(({ type }) => type === 'CERT'));
    expect(whole).toHaveLength(2);
    for (const { frames, ike } of whole) {
      expect(frames).toHaveLength(ike!.fragment!.total);
      expect(ike!.payloads.filter(({ error }) => error)).toEqual([]);
    }
  });

  it('reports an ICV as bad when the capture was changed', async () => {
    const name = '1-gcm-modp2048-psk';
    const { keys } = await loadKeys([join(captures, name)]);
    const extractor = new UnitExtractor({ ports: [] });
    const decryptor = new Decryptor(new KeyRing(keys));
    let bad = 0;
    for await (const frame of readCapture(createReadStream(join(captures, name, 'capture.pcap')), () => {})) {
      const changed = { ...frame, data: frame.data.slice() };
      changed.data[changed.data.length - 1]! ^= 1;
      for (const unit of extractor.take(changed)) {
        const packet = decryptor.decode(unit);
        if (isClear(packet)) continue;
        bad += 1;
        expect(packet).toMatchObject({ decrypted: false, icv: 'bad', error: { code: 'E_ICV' } });
        expect(packet.inner).toBeUndefined();
      }
    }
    expect(bad).toBe(14);
  });
});

describe.skipIf(shared === undefined)('captures of others', () => {
  const wireshark = async (table: string, capture: string) => {
    const { keys, problems } = await loadKeys([join(corpus, 'wireshark', table)]);
    expect(problems).toEqual([]);
    return decode(join(corpus, 'wireshark', capture), keys);
  };

  it.each([
    'ikev2-decrypt-3des-sha1_160.pcap',
    'ikev2-decrypt-aes128ccm12.pcap',
    'ikev2-decrypt-aes256cbc.pcapng',
    'ikev2-decrypt-aes256ccm16.pcapng',
    'ikev2-decrypt-aes256gcm16.pcap',
  ])('opens all of %s', async (capture) => {
    const { packets } = await wireshark('ikev2_decryption_table.tmpl', capture);
    const closed = packets.filter((packet) => !isClear(packet));
    expect(closed.length).toBeGreaterThan(1);
    for (const packet of closed) {
      expect(packet).toMatchObject(open);
      expect(packet.ike!.payloads.filter(({ error }) => error)).toEqual([]);
    }
  });

  it.each([
    ['ikev1-certs.pcap', 6],
    ['ikev1-bug-12610.pcapng.gz', 12],
  ])('follows the IVs of %s', async (capture, encrypted) => {
    const { packets } = await wireshark('ikev1_decryption_table.tmpl', capture);
    const opened = packets.filter(({ decrypted }) => decrypted);
    expect(opened).toHaveLength(encrypted);
    for (const { ike, icv } of opened) {
      expect(icv).toBe('none');
      const inside = ike!.payloads.filter((payload) => payload.inside);
      expect(inside.length).toBeGreaterThan(0);
      expect(inside.filter(({ error }) => error)).toEqual([]);
    }
    expect(packets.filter(({ ike }) => ike!.encrypted)).toHaveLength(encrypted);
  });

  it('opens ESP with HMAC-SHA-1', async () => {
    const { packets } = await wireshark('esp_sa.tmpl', 'esp-bug-12671.pcapng.gz');
    expect(packets).toHaveLength(6);
    for (const packet of packets) expect(packet).toMatchObject(open);
  });

  it('opens ESP inside ESP, ICVs unchecked as tcpdump leaves them', async () => {
    const { keys } = await loadKeys([join(corpus, 'tcpdump', 'esp-secrets.txt')]);
    const { packets, inner } = await decode(join(corpus, 'tcpdump', '08-sunrise-sunset-esp2.pcap'), keys);
    expect(packets).toHaveLength(8);
    for (const packet of packets) {
      expect(packet).toMatchObject({ decrypted: true, icv: 'unchecked' });
      expect(packet.inner).toMatchObject({ packet: { protocol: 'ESP', decrypted: true, icv: 'unchecked' } });
      expect(packet.inner!.packet!.inner!.summary).toMatch(/^ICMP 192\.0\.[12]\.1 → 192\.0\.[12]\.1 echo re/);
    }
    // Only the innermost packets are handed over.
    expect(inner.map((packet) => packet[9])).toEqual(Array(8).fill(1));
  });

  it('hides what a right key makes of a message with a wrong ICV', async () => {
    const { keys } = await loadKeys([join(corpus, 'tcpdump', 'ikev2pI2-secrets.txt')]);
    const { packets } = await decode(join(corpus, 'tcpdump', 'ikev2pI2.pcap'), keys);
    expect(packets[1]).toMatchObject({ decrypted: false, icv: 'bad', error: { code: 'E_ICV' } });
    expect(packets[1]!.ike!.payloads.map(({ type }) => type)).toEqual(['SK']);
  });
});
