import { describe, expect, it } from 'vitest';
import { Decryptor } from '../../../../src/lib/capture/decrypt/decryptor.js';
import { KeyRing } from '../../../../src/lib/capture/keys/ring.js';
import type { Ikev1Key, Ikev2Key } from '../../../../src/lib/capture/keys/types.js';
import type { DecodedPacket } from '../../../../src/lib/capture/types.js';
import { concatBytes } from '../../../../src/lib/core/bytes.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import { encrTransform, integTransform, prfTransform } from '../../../../src/lib/crypto/registry.js';
import { prfPlus } from '../../../../src/lib/ike/keys.js';
import { createSkProtection, sealMessage } from '../../../../src/lib/ike/sealed.js';
import { IvChain, ikev1Suite } from '../../../../src/lib/ike/v1/keys.js';
import type { Ikev1Payload } from '../../../../src/lib/ike/v1/types.js';
import {
  encodeEncryptedIkev1Message,
  encodeIkev1Message,
  encodeIkev1Payloads,
  type Ikev1HeaderFields,
} from '../../../../src/lib/ike/v1/wire.js';
import { encodeMessage, encodePayloads, type HeaderFields } from '../../../../src/lib/ike/wire/message.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import { SeededEntropy } from '../../../sim/world.js';
import { unitOf, wrong } from './session-units.js';

const entropy = new SeededEntropy(5);
const source = { file: 'table', line: 3 };
const secret = (length: number) => new Secret(entropy.bytes(length));
const NONE = { id: 0, icvBytes: 0, checked: false };

const gcm: Ikev2Key = {
  kind: 'ikev2',
  source,
  spiI: 0x1111111111111111n,
  spiR: 0x2222222222222222n,
  encr: 20,
  integ: NONE,
  skEi: secret(20),
  skEr: secret(20),
};
const cbc: Ikev2Key = {
  ...gcm,
  encr: 12,
  integ: { id: 12, icvBytes: 16, checked: true },
  skEi: secret(16),
  skEr: secret(16),
  skAi: secret(32),
  skAr: secret(32),
};

const header = (changes: Partial<HeaderFields> = {}): HeaderFields => ({
  initiatorSpi: gcm.spiI,
  responderSpi: gcm.spiR,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: 37,
  fromInitiator: true,
  isResponse: false,
  higherVersion: false,
  messageId: 7,
  ...changes,
});

const protection = (key: Ikev2Key) =>
  createSkProtection(
    {
      encr: encrTransform(key.encr!)!,
      integ: key.integ!.checked ? integTransform(key.integ!.id) : undefined,
    },
    key.skEi!,
    key.skAi ?? new Secret(new Uint8Array(0)),
  );

const vendor: Payload = { type: 43, data: entropy.bytes(900) };
const certificate: Payload = { type: 37, encoding: 4, data: entropy.bytes(900) };

/** The fragments of a message, as RFC 7383 2.5 cuts it. */
function fragments(key: Ikev2Key, payloads: Payload[], size: number, changes: Partial<HeaderFields> = {}) {
  const inner = encodePayloads(payloads);
  const total = Math.ceil(inner.bytes.length / size);
  const sealer = protection(key);
  return Array.from({ length: total }, (_, i) => {
    const part = inner.bytes.subarray(i * size, (i + 1) * size);
    const blank = new Uint8Array(sealer.bodyLength(part.length));
    const message = encodeMessage(header(changes), [
      {
        type: 53,
        nextPayload: i === 0 ? inner.first : 0,
        fragmentNumber: i + 1,
        totalFragments: total,
        body: blank,
      },
    ]);
    const at = message.length - blank.length;
    message.set(sealer.seal(message.subarray(0, at), part, entropy), at);
    return message;
  });
}

const decodeAll = (keys: ConstructorParameters<typeof KeyRing>[0], messages: readonly Uint8Array[]) => {
  const decryptor = new Decryptor(new KeyRing(keys));
  return messages.map((message, i) => decryptor.decode(unitOf('ike', message, i + 1, true)));
};
const types = ({ ike }: DecodedPacket) => ike!.payloads.map(({ type }) => type);

