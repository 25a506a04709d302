import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../src/lib/core/bytes.js';
import { type Entropy, systemEntropy } from '../../src/lib/core/environment.js';
import { KitError, WireError } from '../../src/lib/core/errors.js';
import { Secret } from '../../src/lib/core/secret.js';
import {
  encrTransform,
  integTransform,
  keTransform,
  prfTransform,
  transforms,
} from '../../src/lib/crypto/registry.js';
import { TransformType } from '../../src/lib/crypto/transform.js';
import { createSkProtection, openMessage, type SkProtection, sealMessage } from '../../src/lib/ike/sealed.js';
import type { IkeSuite } from '../../src/lib/ike/suite.js';
import { encodeMessage } from '../../src/lib/ike/wire/message.js';
import { type Payload, PayloadType } from '../../src/lib/ike/wire/types.js';

const header = {
  initiatorSpi: 0xc0c1c2c3c4c5c6c7n,
  responderSpi: 0xd0d1d2d3d4d5d6d7n,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: 37,
  fromInitiator: false,
  isResponse: false,
  higherVersion: false,
  messageId: 9,
};

function suiteOf(encr: number, keyLength: number, integ?: number): IkeSuite {
  return {
    encr: encrTransform(encr)!,
    keyLength,
    integ: integ === undefined ? undefined : integTransform(integ),
    prf: prfTransform(5)!,
    ke: keTransform(31)!,
  };
}

/** Both ends of one direction, each with its own binding of the same keys. */
function ends(suite: IkeSuite, fill = 7): { sender: SkProtection; receiver: SkProtection } {
  const encrKey = new Secret(new Uint8Array(suite.keyLength / 8 + suite.encr.saltBytes).fill(fill));
  const integKey = new Secret(new Uint8Array(suite.integ?.keyBytes ?? 0).fill(fill + 1));
  const make = (): SkProtection => createSkProtection(suite, encrKey, integKey);
  return { sender: make(), receiver: make() };
}

const integs = transforms(TransformType.INTEG).filter(({ compute }) => compute);
const suites = transforms(TransformType.ENCR)
  .filter(({ bind, kind }) => bind && kind !== 'null')
  .flatMap((row) =>
    (row.keyLengths.length > 0 ? row.keyLengths : [row.fixedKeyLength!]).flatMap((bits) =>
      (row.kind === 'aead' ? [undefined] : integs).map((integ) => ({
        label: `${row.name} ${bits} ${integ?.name ?? ''}`,
        suite: suiteOf(row.id, bits, integ?.id),
      })),
    ),
  );

const nonce = (length: number): Payload => ({
  type: PayloadType.NONCE,
  data: new Uint8Array(length).fill(5),
});
const notify: Payload = {
  type: PayloadType.NOTIFY,
  protocolId: 0,
  spi: new Uint8Array(0),
  notifyType: 16384,
  data: Uint8Array.of(1, 2, 3),
};

/** How a message is refused: the error's code, `W:` before those that say that the message was authentic. */
function refusal(data: Uint8Array, protection: SkProtection): string | undefined {
  try {
    openMessage(data, protection);
    return undefined;
  } catch (error) {
    if (!(error instanceof KitError)) throw error;
    expect(error.kind).toBe('garbage');
    return error instanceof WireError ? `W:${error.code}` : error.code;
  }
}

/** A correctly protected message with arbitrary bytes where the payloads should be. */
function sealBytes(first: number, inner: Uint8Array, protection: SkProtection): Uint8Array {
  const body = new Uint8Array(protection.bodyLength(inner.length));
  const message = encodeMessage(header, [{ type: PayloadType.SK, nextPayload: first, body }]);
  const at = message.length - body.length;
  message.set(protection.seal(message.subarray(0, at), inner, systemEntropy), at);
  return message;
}

describe('the published example of RFC 7634 appendix B', () => {
  const key = fromHex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3');
  const protection = createSkProtection(suiteOf(28, 256), new Secret(key), new Secret(new Uint8Array(0)));
  const message = fromHex(
    'c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029' +
      '1011121314151617610394701f8d017f7c129248896b71bfe25236efd7cdc67066906315b2',
  );

  it('opens', () => {
    const { header: read, payloads, outer } = openMessage(message, protection);
    expect(read).toMatchObject({ ...header, length: 69 });
    expect(outer).toEqual([]);
    expect(payloads).toMatchObject([
      { type: PayloadType.NOTIFY, notifyType: 16385, data: fromHex('0000000a') },
    ]);
  });

  it('is sealed to the same bytes but for the IV', () => {
    const { payloads } = openMessage(message, protection);
    const ours = sealMessage(header, payloads, protection, systemEntropy);
    expect(ours.length).toBe(message.length);
    expect(toHex(ours.subarray(0, 32))).toBe(toHex(message.subarray(0, 32)));
  });
});

