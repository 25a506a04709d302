import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes } from '../../../src/lib/core/bytes.js';
import { useEvp } from '../../../src/lib/crypto/evp.js';
import { encrTransform } from '../../../src/lib/crypto/registry.js';
import type { BoundCipher } from '../../../src/lib/crypto/transform.js';

/** The same key through node:crypto, bound before EVP is switched on, and through EVP. */
interface Pair {
  plain: BoundCipher;
  evp: BoundCipher;
}

const cases: [name: string, id: number, keyBytes: number, icvBytes: number][] = [
  ['AES-128-GCM-8', 18, 16, 8],
  ['AES-192-GCM-12', 19, 24, 12],
  ['AES-128-GCM-16', 20, 16, 16],
  ['AES-256-GCM-16', 20, 32, 16],
  ['ChaCha20-Poly1305', 28, 32, 16],
];
const pairs = new Map<string, Pair>();
let works = false;

beforeAll(async () => {
  const keys = cases.map(([name, id, keyBytes]) => {
    const material = new Uint8Array(randomBytes(keyBytes + 4));
    const bind = encrTransform(id)!.bind!;
    return { name, bind, material, plain: bind(material) };
  });
  works = await useEvp();
  if (!works) process.stderr.write('EVP not tested: koffi is missing or node exports no OpenSSL\n');
  for (const { name, bind, material, plain } of keys) pairs.set(name, { plain, evp: bind(material) });
});

describe.each(cases)('%s through EVP', (name, _id, _keyBytes, icvBytes) => {
  const iv = new Uint8Array(randomBytes(8));
  const aad = new Uint8Array(randomBytes(8));

  it('opens what node:crypto sealed, of every length around blocks and slabs', () => {
    const { plain, evp } = pairs.get(name)!;
    for (const length of [
      0, 1, 15, 16, 17, 255, 1400, 9000, 32_767, 32_768, 32_769, 65_519, 65_536, 70_000,
    ]) {
      const text = new Uint8Array(randomBytes(length));
      expect(evp.open(iv, aad, plain.seal(iv, aad, text)), `${length} bytes`).toEqual(text);
    }
  });

  it('takes the longer AAD of extended sequence numbers, of IKE messages, and none', () => {
    const { plain, evp } = pairs.get(name)!;
    const text = new Uint8Array(randomBytes(100));
    for (const length of [0, 12, 32, 64, 65, 1000]) {
      const data = new Uint8Array(randomBytes(length));
      expect(evp.open(iv, data, plain.seal(iv, data, text)), `${length} bytes`).toEqual(text);
    }
  });

  it('refuses a packet with any bit changed, any byte cut, another IV or other AAD', () => {
    const { plain, evp } = pairs.get(name)!;
    const text = new Uint8Array(randomBytes(300));
    const sealed = plain.seal(iv, aad, text);
    for (let at = 0; at < sealed.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const forged = sealed.with(at, sealed[at]! ^ (1 << bit));
        if (evp.open(iv, aad, forged) !== undefined)
          throw new Error(`forgery accepted: byte ${at}, bit ${bit}`);
      }
      if (evp.open(iv, aad, sealed.subarray(0, at)) !== undefined)
        throw new Error(`accepted ${at} bytes only`);
    }
    expect(evp.open(iv, aad, concatBytes(sealed, Uint8Array.of(0)))).toBeUndefined();
    for (let at = 0; at < 8; at++) {
      expect(evp.open(iv.with(at, iv[at]! ^ 1), aad, sealed)).toBeUndefined();
      expect(evp.open(iv, aad.with(at, aad[at]! ^ 1), sealed)).toBeUndefined();
    }
    expect(evp.open(iv, aad.subarray(1), sealed)).toBeUndefined();
    expect(evp.open(iv, aad, sealed)).toEqual(text);
  });

  it('refuses thousands of random forgeries, good packets in between stay good', () => {
    const { plain, evp } = pairs.get(name)!;
    const text = new Uint8Array(randomBytes(64));
    const sealed = plain.seal(iv, aad, text);
    for (let round = 0; round < 5000; round++) {
      const forged = new Uint8Array(randomBytes(icvBytes + (round % 100)));
      if (evp.open(iv, aad, forged) !== undefined)
        throw new Error(`forgery of ${forged.length} bytes accepted`);
      if (round % 500 === 0) expect(evp.open(iv, aad, sealed)).toEqual(text);
    }
  });

  it('leaves earlier plaintexts alone', () => {
    const { plain, evp } = pairs.get(name)!;
    const texts = Array.from({ length: 100 }, () => new Uint8Array(randomBytes(1400)));
    const opened = texts.map((text) => evp.open(iv, aad, plain.seal(iv, aad, text)));
    expect(opened).toEqual(texts);
  });

  it('opens whole packets alike, and refuses every forgery of them', () => {
    const { plain, evp } = pairs.get(name)!;
    if (evp.openPacket === undefined) return;
    for (const length of [0, 1, 300, 1400, 65_000, 66_000]) {
      const text = new Uint8Array(randomBytes(length));
      for (const bytes of [0, 8, 12, 64, 65]) {
        const head = new Uint8Array(randomBytes(bytes));
        const packet = concatBytes(head, iv, plain.seal(iv, head, text));
        expect(evp.openPacket(packet, bytes), `${length} bytes, AAD ${bytes}`).toEqual(text);
      }
    }
    const packet = concatBytes(aad, iv, plain.seal(iv, aad, new Uint8Array(randomBytes(200))));
    for (let at = 0; at < packet.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const forged = packet.with(at, packet[at]! ^ (1 << bit));
        if (evp.openPacket(forged, 8) !== undefined)
          throw new Error(`forgery accepted: byte ${at}, bit ${bit}`);
      }
      if (evp.openPacket(packet.subarray(0, at), 8) !== undefined)
        throw new Error(`accepted ${at} bytes only`);
    }
  });

  it('lends plaintexts until another 512 KiB were opened', () => {
    const { plain, evp } = pairs.get(name)!;
    if (evp.openPacket === undefined) return;
    const text = new Uint8Array(randomBytes(1400));
    const packet = concatBytes(aad, iv, plain.seal(iv, aad, text));
    const large = concatBytes(aad, iv, plain.seal(iv, aad, new Uint8Array(60_000)));
    for (let start = 0; start < 20; start++) {
      const lent = evp.openPacket(packet, 8);
      for (let opened = 0; opened < 1 << 19; opened += 60_000) evp.openPacket(large, 8);
      expect(lent).toEqual(text);
    }
  });

  it('takes no IV of another length', () => {
    const { evp } = pairs.get(name)!;
    expect(() => evp.open(new Uint8Array(12), aad, new Uint8Array(100))).toThrow(RangeError);
  });
});

it('keeps the keys of different ciphers apart', () => {
  const iv = new Uint8Array(8);
  const aad = new Uint8Array(8);
  for (const [sealer, { plain }] of pairs) {
    const sealed = plain.seal(iv, aad, new Uint8Array(40));
    for (const [opener, { evp }] of pairs) {
      expect(evp.open(iv, aad, sealed) !== undefined, `${opener} opens ${sealer}`).toBe(opener === sealer);
    }
  }
});

it('is in use where koffi is', async () => {
  const koffi = await import('koffi').catch(() => undefined);
  if (koffi === undefined || process.platform !== 'linux') return;
  expect(works).toBe(true);
  for (const { evp } of pairs.values()) expect(evp.openPacket).toBeTypeOf('function');
});
