import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../../../src/lib/core/bytes.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import type { EvpFunctions } from '../../../../src/lib/crypto/evp-functions.js';
import { encrTransform, integTransform } from '../../../../src/lib/crypto/registry.js';
import { NextHeader } from '../../../../src/lib/esp/packet.js';
import type { EspSaParameters } from '../../../../src/lib/esp/sa.js';
import { cipherVectors } from '../../../vectors/data/ciphers.js';
import { oneSuiteEach, suite, suites } from '../suites.js';
import { bothWays, CipherLab, evp, LARGEST, padded, sealLike } from './cipher-lab.js';

const SEQUENCE = 0xfedcba98;
const EXTENDED = 0x12345 * 2 ** 32 + SEQUENCE;

/** Bytes that depend on the length, so that no packet passes for another. */
function payloadOf(length: number): Uint8Array {
  const seed = createHash('sha256').update(`${length}`).digest();
  return Uint8Array.from({ length }, (_, i) => seed[i % 32]! ^ (i >> 5));
}

/** Seals and opens payloads of these lengths, and compares all of it with the reference. */
function expectSame(sa: EspSaParameters, lengths: readonly number[]): void {
  const lab = new CipherLab();
  for (const esn of [false, true]) {
    const { bound, sealing, opening } = bothWays(lab, { ...sa, esn });
    for (const [i, length] of lengths.entries()) {
      const sequence = (esn ? EXTENDED : SEQUENCE) + i;
      const payload = payloadOf(length);
      const plaintext = padded(payload, NextHeader.IPV6, sealing.alignment);
      const inPlace = i % 2 === 1;
      const sealed = lab.seal(sealing, plaintext, sequence, inPlace);
      const wanted = sealLike(bound, sealed, sequence, NextHeader.IPV6, payload);
      if (Buffer.compare(sealed, wanted) !== 0) expect(toHex(sealed), `${length} bytes`).toBe(toHex(wanted));
      const opened = lab.open(opening, wanted, sequence, inPlace);
      if (opened === undefined || Buffer.compare(opened, plaintext) !== 0) {
        expect(opened, `${length} bytes`).toEqual(plaintext);
      }
    }
    sealing.free();
    opening.free();
  }
  expect(lab.arena.damaged()).toEqual([]);
}

const everyLength = Array.from({ length: 1501 }, (_, i) => i);
const someLengths = [0, 1, 2, 3, 13, 14, 15, 16, 17, 30, 61, 62, 63, 64, 126, 127, 128, 255, 256, 1372, 1500];
const largeLengths = [4096, 8999, 9000, 32_768, 60_001, LARGEST - 256];

