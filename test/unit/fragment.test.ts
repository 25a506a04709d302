import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/lib/core/bytes.js';
import { type Entropy, systemEntropy } from '../../src/lib/core/environment.js';
import { KitError, WireError } from '../../src/lib/core/errors.js';
import { Secret } from '../../src/lib/core/secret.js';
import { encrTransform, integTransform } from '../../src/lib/crypto/registry.js';
import {
  datagramOverhead,
  isFirstFragment,
  MAX_FRAGMENTS,
  Reassembly,
  sealFragmented,
} from '../../src/lib/ike/fragment.js';
import {
  createSkProtection,
  openMessage,
  type SkProtection,
  sealBytes,
  sealMessage,
} from '../../src/lib/ike/sealed.js';
import { decodeHeader } from '../../src/lib/ike/wire/header.js';
import { decodeMessage, encodeMessage, encodePayloads } from '../../src/lib/ike/wire/message.js';
import { type EncryptedFragmentPayload, type Payload, PayloadType } from '../../src/lib/ike/wire/types.js';

const header = {
  initiatorSpi: 0xc0c1c2c3c4c5c6c7n,
  responderSpi: 0xd0d1d2d3d4d5d6d7n,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: 35,
  fromInitiator: true,
  isResponse: false,
  higherVersion: false,
  messageId: 1,
};

/** One suite of each kind: AEAD of either design, block cipher, stream cipher. */
const kinds: { name: string; encrId: number; bits: number; integId?: number }[] = [
  { name: 'AES-GCM', encrId: 20, bits: 256 },
  { name: 'AES-CCM', encrId: 16, bits: 128 },
  { name: 'ChaCha20-Poly1305', encrId: 28, bits: 256 },
  { name: 'AES-CBC with HMAC', encrId: 12, bits: 256, integId: 12 },
  { name: '3DES-CBC with HMAC', encrId: 3, bits: 192, integId: 2 },
  { name: 'AES-CTR with HMAC', encrId: 13, bits: 256, integId: 14 },
];

function protectionOf({ encrId, bits, integId }: (typeof kinds)[number], fill = 7): SkProtection {
  const encr = encrTransform(encrId)!;
  const integ = integId === undefined ? undefined : integTransform(integId);
  const encrKey = new Secret(new Uint8Array(bits / 8 + encr.saltBytes).fill(fill));
  const integKey = new Secret(new Uint8Array(integ?.keyBytes ?? 0).fill(fill));
  return createSkProtection({ encr, integ }, encrKey, integKey);
}

const gcm = (): SkProtection => protectionOf(kinds[0]!);

const certificate = (length: number, fill = 5): Payload => ({
  type: PayloadType.CERT,
  encoding: 4,
  data: Uint8Array.from({ length }, (_, i) => (i * fill) & 0xff),
});

/** One fragment with whatever fields, sealed correctly. */
function forged(
  protection: SkProtection,
  fields: { number: number; total: number; next?: number; messageId?: number; exchangeType?: number },
  inner: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const { messageId = header.messageId, exchangeType = header.exchangeType } = fields;
  const container = {
    type: PayloadType.SKF,
    nextPayload: fields.next ?? (fields.number === 1 ? PayloadType.CERT : 0),
    fragmentNumber: fields.number,
    totalFragments: fields.total,
  } as const;
  return sealBytes({ ...header, messageId, exchangeType }, container, inner, protection, systemEntropy);
}

/** How a datagram is refused: the error's code, `W:` before those that say that it was authentic. */
function refusal(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof KitError)) throw error;
    expect(error.kind).toBe('garbage');
    return error instanceof WireError ? `W:${error.code}` : error.code;
  }
}

/** What comes of datagrams, one after the other: the payloads of each message that got complete. */
function reassembled(datagrams: readonly Uint8Array[], protection: SkProtection): Payload[][] {
  const reassembly = new Reassembly();
  return datagrams.flatMap((datagram) => {
    const opened = reassembly.open(datagram, protection);
    return opened === 'incomplete' ? [] : [opened.payloads];
  });
}

