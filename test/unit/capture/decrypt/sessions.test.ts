import { describe, expect, it } from 'vitest';
import { Decryptor } from '../../../../src/lib/capture/decrypt/decryptor.js';
import { KeyRing } from '../../../../src/lib/capture/keys/ring.js';
import type { KeyEntry } from '../../../../src/lib/capture/keys/types.js';
import type { DecodedPacket, Unit } from '../../../../src/lib/capture/types.js';
import { transforms } from '../../../../src/lib/crypto/registry.js';
import { TransformType } from '../../../../src/lib/crypto/transform.js';
import { RecordedTunnel, wrong } from './session-units.js';

/** Every keyword of a cipher that is implemented, with INTEG where it needs one. */
const ciphers = transforms(TransformType.ENCR)
  .filter(({ bind, kind }) => bind !== undefined && kind !== 'null')
  .flatMap(({ keyword = '', keyLengths, kind }) => {
    const lengths = keyLengths.length === 0 ? [''] : keyLengths;
    return lengths.map((bits) => ({ name: keyword.replace('{bits}', String(bits)), aead: kind === 'aead' }));
  });
const integs = transforms(TransformType.INTEG)
  .filter(({ compute }) => compute !== undefined)
  .map(({ keyword = '' }) => keyword);

const suites = [
  ...ciphers.map(({ name, aead }) => ({
    ike: `${name}${aead ? '-prfsha256' : '-sha256'}-x25519`,
    esp: `${name}${aead ? '' : '-sha256'}`,
  })),
  ...integs.map((integ) => ({ ike: `aes128-${integ}-prfsha384-x25519`, esp: `aes256-${integ}` })),
  ...['prfsha1', 'prfsha512', 'prfaesxcbc', 'prfaescmac'].map((prf) => ({
    ike: `aes128gcm16-${prf}-x25519`,
    esp: 'null-sha256',
  })),
  { ike: 'aes128gcm16-prfsha256-x25519', esp: 'aes256gcm16-esn' },
  { ike: 'aes128gcm16-prfsha256-x25519', esp: 'aes256-sha512-esn' },
];

const decode = (entries: Iterable<KeyEntry>, units: readonly Unit[]) => {
  const decryptor = new Decryptor(new KeyRing(entries));
  return { decryptor, packets: units.map((unit) => decryptor.decode(unit)) };
};

const isInit = ({ ike }: DecodedPacket) => ike?.exchange === 'IKE_SA_INIT';

function expectAllOpen(packets: readonly DecodedPacket[]): void {
  expect(packets.length).toBeGreaterThan(4);
  for (const packet of packets) {
    expect({ frame: packet.frame, error: packet.error }).toEqual({ frame: packet.frame, error: undefined });
    if (isInit(packet)) continue;
    expect(packet).toMatchObject({ decrypted: true, icv: 'good' });
  }
}

