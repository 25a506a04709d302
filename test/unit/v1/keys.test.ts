import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from '../../../src/lib/core/bytes.js';
import { Secret } from '../../../src/lib/core/secret.js';
import {
  deriveIkev1Keys,
  deriveQuickModeKeymat,
  type Ikev1Suite,
  IvChain,
  ikev1Suite,
} from '../../../src/lib/ike/v1/keys.js';
import { decodeIkev1Payloads } from '../../../src/lib/ike/v1/wire.js';
import { mainMode1 } from './samples.js';

const suite: Ikev1Suite = {
  hash: 'sha1',
  cipher: 'aes-256-cbc',
  keyBytes: 32,
  blockBytes: 16,
  authentication: 'psk',
};

/** Written as RFC 2409 writes it, apart from the code under test. */
const sha1 = (...parts: Uint8Array[]): Uint8Array =>
  createHash('sha1')
    .update(concatBytes(...parts))
    .digest();
const prf = (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array =>
  createHmac('sha1', key)
    .update(concatBytes(...parts))
    .digest();

const nonceI = fromHex('000102030405060708090a0b0c0d0e0f');
const nonceR = fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff');
const shared = new Uint8Array(128).fill(0x5a);
const psk = utf8('correct horse');
const cookies = fromHex('01020304050607081112131415161718');
const args = {
  suite,
  preSharedKey: new Secret(psk),
  keSecret: new Secret(shared),
  nonceI,
  nonceR,
  spiI: 0x0102030405060708n,
  spiR: 0x1112131415161718n,
};

describe('the keys of an ISAKMP SA (RFC 2409 5)', () => {
  test.each([
    ['psk', prf(psk, nonceI, nonceR)],
    ['signature', prf(concatBytes(nonceI, nonceR), shared)],
    ['encryption', prf(sha1(nonceI, nonceR), cookies)],
  ] as const)('with %s', (authentication, skeyid) => {
    const keys = deriveIkev1Keys({ ...args, suite: { ...suite, authentication } });
    const d = prf(skeyid, shared, cookies, Uint8Array.of(0));
    const a = prf(skeyid, d, shared, cookies, Uint8Array.of(1));
    const e = prf(skeyid, a, shared, cookies, Uint8Array.of(2));
    expect(toHex(keys.skeyid.reveal())).toBe(toHex(skeyid));
    expect(toHex(keys.skeyidD.reveal())).toBe(toHex(d));
    expect(toHex(keys.skeyidA.reveal())).toBe(toHex(a));
    expect(toHex(keys.skeyidE.reveal())).toBe(toHex(e));
    const k1 = prf(e, Uint8Array.of(0));
    expect(toHex(keys.encryption.reveal())).toBe(toHex(concatBytes(k1, prf(e, k1))).slice(0, 64));
  });

  test('a key as short as SKEYID_e is cut from it', () => {
    const keys = deriveIkev1Keys({ ...args, suite: { ...suite, cipher: 'aes-128-cbc', keyBytes: 16 } });
    expect(toHex(keys.encryption.reveal())).toBe(toHex(keys.skeyidE.reveal()).slice(0, 32));
  });

  test('need the pre-shared key where it counts', () => {
    const { preSharedKey: _, ...without } = args;
    expect(() => deriveIkev1Keys(without)).toThrow(expect.objectContaining({ code: 'E_NO_PSK' }));
  });
});

describe('KEYMAT of Quick Mode (RFC 2409 5.5)', () => {
  const skeyidD = fromHex('aa'.repeat(20));
  const spi = fromHex('c0ffee01');

  test.each([undefined, shared])('with and without perfect forward secrecy', (secret) => {
    const seed = concatBytes(secret ?? new Uint8Array(0), Uint8Array.of(3), spi, nonceI, nonceR);
    const k1 = prf(skeyidD, seed);
    const k2 = prf(skeyidD, k1, seed);
    const keymat = deriveQuickModeKeymat({
      hash: 'sha1',
      skeyidD: new Secret(skeyidD),
      ...(secret && { keSecret: new Secret(secret) }),
      protocolId: 3,
      spi,
      nonceI,
      nonceR,
      length: 36,
    });
    expect(toHex(keymat.reveal())).toBe(toHex(concatBytes(k1, k2)).slice(0, 72));
  });
});

describe('the suite of a transform', () => {
  test('is read from its attributes', () => {
    const [aes, tripleDes] = mainMode1.proposals[0]!.transforms.map(({ attributes }) =>
      ikev1Suite(attributes),
    );
    expect(aes).toEqual({
      hash: 'sha256',
      cipher: 'aes-256-cbc',
      keyBytes: 32,
      blockBytes: 16,
      authentication: 'psk',
    });
    expect(tripleDes).toEqual({
      hash: 'sha1',
      cipher: 'des-ede3-cbc',
      keyBytes: 24,
      blockBytes: 8,
      authentication: 'psk',
    });
  });

  test.each([
    [
      'IDEA',
      [
        { type: 1, value: 2 },
        { type: 2, value: 2 },
      ],
    ],
    [
      'Tiger',
      [
        { type: 1, value: 7 },
        { type: 2, value: 3 },
      ],
    ],
    [
      'an AES key of 100 bits',
      [
        { type: 1, value: 7 },
        { type: 2, value: 2 },
        { type: 14, value: 100 },
      ],
    ],
    [
      'a PRF of its own',
      [
        { type: 1, value: 7 },
        { type: 2, value: 2 },
        { type: 13, value: 1 },
      ],
    ],
    ['no cipher', [{ type: 2, value: 2 }]],
  ])('is unknown with %s', (_, attributes) => {
    expect(ikev1Suite(attributes)).toBeUndefined();
  });

  test.each([
    [3, 'signature'],
    [10, 'signature'],
    [64221, 'signature'],
    [65005, 'signature'],
    [4, 'encryption'],
    [65009, 'encryption'],
    [1, 'psk'],
    [65002, 'psk'],
  ])('takes authentication method %i as %s', (method, authentication) => {
    const attributes = [
      { type: 1, value: 7 },
      { type: 2, value: 2 },
      { type: 3, value: method },
    ];
    expect(ikev1Suite(attributes)).toMatchObject({ authentication });
  });
});

describe('the chain of IVs (RFC 2409 appendix B)', () => {
  const key = new Secret(new Uint8Array(32).fill(7));
  const keI = new Uint8Array(128).fill(1);
  const keR = new Uint8Array(128).fill(2);
  const chain = (other = suite): IvChain => new IvChain(other, key, keI, keR);
  const text = (label: string): Uint8Array => utf8(label.padEnd(32, '.'));

  test('opens what another one sealed, through interleaved exchanges', () => {
    const sender = chain();
    const receiver = chain();
    for (const [id, label] of [
      [0, 'main mode 5'],
      [0, 'main mode 6'],
      [0x1111, 'xauth request'],
      [0x2222, 'initial contact'],
      [0x1111, 'xauth reply'],
      [0x3333, 'quick mode 1'],
      [0x2222, 'more'],
      [0x3333, 'quick mode 2'],
    ] as const) {
      expect(receiver.open(id, sender.seal(id, text(label)))).toEqual(text(label));
    }
  });

  test('starts from the public values and the message id', () => {
    const first = sha1(keI, keR).subarray(0, 16);
    const sealed = chain().seal(0, text('main mode 5'));
    const wrong = new IvChain(suite, key, keR, keI).open(0, sealed)!;
    const mask = sha1(keR, keI)
      .subarray(0, 16)
      .map((byte, i) => byte ^ first[i]!);
    expect(wrong.subarray(0, 16)).toEqual(
      text('main mode 5')
        .subarray(0, 16)
        .map((byte, i) => byte ^ mask[i]!),
    );
    expect(wrong.subarray(16)).toEqual(text('main mode 5').subarray(16));
  });

  test('opens a retransmission as it did the first time and goes on behind it', () => {
    const sender = chain();
    const receiver = chain();
    const [first, second, third] = ['one', 'two', 'three'].map((label) => sender.seal(9, text(label)));
    expect(receiver.open(9, first!)).toEqual(text('one'));
    expect(receiver.open(9, first!)).toEqual(text('one'));
    expect(receiver.open(9, second!)).toEqual(text('two'));
    expect(receiver.open(9, first!)).toEqual(text('one'));
    expect(receiver.open(9, third!)).toEqual(text('three'));
  });

  test('ignores what is not whole blocks', () => {
    const receiver = chain();
    expect(receiver.open(0, new Uint8Array(31))).toBeUndefined();
    expect(receiver.open(0, new Uint8Array(0))).toBeUndefined();
    expect(receiver.open(0, chain().seal(0, text('still there')))).toEqual(text('still there'));
  });

  test.each([
    ['des-ede3-cbc', 8, 8],
    ['des-ede3-cbc', 24, 8],
    ['aes-128-cbc', 16, 16],
    ['aes-192-cbc', 24, 16],
    ['camellia-256-cbc', 32, 16],
  ] as const)('runs %s with keys of %i bytes', (cipher, keyBytes, blockBytes) => {
    const other: Ikev1Suite = { ...suite, hash: 'md5', cipher, keyBytes, blockBytes };
    expect(chain(other).open(5, chain(other).seal(5, text(cipher)))).toEqual(text(cipher));
  });

  test('says when the key is too short', () => {
    expect(() => new IvChain(suite, new Secret(new Uint8Array(16)), keI, keR)).toThrow(
      expect.objectContaining({ code: 'E_KEY_SIZE' }),
    );
  });

  test('pads with zeros, which reading takes for padding', () => {
    const plain = chain().open(1, chain().seal(1, fromHex('0000000841424344')))!;
    expect(plain).toHaveLength(16);
    expect(decodeIkev1Payloads(8, plain, { padded: true })).toEqual([{ type: 8, data: utf8('ABCD') }]);
  });
});