describe.skipIf(evp === undefined)('ESP ciphers in an arena', () => {
  it.each(oneSuiteEach)('make what the reference makes of 0 to 1500 bytes: $name', ({ sa }) =>
    expectSame(sa, everyLength),
  );

  it.each(suites)('make what the reference makes: $name', ({ sa }) =>
    expectSame(sa, [...someLengths, ...largeLengths]),
  );

  it('take turns in one arena', () => {
    const lab = new CipherLab();
    const others = suites.flatMap(({ name, sa }) =>
      [false, true].map((esn) => ({ name, esn, ...bothWays(lab, { ...sa, esn }) })),
    );
    for (let round = 1; round <= 3; round++) {
      for (const { name, esn, bound, sealing, opening } of others) {
        const sequence = (esn ? EXTENDED : SEQUENCE) + round;
        const plaintext = padded(payloadOf(100 + round), NextHeader.IPV4, sealing.alignment);
        const sealed = lab.seal(sealing, plaintext, sequence);
        const wanted = sealLike(bound, sealed, sequence, NextHeader.IPV4, payloadOf(100 + round));
        expect(toHex(sealed), name).toBe(toHex(wanted));
        expect(lab.open(opening, sealed, sequence), name).toEqual(plaintext);
      }
    }
    expect(lab.arena.damaged()).toEqual([]);
  });

  it('open the ESP test cases of draft-mcgrew-gcm-test-01', () => {
    const lab = new CipherLab();
    for (const { key, esn, sequence, packet, plaintext } of [
      {
        key: '4c80cdefbb5d10da906ac73c3613a6342e443b68',
        esn: true,
        sequence: 0x87654321 * 2 ** 32,
        packet:
          '00004321000000004956ed7e3b244cfe' +
          'fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d' +
          '15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732459018148f6cbe722fd04796562dfdb4',
        plaintext:
          '45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564700373' +
          '69700963796265726369747902646b000021000101020201',
      },
      {
        key: 'abbccddef00112233445566778899aababbccddef00112233445566778899aab11223344',
        esn: false,
        sequence: 2,
        packet:
          '4a2cbfe3000000020102030405060708' +
          'ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99d' +
          'ef842d8eb335f4eecfdbf831824b4c4915956c96',
        plaintext:
          '4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402' +
          '01020201',
      },
    ]) {
      const sa = { ...suite('ENCR_AES_GCM_16'), encrKey: new Secret(fromHex(key)), esn };
      const opened = lab.open(lab.create(sa, 'open'), fromHex(packet), sequence);
      expect(opened && toHex(opened)).toBe(plaintext);
    }
  });

  it('open the published vectors of their ciphers, put into packets', () => {
    const lab = new CipherLab();
    const hmac = integTransform(12)!;
    const tried = new Set<number>();
    for (const { source, encr: id, key, iv, aad, plaintext, sealed } of cipherVectors) {
      const encr = encrTransform(id)!;
      const aead = encr.kind === 'aead';
      const header = fromHex(aead ? (aad ?? '') : '0102030400000005');
      const esn = header.length === 12;
      if (header.length !== 8 && !esn) continue;
      const view = new DataView(header.buffer);
      const words = esn ? [view.getUint32(4), view.getUint32(8)] : [0, view.getUint32(4)];
      const integKey = new Uint8Array(aead ? 0 : 32).fill(9);
      const begin = concatBytes(header.subarray(0, 4), header.subarray(-4), fromHex(iv), fromHex(sealed));
      const packet = aead ? begin : concatBytes(begin, hmac.compute!(integKey, begin));
      const sa: EspSaParameters = {
        spi: view.getUint32(0),
        encr,
        encrKey: new Secret(fromHex(key)),
        integ: aead ? undefined : hmac,
        integKey: new Secret(integKey),
        esn,
      };
      const opened = lab.open(lab.create(sa, 'open'), packet, words[0]! * 2 ** 32 + words[1]!);
      expect(opened && toHex(opened), source).toBe(plaintext);
      tried.add(id);
    }
    for (const id of [3, 11, 12, 13, 28]) expect(tried).toContain(id);
  });

  it('never use an IV of CBC twice', () => {
    for (const name of ['ENCR_AES_CBC', 'ENCR_3DES']) {
      const lab = new CipherLab();
      const sealing = lab.create(suite(name), 'seal');
      const plaintext = padded(payloadOf(20), NextHeader.IPV4, sealing.alignment);
      const ivs = new Set<string>();
      for (let i = 1; i <= 5000; i++) {
        ivs.add(toHex(lab.seal(sealing, plaintext, i).subarray(8, 8 + sealing.ivBytes)));
      }
      expect(ivs.size).toBe(5000);
    }
  });

  it.each(oneSuiteEach)('leave no key in the arena: $name', ({ sa }) => {
    const lab = new CipherLab();
    for (const direction of ['seal', 'open'] as const) lab.create(sa, direction);
    const memory = Buffer.from(lab.arena.bytes.buffer);
    const key = sa.encrKey.reveal().subarray(0, sa.encrKey.length - sa.encr.saltBytes);
    for (const secret of [key, sa.integKey.reveal()]) {
      if (secret.length > 0) expect(memory.includes(Buffer.from(secret))).toBe(false);
    }
  });

  it('are not made of a suite without authentication', () => {
    const none = { integ: undefined, integKey: new Secret(new Uint8Array()) };
    expect(() => new CipherLab().create({ ...suite('ENCR_AES_CBC'), ...none }, 'open')).toThrow(
      expect.objectContaining({ code: 'E_ESP_SUITE' }),
    );
  });
});

/** The same functions, each saying that it was called. */
function watched(functions: EvpFunctions, called: (name: string) => void): EvpFunctions {
  const spies = Object.entries(functions).map(([name, call]) => [
    name,
    (...values: unknown[]) => {
      called(name);
      return call(...values);
    },
  ]);
  return Object.fromEntries(spies);
}