describe('sessions of our own, every algorithm', () => {
  it.each(suites)('$ike with $esp, from SK_d alone', async ({ ike, esp }) => {
    const tunnel = new RecordedTunnel(ike, esp);
    tunnel.exchangeEsp();
    const { keys, problems } = await tunnel.keys('keys.json');
    expect(problems).toEqual([]);
    const { decryptor, packets } = decode(
      keys.filter(({ kind }) => kind === 'ikev2'),
      tunnel.units,
    );
    expectAllOpen(packets);
    expect(decryptor.notes).toEqual([]);
    expect(decryptor.children.map((child) => child.keys)).toEqual(['derived']);
    const esps = packets.filter(({ protocol }) => protocol === 'ESP');
    expect(esps.map(({ inner }) => inner?.summary)).toEqual([
      expect.stringContaining('10.1.0.1'),
      expect.stringContaining('10.1.0.1'),
    ]);
  });

  it.each(suites)('$ike with $esp, from the whole key log', async ({ ike, esp }) => {
    const tunnel = new RecordedTunnel(ike, esp);
    tunnel.exchangeEsp();
    const { keys, problems, files } = await tunnel.keys();
    expect(problems).toEqual([]);
    expect(files).toHaveLength(3);
    expectAllOpen(decode(keys, tunnel.units).packets);
  });

  it.each(suites)('$ike with $esp, with wrong keys: nothing is shown', async ({ ike, esp }) => {
    const tunnel = new RecordedTunnel(ike, esp);
    const child = tunnel.exchangeEsp();
    const { keys } = await tunnel.keys('keys.json');
    const spoilt = keys.map((key): KeyEntry => {
      if (key.kind === 'ikev2') {
        const { skEi, skEr, skAi, skAr } = key;
        return key.integ?.checked
          ? { ...key, skAi: wrong(skAi!), skAr: wrong(skAr!) }
          : { ...key, skEi: wrong(skEi!), skEr: wrong(skEr!) };
      }
      if (key.kind !== 'esp') return key;
      return child.suite.integ
        ? { ...key, integKey: wrong(key.integKey) }
        : { ...key, encrKey: wrong(key.encrKey) };
    });
    const { decryptor, packets } = decode(spoilt, tunnel.units);
    expect(decryptor.children).toEqual([]);
    const closed = packets.filter((packet) => !isInit(packet));
    expect(closed.length).toBeGreaterThan(3);
    for (const packet of closed) {
      expect(packet).toMatchObject({ decrypted: false, icv: 'bad', error: { code: 'E_ICV' } });
      expect(packet.inner).toBeUndefined();
      expect(packet.ike?.inner).toBeUndefined();
      expect(packet.ike?.payloads.map(({ type }) => type) ?? []).not.toContain('IDi');
    }
  });
});

describe('rekeys', () => {
  const rekeyed = async (esp: string) => {
    const tunnel = new RecordedTunnel('aes256gcm16-prfsha256-x25519', esp);
    tunnel.exchangeEsp();
    const [childId] = tunnel.client.ledger.children.keys();
    tunnel.world.command(tunnel.client, { type: 'rekey-child', childId: childId! });
    tunnel.run(() => tunnel.client.ledger.count('child-sa-rekeyed') === 1);
    tunnel.exchangeEsp();
    tunnel.world.command('server', { type: 'rekey-ike' });
    tunnel.run(() => tunnel.client.ledger.count('ike-sa-rekeyed') === 1);
    const [second] = tunnel.world.latestServed.children.keys();
    tunnel.world.command('server', { type: 'rekey-child', childId: second! });
    tunnel.run(() => tunnel.client.ledger.count('child-sa-rekeyed') === 2);
    tunnel.exchangeEsp();
    return { tunnel, keys: (await tunnel.keys('keys.json')).keys };
  };

  it('derives every child without PFS from the IKE SAs', async () => {
    const { tunnel, keys } = await rekeyed('aes256gcm16');
    const { decryptor, packets } = decode(
      keys.filter(({ kind }) => kind === 'ikev2'),
      tunnel.units,
    );
    expectAllOpen(packets);
    expect(decryptor.children.map(({ keys: from, pfs }) => [from, pfs])).toEqual([
      ['derived', false],
      ['derived', false],
      ['derived', false],
    ]);
    expect(decryptor.children[1]!.rekeys).toBeDefined();
  });

  it('derives children with PFS when their KE secrets are given', async () => {
    const { tunnel, keys } = await rekeyed('aes256gcm16-x25519');
    const { decryptor, packets } = decode(
      keys.filter(({ kind }) => kind !== 'esp'),
      tunnel.units,
    );
    expectAllOpen(packets);
    expect(decryptor.children.map(({ keys: from, pfs }) => [from, pfs])).toEqual([
      ['derived', false],
      ['derived', true],
      ['derived', true],
    ]);
  });

  it('says which KE secret is missing', async () => {
    const { tunnel, keys } = await rekeyed('aes256gcm16-x25519');
    const { decryptor, packets } = decode(
      keys.filter(({ kind }) => kind === 'ikev2'),
      tunnel.units,
    );
    expect(decryptor.notes.map(({ code }) => code)).toEqual(['N_NO_KE_SECRET', 'N_NO_KE_SECRET']);
    const icvs = packets.filter(({ protocol }) => protocol === 'ESP').map(({ icv }) => icv);
    expect(icvs).toEqual(['good', 'good', 'unchecked', 'unchecked', 'unchecked', 'unchecked']);
  });

  it('follows an IKE rekey of which only the KE secret is known', async () => {
    const { tunnel, keys } = await rekeyed('aes256gcm16');
    const [first, second] = keys.filter((key) => key.kind === 'ikev2');
    const { source, spiI, spiR, keSecret } = second!;
    const bare: KeyEntry = { kind: 'ikev2', source, spiI, spiR, keSecret: keSecret! };
    expectAllOpen(decode([first!, bare], tunnel.units).packets);
  });

  it('derives the first IKE SA from its KE secret alone', async () => {
    const { tunnel, keys } = await rekeyed('aes256gcm16');
    const bare = keys
      .filter((key) => key.kind === 'ikev2')
      .map(
        ({ kind, source, spiI, spiR, keSecret }): KeyEntry => ({
          kind,
          source,
          spiI,
          spiR,
          keSecret: keSecret!,
        }),
      );
    expectAllOpen(decode(bare, tunnel.units).packets);
  });

  it('says when the successor cannot be opened', async () => {
    const { tunnel, keys } = await rekeyed('aes256gcm16');
    const [first] = keys.filter((key) => key.kind === 'ikev2');
    const { decryptor } = decode([first!], tunnel.units);
    expect(decryptor.notes.map(({ code }) => code)).toEqual(['N_IKE_REKEY_CLOSED']);
  });
});

