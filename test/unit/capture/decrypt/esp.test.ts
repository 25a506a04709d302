import { type CipherCCMTypes, createCipheriv, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Decryptor } from '../../../../src/lib/capture/decrypt/decryptor.js';
import { parseKeyFile } from '../../../../src/lib/capture/keys/parse.js';
import { KeyRing } from '../../../../src/lib/capture/keys/ring.js';
import type { EspKey } from '../../../../src/lib/capture/keys/types.js';
import { describeIp } from '../../../../src/lib/capture/read/units.js';
import { concatBytes, fromHex, toHex } from '../../../../src/lib/core/bytes.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import { encrTransform, integTransform } from '../../../../src/lib/crypto/registry.js';
import { bindEspSa, NextHeader, sealEsp } from '../../../../src/lib/esp/packet.js';
import { ipv4, unitOf, wrong } from './session-units.js';

/** Bytes 0, 1, 2 … */
const count = (length: number) => Uint8Array.from({ length }, (_, i) => i);
const hex = (length: number) => toHex(count(length));
const NONE = { id: 0, icvBytes: 0, checked: false };

function gcmKey(changes: Partial<EspKey> = {}): EspKey {
  return {
    kind: 'esp',
    source: { file: 'f', line: 1 },
    spi: 0x201,
    src: '*',
    dst: '*',
    encr: 20,
    encrKey: new Secret(count(20)),
    integ: NONE,
    integKey: new Secret(count(0)),
    ...changes,
  };
}

/** What the sender of {@link gcmKey} sends. */
function seal(
  sequence: number,
  esn: boolean,
  payload = ipv4(60),
  nextHeader: number = NextHeader.IPV4,
  spi = 0x201,
) {
  const encr = encrTransform(20)!;
  const none = new Secret(count(0));
  const sa = bindEspSa({ spi, encr, encrKey: new Secret(count(20)), integ: undefined, integKey: none, esn });
  return sealEsp(sa, sequence, nextHeader, payload);
}

function open(packet: Uint8Array, keys: readonly EspKey[], decryptor = new Decryptor(new KeyRing(keys))) {
  return decryptor.decode(unitOf('esp', packet, 1, true, concatBytes(ipv4(20, 50), packet)));
}

const keyLine = (text: string) => parseKeyFile(text, 'f').keys as EspKey[];

