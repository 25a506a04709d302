import { fromHex, utf8 } from '../../../src/lib/core/bytes.js';
import type { Ikev1Payload, Ikev1SaPayload } from '../../../src/lib/ike/v1/types.js';
import type { Ikev1HeaderFields } from '../../../src/lib/ike/v1/wire.js';

/** Header of a Main Mode message in the clear. */
export const header: Ikev1HeaderFields = {
  initiatorSpi: 0x0102030405060708n,
  responderSpi: 0x1112131415161718n,
  majorVersion: 1,
  minorVersion: 0,
  exchangeType: 2,
  encrypted: false,
  commit: false,
  authenticationOnly: false,
  messageId: 0,
};

/** AES-256, SHA-256, group 14 with a pre-shared key; then 3DES, SHA-1, group 2. */
export const mainMode1: Ikev1SaPayload = {
  type: 1,
  doi: 1,
  situation: fromHex('00000001'),
  proposals: [
    {
      number: 1,
      protocolId: 1,
      spi: new Uint8Array(0),
      transforms: [
        {
          number: 1,
          id: 1,
          attributes: [
            { type: 1, value: 7 },
            { type: 14, value: 256 },
            { type: 2, value: 4 },
            { type: 3, value: 1 },
            { type: 4, value: 14 },
            { type: 11, value: 1 },
            { type: 12, value: fromHex('00015180') },
          ],
        },
        {
          number: 2,
          id: 1,
          attributes: [
            { type: 1, value: 5 },
            { type: 2, value: 2 },
            { type: 3, value: 65001 },
            { type: 4, value: 2 },
          ],
        },
      ],
    },
  ],
};

/** Tunnel mode over UDP with AES-256 and SHA-256, and AH beside it. */
export const quickMode1: Ikev1SaPayload = {
  type: 1,
  doi: 1,
  situation: fromHex('00000001'),
  proposals: [
    {
      number: 1,
      protocolId: 3,
      spi: fromHex('c0ffee01'),
      transforms: [
        {
          number: 1,
          id: 12,
          attributes: [
            { type: 4, value: 3 },
            { type: 6, value: 256 },
            { type: 5, value: 5 },
            { type: 3, value: 14 },
            { type: 1, value: 1 },
            { type: 2, value: 3600 },
          ],
        },
      ],
    },
    {
      number: 1,
      protocolId: 2,
      spi: fromHex('c0ffee02'),
      transforms: [{ number: 1, id: 3, attributes: [{ type: 5, value: 2 }] }],
    },
  ],
};

/** One payload of every type. */
export const allPayloads: readonly Ikev1Payload[] = [
  mainMode1,
  quickMode1,
  { type: 4, data: new Uint8Array(128).fill(0x44) },
  { type: 5, idType: 2, ipProtocol: 17, port: 500, data: utf8('gw.example') },
  { type: 5, idType: 4, ipProtocol: 0, port: 0, data: fromHex('0a000000ff000000') },
  { type: 5, idType: 7, ipProtocol: 6, port: 80, data: fromHex('0a0000010a000009') },
  { type: 6, encoding: 4, data: fromHex('3082000a') },
  { type: 7, encoding: 4, data: fromHex('300d310b3009060355040613024348') },
  { type: 8, data: new Uint8Array(20).fill(0x88) },
  { type: 9, data: new Uint8Array(128).fill(0x99) },
  { type: 10, data: new Uint8Array(16).fill(0xaa) },
  {
    type: 11,
    doi: 1,
    protocolId: 1,
    spi: new Uint8Array(16).fill(1),
    notifyType: 36136,
    data: fromHex('00000007'),
  },
  { type: 11, doi: 1, protocolId: 3, spi: fromHex('c0ffee01'), notifyType: 24576, data: fromHex('80010001') },
  { type: 12, doi: 1, protocolId: 3, spiSize: 4, spis: [fromHex('c0ffee01'), fromHex('c0ffee02')] },
  { type: 13, data: fromHex('4a131c81070358455c5728f20e95452f') },
  {
    type: 14,
    cfgType: 2,
    identifier: 7,
    attributes: [
      { type: 1, value: fromHex('0a010101') },
      { type: 16520, value: 0 },
      { type: 16521, value: utf8('alice') },
      { type: 16522, value: utf8('open sesame') },
      { type: 28676, value: fromHex('0a010000ffff0000000000000000') },
    ],
  },
  { type: 20, data: new Uint8Array(20).fill(0x20) },
  { type: 21, idType: 1, data: fromHex('c0000201') },
  { type: 130, data: new Uint8Array(16).fill(0x82) },
  { type: 131, idType: 5, data: fromHex('20010db8000000000000000000000001') },
  { type: 132, fragmentId: 1, fragmentNumber: 2, flags: 1, data: new Uint8Array(40).fill(0x84) },
  { type: 'unknown', payloadType: 250, body: fromHex('0badc0de') },
];
