import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../src/lib/core/bytes.js';
import { Secret } from '../../src/lib/core/secret.js';
import { prfTransform, transforms } from '../../src/lib/crypto/registry.js';
import { TransformType } from '../../src/lib/crypto/transform.js';
import { deriveChildKeys, deriveIkeKeys, type IkeKeyArguments, prfPlus } from '../../src/lib/ike/keys.js';
import { resolveChildSuite, resolveIkeSuite } from '../../src/lib/ike/negotiate.js';
import { parseProposals } from '../../src/lib/ike/proposals.js';

const ikeSuite = (text: string) => resolveIkeSuite(parseProposals(text, 1)[0]!.transforms);
const childSuite = (text: string) => resolveChildSuite(parseProposals(text, 3)[0]!.transforms);

const nonceI = new Uint8Array(32).fill(0x11);
const nonceR = new Uint8Array(48).fill(0x22);

function ikeArguments(text: string): IkeKeyArguments {
  const keSecret = new Secret(new Uint8Array(32).fill(0x33));
  return { suite: ikeSuite(text), keSecret, nonceI, nonceR, spiI: 1n, spiR: 0xffff_ffff_ffff_ffffn };
}

describe('deriveIkeKeys', () => {
  it.each([
    ['aes256gcm16-prfsha384-x25519', 48, 0, 36],
    ['aes128ccm8-prfsha256-x25519', 32, 0, 19],
    ['chacha20poly1305-prfsha256-x25519', 32, 0, 36],
    ['aes192ctr-sha384-x25519', 48, 48, 28],
    ['aes256-sha512-x25519', 64, 64, 32],
    ['3des-sha1-x25519', 20, 20, 24],
    ['aes128-aesxcbc-x25519', 16, 16, 16],
  ])('cuts keys of the right size for %s', (text, prfBytes, integBytes, encrBytes) => {
    const keys = deriveIkeKeys(ikeArguments(text));
    expect(Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key.length]))).toEqual({
      skeyseed: prfBytes,
      skD: prfBytes,
      skAi: integBytes,
      skAr: integBytes,
      skEi: encrBytes,
      skEr: encrBytes,
      skPi: prfBytes,
      skPr: prfBytes,
    });
    const values = Object.values(keys)
      .filter(({ length }) => length > 0)
      .map((key) => toHex(key.reveal()));
    expect(new Set(values).size).toBe(values.length);
  });

  it.each(['prfaesxcbc', 'prfaescmac'])(
    'takes 64 bits of each nonce into the key of %s (RFC 7296 2.14)',
    (prf) => {
      const args = ikeArguments(`aes256gcm16-${prf}-x25519`);
      const key = concatBytes(nonceI.subarray(0, 8), nonceR.subarray(0, 8));
      const expected = args.suite.prf.compute!(key, args.keSecret.reveal());
      expect(deriveIkeKeys(args).skeyseed.reveal()).toEqual(expected);
    },
  );

  it('takes the whole nonces into a rekeyed SKEYSEED, whatever the PRF', () => {
    const args = ikeArguments('aes256gcm16-prfaesxcbc-x25519');
    const skD = new Secret(new Uint8Array(16).fill(5));
    const prf = prfTransform(4)!;
    const expected = prf.compute!(skD.reveal(), concatBytes(args.keSecret.reveal(), nonceI, nonceR));
    expect(deriveIkeKeys({ ...args, rekeyOf: { prf, skD } }).skeyseed.reveal()).toEqual(expected);
  });

  it('depends on every input', () => {
    const base = ikeArguments('aes256gcm16-prfsha256-x25519');
    const skD = (args: IkeKeyArguments): string => toHex(deriveIkeKeys(args).skD.reveal());
    const other = new Uint8Array(32).fill(0x44);
    const variants: IkeKeyArguments[] = [
      base,
      { ...base, keSecret: new Secret(other) },
      { ...base, nonceI: other },
      { ...base, nonceR: other },
      { ...base, spiI: 2n },
      { ...base, spiR: 2n },
      { ...base, rekeyOf: { prf: base.suite.prf, skD: new Secret(other) } },
    ];
    expect(new Set(variants.map(skD)).size).toBe(variants.length);
  });
});