describe.each(kinds)('$name', (kind) => {
  const payloads = [certificate(700), certificate(300, 3)];

  it('splits as finely as asked, fills every fragment, and puts together what it split', () => {
    const sender = protectionOf(kind);
    const sizes = fc.record({
      lengths: fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 4 }),
      maxBytes: fc.integer({ min: 150, max: 1300 }),
    });
    fc.assert(
      fc.property(sizes, ({ lengths, maxBytes }) => {
        const message = lengths.map((length) => certificate(length));
        const datagrams = sealFragmented(header, message, sender, systemEntropy, maxBytes);
        for (const { length } of datagrams) expect(length).toBeLessThanOrEqual(maxBytes);
        // No fragment but the last could take one block more.
        for (const { length } of datagrams.slice(0, -1)) expect(length).toBeGreaterThan(maxBytes - 17);
        expect(reassembled(datagrams, protectionOf(kind))).toMatchObject([message]);
      }),
      { numRuns: 25 },
    );
  });

  it('takes fragments in any order and any number of times', () => {
    const datagrams = sealFragmented(header, payloads, protectionOf(kind), systemEntropy, 300);
    const receiver = protectionOf(kind);
    const indexes = datagrams.map((_, i) => i);
    const orders = fc
      .tuple(
        fc.shuffledSubarray(indexes, { minLength: indexes.length }),
        fc.array(fc.constantFrom(...indexes)),
      )
      .chain(([once, again]) =>
        fc.shuffledSubarray([...once, ...again], { minLength: once.length + again.length }),
      );
    fc.assert(
      fc.property(orders, (order) => {
        // Once complete, the window of the session stops what comes after; here it begins a message anew.
        const reassembly = new Reassembly();
        const seen = new Set<number>();
        for (const index of order) {
          seen.add(index);
          const opened = reassembly.open(datagrams[index]!, receiver);
          expect(opened === 'incomplete').toBe(seen.size < datagrams.length);
          if (opened === 'incomplete') continue;
          expect(opened.payloads).toMatchObject(payloads);
          expect(reassembly.pendingBytes).toBe(0);
          return;
        }
      }),
      { numRuns: 40 },
    );
  });

  it('refuses every changed byte and every prefix, and is not disturbed by them', () => {
    const datagrams = sealFragmented(header, payloads, protectionOf(kind), systemEntropy, 400);
    const receiver = protectionOf(kind);
    const reassembly = new Reassembly();
    for (const [index, datagram] of datagrams.entries()) {
      const before = reassembly.pendingBytes;
      for (let i = 0; i < datagram.length; i++) {
        const changed = datagram.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
        let opened: unknown;
        const code = refusal(() => {
          opened = reassembly.open(changed, receiver);
        });
        // Numbers that make no sense are passed over unread; nothing else is.
        if (code === undefined) expect(i < 36 && opened === 'incomplete', `byte ${i}`).toBe(true);
        else expect(code, `byte ${i}`).not.toContain('W:');
        if (i >= 36) expect(code).toBe('E_ICV');
        expect(reassembly.pendingBytes, `byte ${i}`).toBe(before);
      }
      for (let length = 0; length < datagram.length; length++) {
        expect(refusal(() => reassembly.open(datagram.subarray(0, length), receiver))).toMatch(/^E_/);
        const relabelled = withLengths(datagram.slice(0, length));
        if (relabelled) expect(refusal(() => reassembly.open(relabelled, receiver))).toMatch(/^E_/);
      }
      expect(refusal(() => reassembly.open(datagram, protectionOf(kind, 9)))).toBe('E_ICV');
      const opened = reassembly.open(datagram, receiver);
      if (index < datagrams.length - 1) expect(opened).toBe('incomplete');
      else expect(opened).toMatchObject({ payloads });
    }
  });
});