describe('packets made by another implementation', () => {
  const inner = 'UDP 10.1.0.1:1000 → 10.2.0.1:2000 6 bytes';
  const state = (lines: string) =>
    keyLine(`src 10.99.0.1 dst 10.99.0.2\n\tproto esp spi 0x00000201 reqid 1 mode tunnel\n${lines}`);

  it.each([
    [
      'DES with HMAC-MD5',
      state(`\tauth-trunc hmac(md5) 0x${hex(16)} 96\n\tenc cbc(des) 0x${hex(8)}\n`),
      '0000020100000005359b0a488c21fa4616c9ba0c3a31fe050f0cbc01b023ec1041f8e3d04c3e05819f77c1dc2bb0c422240af8288f601318692f435051c444e5961249f8',
      undefined,
    ],
    [
      'GMAC without encryption',
      state(`\taead rfc4543(gcm(aes)) 0x${hex(20)} 128\n`),
      '00000201000000052c1889478e385e704500002200010000401166c60a0100010a02000103e807d0000ea8d56c6567616379000402bef83c21f25adb94f883c59f5a1288',
      undefined,
    ],
    [
      'NULL with HMAC-SHA-1',
      state(`\tauth-trunc hmac(sha1) 0x${hex(20)} 96\n\tenc ecb(cipher_null) \n`),
      '00000201000000054500002200010000401166c60a0100010a02000103e807d0000ea8d56c656761637900044a7f3a0a28e1f673d3ecb605',
      undefined,
    ],
    [
      'AES-GCM with high word 3',
      [gcmKey()],
      '000002010000000520b0ce6315118a1565de6d48dd4a9ea70b3effb9a169c92f1445554026425d5ce75b2027dfc36916fdf4c51bdb8a72f04eef0676b7c939b1d35dc058',
      3,
    ],
    [
      'AES-CBC and HMAC-SHA-256 with high word 3',
      keyLine(
        `"IPv4","*","*","0x201","AES-CBC [RFC3602]","0x${hex(16)}","HMAC-SHA-256-128 [RFC4868]","0x${hex(32)}"`,
      ),
      '000002010000000509779826c24465b241b1e47a8923f05bc94f92095699cfcf1d9754548ce8794b2552d756bf0ac6dc4758a5bd702200fae2d0232731d92f60c112363f71b2b7f16a92bd19ac1cb444d32d269032046061',
      3,
    ],
  ])('%s', (_name, keys, packet, seqHigh) => {
    const decoded = open(fromHex(packet), keys);
    expect(decoded).toMatchObject({
      decrypted: true,
      icv: 'good',
      esp: { spi: '0x00000201', seq: 5, nextHeader: 4 },
    });
    expect(decoded.esp!.seqHigh).toBe(seqHigh);
    expect(decoded.inner!.summary).toBe(inner);
    const spoilt = fromHex(packet);
    spoilt[spoilt.length - 20]! ^= 1;
    expect(open(spoilt, keys)).toMatchObject({ decrypted: false, icv: 'bad', error: { code: 'E_ICV' } });
  });

  it.each([
    [
      'IPv4',
      '4500004400010000403266830a0100010a0200010000020200000006a00136d985cfe6ce267c0706fcf53d759ffb9de8d022b809bdf7cacc275b3b6cd615d54afc5a7eae',
      20,
      '4500002200010000401166c60a0100010a02000103e807d0000ea8d56c6567616379',
    ],
    [
      'IPv6',
      '6000000000303240fd990000000000000000000000000001fd9900000000000000000000000000020000020200000007c87d972ee4ef7797393c9520b2d16f9638417e792540db5dd9d83e1c0972262a4415feef3751fffd',
      40,
      '60000000000e1140fd990000000000000000000000000001fd99000000000000000000000000000203e807d0000ec1a36c6567616379',
    ],
  ])('puts a packet of transport mode over %s together again', (_name, text, header, expected) => {
    const ip = fromHex(text);
    const handed: string[] = [];
    const ring = new KeyRing([gcmKey({ spi: 0x202 })]);
    const decryptor = new Decryptor(ring, { onInner: (packet) => handed.push(toHex(packet)) });
    const decoded = decryptor.decode(unitOf('esp', ip.subarray(header), 1, true, ip));
    expect(decoded).toMatchObject({ decrypted: true, icv: 'good', esp: { nextHeader: 17 } });
    expect(handed).toEqual([expected]);
  });
});

describe('extended sequence numbers', () => {
  it('are inferred and confirmed packet by packet, over the end of a word', () => {
    const decryptor = new Decryptor(new KeyRing([gcmKey({ esn: true })]));
    const sequences = [2 ** 32 - 2, 2 ** 32 + 1, 2 ** 32 - 1, 2 ** 32 + 5, 2 ** 33 - 10, 2 ** 33 + 7];
    const decoded = sequences.map((sequence) => open(seal(sequence, true), [], decryptor));
    expect(decoded.map(({ icv }) => icv)).toEqual(Array(6).fill('good'));
    expect(decoded.map(({ esp }) => esp!.seqHigh! * 2 ** 32 + esp!.seq)).toEqual(sequences);
  });

  it.each([0, 1, 9, 15])('finds high word %i at the beginning of a capture, told or not', (high) => {
    const sequence = high * 2 ** 32 + 77;
    expect(open(seal(sequence, true), [gcmKey()]).esp!.seqHigh).toBe(high);
    expect(open(seal(sequence, true), [gcmKey({ esn: true })]).esp!.seqHigh).toBe(high);
  });

  it('starts from the high word that the key file tells', () => {
    const packet = seal(5000 * 2 ** 32 + 77, true);
    expect(open(packet, [gcmKey({ esn: true })]).icv).toBe('bad');
    expect(open(packet, [gcmKey({ esn: true, seqHigh: 5000 })]).esp!.seqHigh).toBe(5000);
    expect(open(packet, [gcmKey({ esn: true, seqHigh: 5001 })]).esp!.seqHigh).toBe(5000);
  });

  it('are not shown where they are not used', () => {
    for (const esn of [undefined, false]) {
      const { esp } = open(seal(5, false), [gcmKey(esn === undefined ? {} : { esn })]);
      expect(esp).toEqual({ spi: '0x00000201', seq: 5, nextHeader: 4 });
    }
    expect(open(seal(5, true), [gcmKey({ esn: false })]).icv).toBe('bad');
  });

  it('stops guessing for a wrong key', () => {
    const decryptor = new Decryptor(new KeyRing([gcmKey({ encrKey: wrong(new Secret(count(20))) })]));
    for (let i = 1; i < 200; i++) expect(open(seal(i, false), [], decryptor).icv).toBe('bad');
  });
});

