import { describe, expect, it } from 'vitest';
import { Decryptor } from '../../../../src/lib/capture/decrypt/decryptor.js';
import { parseKeyFile } from '../../../../src/lib/capture/keys/parse.js';
import { KeyRing } from '../../../../src/lib/capture/keys/ring.js';
import { unitsOfIp } from '../../../../src/lib/capture/read/units.js';
import { fromHex, toHex } from '../../../../src/lib/core/bytes.js';

const key = (length: number) => toHex(Uint8Array.from({ length }, (_, i) => i));
const ring = (spi: number, auth: string, flags = '') =>
  new KeyRing(
    parseKeyFile(
      `src 10.99.0.1 dst 10.99.0.2\n\tproto ah spi 0x${spi.toString(16)} reqid 1 mode transport\n\tflag af-unspec ${flags}\n\tauth-trunc ${auth}\n`,
      'f',
    ).keys,
  );
const SHA256 = `hmac(sha256) 0x${key(32)} 128`;

const decode = (keys: KeyRing, ip: Uint8Array) => {
  const [unit] = unitsOfIp(ip, 1, 0n);
  return new Decryptor(keys).decode(unit!);
};

/** Packets made by another implementation. `free`: a byte that may change on the way; `bound`: one that may not. */
const packets = [
  {
    name: 'IPv4',
    spi: 0x101,
    hex: '45280045123440003d3316620a6300010a630002110500000000010100000007addcdda7ee55cf0d573422ea55f025b203e807d00015f3c661757468656e74696361746564',
    summary: 'UDP 10.99.0.1:1000 → 10.99.0.2:2000 13 bytes',
    free: [1, 6, 8, 10],
    bound: [4, 12, 16, 21, 29, 50, 60],
  },
  {
    name: 'IPv4 with options',
    spi: 0x101,
    hex: '4900004f000100003d334b100a6300010a630002070b08010203040000000094040000001105000000000101000000086e86290a8cf576cf4dd08e1add481ea203e807d0000f19076f7074696f6e73',
    summary: 'UDP 10.99.0.1:1000 → 10.99.0.2:2000 7 bytes',
    free: [22, 23, 28],
    bound: [33, 34],
  },
  {
    name: 'IPv6, whose ICV of 16 bytes is padded',
    spi: 0x101,
    hex: '628123450035333dfd990000000000000000000000000001fd990000000000000000000000000002110600000000010100000009cf148b47ca82650fff8f17d0c0c317000000000003e807d000150d5961757468656e74696361746564',
    summary: 'UDP [fd99::1]:1000 → [fd99::2]:2000 13 bytes',
    free: [1, 2, 3, 7],
    bound: [9, 25, 69, 80],
  },
  {
    name: 'IPv6 with a hop-by-hop option that may change',
    spi: 0x101,
    hex: '60000000003f003dfd990000000000000000000000000001fd99000000000000000000000000000233013e086d757461626c65210502000011060000000001010000000a8cce81ff5cd346aa82b615ee61fa639b0000000003e807d0000f32996f7074696f6e73',
    summary: 'UDP [fd99::1]:1000 → [fd99::2]:2000 7 bytes',
    free: [44, 51],
    bound: [42, 52, 55],
  },
  {
    name: 'IPv6 with 256 bits of HMAC-SHA-512',
    spi: 0x104,
    auth: `hmac(sha512) 0x${key(64)} 256`,
    hex: '60000000003c3340fd990000000000000000000000000001fd990000000000000000000000000002110a0000000001040000000edf81a33bb4da25a4dfee83fb8932041b6bc5e30174d6f6ba5639e2d2959c54cf0000000003e807d0000c1e116c6f6e67',
    summary: 'UDP [fd99::1]:1000 → [fd99::2]:2000 4 bytes',
    free: [7],
    bound: [90],
  },
  {
    name: 'a tunnel with HMAC-SHA-1',
    spi: 0x103,
    auth: `hmac(sha1) 0x${key(20)} 96`,
    hex: '60000000003d3340fd990000000000000000000000000001fd99000000000000000000000000000204040000000001030000000dbdc2d22052fe12836eade4254500002500010000400166d30a0100010a0200010800df490000000074756e6e656c6c6564',
    summary: 'ICMP 10.1.0.1 → 10.2.0.1 echo request id 0 sequence 0',
    free: [7],
    bound: [72],
  },
];

describe('AH', () => {
  it.each(packets)('verifies $name', ({ spi, auth, hex, summary, free, bound }) => {
    const keys = ring(spi, auth ?? SHA256);
    const decoded = decode(keys, fromHex(hex));
    expect(decoded).toMatchObject({ protocol: 'AH', icv: 'good', decrypted: false, inner: { summary } });
    expect(decoded.ah!.spi).toBe(`0x00000${spi.toString(16)}`);
    for (const at of free) {
      const changed = fromHex(hex);
      changed[at]! ^= 0x40;
      expect([at, decode(keys, changed).icv]).toEqual([at, 'good']);
    }
    for (const at of bound) {
      const changed = fromHex(hex);
      changed[at]! ^= 0x01;
      const { icv, error, inner } = decode(keys, changed);
      expect([at, icv, error?.code, inner]).toEqual([at, 'bad', 'E_ICV', undefined]);
    }
  });

  it('verifies a routing header at every hop', () => {
    // Destination fd99::a, then b, then 2; two segments are left.
    const first = fromHex(
      '6000000000562b3dfd990000000000000000000000000001fd99000000000000000000000000000a3304000200000000fd99000000000000000000000000000bfd99000000000000000000000000000211060000000001010000000be7715ee65a1f9ec56d7ffabbec04e4460000000003e807d0000eab9b726f75746564',
    );
    const second = first.slice();
    second.copyWithin(24, 48, 64);
    second.set(first.subarray(24, 40), 48);
    second[43] = 1;
    const last = second.slice();
    last.copyWithin(24, 64, 80);
    last.set(second.subarray(24, 40), 64);
    last[43] = 0;
    for (const packet of [first, second, last]) expect(decode(ring(0x101, SHA256), packet).icv).toBe('good');
    last[55]! ^= 1;
    expect(decode(ring(0x101, SHA256), last).icv).toBe('bad');
  });

  it('infers the high word of extended sequence numbers', () => {
    const packet = fromHex(
      '4500004000010000403365c20a6300010a63000211050000000001020000000c0cae239fd06a0e0533d8cd3f17d9d40c03e807d0001031a7657874656e646564',
    );
    expect(decode(ring(0x102, SHA256, 'esn'), packet)).toMatchObject({ icv: 'good', ah: { seq: 12 } });
    expect(decode(ring(0x102, SHA256), packet).icv).toBe('bad');
  });

  it('shows what it carries without a key, unchecked', () => {
    const { icv, inner } = decode(new KeyRing(), fromHex(packets[0]!.hex));
    expect([icv, inner!.summary]).toEqual(['unchecked', packets[0]!.summary]);
  });

  it('reports a header that is cut off', () => {
    const ip = fromHex(packets[0]!.hex).subarray(0, 36);
    new DataView(ip.buffer, ip.byteOffset).setUint16(2, 36);
    expect(decode(ring(0x101, SHA256), ip)).toMatchObject({
      icv: 'unchecked',
      error: { code: 'E_TRUNCATED' },
    });
  });
});