describe('what key files leave out', () => {
  it('says that a table of Wireshark opens IKE, but derives no children', async () => {
    const tunnel = new RecordedTunnel('aes256gcm16-prfsha256-x25519', 'aes256gcm16');
    tunnel.exchangeEsp();
    const { keys } = await tunnel.keys('ikev2_decryption_table');
    const { decryptor, packets } = decode(keys, tunnel.units);
    expect(decryptor.notes).toMatchObject([{ code: 'N_NO_SK_D', frame: 4 }]);
    expect(decryptor.notes[0]!.message).toContain('ikev2_decryption_table:1');
    expect(decryptor.children).toMatchObject([{ keys: 'no SK_d' }]);
    expect(packets.at(-1)).toMatchObject({ icv: 'unchecked', decrypted: false });
    expect(packets.at(-1)!.error).toBeUndefined();
  });

  it('derives the first child without IKE_SA_INIT only from a file with the nonces', async () => {
    const tunnel = new RecordedTunnel('aes256gcm16-prfsha256-x25519', 'aes256gcm16');
    tunnel.exchangeEsp();
    const { keys } = await tunnel.keys('keys.json');
    const ike = keys.filter((key) => key.kind === 'ikev2');
    expectAllOpen([...decode(ike, tunnel.units.slice(2)).packets, ...decode(ike, tunnel.units).packets]);
    const without = ike.map(({ nonceI: _i, nonceR: _r, ...key }): KeyEntry => key);
    const { decryptor } = decode(without, tunnel.units.slice(2));
    expect(decryptor.notes.map(({ code }) => code)).toEqual(['N_NO_NONCES']);
  });

  it('opens one direction when the file has the keys of one', async () => {
    const tunnel = new RecordedTunnel('aes256gcm16-prfsha256-x25519', 'aes256gcm16');
    const { keys } = await tunnel.keys('ikev2_decryption_table');
    const half = keys.map((key): KeyEntry => {
      if (key.kind !== 'ikev2') return key;
      const { skEr: _gone, ...rest } = key;
      return rest;
    });
    const icvs = decode(half, tunnel.units).packets.map(({ icv }) => icv);
    expect(icvs).toEqual(['none', 'none', 'good', 'unchecked']);
  });

  it('learns a child once from retransmitted messages', async () => {
    const tunnel = new RecordedTunnel('aes256gcm16-prfsha256-x25519', 'aes256gcm16');
    tunnel.exchangeEsp();
    const { keys } = await tunnel.keys('keys.json');
    const twice = [...tunnel.units.flatMap((unit) => [unit, unit]), ...tunnel.units];
    const { decryptor, packets } = decode(
      keys.filter(({ kind }) => kind === 'ikev2'),
      twice,
    );
    expectAllOpen(packets);
    expect(decryptor.children).toHaveLength(1);
  });
});