describe('deriveChildKeys', () => {
  it.each([
    ['aes256gcm16', 36, 0],
    ['aes128-sha1', 16, 20],
    ['null-sha256', 0, 32],
    ['aes256ccm12', 35, 0],
    ['aes256ctr-sha512', 36, 64],
  ])('cuts keys of the right size for %s', (text, encrBytes, integBytes) => {
    const prf = prfTransform(5)!;
    const skD = new Secret(new Uint8Array(32).fill(1));
    const keys = deriveChildKeys({ suite: childSuite(text), prf, skD, nonceI, nonceR });
    expect(Object.entries(keys).map(([name, key]) => [name, key.length])).toEqual([
      ['initiatorEncr', encrBytes],
      ['initiatorInteg', integBytes],
      ['responderEncr', encrBytes],
      ['responderInteg', integBytes],
    ]);
  });
});

describe('prfPlus', () => {
  it('makes up to 255 blocks and no more', () => {
    const prf = prfTransform(5)!;
    const key = new Uint8Array(32);
    expect(prfPlus(prf, key, nonceI, 255 * 32)).toHaveLength(255 * 32);
    expect(() => prfPlus(prf, key, nonceI, 255 * 32 + 1)).toThrow(RangeError);
  });

  it('refuses PRFs that are known by name only', () => {
    const nameless = transforms(TransformType.PRF).filter(({ compute }) => !compute);
    expect(nameless.length).toBeGreaterThan(0);
    for (const prf of nameless) {
      expect(() => prfPlus(prf, nonceI, nonceR, 1)).toThrow(
        expect.objectContaining({ code: 'E_NOT_IMPLEMENTED' }),
      );
    }
  });
});

/** Captures of another implementation's sessions with its keys: an extra check where they are at hand. */
function keysOf(capture: string): Record<string, string>[] {
  const file = join(capture, 'keys.json');
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { ike: Record<string, string>[] }).ike
    : [];
}
const shared = process.env.IPSEC_KIT_SHARED;
const folder = shared === undefined ? undefined : join(shared, 'captures');
const captures =
  folder !== undefined && existsSync(folder)
    ? readdirSync(folder).filter((name) => keysOf(join(folder, name)).length > 0)
    : [];
if (captures.length === 0)
  console.info('keys of captured sessions are not checked: IPSEC_KIT_SHARED names no captures');

describe.skipIf(captures.length === 0)('keys of captured sessions', () => {
  const prfIds: Record<string, number> = { SHA1: 2, SHA2_256: 5, SHA2_384: 6, SHA2_512: 7 };

  it.each(captures)('%s', (name) => {
    const frames = readFileSync(join(folder!, name, 'capture.pcap')).toString('hex');
    let checked = 0;
    for (const sa of keysOf(join(folder!, name))) {
      const id = prfIds[/PRF_HMAC_(\w+?)\//.exec(sa.proposal ?? '')?.[1] ?? ''];
      if (id === undefined || sa.skeyseed === undefined) continue;
      // SK_d is the first output of prf+; the nonces are found in the IKE_SA_INIT messages of these SPIs.
      const nonces = initNonces(frames, sa.spi_i!, sa.spi_r!);
      if (!nonces) continue;
      const prf = prfTransform(id)!;
      const [ni, nr] = nonces.map(fromHex) as [Uint8Array, Uint8Array];
      const skeyseed = toHex(prf.compute!(concatBytes(ni, nr), fromHex(sa.dh!)));
      expect(skeyseed).toBe(sa.skeyseed);
      const seed = concatBytes(ni, nr, fromHex(sa.spi_i!), fromHex(sa.spi_r!));
      expect(toHex(prfPlus(prf, fromHex(skeyseed), seed, prf.keyBytes))).toBe(sa.sk_d);
      checked++;
    }
    expect(checked).toBeGreaterThan(0);
  });
});

/** Ni and Nr of the last IKE_SA_INIT request and response with these SPIs, in hex. */
function initNonces(frames: string, spiI: string, spiR: string): [string, string] | undefined {
  const response = frames.lastIndexOf(`${spiI}${spiR}212022`);
  const request = frames.lastIndexOf(`${spiI}${'0'.repeat(16)}212022`, Math.max(response, 0));
  if (response < 0 || request < 0) return undefined;
  return [nonceOf(frames.slice(request)), nonceOf(frames.slice(response))];
}

/** Walks the generic payload headers to the Nonce payload (40). */
function nonceOf(message: string): string {
  const byte = (at: number): number => Number.parseInt(message.slice(2 * at, 2 * at + 2), 16);
  let type = byte(16);
  let at = 28;
  while (type !== 40) {
    type = byte(at);
    at += byte(at + 2) * 256 + byte(at + 3);
  }
  return message.slice(2 * (at + 4), 2 * (at + byte(at + 2) * 256 + byte(at + 3)));
}