/** A shortened fragment whose length fields say so. */
function withLengths(datagram: Uint8Array): Uint8Array | undefined {
  if (datagram.length < 36) return undefined;
  const view = new DataView(datagram.buffer);
  view.setUint32(24, datagram.length);
  view.setUint16(30, datagram.length - 28);
  return datagram;
}

describe('a message that is sealed', () => {
  const payloads = [certificate(900)];
  const wholeLength = sealMessage(header, payloads, gcm(), systemEntropy).length;

  it('stays whole as long as it fits', () => {
    const [whole, ...others] = sealFragmented(header, payloads, gcm(), systemEntropy, wholeLength);
    expect(others).toEqual([]);
    expect(whole).toHaveLength(wholeLength);
    expect(decodeHeader(whole!).nextPayload).toBe(PayloadType.SK);
    expect(openMessage(whole!, gcm()).payloads).toMatchObject(payloads);
    expect(sealFragmented(header, payloads, gcm(), systemEntropy, wholeLength - 1)).toHaveLength(2);
    expect(sealFragmented(header, payloads, gcm(), systemEntropy, Number.POSITIVE_INFINITY)).toHaveLength(1);
  });

  it('becomes fragments of the form of RFC 7383 2.5', () => {
    const datagrams = sealFragmented(header, payloads, gcm(), systemEntropy, 400);
    expect(datagrams.length).toBeGreaterThan(2);
    for (const [index, datagram] of datagrams.entries()) {
      const { header: read, payloads: outside } = decodeMessage(datagram);
      expect(read).toMatchObject({ ...header, nextPayload: 53, length: datagram.length });
      expect(outside).toMatchObject([
        {
          type: PayloadType.SKF,
          nextPayload: index === 0 ? PayloadType.CERT : 0,
          fragmentNumber: index + 1,
          totalFragments: datagrams.length,
        },
      ]);
    }
    const ivs = datagrams.map((datagram) => toHex(datagram.subarray(36, 44)));
    expect(new Set(ivs).size).toBe(datagrams.length);
  });

  it('covers each fragment with its header and its number', () => {
    const seen: Uint8Array[] = [];
    const inner = gcm();
    const spy: SkProtection = {
      ...inner,
      seal: (ad, plain, entropy: Entropy) => {
        seen.push(ad.slice());
        return inner.seal(ad, plain, entropy);
      },
    };
    const datagrams = sealFragmented(header, payloads, spy, systemEntropy, 400);
    // RFC 7383 2.5: from the IKE header through the fragment fields, up to the IV.
    expect(seen.map(toHex)).toEqual(datagrams.map((datagram) => toHex(datagram.subarray(0, 36))));
  });

  it('cannot be longer than 255 fragments, or than 64 KiB', () => {
    const seal = (length: number, maxBytes: number): unknown =>
      sealFragmented(header, [certificate(length)], gcm(), systemEntropy, maxBytes);
    const tooLong = expect.objectContaining({ kind: 'usage', code: 'E_FRAGMENT_SIZE' });
    // 36 bytes of headers and 25 of GCM leave 39.
    expect(seal(39 * MAX_FRAGMENTS - 5, 100)).toHaveLength(MAX_FRAGMENTS);
    expect(() => seal(39 * MAX_FRAGMENTS - 4, 100)).toThrow(tooLong);
    for (const maxBytes of [0, 36, 61]) expect(() => seal(500, maxBytes)).toThrow(tooLong);
    expect(seal(500, 70)).toHaveLength(57);
    expect(seal(65_530, 1000)).toHaveLength(70);
    const two = [certificate(40_000), certificate(40_000)];
    expect(() => sealFragmented(header, two, gcm(), systemEntropy, 1000)).toThrow(tooLong);
  });
});

