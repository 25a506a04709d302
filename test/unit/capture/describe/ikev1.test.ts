import { describe, expect, test } from 'vitest';
import { describeMessage, describePayloads } from '../../../../src/lib/capture/describe/describe.js';
import { fromHex, utf8 } from '../../../../src/lib/core/bytes.js';
import { encodeDistinguishedName } from '../../../../src/lib/ike/distinguished-name.js';
import type { Ikev1Payload } from '../../../../src/lib/ike/v1/types.js';
import {
  encodeEncryptedIkev1Message,
  encodeIkev1Message,
  encodeIkev1Payloads,
} from '../../../../src/lib/ike/v1/wire.js';
import { header, mainMode1, quickMode1 } from '../../v1/samples.js';
import { ecCertificate } from './certificate-samples.js';

function fieldsOf(payload: Ikev1Payload, certificates = false) {
  const { first, bytes } = encodeIkev1Payloads([payload]);
  return describePayloads(1, first, bytes, { certificates })[0]?.fields;
}

test('a message in the clear is told with its header and offsets', () => {
  const message = encodeIkev1Message(header, [
    { type: 10, data: new Uint8Array(16).fill(0xaa) },
    { type: 130, data: new Uint8Array(16).fill(0xbb) },
  ]);
  expect(describeMessage(message)).toEqual({
    ike: {
      version: 1,
      spiI: '0102030405060708',
      spiR: '1112131415161718',
      exchange: 'Identity Protection (Main Mode)',
      exchangeNumber: 2,
      messageId: 0,
      response: false,
      payloads: [
        {
          type: 'NONCE',
          typeNumber: 10,
          offset: 28,
          length: 20,
          fields: { bytes: 16, data: 'aa'.repeat(16) },
        },
        {
          type: 'NAT-D',
          typeNumber: 130,
          offset: 48,
          length: 20,
          fields: { bytes: 16, data: 'bb'.repeat(16) },
        },
      ],
    },
  });
});

test('an encrypted message tells what stays closed', () => {
  const message = encodeEncryptedIkev1Message(
    { ...header, exchangeType: 32, messageId: 0xdeadbeef },
    8,
    new Uint8Array(48),
  );
  expect(describeMessage(message).ike).toMatchObject({
    exchange: 'Quick Mode',
    messageId: 0xdeadbeef,
    payloads: [],
    encrypted: { firstPayload: 'HASH', firstPayloadNumber: 8, offset: 28, length: 48 },
  });
});

test('fragments count, and the last one tells how many there are', () => {
  const fragment = (fragmentNumber: number, flags: number) =>
    describeMessage(
      encodeIkev1Message(header, [
        { type: 132, fragmentId: 5, fragmentNumber, flags, data: new Uint8Array(100) },
      ]),
    ).ike;
  expect(fragment(1, 0)).toMatchObject({
    fragment: { number: 1, total: 0 },
    payloads: [{ type: 'FRAGMENT', fields: { fragmentId: 5, fragment: 1, last: false, bytes: 100 } }],
  });
  expect(fragment(3, 1).fragment).toEqual({ number: 3, total: 3 });
});

test('decrypted payloads are marked, and padding behind them is none of them', () => {
  const chain = fromHex(
    '0b000008aabbccdd' + '00000010' + '00000001' + '01006002' + '00000000' + '0000000000',
  );
  expect(describePayloads(1, 8, chain)).toMatchObject([
    { type: 'HASH', inside: true, offset: 0, length: 8 },
    { type: 'N', inside: true, offset: 8, length: 16, fields: { notifyType: 'INITIAL-CONTACT' } },
  ]);
  expect(describePayloads(1, 8, chain, { inside: false }).at(-1)).toMatchObject({
    type: 'NONE',
    error: { code: 'E_TRAILING', offset: 24 },
  });
});