describe.each(suites)('$label', ({ suite }) => {
  it('opens what it sealed', () => {
    const { sender, receiver } = ends(suite);
    const lists = fc.array(fc.oneof(fc.integer({ min: 16, max: 256 }).map(nonce), fc.constant(notify)), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(lists, (payloads) => {
        const opened = openMessage(sealMessage(header, payloads, sender, systemEntropy), receiver);
        expect(opened.payloads).toMatchObject(payloads);
        expect(opened.payloads).toHaveLength(payloads.length);
        expect(opened.outer).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it('refuses every flipped byte, every prefix, and other keys', () => {
    const { sender, receiver } = ends(suite);
    const message = sealMessage(header, [notify], sender, systemEntropy);
    for (let i = 0; i < message.length; i++) {
      const forged = message.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
      const code = refusal(forged, receiver);
      expect(code, `byte ${i}`).toBeDefined();
      expect(code, `byte ${i}`).not.toContain('W:');
      if (i >= 32) expect(code).toBe('E_ICV');
    }
    for (let length = 0; length < message.length; length++) {
      expect(refusal(message.subarray(0, length), receiver)).not.toContain('W:');
      const relabelled = withLengths(message.slice(0, length));
      if (relabelled) expect(refusal(relabelled, receiver)).toBe('E_ICV');
    }
    expect(refusal(message, ends(suite, 9).receiver)).toBe('E_ICV');
    expect(refusal(message, receiver)).toBeUndefined();
  });
});

/** A shortened message whose length fields say so. */
function withLengths(message: Uint8Array): Uint8Array | undefined {
  if (message.length < 32) return undefined;
  const view = new DataView(message.buffer);
  view.setUint32(24, message.length);
  view.setUint16(30, message.length - 28);
  return message;
}

describe('what is protected', () => {
  const { sender, receiver } = ends(suiteOf(20, 256));

  it('covers unencrypted payloads before SK, and returns them as outer', () => {
    const inner = Uint8Array.of(0, 0, 0, 20, ...new Uint8Array(16).fill(5));
    const body = new Uint8Array(sender.bodyLength(inner.length));
    const message = encodeMessage(header, [notify, { type: PayloadType.SK, nextPayload: 40, body }]);
    const at = message.length - body.length;
    message.set(sender.seal(message.subarray(0, at), inner, systemEntropy), at);
    const opened = openMessage(message, receiver);
    expect(opened.outer).toMatchObject([notify]);
    expect(opened.payloads).toMatchObject([nonce(16)]);
    message[37]! ^= 1;
    expect(refusal(message, receiver)).toBe('E_ICV');
  });

  it('tells an authentic message with a bad inside from a forged one', () => {
    // A Nonce payload that claims to be longer than the message.
    expect(refusal(sealBytes(40, Uint8Array.of(0, 0, 1, 0), sender), receiver)).toMatch(/^W:/);
    expect(refusal(sealBytes(46, Uint8Array.of(0, 0, 0, 8, 1, 2, 3, 4), sender), receiver)).toMatch(/^W:/);
  });

  it('accepts no payloads at all', () => {
    expect(openMessage(sealMessage(header, [], sender, systemEntropy), receiver).payloads).toEqual([]);
  });

  it('wants an SK payload', () => {
    expect(refusal(encodeMessage(header, [notify]), receiver)).toBe('E_NO_SK');
    expect(refusal(encodeMessage(header, []), receiver)).toBe('E_NO_SK');
  });

  it.each([suiteOf(20, 128), suiteOf(12, 128, 12), suiteOf(13, 128, 12), suiteOf(3, 192, 2)])(
    'refuses impossible padding in an authentic message, suite %#',
    (suite) => {
      const { cipher, icv, ivBytes } = rawCipher(suite);
      const { receiver: opener, sender: sizer } = ends(suite);
      const forge = (plaintext: Uint8Array): Uint8Array => {
        const overhead = sizer.bodyLength(0) - suite.encr.blockBytes;
        const body = new Uint8Array(plaintext.length + overhead);
        const message = encodeMessage(header, [{ type: PayloadType.SK, nextPayload: 0, body }]);
        const ad = message.slice(0, message.length - body.length);
        const iv = new Uint8Array(ivBytes);
        const sealed = concatBytes(ad, iv, cipher.seal(iv, ad, plaintext));
        return concatBytes(sealed, icv(sealed));
      };
      const size = suite.encr.blockBytes;
      const padded = (last: number): Uint8Array => new Uint8Array(size).fill(0).fill(last, size - 1);
      expect(refusal(forge(padded(size - 1)), opener)).toBeUndefined();
      expect(refusal(forge(padded(size)), opener)).toBe('W:E_PADDING');
      expect(refusal(forge(padded(255)), opener)).toBe('W:E_PADDING');
      expect(refusal(forge(new Uint8Array(0)), opener)).toBe('W:E_PADDING');
      if (size > 1) expect(refusal(partialBlock(suite, icv), opener)).toBe('W:E_PADDING');
    },
  );
});

/** The parts of a protection, to build messages that a correct sender never builds; keys as {@link ends} makes them. */
function rawCipher(suite: IkeSuite) {
  const cipher = suite.encr.bind!(new Uint8Array(suite.keyLength / 8 + suite.encr.saltBytes).fill(7));
  const integKey = new Uint8Array(suite.integ?.keyBytes ?? 0).fill(8);
  const icv = (data: Uint8Array): Uint8Array => suite.integ?.compute?.(integKey, data) ?? new Uint8Array(0);
  return { cipher, icv, ivBytes: suite.encr.ivBytes };
}

/** An authentic message whose ciphertext is one byte short of a block. */
function partialBlock(suite: IkeSuite, icv: (data: Uint8Array) => Uint8Array): Uint8Array {
  const icvBytes = suite.integ!.icvBytes;
  const body = new Uint8Array(suite.encr.ivBytes + suite.encr.blockBytes - 1 + icvBytes);
  const message = encodeMessage(header, [{ type: PayloadType.SK, nextPayload: 0, body }]);
  const covered = message.slice(0, message.length - icvBytes);
  return concatBytes(covered, icv(covered));
}

describe('IVs', () => {
  const ivOf = (message: Uint8Array, length: number): string => toHex(message.subarray(32, 32 + length));

  it.each([suiteOf(20, 256), suiteOf(28, 256), suiteOf(16, 128), suiteOf(13, 256, 12)])(
    'never repeat under one key and take no randomness, suite %#',
    (suite) => {
      const noEntropy: Entropy = {
        bytes: () => {
          throw new Error('not needed');
        },
      };
      const { sender } = ends(suite);
      const ivs = Array.from({ length: 300 }, () =>
        ivOf(sealMessage(header, [notify], sender, noEntropy), 8),
      );
      expect(new Set(ivs).size).toBe(ivs.length);
    },
  );

  it.each([suiteOf(12, 256, 12), suiteOf(3, 192, 2)])('are random in CBC, suite %#', (suite) => {
    const { sender } = ends(suite);
    const fixed: Entropy = { bytes: (length) => new Uint8Array(length).fill(0xab) };
    const { ivBytes } = suite.encr;
    expect(ivOf(sealMessage(header, [notify], sender, fixed), ivBytes)).toBe('ab'.repeat(ivBytes));
  });
});

describe('createSkProtection', () => {
  const key = (length: number): Secret => new Secret(new Uint8Array(length));

  it.each([
    ['a cipher without integrity', suiteOf(12, 256)],
    ['INTEG NONE', suiteOf(12, 256, 0)],
    ['a MAC known by name only', suiteOf(12, 256, 1)],
    ['a cipher known by name only', suiteOf(23, 256, 12)],
    ['no encryption', suiteOf(11, 0, 12)],
  ])('refuses %s', (_what, suite) => {
    expect(() => createSkProtection(suite, key(suite.keyLength / 8), key(32))).toThrow(
      expect.objectContaining({ code: 'E_NOT_IMPLEMENTED' }),
    );
  });

  it('refuses keys of the wrong size', () => {
    expect(() => createSkProtection(suiteOf(20, 256), key(32), key(0))).toThrow(RangeError);
  });
});