describe('reassembly (RFC 7383 2.6)', () => {
  const receiver = gcm();
  const sender = gcm();
  const message = [certificate(100)];
  const { bytes } = encodePayloads(message);
  const part = (number: number, total: number): Uint8Array => {
    const size = Math.ceil(bytes.length / total);
    return forged(sender, { number, total }, bytes.subarray((number - 1) * size, number * size));
  };
  const parts = (total: number): Uint8Array[] => Array.from({ length: total }, (_, i) => part(i + 1, total));
  const all = (datagrams: Uint8Array[]): number => reassembled(datagrams, receiver).length;

  it('starts over when the peer tries smaller fragments', () => {
    const [a1, a2, a3] = parts(3);
    const [b1, b2, b3, b4] = parts(4);
    expect(reassembled([a1!, a2!, b1!, b2!, b3!, b4!], receiver)).toMatchObject([message]);
    expect(all([a1!, a2!, b4!, a3!, b3!, b2!])).toBe(0);
    expect(all([a1!, a2!, b4!, a3!, b3!, b2!, b1!])).toBe(1);
  });

  it('ignores larger fragments after smaller ones', () => {
    expect(all([part(1, 4), ...parts(3)])).toBe(0);
    expect(all([part(1, 4), ...parts(3), part(2, 4), part(3, 4), part(4, 4)])).toBe(1);
  });

  it('does not start over for fragments that are not authentic', () => {
    const bogus = part(1, 5);
    bogus[bogus.length - 1]! ^= 1;
    const reassembly = new Reassembly();
    reassembly.open(part(1, 2), receiver);
    expect(refusal(() => reassembly.open(bogus, receiver))).toBe('E_ICV');
    expect(reassembly.open(part(2, 2), receiver)).toMatchObject({ payloads: message });
  });

  it('passes over repeated and impossible fragments without decrypting them', () => {
    let opened = 0;
    const counting: SkProtection = {
      ...receiver,
      open: (ad, body) => {
        opened += 1;
        return receiver.open(ad, body);
      },
    };
    const reassembly = new Reassembly();
    const useless = [
      part(1, 3),
      part(1, 2),
      forged(sender, { number: 2, total: MAX_FRAGMENTS + 1 }),
      forged(sender, { number: 2, total: 3, next: PayloadType.CERT }),
    ];
    expect(reassembly.open(part(1, 3), counting)).toBe('incomplete');
    for (const datagram of useless) expect(reassembly.open(datagram, counting)).toBe('incomplete');
    expect(opened).toBe(1);
  });

  it.each([
    [0, 0],
    [0, 3],
    [4, 3],
    [1, 0],
  ])('refuses fragment %i of %i', (number, total) => {
    const datagram = forged(sender, { number, total });
    expect(refusal(() => new Reassembly().open(datagram, receiver))).toBe('E_FRAGMENT');
  });

  it('keeps one message at a time', () => {
    const other = forged(sender, { number: 1, total: 2, messageId: 2 }, new Uint8Array(10));
    expect(all([part(1, 2), other, part(2, 2)])).toBe(0);
    const otherExchange = forged(sender, { number: 1, total: 2, exchangeType: 37 }, new Uint8Array(10));
    expect(all([part(1, 2), otherExchange, part(2, 2)])).toBe(0);
    const reassembly = new Reassembly();
    reassembly.open(part(1, 2), receiver);
    const whole = sealMessage(header, message, sender, systemEntropy);
    expect(reassembly.open(whole, receiver)).toMatchObject({ payloads: message });
    expect(reassembly.pendingBytes).toBe(0);
  });

  it('keeps 64 KiB at most', () => {
    const reassembly = new Reassembly();
    const big = new Uint8Array(30_000);
    reassembly.open(forged(sender, { number: 1, total: 4 }, big), receiver);
    reassembly.open(forged(sender, { number: 2, total: 4 }, big), receiver);
    expect(reassembly.pendingBytes).toBe(60_000);
    expect(reassembly.open(forged(sender, { number: 3, total: 4 }, big), receiver)).toBe('incomplete');
    expect(reassembly.pendingBytes).toBe(0);
    // 64 KiB less one byte are fine.
    const half = encodePayloads([certificate(65_530)]).bytes;
    expect(half).toHaveLength(65_535);
    const fits = [half.subarray(0, 40_000), half.subarray(40_000)];
    const datagrams = fits.map((inner, i) => forged(sender, { number: i + 1, total: 2 }, inner));
    expect(reassembled(datagrams, receiver)).toHaveLength(1);
  });

  it('tells the length of the longest fragment', () => {
    const reassembly = new Reassembly();
    const datagrams = sealFragmented(header, [certificate(800)], sender, systemEntropy, 450);
    const last = datagrams.map((datagram) => reassembly.open(datagram, receiver)).at(-1);
    expect(last).toMatchObject({ longest: 450 });
  });

  it('takes unencrypted payloads from the first fragment (RFC 7383 2.5.3)', () => {
    const withOuter = (number: number): Uint8Array => {
      const inner = bytes.subarray((number - 1) * 60, number * 60);
      const body = new Uint8Array(sender.bodyLength(inner.length));
      const nextPayload = number === 1 ? PayloadType.CERT : 0;
      const container = {
        type: PayloadType.SKF,
        nextPayload,
        fragmentNumber: number,
        totalFragments: 2,
        body,
      };
      const datagram = encodeMessage(header, [certificate(number), container as EncryptedFragmentPayload]);
      const at = datagram.length - body.length;
      datagram.set(sender.seal(datagram.subarray(0, at), inner, systemEntropy), at);
      return datagram;
    };
    const reassembly = new Reassembly();
    reassembly.open(withOuter(1), receiver);
    expect(reassembly.open(withOuter(2), receiver)).toMatchObject({
      outer: [certificate(1)],
      payloads: message,
    });
  });

  it('tells what is authentic and wrong from what is not authentic', () => {
    const two = (next: number, inner: Uint8Array): Uint8Array[] => [
      forged(sender, { number: 1, total: 2, next }, inner.subarray(0, 2)),
      forged(sender, { number: 2, total: 2 }, inner.subarray(2)),
    ];
    expect(refusal(() => all(two(PayloadType.CERT, Uint8Array.of(0, 0, 1, 0, 4))))).toMatch(/^W:/);
    expect(refusal(() => all(two(PayloadType.SK, Uint8Array.of(0, 0, 0, 8, 1, 2, 3, 4))))).toBe(
      'W:E_NESTED_SK',
    );
    expect(refusal(() => all(two(PayloadType.NONE, Uint8Array.of(1, 2, 3))))).toMatch(/^W:/);
    expect(reassembled(two(PayloadType.NONE, new Uint8Array(0)), receiver)).toEqual([[]]);
  });

  it('is no business of who knows no fragments', () => {
    expect(refusal(() => openMessage(part(1, 1), receiver))).toBe('E_NO_SK');
  });
});

describe('isFirstFragment', () => {
  const [first, second] = sealFragmented(header, [certificate(800)], gcm(), systemEntropy, 600);
  const whole = sealMessage(header, [certificate(8)], gcm(), systemEntropy);

  it.each([
    ['the first', first!, true],
    ['the second', second!, false],
    ['a whole message', whole, false],
    ['a changed first', first!.map((byte, i) => (i === 50 ? byte ^ 1 : byte)), false],
    ['half of the first', first!.subarray(0, 300), false],
  ])('%s', (_what, datagram, expected) => {
    expect(isFirstFragment(datagram, gcm())).toBe(expected);
  });
});

describe('datagramOverhead', () => {
  const path = (address: string, natT: boolean) => ({
    local: { address, port: 500 },
    remote: { address, port: 500 },
    natT,
  });

  it.each([
    ['192.0.2.1', false, 28],
    ['192.0.2.1', true, 32],
    ['2001:db8::1', false, 48],
    ['2001:db8::1', true, 52],
  ])('%s, NAT traversal %s', (address, natT, expected) => {
    expect(datagramOverhead(path(address, natT))).toBe(expected);
  });
});