describe('SA', () => {
  test('of phase 1, attribute by attribute and in the words of strongSwan', () => {
    const { proposals, ...rest } = fieldsOf(mainMode1) as { proposals: unknown[] };
    expect(rest).toEqual({ doi: 'IPSEC', doiNumber: 1, situation: 'SIT_IDENTITY_ONLY' });
    expect(proposals).toEqual([
      {
        number: 1,
        protocol: 'PROTO_ISAKMP',
        protocolNumber: 1,
        transforms: [
          {
            number: 1,
            name: 'KEY_IKE',
            id: 1,
            attributes: [
              { type: 'Encryption Algorithm', typeNumber: 1, value: 7, name: 'AES-CBC' },
              { type: 'Key Length', typeNumber: 14, value: 256 },
              { type: 'Hash Algorithm', typeNumber: 2, value: 4, name: 'SHA2-256' },
              { type: 'Authentication Method', typeNumber: 3, value: 1, name: 'pre-shared key' },
              { type: 'Group Description', typeNumber: 4, value: 14, name: '2048-bit MODP Group' },
              { type: 'Life Type', typeNumber: 11, value: 1, name: 'seconds' },
              { type: 'Life Duration', typeNumber: 12, value: 86400 },
            ],
            text: 'aes256-sha256-modp2048 (pre-shared key)',
          },
          {
            number: 2,
            name: 'KEY_IKE',
            id: 1,
            attributes: [
              { type: 'Encryption Algorithm', typeNumber: 1, value: 5, name: '3DES-CBC' },
              { type: 'Hash Algorithm', typeNumber: 2, value: 2, name: 'SHA' },
              { type: 'Authentication Method', typeNumber: 3, value: 65001, name: 'XAUTHInitPreShared' },
              { type: 'Group Description', typeNumber: 4, value: 2, name: '1024-bit MODP Group' },
            ],
            text: '3des-sha1-modp1024 (XAUTHInitPreShared)',
          },
        ],
        text: 'aes256-sha256-modp2048 (pre-shared key), 3des-sha1-modp1024 (XAUTHInitPreShared)',
      },
    ]);
  });

  test('of phase 2', () => {
    const { proposals } = fieldsOf(quickMode1) as { proposals: Record<string, unknown>[] };
    expect(proposals.map(({ protocol, spi, text }) => [protocol, spi, text])).toEqual([
      ['PROTO_IPSEC_ESP', '0xc0ffee01', 'aes256-sha256-modp2048 (UDP-Encapsulated-Tunnel)'],
      ['PROTO_IPSEC_AH', '0xc0ffee02', 'ah_sha-sha1'],
    ]);
  });

  test('with algorithms nobody knows', () => {
    const attributes = [
      { type: 1, value: 65001 },
      { type: 2, value: 99 },
      { type: 4, value: 3 },
      { type: 6, value: fromHex('0102030405') },
      { type: 77, value: 1 },
    ];
    const transform = { number: 1, id: 1, attributes };
    const [proposal] = mainMode1.proposals;
    const sa: Ikev1Payload = { ...mainMode1, proposals: [{ ...proposal!, transforms: [transform] }] };
    expect(fieldsOf(sa)).toMatchObject({
      proposals: [
        {
          text: expect.stringMatching(/^encr_65001-hash_99-/),
          transforms: [
            {
              attributes: [
                { name: 'ENCR_65001' },
                { name: 'HASH_99' },
                { name: 'EC2N group on GP[2^155]' },
                { type: 'Group Prime/Irreducible Polynomial', value: '0102030405' },
                { type: 'ATTRIBUTE_77', value: 1 },
              ],
            },
          ],
        },
      ],
    });
  });
});

describe('ID', () => {
  test.each<[number, string, string, string]>([
    [1, 'c0000201', 'ID_IPV4_ADDR', '192.0.2.1'],
    [2, Buffer.from('gw.example').toString('hex'), 'ID_FQDN', 'gw.example'],
    [3, Buffer.from('bob@gw.example').toString('hex'), 'ID_USER_FQDN', 'bob@gw.example'],
    [4, '0a000000ffff0000', 'ID_IPV4_ADDR_SUBNET', '10.0.0.0/16'],
    [6, `20010db8${'0'.repeat(24)}ffffffff${'0'.repeat(24)}`, 'ID_IPV6_ADDR_SUBNET', '2001:db8::/32'],
    [7, '0a0000010a000009', 'ID_IPV4_ADDR_RANGE', '10.0.0.1-10.0.0.9'],
    [8, `${'0'.repeat(32)}${'0'.repeat(31)}1`, 'ID_IPV6_ADDR_RANGE', '::-::1'],
    [4, '0a00', 'ID_IPV4_ADDR_SUBNET', '0a00'],
    [11, Buffer.from('group').toString('hex'), 'ID_KEY_ID', 'keyid:group'],
  ])('type %i %s', (idType, data, name, identity) => {
    expect(fieldsOf({ type: 5, idType, ipProtocol: 0, port: 0, data: fromHex(data) })).toEqual({
      idType: name,
      idTypeNumber: idType,
      identity,
    });
  });

  test('with protocol and port', () => {
    const payload: Ikev1Payload = {
      type: 5,
      idType: 1,
      ipProtocol: 17,
      port: 1701,
      data: fromHex('c0000201'),
    };
    expect(fieldsOf(payload)).toMatchObject({ ipProtocol: 17, port: 1701 });
  });
});