describe('algorithms that are only ever opened', () => {
  const trailer = Uint8Array.of(1, 2, 2, 4);
  const plaintext = concatBytes(ipv4(44), trailer);
  const header = Uint8Array.of(0, 0, 2, 1, 0, 0, 0, 5);

  it.each([
    [
      'ENCR_CAMELLIA_CBC',
      23,
      32,
      count(16),
      (iv: Uint8Array) => createCipheriv('camellia-256-cbc', count(32), iv),
    ],
    [
      'ENCR_CAMELLIA_CTR',
      24,
      20,
      count(8),
      (iv: Uint8Array) =>
        createCipheriv(
          'camellia-128-ctr',
          count(16),
          concatBytes(count(20).slice(16), iv, Uint8Array.of(0, 0, 0, 1)),
        ),
    ],
  ])('%s', (_name, encr, keyBytes, iv, cipherFor) => {
    const cipher = cipherFor(iv);
    const encrypted = concatBytes(cipher.setAutoPadding(false).update(plaintext));
    const covered = concatBytes(header, iv, encrypted);
    const icv = createHmac('md5', count(16)).update(covered).digest();
    const key = gcmKey({
      encr,
      encrKey: new Secret(count(keyBytes)),
      integ: { id: 6, icvBytes: 16, checked: true },
      integKey: new Secret(count(16)),
    });
    expect(open(concatBytes(covered, icv), [key])).toMatchObject({
      decrypted: true,
      icv: 'good',
      esp: { nextHeader: 4 },
    });
  });

  it.each([
    ['ENCR_AES_GCM_16_IIV', 30, 'aes-128-gcm', 16, 4, 16],
    ['ENCR_AES_CCM_8_IIV', 29, 'aes-128-ccm', 16, 3, 8],
    ['ENCR_CHACHA20_POLY1305_IIV', 31, 'chacha20-poly1305', 32, 4, 16],
  ])('%s takes its IV from the sequence number', (_name, encr, name, keyBytes, saltBytes, icvBytes) => {
    const material = count(keyBytes + saltBytes);
    const key = gcmKey({ encr, encrKey: new Secret(material) });
    for (const high of [undefined, 2]) {
      const nonce = concatBytes(material.slice(keyBytes), Uint8Array.of(0, 0, 0, high ?? 0, 0, 0, 0, 5));
      const aad =
        high === undefined
          ? header
          : concatBytes(header.subarray(0, 4), Uint8Array.of(0, 0, 0, high), header.subarray(4));
      const cipher = createCipheriv(name as CipherCCMTypes, material.slice(0, keyBytes), nonce, {
        authTagLength: icvBytes,
      });
      cipher.setAAD(aad, { plaintextLength: plaintext.length });
      const packet = concatBytes(header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
      const decoded = open(packet, [key]);
      expect(decoded).toMatchObject({ decrypted: true, icv: 'good' });
      expect(decoded.esp!.seqHigh).toBe(high);
    }
  });

  it('says when there is a key but no way to use it', () => {
    const key = gcmKey({
      encr: 7,
      encrKey: new Secret(count(16)),
      integ: { id: 2, icvBytes: 12, checked: true },
    });
    expect(open(seal(1, false), [key])).toMatchObject({
      decrypted: false,
      icv: 'unchecked',
      error: { code: 'E_NOT_IMPLEMENTED' },
    });
  });
});

describe('which key', () => {
  const other = new Secret(new Uint8Array(20));

  it('goes by the SPI, whatever the addresses are', () => {
    expect(open(seal(1, false), [gcmKey({ src: '203.0.113.9', dst: '203.0.113.8' })]).icv).toBe('good');
    expect(open(seal(1, false), [gcmKey({ spi: 0x202 })])).toMatchObject({
      icv: 'unchecked',
      decrypted: false,
    });
  });

  it('tries every key of the SPI, and a later one too', () => {
    const packet = seal(1, false);
    expect(open(packet, [gcmKey(), gcmKey({ encrKey: other, dst: '192.0.2.1' })]).icv).toBe('good');
    const ring = new KeyRing([gcmKey({ encrKey: other })]);
    const decryptor = new Decryptor(ring);
    expect(open(packet, [], decryptor).icv).toBe('bad');
    ring.addEsp(gcmKey());
    expect(open(packet, [], decryptor).icv).toBe('good');
  });

  it('falls back on wildcards', () => {
    const any = { spi: undefined, spiPattern: '********' };
    expect(open(seal(1, false), [gcmKey(any)]).icv).toBe('good');
    expect(open(seal(1, false), [gcmKey({ ...any, spiPattern: '000002**' })]).icv).toBe('good');
    expect(open(seal(1, false), [gcmKey({ ...any, spiPattern: '000003**' })]).icv).toBe('unchecked');
    expect(open(seal(1, false), [gcmKey({ ...any, dst: '192.0.2.0/24' })]).icv).toBe('good');
    expect(open(seal(1, false), [gcmKey({ ...any, dst: '192.0.3.0/24' })]).icv).toBe('unchecked');
    const decryptor = new Decryptor(new KeyRing([gcmKey({ ...any, esn: true })]));
    const far = seal(9 * 2 ** 32 + 1, true, ipv4(60), NextHeader.IPV4, 0x202);
    expect(open(seal(1, true), [], decryptor).esp!.seqHigh).toBe(0);
    expect(open(far, [], decryptor).esp!.seqHigh).toBe(9);
    expect(open(seal(2, true), [], decryptor).esp!.seqHigh).toBe(0);
  });
});

describe('ICVs', () => {
  const sha256 = integTransform(12)!;
  const cbc = (icvBytes: number) =>
    gcmKey({
      encr: 12,
      encrKey: new Secret(count(16)),
      integ: { id: 12, icvBytes, checked: true },
      integKey: new Secret(count(32)),
    });
  const truncated = (() => {
    const sa = bindEspSa({
      spi: 0x201,
      encr: encrTransform(12)!,
      encrKey: new Secret(count(16)),
      integ: { ...sha256, icvBytes: 12, compute: (key, data) => sha256.compute!(key, data).subarray(0, 12) },
      integKey: new Secret(count(32)),
      esn: false,
    });
    return sealEsp(sa, 1, 4, ipv4(40));
  })();

  it('of HMAC-SHA-256 cut to 96 bits are told from wrong ones, and shown for what they are', () => {
    const decoded = open(truncated, [cbc(16)]);
    expect(decoded).toMatchObject({ decrypted: false, icv: 'bad', error: { code: 'E_ICV_TRUNCATED' } });
    expect(decoded.inner).toBeUndefined();
    expect(open(truncated, [cbc(12)])).toMatchObject({ decrypted: true, icv: 'good' });
    const spoilt = truncated.slice();
    spoilt[30]! ^= 1;
    expect(open(spoilt, [cbc(16)]).error!.code).toBe('E_ICV');
  });

  it('that a file does not let us check stay unchecked, and nonsense stays hidden', () => {
    const unchecked = (encrKey: Secret) =>
      gcmKey({ encr: 12, encrKey, integ: { id: 0, icvBytes: 12, checked: false } });
    expect(open(truncated, [unchecked(new Secret(count(16)))])).toMatchObject({
      decrypted: true,
      icv: 'unchecked',
    });
    const nonsense = open(truncated, [unchecked(wrong(new Secret(count(16))))]);
    expect(nonsense).toMatchObject({ decrypted: false, icv: 'unchecked', error: { code: 'E_ESP_PADDING' } });
    expect(nonsense.inner).toBeUndefined();
  });

  it('say nothing of a wrong encryption key beside them', () => {
    const key = { ...cbc(12), encrKey: wrong(new Secret(count(16))) };
    const decoded = open(truncated, [key]);
    expect(decoded).toMatchObject({ decrypted: false, icv: 'good', error: { code: 'E_ESP_PADDING' } });
    expect(decoded.inner).toBeUndefined();
  });
});

describe('what is inside', () => {
  it('is handed over without padding for traffic-flow confidentiality', () => {
    const padded = concatBytes(ipv4(40), new Uint8Array(100));
    const handed: [number, bigint][] = [];
    const decryptor = new Decryptor(new KeyRing([gcmKey()]), {
      onInner: (packet, time) => handed.push([packet.length, time]),
    });
    const unit = unitOf('esp', seal(1, false, padded), 7, true);
    expect(decryptor.decode(unit).inner!.summary).toBe(describeIp(ipv4(40)));
    expect(handed).toEqual([[40, unit.time]]);
  });

  it.each([
    ['a dummy packet', 59, count(9), 'dummy packet, 9 bytes'],
    ['no IP packet where one should be', 4, count(9), 'no IP packet (next header 4), 9 bytes'],
  ])('tells %s and hands nothing over', (_name, nextHeader, payload, summary) => {
    const handed: Uint8Array[] = [];
    const decryptor = new Decryptor(new KeyRing([gcmKey()]), { onInner: (packet) => handed.push(packet) });
    expect(open(seal(1, false, payload, nextHeader), [], decryptor).inner!.summary).toBe(summary);
    expect(handed).toEqual([]);
  });

  it('is opened again, four deep and no deeper', () => {
    let packet = ipv4(40);
    for (let level = 0; level < 8; level++) {
      const esp = seal(level + 1, false, packet);
      packet = concatBytes(ipv4(20, 50), esp);
      new DataView(packet.buffer).setUint16(2, packet.length);
    }
    const handed: Uint8Array[] = [];
    const decryptor = new Decryptor(new KeyRing([gcmKey()]), { onInner: (inner) => handed.push(inner) });
    let decoded = decryptor.decode(unitOf('esp', packet.subarray(20), 1, true, packet));
    let depth = 0;
    while (decoded.inner?.packet) {
      decoded = decoded.inner.packet;
      depth += 1;
      expect(decoded).toMatchObject({ protocol: 'ESP', decrypted: true, icv: 'good' });
    }
    expect(depth).toBe(4);
    expect(handed).toHaveLength(1);
  });

  it('is told when asked, also in JSON', () => {
    const decoded = open(seal(1, false), [gcmKey()]);
    expect(JSON.parse(JSON.stringify(decoded)).inner).toEqual({ summary: describeIp(ipv4(60)) });
  });
});

describe('short packets', () => {
  it.each([0, 7, 8, 9, 20, 33])('of %i bytes are errors', (length) => {
    const { error, decrypted } = open(seal(1, false).subarray(0, length), [gcmKey()]);
    expect([error!.code, decrypted]).toEqual(['E_TRUNCATED', false]);
  });
});
