import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../../src/lib/core/bytes.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { encrTransform, integTransform } from '../../../src/lib/crypto/registry.js';
import { bindEspSa, NextHeader, openEsp, readEspHeader, sealEsp } from '../../../src/lib/esp/packet.js';
import { InboundSa, OutboundSa } from '../../../src/lib/esp/sad.js';
import { oneSuiteEach, suite, suites } from './suites.js';

const inner = Uint8Array.from({ length: 61 }, (_, i) => 255 - i);

describe('ESP packets', () => {
  it.each(suites)('come back whole: $name', ({ sa }) => {
    const plain = bindEspSa(sa);
    const extended = bindEspSa({ ...sa, esn: true });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(1, 2, 2 ** 32 - 1),
        fc.constantFrom(0, 1, 2 ** 20),
        (payload, low, high) => {
          for (const [bound, sequence] of [
            [plain, low],
            [extended, high * 2 ** 32 + low],
          ] as const) {
            const packet = sealEsp(bound, sequence, NextHeader.IPV6, payload);
            expect(readEspHeader(packet)).toEqual({ spi: sa.spi, sequenceLow: low });
            expect((packet.length - bound.icvBytes) % 4).toBe(0);
            const opened = openEsp(bound, packet, sequence);
            expect(opened).toMatchObject({ verdict: 'ok', nextHeader: NextHeader.IPV6 });
            if (opened.verdict === 'ok') expect(toHex(opened.payload)).toBe(toHex(payload));
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it.each(suites)('are refused with any byte changed: $name', ({ sa }) => {
    for (const esn of [false, true]) {
      const bound = bindEspSa({ ...sa, esn });
      const packet = sealEsp(bound, 77, NextHeader.IPV4, inner);
      expect(openEsp(bound, packet, 77).verdict).toBe('ok');
      for (let at = 0; at < packet.length; at++) {
        for (const flip of [0x01, 0x80, 0xff]) {
          const forged = packet.slice();
          forged[at]! ^= flip;
          expect(openEsp(bound, forged, 77).verdict, `byte ${at} ^ ${flip}`).toBe('icv');
        }
      }
    }
  });

  it.each(oneSuiteEach)('are refused when cut short or made longer: $name', ({ sa }) => {
    const bound = bindEspSa(sa);
    const packet = sealEsp(bound, 77, NextHeader.IPV4, inner);
    for (let length = 0; length < packet.length; length++) {
      expect(openEsp(bound, packet.subarray(0, length), 77).verdict).not.toBe('ok');
      expect(new InboundSa(sa).open(packet.subarray(0, length)).verdict).not.toBe('ok');
    }
    for (const extra of [1, 4, 16]) {
      expect(openEsp(bound, concatBytes(packet, new Uint8Array(extra)), 77).verdict).toBe('icv');
    }
  });

  it.each(oneSuiteEach)('are refused with a wrong ESN high word, and without ESN: $name', ({ sa }) => {
    const bound = bindEspSa({ ...sa, esn: true });
    const sequence = 3 * 2 ** 32 + 9;
    const packet = sealEsp(bound, sequence, NextHeader.IPV4, inner);
    expect(openEsp(bound, packet, sequence).verdict).toBe('ok');
    for (const high of [0, 2, 4, 2 ** 20]) {
      expect(openEsp(bound, packet, high * 2 ** 32 + 9).verdict).toBe('icv');
    }
    expect(openEsp(bindEspSa(sa), packet, 9).verdict).toBe('icv');
  });

  it('match the ESP test cases of draft-mcgrew-gcm-test-01', () => {
    const gcm = encrTransform(20)!;
    const cases = [
      {
        // With ESN: high word 0x87654321, low word 0.
        key: '4c80cdefbb5d10da906ac73c3613a6342e443b68',
        esn: true,
        sequence: 0x87654321 * 2 ** 32,
        packet:
          '00004321000000004956ed7e3b244cfe' +
          'fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d' +
          '15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732459018148f6cbe722fd04796562dfdb4',
        payload:
          '45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564700373' +
          '69700963796265726369747902646b0000210001',
        nextHeader: 1,
      },
      {
        key: 'abbccddef00112233445566778899aababbccddef00112233445566778899aab11223344',
        esn: false,
        sequence: 2,
        packet:
          '4a2cbfe3000000020102030405060708' +
          'ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99d' +
          'ef842d8eb335f4eecfdbf831824b4c4915956c96',
        payload:
          '4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402',
        nextHeader: 1,
      },
    ];
    for (const { key, esn, sequence, packet, payload, nextHeader } of cases) {
      const data = fromHex(packet);
      const bound = bindEspSa({
        spi: readEspHeader(data)!.spi,
        encr: gcm,
        encrKey: new Secret(fromHex(key)),
        integ: undefined,
        integKey: new Secret(new Uint8Array()),
        esn,
      });
      const opened = openEsp(bound, data, sequence);
      expect(opened).toMatchObject({ verdict: 'ok', nextHeader });
      if (opened.verdict === 'ok') expect(toHex(opened.payload)).toBe(payload);
    }
  });

  it('cover SPI to ciphertext and the high word with a separate ICV (RFC 4303 2.2.1)', () => {
    const sa = suite('ENCR_NULL 0 AUTH_HMAC_SHA2_256_128');
    const key = sa.integKey.reveal();
    const compute = integTransform(12)!.compute!;
    const covered = fromHex('c0ffee0100000005aabbccdd01020204');
    const plain = sealEsp(bindEspSa(sa), 5, NextHeader.IPV4, fromHex('aabbccdd'));
    expect(toHex(plain)).toBe(toHex(concatBytes(covered, compute(key, covered))));
    const extended = sealEsp(
      bindEspSa({ ...sa, esn: true }),
      7 * 2 ** 32 + 5,
      NextHeader.IPV4,
      fromHex('aabbccdd'),
    );
    expect(toHex(extended.subarray(16))).toBe(toHex(compute(key, concatBytes(covered, fromHex('00000007')))));
  });

  it('are malformed with padding other than 1, 2, 3, … or longer than the packet', () => {
    const sa = suite('ENCR_NULL 0 AUTH_HMAC_SHA2_256_128');
    const bound = bindEspSa(sa);
    const withTrailer = (trailer: string) => {
      const covered = fromHex(`c0ffee0100000001aabb${trailer}`);
      return openEsp(bound, concatBytes(covered, bound.integ!(covered)), 1);
    };
    expect(withTrailer('010203040404')).toMatchObject({ verdict: 'ok', nextHeader: 4 });
    expect(withTrailer('010203050404')).toEqual({ verdict: 'malformed', authentic: true });
    expect(withTrailer('000000000404')).toEqual({ verdict: 'malformed', authentic: true });
    expect(withTrailer('0102030405ff04')).toEqual({ verdict: 'malformed', authentic: true });
    expect(withTrailer('0704')).toEqual({ verdict: 'malformed', authentic: true });
  });

  it('never repeat an IV where it is a counter, and take it from the entropy for CBC', () => {
    for (const { sa } of oneSuiteEach.filter(({ sa }) => sa.encr.ivBytes > 0)) {
      const fixed = { bytes: (length: number) => new Uint8Array(length).fill(0x5a) };
      const outbound = new OutboundSa({ ...sa, esn: true }, fixed, 2 ** 32 - 50);
      const ivs = new Set<string>();
      for (let i = 0; i < 100; i++) {
        ivs.add(toHex(outbound.seal(NextHeader.IPV4, inner)!.subarray(8, 8 + sa.encr.ivBytes)));
      }
      if (bindEspSa(sa).counterIv) expect(ivs.size).toBe(100);
      else expect([...ivs]).toEqual(['5a'.repeat(sa.encr.ivBytes)]);
    }
    expect(bindEspSa(suite('ENCR_AES_CBC')).counterIv).toBe(false);
    expect(bindEspSa(suite('ENCR_AES_CTR')).counterIv).toBe(true);
  });

  it('are not made without integrity protection', () => {
    const none = { integ: undefined, integKey: new Secret(new Uint8Array()) };
    for (const name of ['ENCR_AES_CBC', 'ENCR_AES_CTR', 'ENCR_NULL']) {
      expect(() => bindEspSa({ ...suite(name), ...none })).toThrow(
        expect.objectContaining({ code: 'E_ESP_SUITE' }),
      );
    }
    const sha2 = suite('ENCR_NULL 0 AUTH_HMAC_SHA2_256_128');
    expect(() =>
      bindEspSa({ ...suite('ENCR_AES_GCM_16'), integ: sha2.integ, integKey: sha2.integKey }),
    ).toThrow(expect.objectContaining({ code: 'E_ESP_SUITE' }));
    expect(() => bindEspSa({ ...sha2, integKey: new Secret(new Uint8Array(5)) })).toThrow(RangeError);
  });
});

describe('sequence numbers', () => {
  it('start at 1 and are refused a second time', () => {
    const sa = suite('ENCR_AES_GCM_16');
    const outbound = new OutboundSa(sa);
    const inbound = new InboundSa(sa);
    const packets = [1, 2, 3].map(() => outbound.seal(NextHeader.IPV4, inner)!);
    expect(packets.map((packet) => readEspHeader(packet)!.sequenceLow)).toEqual([1, 2, 3]);
    expect(inbound.open(packets[2]!)).toMatchObject({ verdict: 'ok', newest: true });
    expect(inbound.open(packets[0]!)).toMatchObject({ verdict: 'ok', newest: false });
    for (const packet of [packets[0]!, packets[2]!]) expect(inbound.open(packet).verdict).toBe('replay');
    expect(inbound.open(packets[1]!).verdict).toBe('ok');
  });

  it('of a forged packet leave the window where it was', () => {
    const sa = suite('ENCR_CHACHA20_POLY1305');
    const inbound = new InboundSa(sa);
    const far = new OutboundSa(sa, undefined, 4_000_000_000).seal(NextHeader.IPV4, inner)!;
    far[far.length - 1]! ^= 1;
    expect(inbound.open(far).verdict).toBe('icv');
    expect(inbound.open(new OutboundSa(sa).seal(NextHeader.IPV4, inner)!).verdict).toBe('ok');
  });

  it('never cycle', () => {
    for (const [esn, last] of [
      [false, 2 ** 32 - 1],
      [true, Number.MAX_SAFE_INTEGER],
    ] as const) {
      const outbound = new OutboundSa({ ...suite('ENCR_AES_GCM_16'), esn }, undefined, last - 1);
      expect(outbound.seal(NextHeader.IPV4, inner)).toBeDefined();
      expect(outbound.seal(NextHeader.IPV4, inner)).toBeUndefined();
      expect(outbound.seal(NextHeader.IPV4, inner)).toBeUndefined();
    }
  });

  it('with ESN go on across the end of the low word, in and out of order', () => {
    const sa = { ...suite('ENCR_AES_CBC'), esn: true };
    const outbound = new OutboundSa(sa, undefined, 2 ** 31);
    const inbound = new InboundSa(sa);
    expect(inbound.open(outbound.seal(NextHeader.IPV4, inner)!).verdict).toBe('ok');
    const later = new OutboundSa(sa, undefined, 2 ** 32 - 3);
    const packets = [1, 2, 3, 4, 5].map(() => later.seal(NextHeader.IPV4, inner)!);
    for (const i of [1, 3, 0, 4, 2]) expect(inbound.open(packets[i]!).verdict, `packet ${i}`).toBe('ok');
    for (const packet of packets) expect(inbound.open(packet).verdict).toBe('replay');
  });
});
