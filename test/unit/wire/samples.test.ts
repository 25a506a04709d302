import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/lib/core/bytes.js';
import {
  decodeMessage,
  decodePayloads,
  findPayload,
  findPayloads,
} from '../../../src/lib/ike/wire/message.js';
import { findNotify, NotifyType, notifyName } from '../../../src/lib/ike/wire/notify.js';
import { PayloadType } from '../../../src/lib/ike/wire/types.js';
import { chains, messages } from './samples.js';

function payloadsOf(name: keyof typeof chains) {
  return decodePayloads(chains[name].first, chains[name].bytes);
}

/** The values below are what another dissector reads from the same bytes. */
describe('messages of a real peer', () => {
  it('IKE_SA_INIT request', () => {
    const { header, payloads } = decodeMessage(messages.initRequest);
    expect(header).toEqual({
      initiatorSpi: 0x62842d6b4e3e9234n,
      responderSpi: 0n,
      nextPayload: 33,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType: 34,
      fromInitiator: true,
      isResponse: false,
      higherVersion: false,
      messageId: 0,
      length: 456,
    });
    expect(findPayload(payloads, PayloadType.SA)?.proposals).toEqual([
      {
        number: 1,
        protocolId: 1,
        spi: new Uint8Array(0),
        transforms: [
          { type: 1, id: 20, keyLength: 256 },
          { type: 2, id: 5 },
          { type: 4, id: 14 },
        ],
      },
    ]);
    expect(findPayload(payloads, PayloadType.KE)).toMatchObject({ group: 14 });
    expect(findPayload(payloads, PayloadType.NONCE)?.data).toHaveLength(32);
    expect(
      findPayloads(payloads, PayloadType.NOTIFY).map(({ notifyType }) => notifyName(notifyType)),
    ).toEqual([
      'NAT_DETECTION_SOURCE_IP',
      'NAT_DETECTION_DESTINATION_IP',
      'IKEV2_FRAGMENTATION_SUPPORTED',
      'SIGNATURE_HASH_ALGORITHMS',
      'REDIRECT_SUPPORTED',
    ]);
  });

  it('IKE_SA_INIT response', () => {
    const { header, payloads } = decodeMessage(messages.initResponse);
    expect(header).toMatchObject({
      responderSpi: 0x47fa98173d508cben,
      fromInitiator: false,
      isResponse: true,
    });
    expect(findNotify(payloads, NotifyType.CHILDLESS_IKEV2_SUPPORTED)).toBeDefined();
    expect(findNotify(payloads, NotifyType.COOKIE)).toBeUndefined();
    expect(findPayload(payloads, PayloadType.CERTREQ)).toMatchObject({ encoding: 4 });
  });

  it('INVALID_KE_PAYLOAD names the group wanted', () => {
    const { payloads } = decodeMessage(messages.invalidKeAnswer);
    expect(toHex(findNotify(payloads, NotifyType.INVALID_KE_PAYLOAD)?.data ?? new Uint8Array(0))).toBe(
      '0013',
    );
  });

  it('a sealed message keeps IV, ciphertext and ICV together', () => {
    const { header, payloads } = decodeMessage(messages.sealedInformational);
    expect(header).toMatchObject({ exchangeType: 37, messageId: 2 });
    expect(payloads).toEqual([
      { type: 46, nextPayload: PayloadType.DELETE, body: messages.sealedInformational.subarray(32) },
    ]);
  });

  it('a fragment tells its place', () => {
    const { payloads } = decodeMessage(messages.sealedFragment);
    expect(payloads).toMatchObject([{ type: 53, nextPayload: 0, fragmentNumber: 3, totalFragments: 3 }]);
  });

  it('IKE_AUTH carries identities, ESP proposal and selectors', () => {
    const payloads = payloadsOf('authRequest');
    const text = new TextDecoder();
    expect(text.decode(findPayload(payloads, PayloadType.IDi)?.data)).toBe('alice.test');
    expect(text.decode(findPayload(payloads, PayloadType.IDr)?.data)).toBe('bob.test');
    expect(findPayload(payloads, PayloadType.AUTH)).toMatchObject({ method: 2 });
    expect(findPayload(payloads, PayloadType.SA)?.proposals[0]).toMatchObject({
      protocolId: 3,
      transforms: [
        { type: 1, id: 20, keyLength: 256 },
        { type: 5, id: 0 },
      ],
    });
    expect(findPayload(payloads, PayloadType.TSi)?.selectors).toEqual([
      {
        type: 7,
        ipProtocol: 0,
        startPort: 0,
        endPort: 65535,
        startAddress: Uint8Array.of(10, 77, 1, 0),
        endAddress: Uint8Array.of(10, 77, 1, 255),
      },
    ]);
  });

  it('EAP and certificates', () => {
    const payloads = payloadsOf('authResponseWithCertificate');
    expect(findPayload(payloads, PayloadType.CERT)).toMatchObject({ encoding: 4 });
    expect(findPayload(payloads, PayloadType.EAP)?.message).toEqual(Uint8Array.of(1, 0, 0, 5, 1));
    expect(payloadsOf('eapSuccess')).toMatchObject([{ type: 48 }]);
  });

  it('a configuration reply', () => {
    const config = findPayload(payloadsOf('authResponseWithConfiguration'), PayloadType.CP);
    expect(config?.cfgType).toBe(2);
    expect(config?.attributes.map(({ type }) => type)).toEqual([1, 3]);
  });

  it('rekeys and deletes name SPIs', () => {
    const rekey = findNotify(payloadsOf('rekeyChildRequest'), NotifyType.REKEY_SA);
    expect(rekey).toMatchObject({ protocolId: 3 });
    expect(toHex(rekey?.spi ?? new Uint8Array(0))).toBe('73c1ab95');
    expect(findPayload(payloadsOf('rekeyIkeRequest'), PayloadType.SA)?.proposals[0]?.spi).toHaveLength(8);
    expect(payloadsOf('deleteChild')).toEqual([
      { type: 42, protocolId: 3, spiSize: 4, spis: [Uint8Array.of(0x73, 0xc1, 0xab, 0x95)] },
    ]);
    expect(payloadsOf('deleteIke')).toEqual([{ type: 42, protocolId: 1, spiSize: 0, spis: [] }]);
  });
});
