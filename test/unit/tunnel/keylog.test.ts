import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keysSchema } from '../../../src/lib/report/keys.schema.js';
import { KeyLog } from '../../../src/lib/tunnel/keylog.js';
import { childSaInfo, ikeSaInfo, secret } from './fixtures.js';

const validate = new Ajv({ allErrors: true, strictRequired: false }).compile(keysSchema);
const hex = (length: number, start: number) => Buffer.from(secret(length, start).reveal()).toString('hex');

let parent: string;
let directory: string;
const read = (name: string) => readFileSync(join(directory, name), 'utf8');
const readKeys = () => JSON.parse(read('keys.json'));

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'keylog-'));
  directory = join(parent, 'keys');
});
afterEach(() => rmSync(parent, { recursive: true }));

describe('KeyLog', () => {
  it('writes the IKE keys as Wireshark reads them, AEAD and not', async () => {
    const keylog = new KeyLog(directory);
    keylog.ikeSa(ikeSaInfo('aes256gcm16-prfsha256-x25519'));
    keylog.ikeSa(ikeSaInfo('aes256-sha256-modp2048'));
    await keylog.close();
    expect(read('ikev2_decryption_table').split('\n')).toEqual([
      `62842d6b4e3e9234,00fa98173d508cbe,${hex(36, 0x30)},${hex(36, 0x40)},"AES-GCM-256 with 16 octet ICV [RFC5282]",,,"NONE [RFC4306]"`,
      `62842d6b4e3e9234,00fa98173d508cbe,${hex(32, 0x30)},${hex(32, 0x40)},"AES-CBC-256 [RFC3602]",${hex(32, 0x10)},${hex(32, 0x20)},"HMAC_SHA2_256_128 [RFC4868]"`,
      '',
    ]);
  });

  it('writes both directions of a child SA, each with its own key', async () => {
    const keylog = new KeyLog(directory);
    const parentSa = ikeSaInfo();
    keylog.childSa(childSaInfo('aes256gcm16'), parentSa);
    keylog.childSa(childSaInfo('aes128-sha256', { role: 'initiator' }), parentSa);
    await keylog.close();
    const gcm = '"AES-GCM with 16 octet ICV [RFC4106]"';
    const cbc = '"AES-CBC [RFC3602]"';
    const hmac = '"HMAC-SHA-256-128 [RFC4868]"';
    expect(read('esp_sa').split('\n')).toEqual([
      `"IPv4","192.0.2.1","198.51.100.7","0xdeadbeef",${gcm},"0x${hex(36, 0x70)}","NULL",""`,
      `"IPv4","198.51.100.7","192.0.2.1","0x0000c0de",${gcm},"0x${hex(36, 0x50)}","NULL",""`,
      `"IPv4","192.0.2.1","198.51.100.7","0xdeadbeef",${cbc},"0x${hex(16, 0x50)}",${hmac},"0x${hex(32, 0x60)}"`,
      `"IPv4","198.51.100.7","192.0.2.1","0x0000c0de",${cbc},"0x${hex(16, 0x70)}",${hmac},"0x${hex(32, 0x80)}"`,
      '',
    ]);
  });

  it('says whether ESP is in UDP, whatever port IKE is on', async () => {
    const keylog = new KeyLog(directory);
    keylog.childSa(childSaInfo('aes256gcm16'), ikeSaInfo());
    keylog.childSa(childSaInfo('aes256gcm16', { encapsulation: 'none' }), ikeSaInfo());
    await keylog.close();
    expect(readKeys().childSas.map(({ natT }: { natT: boolean }) => natT)).toEqual([true, false]);
  });

  it('names the family of IPv6 outer addresses', async () => {
    const path = {
      local: { address: '2001:db8::1', port: 4500 },
      remote: { address: '2001:db8::2', port: 4500 },
      natT: true,
    };
    const keylog = new KeyLog(directory);
    keylog.childSa(childSaInfo('aes256gcm16', { path }), ikeSaInfo());
    await keylog.close();
    expect(read('esp_sa')).toMatch(/^"IPv6","2001:db8::1","2001:db8::2"/);
  });

  it('keeps what Wireshark cannot read in keys.json', async () => {
    const said: string[] = [];
    const keylog = new KeyLog(directory, (_level, message) => said.push(message));
    keylog.ikeSa(ikeSaInfo('chacha20poly1305-prfsha256-x25519'));
    keylog.childSa(childSaInfo('chacha20poly1305'), ikeSaInfo());
    await keylog.close();
    expect(read('ikev2_decryption_table') + read('esp_sa')).toBe('');
    expect(said).toHaveLength(2);
    expect(readKeys().ikeSas[0].skEi).toBe(hex(36, 0x30));
    expect(readKeys().childSas[0].inbound.encrKey).toBe(hex(36, 0x50));
  });

  it('tells a decoder everything in keys.json, which its schema describes', async () => {
    const keylog = new KeyLog(directory, undefined, { now: () => Date.UTC(2024, 0, 2) });
    const first = ikeSaInfo();
    const second = ikeSaInfo('aes256-sha256-modp2048', { initiatorSpi: 1n, responderSpi: 2n });
    const child = childSaInfo();
    const rekeyed = childSaInfo('aes256-sha512-ecp384-esn', {
      id: 'child-2',
      inboundSpi: 3,
      outboundSpi: 4,
      keSecret: secret(48, 9),
    });
    keylog.ikeSa(first);
    keylog.childSa(child, first);
    keylog.ikeSa(second, first);
    keylog.childSa(rekeyed, second, child);
    await keylog.close();

    const keys = readKeys();
    expect(validate(keys), JSON.stringify(validate.errors)).toBe(true);
    expect(keys.schema).toBe('ipsec-kit/keys@1');
    expect(keys.ikeSas[0]).toMatchObject({
      time: '2024-01-02T00:00:00.000Z',
      initiatorSpi: '62842d6b4e3e9234',
      responderSpi: '00fa98173d508cbe',
      rekeyOf: null,
      role: 'responder',
      proposal: 'aes256gcm16-prfsha256-x25519',
      suite: { encr: { id: 20, keyLength: 256 }, integ: null, prf: { id: 5 }, ke: { id: 31 } },
      localId: 'gw.example.com',
      remoteId: 'alice@example.com',
      keSecret: hex(32, 5),
      nonceI: hex(32, 6),
      nonceR: hex(32, 7),
      skeyseed: hex(32, 1),
      skD: hex(32, 2),
      skEi: hex(36, 0x30),
      skEr: hex(36, 0x40),
      skAi: '',
      skPi: hex(32, 3),
      skPr: hex(32, 4),
    });
    expect(keys.ikeSas[1].rekeyOf).toEqual({
      initiatorSpi: '62842d6b4e3e9234',
      responderSpi: '00fa98173d508cbe',
    });
    expect(keys.ikeSas[1].skAi).toBe(hex(32, 0x10));
    expect(keys.childSas[0]).toMatchObject({
      parent: { initiatorSpi: '62842d6b4e3e9234', responderSpi: '00fa98173d508cbe' },
      rekeyOf: null,
      keSecret: null,
      localTs: ['10.1.0.0/16'],
      inbound: { spi: '0x0000c0de', source: { address: '198.51.100.7', port: 61_000 } },
      outbound: { spi: '0xdeadbeef', source: { address: '192.0.2.1', port: 4500 } },
    });
    expect(keys.childSas[1]).toMatchObject({
      parent: { initiatorSpi: '0000000000000001', responderSpi: '0000000000000002' },
      rekeyOf: { inboundSpi: '0x0000c0de', outboundSpi: '0xdeadbeef' },
      keSecret: hex(48, 9),
      suite: { ke: { id: 20 }, esn: true, integ: { id: 14 } },
    });
  });

  it('has a schema that refuses what a decoder could not use', () => {
    const good = { schema: 'ipsec-kit/keys@1', ikeSas: [], childSas: [] };
    expect(validate(good)).toBe(true);
    expect(validate({ ...good, schema: 'ipsec-kit/keys@2' })).toBe(false);
    expect(validate({ ...good, ikeSas: [{}] })).toBe(false);
  });

  it('is private to the user', async () => {
    const keylog = new KeyLog(directory);
    keylog.ikeSa(ikeSaInfo());
    await keylog.close();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(directory).sort()).toEqual(['esp_sa', 'ikev2_decryption_table', 'keys.json']);
    for (const name of readdirSync(directory)) {
      expect(statSync(join(directory, name)).mode & 0o777, name).toBe(0o600);
    }
  });

  it('takes files away from other readers when it finds them open', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'esp_sa'), '', { mode: 0o644 });
    chmodSync(join(directory, 'esp_sa'), 0o644);
    await new KeyLog(directory).close();
    expect(statSync(join(directory, 'esp_sa')).mode & 0o777).toBe(0o600);
  });

  it('does not write keys through a link that lies in the way', async () => {
    mkdirSync(directory);
    const elsewhere = join(parent, 'elsewhere');
    writeFileSync(elsewhere, 'old');
    symlinkSync(elsewhere, join(directory, `keys.json.${process.pid}.tmp`));
    const keylog = new KeyLog(directory);
    keylog.ikeSa(ikeSaInfo());
    await keylog.close();
    expect(readFileSync(elsewhere, 'utf8')).toBe('old');
    expect(readKeys().ikeSas).toHaveLength(1);
    expect(lstatSync(join(directory, 'keys.json')).isSymbolicLink()).toBe(false);
  });

  it('does not write keys into a file of another user', (test) => {
    if (process.geteuid?.() !== 0) test.skip('only root can make a file of another user');
    mkdirSync(directory);
    writeFileSync(join(directory, 'esp_sa'), '');
    chownSync(join(directory, 'esp_sa'), 65_534, 65_534);
    expect(() => new KeyLog(directory)).toThrow(/cannot be written/);
  });

  it('adds to what an earlier run left', async () => {
    for (let run = 0; run < 2; run++) {
      const keylog = new KeyLog(directory);
      keylog.ikeSa(ikeSaInfo());
      keylog.childSa(childSaInfo(), ikeSaInfo());
      await keylog.close();
    }
    expect(read('ikev2_decryption_table').trim().split('\n')).toHaveLength(2);
    expect(read('esp_sa').trim().split('\n')).toHaveLength(4);
    expect(readKeys().ikeSas).toHaveLength(2);
    expect(readKeys().childSas).toHaveLength(2);
  });

  it('does not overwrite a keys.json that is not its own', () => {
    mkdirSync(directory);
    for (const foreign of ['{"ike": []}', 'null', 'not JSON', '{"schema":"ipsec-kit/keys@1"}']) {
      writeFileSync(join(directory, 'keys.json'), foreign);
      expect(() => new KeyLog(directory)).toThrow(
        expect.objectContaining({ code: 'E_KEYLOG', kind: 'usage' }),
      );
      expect(read('keys.json')).toBe(foreign);
    }
  });

  it('says which folder cannot be written', () => {
    writeFileSync(directory, 'a file');
    expect(() => new KeyLog(directory)).toThrow(
      expect.objectContaining({
        code: 'E_KEYLOG',
        kind: 'environment',
        message: expect.stringContaining(directory),
      }),
    );
  });

  it.each([
    ['/proc', '/proc/ipsec-kit-keys'],
    ['a folder that is missing', 'missing/keys'],
  ])('creates no folder below %s', (_, path) => {
    const refused = expect.objectContaining({ kind: 'environment', code: 'E_KEYLOG' });
    expect(() => new KeyLog(resolve(parent, path))).toThrow(refused);
    expect(readdirSync(parent)).toEqual([]);
  });

  it('goes on when the disk does not take keys.json', async () => {
    const said: string[] = [];
    const keylog = new KeyLog(directory, (level, message) => said.push(`${level}: ${message}`));
    mkdirSync(join(directory, `keys.json.${process.pid}.tmp`, 'in-the-way'), { recursive: true });
    keylog.ikeSa(ikeSaInfo());
    await keylog.close();
    expect(said.join()).toMatch(/^error: the key log in .* is incomplete/);
  });
});