describe.each([
  ['AES-GCM', gcm],
  ['AES-CBC with HMAC-SHA-256', cbc],
])('IKEv2 fragments under %s', (_name, key) => {
  const cut = fragments(key, [vendor, certificate], 400);

  it.each([
    ['in order', [0, 1, 2, 3, 4]],
    ['backwards', [4, 3, 2, 1, 0]],
    ['with repetitions', [0, 0, 3, 1, 3, 4, 2]],
  ])('come together %s', (_how, order) => {
    const packets = decodeAll(
      [key],
      order.map((i) => cut[i]!),
    );
    for (const packet of packets) expect(packet).toMatchObject({ decrypted: true, icv: 'good' });
    expect(packets.map(({ ike }) => ike!.fragment!.number)).toEqual(order.map((i) => i + 1));
    expect(packets.slice(0, -1).map(types)).toEqual(packets.slice(1).map(() => ['SKF']));
    expect(types(packets.at(-1)!)).toEqual(['SKF', 'V', 'CERT']);
    expect(packets.at(-1)!.frames).toEqual(
      [...new Set(order)].length === 5 ? packets.map(({ frame }) => frame) : [],
    );
  });

  it('are not completed by a forged one', () => {
    const forged = cut[2]!.slice();
    forged[forged.length - 1]! ^= 1;
    const packets = decodeAll([key], [cut[0]!, cut[1]!, forged, cut[3]!, cut[4]!]);
    expect(packets.map(({ icv }) => icv)).toEqual(['good', 'good', 'bad', 'good', 'good']);
    expect(packets.flatMap(types)).toEqual(Array(5).fill('SKF'));
  });

  it('of different messages are kept apart', () => {
    const other = fragments(key, [certificate, vendor], 400, { messageId: 8 });
    const response = fragments(key, [vendor], 400, { isResponse: true });
    const packets = decodeAll([key], [...cut.slice(0, 4), ...other, ...response, cut[4]!]);
    expect(types(packets[8]!)).toEqual(['SKF', 'CERT', 'V']);
    expect(types(packets[11]!)).toEqual(['SKF', 'V']);
    expect(types(packets[12]!)).toEqual(['SKF', 'V', 'CERT']);
  });

  it('start again when the sender makes them smaller', () => {
    const smaller = fragments(key, [vendor, certificate], 200);
    const packets = decodeAll([key], [cut[0]!, cut[1]!, ...smaller, cut[2]!]);
    expect(types(packets.at(-2)!)).toEqual(['SKF', 'V', 'CERT']);
  });
});

describe('IKEv2 messages', () => {
  it('open with whichever of two contradicting keys is right', () => {
    const message = sealMessage(header(), [vendor], protection(gcm), entropy);
    const other = { ...gcm, skEi: wrong(gcm.skEi!) };
    expect(decodeAll([other, gcm], [message])[0]).toMatchObject({ decrypted: true, icv: 'good' });
    expect(decodeAll([other], [message])[0]!.error!.message).toContain('table:3');
  });

  it('hide what a wrong encryption key makes of them although the ICV is right', () => {
    const message = sealMessage(header(), [vendor], protection(cbc), entropy);
    const [packet] = decodeAll([{ ...cbc, skEi: wrong(cbc.skEi!) }], [message]);
    expect(packet).toMatchObject({
      decrypted: false,
      icv: 'good',
      error: { code: expect.stringMatching(/^E_/) },
    });
    expect(types(packet!)).toEqual(['SK']);
  });

  it('stay unchecked when the table says so, and must make sense', () => {
    const message = sealMessage(header(), [vendor], protection(cbc), entropy);
    const { skAi: _i, skAr: _r, ...rest } = cbc;
    const key: Ikev2Key = { ...rest, integ: { id: 0, icvBytes: 16, checked: false } };
    expect(decodeAll([key], [message])[0]).toMatchObject({ decrypted: true, icv: 'unchecked' });
    const [packet] = decodeAll([{ ...key, skEi: wrong(key.skEi!) }], [message]);
    expect(packet).toMatchObject({ decrypted: false, icv: 'unchecked', error: { code: 'E_DECRYPT' } });
    expect(types(packet!)).toEqual(['SK']);
  });

  it('are read to the length their header tells', () => {
    const message = concatBytes(sealMessage(header(), [vendor], protection(gcm), entropy), new Uint8Array(9));
    const [packet] = decodeAll([gcm], [message]);
    expect(packet).toMatchObject({ decrypted: true, icv: 'good', error: { code: 'E_LENGTH' } });
  });

  it('that are empty inside are open too', () => {
    const [packet] = decodeAll([cbc], [sealMessage(header(), [], protection(cbc), entropy)]);
    expect(packet).toMatchObject({ decrypted: true, icv: 'good' });
  });

  it('of SAs without a key are left closed without an error', () => {
    const message = sealMessage(header(), [vendor], protection(gcm), entropy);
    const [packet] = decodeAll([{ ...gcm, spiR: 5n }], [message]);
    expect(packet).toMatchObject({ decrypted: false, icv: 'unchecked' });
    expect(packet!.error).toBeUndefined();
  });
});