describe.skipIf(evp === undefined)('ESP ciphers given wrong arguments', () => {
  const wrongPlaces = [
    -1,
    -64,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    4 * LARGEST - 10,
    4 * LARGEST,
    2 ** 31,
    2 ** 53,
  ];

  it.each(oneSuiteEach)('call nothing: $name', ({ sa }) => {
    let calls = 0;
    const lab = new CipherLab(
      watched(evp!, () => {
        calls += 1;
      }),
    );
    const { packet, text } = lab;
    const { sealing, opening } = bothWays(lab, sa);
    const before = createHash('sha256').update(lab.arena.bytes).digest('hex');
    calls = 0;
    const wrong = [
      ...wrongPlaces.flatMap((place) => [
        () => sealing.seal(place, text, 64, 1),
        () => sealing.seal(packet, place, 64, 1),
        () => opening.open(place, 200, text, 1),
        () => opening.open(packet, 200, place, 1),
      ]),
      ...[-64, 0, 63, 64.5, Number.NaN, 4 * LARGEST, 2 ** 32].map(
        (length) => () => sealing.seal(packet, text, length, 1),
      ),
      ...[-1, 99.5, Number.NaN, 4 * LARGEST, 2 ** 32].map(
        (length) => () => opening.open(packet, length, text, 1),
      ),
      ...[-1, 1.5, 2 ** 32, Number.NaN].map((sequence) => () => sealing.seal(packet, text, 64, sequence)),
      () => sealing.seal(packet, packet, 64, 1),
      () => sealing.seal(packet, packet + sealing.ivBytes + 9, 64, 1),
      () => sealing.seal(text + 63, text, 64, 1),
      () => opening.open(packet, 200, packet, 1),
      () => opening.open(packet, 200, packet + opening.ivBytes + 7, 1),
      () => opening.open(packet, 200, packet + 199, 1),
    ];
    for (const call of wrong) expect(call, call.toString()).toThrow(RangeError);
    expect(calls).toBe(0);
    expect(createHash('sha256').update(lab.arena.bytes).digest('hex')).toBe(before);
  });

  it('refuse packets that are too short, whatever is behind them', () => {
    for (const { sa } of oneSuiteEach) {
      const lab = new CipherLab();
      const opening = lab.create(sa, 'open');
      const overhead = 8 + opening.ivBytes + opening.icvBytes;
      for (let length = 0; length < overhead + 2; length++) {
        expect(opening.open(lab.packet, length, lab.text, 1)).toBe(-1);
      }
    }
  });

  it('work in one direction only, until they are freed', () => {
    for (const { sa } of oneSuiteEach) {
      const lab = new CipherLab();
      const { sealing, opening } = bothWays(lab, sa);
      const seal = (cipher = sealing) => cipher.seal(lab.packet, lab.text, 64, 1);
      const open = (cipher = opening) => cipher.open(lab.packet, 200, lab.text, 1);
      const misuse = expect.objectContaining({ code: 'E_ESP_CIPHER' });
      expect(() => seal(opening)).toThrow(misuse);
      expect(() => open(sealing)).toThrow(misuse);
      sealing.free();
      opening.free();
      expect(() => seal()).toThrow(misuse);
      expect(() => open()).toThrow(misuse);
    }
  });

  it('free once what they hold', () => {
    const counts: Record<string, number> = {};
    const lab = new CipherLab(
      watched(evp!, (name) => {
        counts[name] = (counts[name] ?? 0) + 1;
      }),
    );
    for (const { sa } of suites) {
      for (const cipher of [lab.create(sa, 'seal'), lab.create(sa, 'open')]) {
        cipher.free();
        cipher.free();
      }
    }
    expect(counts.newContext).toBeGreaterThan(100);
    expect(counts.newMac).toBeGreaterThan(60);
    expect(counts.freeContext).toBe(counts.newContext);
    expect(counts.freeMac).toBe(counts.newMac);
  });

  it('go through EVP with every suite but those with XCBC', () => {
    for (const { name, sa } of suites) {
      let calls = 0;
      const lab = new CipherLab(
        watched(evp!, () => {
          calls += 1;
        }),
      );
      const cipher = lab.create(sa, 'seal');
      calls = 0;
      cipher.seal(lab.packet, lab.text, 64, 1);
      expect(calls === 0, name).toBe(name.includes('XCBC'));
    }
  });
});