describe('other payloads', () => {
  test('certificates, only when asked', () => {
    const payload: Ikev1Payload = { type: 6, encoding: 4, data: new Uint8Array(ecCertificate) };
    expect(fieldsOf(payload)).toEqual({
      encoding: 'X.509 Certificate - Signature',
      encodingNumber: 4,
      bytes: ecCertificate.length,
    });
    expect(fieldsOf(payload, true)).toHaveProperty('certificate.keyType', 'ec');
  });

  test('certificate requests name the authority', () => {
    const data = encodeDistinguishedName('C=CH, O=Example')!;
    expect(fieldsOf({ type: 7, encoding: 4, data })).toMatchObject({ authority: 'C=CH, O=Example' });
    expect(fieldsOf({ type: 7, encoding: 4, data: fromHex('ffff') })).toMatchObject({
      bytes: 2,
      data: 'ffff',
    });
  });

  test.each<[number, number, string, object]>([
    [14, 1, '', { notifyType: 'NO-PROPOSAL-CHOSEN', protocol: 'PROTO_ISAKMP' }],
    [36136, 1, '00000007', { notifyType: 'R-U-THERE', sequence: 7 }],
    [36137, 1, '07', { notifyType: 'R-U-THERE-ACK', bytes: 1, data: '07' }],
    [24577, 3, '00000001', { notifyType: 'REPLAY-STATUS', replayDetection: true }],
    [40501, 1, 'c0000201', { notifyType: 'UNITY-LOAD-BALANCE', address: '192.0.2.1' }],
    [
      24576,
      3,
      '80010001' + '0002000400000e10',
      {
        notifyType: 'RESPONDER-LIFETIME',
        attributes: [
          { type: 'SA Life Type', typeNumber: 1, value: 1, name: 'seconds' },
          { type: 'SA Life Duration', typeNumber: 2, value: 3600 },
        ],
      },
    ],
    [24576, 1, '800b00', { bytes: 3, data: '800b00' }],
  ])('notify %i about protocol %i %s', (notifyType, protocolId, data, fields) => {
    const spi = new Uint8Array(16).fill(3);
    expect(fieldsOf({ type: 11, doi: 1, protocolId, spi, notifyType, data: fromHex(data) })).toMatchObject({
      doi: 'IPSEC',
      notifyTypeNumber: notifyType,
      spi: '03'.repeat(16),
      ...fields,
    });
  });

  test('delete', () => {
    expect(
      fieldsOf({ type: 12, doi: 1, protocolId: 3, spiSize: 4, spis: [fromHex('c0ffee01')] }),
    ).toMatchObject({ protocol: 'PROTO_IPSEC_ESP', spis: ['0xc0ffee01'] });
  });

  test('NAT original address', () => {
    expect(fieldsOf({ type: 21, idType: 1, data: fromHex('c0000201') })).toEqual({
      idType: 'ID_IPV4_ADDR',
      idTypeNumber: 1,
      address: '192.0.2.1',
    });
  });

  test('Mode-Config and XAUTH, without the password', () => {
    const described = fieldsOf({
      type: 14,
      cfgType: 2,
      identifier: 7,
      attributes: [
        { type: 1, value: fromHex('0a010101') },
        { type: 16520, value: 0 },
        { type: 16521, value: utf8('alice') },
        { type: 16522, value: utf8('open sesame') },
        { type: 16523, value: utf8('123456') },
        { type: 16527, value: 1 },
        { type: 28676, value: fromHex('0a010000ffff0000000000000000' + 'c0a80000ffffff00110001000200') },
      ],
    });
    expect(described).toEqual({
      cfgType: 'ISAKMP_CFG_REPLY',
      cfgTypeNumber: 2,
      identifier: 7,
      attributes: [
        { type: 'INTERNAL_IP4_ADDRESS', typeNumber: 1, value: '10.1.1.1' },
        { type: 'XAUTH_TYPE', typeNumber: 16520, value: 'Generic' },
        { type: 'XAUTH_USER_NAME', typeNumber: 16521, value: 'alice' },
        { type: 'XAUTH_USER_PASSWORD', typeNumber: 16522, value: '[redacted]' },
        { type: 'XAUTH_PASSCODE', typeNumber: 16523, value: '[redacted]' },
        { type: 'XAUTH_STATUS', typeNumber: 16527, value: 'OK' },
        { type: 'UNITY_SPLIT_INCLUDE', typeNumber: 28676, value: ['10.1.0.0/16', '192.168.0.0/24'] },
      ],
    });
  });
});