describe('a child SA of AH', () => {
  it('gets integrity keys alone from SK_d', () => {
    const [nonceI, nonceR, skD] = [entropy.bytes(32), entropy.bytes(32), secret(32)];
    const key: Ikev2Key = { ...gcm, prf: 5, skD, nonceI, nonceR };
    const sa = (spi: number): Payload => ({
      type: 33,
      proposals: [
        {
          number: 1,
          protocolId: 2,
          spi: Uint8Array.of(0, 0, 0, spi),
          transforms: [
            { type: 3, id: 12 },
            { type: 5, id: 1 },
          ],
        },
      ],
    });
    const auth = { exchangeType: 35, messageId: 1 };
    const request = sealMessage(header(auth), [sa(5)], protection(key), entropy);
    const byResponder = createSkProtection(
      { encr: encrTransform(20)!, integ: undefined },
      key.skEr!,
      secret(0),
    );
    const answer = { ...auth, fromInitiator: false, isResponse: true };
    const response = sealMessage(header(answer), [sa(6)], byResponder, entropy);
    const ring = new KeyRing([key]);
    const decryptor = new Decryptor(ring);
    decryptor.decode(unitOf('ike', request, 1, true));
    decryptor.decode(unitOf('ike', response, 2, false));
    expect(decryptor.children).toMatchObject([
      { protocol: 'AH', initiatorSpi: '0x00000005', responderSpi: '0x00000006', keys: 'derived', frame: 2 },
    ]);
    // RFC 7296 2.17: the initiator's key first, for packets to the responder.
    const keymat = prfPlus(prfTransform(5)!, skD.reveal(), concatBytes(nonceI, nonceR), 64);
    const found = [6, 5].map((spi) => ring.ah(spi, '', '')[0]!);
    expect(found.map(({ esn }) => esn)).toEqual([true, true]);
    expect(concatBytes(...found.map(({ integKey }) => integKey.reveal()))).toEqual(keymat);
  });
});

describe('IKEv1', () => {
  const attributes = [
    { type: 1, value: 7 },
    { type: 14, value: 128 },
    { type: 2, value: 2 },
    { type: 3, value: 1 },
  ];
  const suite = ikev1Suite(attributes)!;
  const encryption = secret(16);
  const keI = entropy.bytes(128);
  const keR = entropy.bytes(128);
  const key: Ikev1Key = { kind: 'ikev1', source, spiI: 0x3333333333333333n, encryption };
  const head = (changes: Partial<Ikev1HeaderFields> = {}): Ikev1HeaderFields => ({
    initiatorSpi: key.spiI,
    responderSpi: 0x4444444444444444n,
    majorVersion: 1,
    minorVersion: 0,
    exchangeType: 2,
    encrypted: false,
    commit: false,
    authenticationOnly: false,
    messageId: 0,
    ...changes,
  });
  const sa: Ikev1Payload = {
    type: 1,
    doi: 1,
    situation: Uint8Array.of(0, 0, 0, 1),
    proposals: [
      { number: 1, protocolId: 1, spi: new Uint8Array(0), transforms: [{ number: 1, id: 1, attributes }] },
    ],
  };
  const phase1 = [
    encodeIkev1Message(head({ responderSpi: 0n }), [sa]),
    encodeIkev1Message(head(), [sa]),
    encodeIkev1Message(head(), [{ type: 4, data: keI }]),
    encodeIkev1Message(head(), [{ type: 4, data: keR }]),
  ];
  const id: Ikev1Payload = { type: 5, idType: 2, ipProtocol: 0, port: 0, data: entropy.bytes(11) };
  const hash: Ikev1Payload = { type: 8, data: entropy.bytes(20) };

  function sealed() {
    const chain = new IvChain(suite, encryption, keI, keR);
    const seal = (messageId: number, exchangeType: number, payloads: Ikev1Payload[]) => {
      const { first, bytes } = encodeIkev1Payloads(payloads);
      const encrypted = chain.seal(messageId, bytes);
      return encodeEncryptedIkev1Message(
        head({ messageId, exchangeType, encrypted: true }),
        first,
        encrypted,
      );
    };
    return [
      seal(0, 2, [id, hash]),
      seal(0, 2, [id, hash]),
      seal(77, 32, [hash, { type: 10, data: entropy.bytes(16) }]),
      seal(78, 5, [hash]),
      seal(77, 32, [hash, { type: 10, data: entropy.bytes(16) }]),
    ];
  }
  const inside = ({ ike }: DecodedPacket) =>
    ike!.payloads.filter((payload) => payload.inside).map(({ type }) => type);

  it('chains IVs by phase and message id, across retransmissions', () => {
    const messages = sealed();
    const all = [...phase1, ...messages.slice(0, 3), messages[2]!, messages[0]!, ...messages.slice(3)];
    const packets = decodeAll([key], all).slice(4);
    expect(packets.map(({ decrypted }) => decrypted)).toEqual(Array(7).fill(true));
    expect(packets.map(({ icv }) => icv)).toEqual(Array(7).fill('none'));
    expect(packets.map((packet) => inside(packet).length)).toEqual([2, 2, 2, 2, 2, 1, 2]);
  });

  it('shows nothing with a wrong key, and the right one of two', () => {
    const bad = { ...key, encryption: wrong(encryption) };
    const packets = decodeAll([bad], [...phase1, ...sealed()]).slice(4);
    for (const packet of packets) {
      expect(packet).toMatchObject({ decrypted: false, error: { code: 'E_DECRYPT' } });
      expect(inside(packet)).toEqual([]);
    }
    const both = decodeAll([bad, key], [...phase1, ...sealed()]).slice(4);
    expect(both.map(({ decrypted }) => decrypted)).toEqual(Array(5).fill(true));
  });

  it('says that phase 1 is missing', () => {
    const [packet] = decodeAll([key], sealed());
    expect(packet).toMatchObject({ decrypted: false, error: { code: 'E_IKEV1_PHASE1' } });
  });

  it("puts Cisco's fragments together", () => {
    const [whole] = sealed();
    const pieces = [whole!.subarray(0, 40), whole!.subarray(40)];
    const cut = pieces.map((data, i) =>
      encodeIkev1Message(head(), [
        { type: 132, fragmentId: 9, fragmentNumber: i + 1, flags: i === 1 ? 1 : 0, data },
      ]),
    );
    for (const order of [cut, [cut[1]!, cut[0]!]]) {
      const packets = decodeAll([key], [...phase1, ...order]).slice(4);
      expect(packets[0]!.decrypted).toBe(false);
      expect(packets[1]).toMatchObject({ decrypted: true, frames: [5, 6] });
      expect(inside(packets[1]!)).toHaveLength(2);
    }
  });
});
