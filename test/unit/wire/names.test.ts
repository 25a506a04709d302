import { describe, expect, it } from 'vitest';
import {
  authMethodName,
  certEncodingName,
  cfgTypeName,
  configAttributeName,
  eapTypeName,
  exchangeName,
  hashAlgorithmName,
  idTypeName,
  payloadName,
  protocolName,
  tsTypeName,
} from '../../../src/lib/ike/wire/names.js';
import {
  findNotify,
  isErrorNotify,
  NotifyType,
  notify,
  notifyName,
} from '../../../src/lib/ike/wire/notify.js';
import { ExchangeType, PayloadType, ProtocolId } from '../../../src/lib/ike/wire/types.js';

describe('names of the IANA registry', () => {
  it('notify types: every number once, named back, on the right side of the border', () => {
    const entries = Object.entries(NotifyType);
    expect(new Set(Object.values(NotifyType)).size).toBe(entries.length);
    for (const [name, number] of entries) expect(notifyName(number)).toBe(name);
    const errors = entries.filter(([, number]) => isErrorNotify(number));
    expect(errors).toHaveLength(25);
    expect(isErrorNotify(NotifyType.REGISTRATION_FAILED)).toBe(true);
    expect(isErrorNotify(NotifyType.INITIAL_CONTACT)).toBe(false);
  });

  it('status types leave no number out', () => {
    const status = Object.values(NotifyType).filter((number) => !isErrorNotify(number));
    expect(status).toEqual(Array.from({ length: status.length }, (_, i) => 16384 + i));
    expect(status.at(-1)).toBe(16447);
  });

  it.each([
    [16430, 'IKEV2_FRAGMENTATION_SUPPORTED'],
    [16431, 'SIGNATURE_HASH_ALGORITHMS'],
    [16435, 'USE_PPK'],
    [16438, 'INTERMEDIATE_EXCHANGE_SUPPORTED'],
    [16441, 'ADDITIONAL_KEY_EXCHANGE'],
    [16443, 'SUPPORTED_AUTH_METHODS'],
    [47, 'STATE_NOT_FOUND'],
  ])('notify %i is %s', (number, name) => {
    expect(notifyName(number)).toBe(name);
  });

  it('our constants carry the registry names', () => {
    for (const [name, number] of Object.entries(ExchangeType)) expect(exchangeName(number)).toBe(name);
    for (const [name, number] of Object.entries(ProtocolId)) expect(protocolName(number)).toBe(name);
    expect(Object.values(PayloadType).map(payloadName)).not.toContainEqual(
      expect.stringMatching(/^PAYLOAD_/),
    );
  });

  it.each([
    [exchangeName(43), 'IKE_INTERMEDIATE'],
    [payloadName(54), 'PS'],
    [idTypeName(13), 'ID_NULL'],
    [authMethodName(14), 'Digital Signature'],
    [certEncodingName(12), 'Hash and URL of X.509 certificate'],
    [cfgTypeName(2), 'CFG_REPLY'],
    [configAttributeName(25), 'INTERNAL_DNS_DOMAIN'],
    [tsTypeName(10), 'TS_SECLABEL'],
    [hashAlgorithmName(5), 'Identity'],
    [eapTypeName(26), 'MS-EAP-Authentication'],
  ])('%s', (actual, expected) => {
    expect(actual).toBe(expected);
  });

  it('unknown numbers stay visible', () => {
    expect(notifyName(12345)).toBe('NOTIFY_12345');
    expect(exchangeName(240)).toBe('EXCHANGE_240');
    expect(configAttributeName(0x7fff)).toBe('ATTRIBUTE_32767');
  });
});

describe('notify payloads', () => {
  it('are about the IKE SA unless said otherwise', () => {
    expect(notify(NotifyType.INITIAL_CONTACT)).toEqual({
      type: 41,
      protocolId: 0,
      spi: new Uint8Array(0),
      notifyType: 16384,
      data: new Uint8Array(0),
    });
  });

  it('are found by type', () => {
    const cookie = notify(NotifyType.COOKIE, Uint8Array.of(1));
    expect(findNotify([notify(1), cookie], NotifyType.COOKIE)).toBe(cookie);
    expect(findNotify([cookie], NotifyType.REKEY_SA)).toBeUndefined();
  });
});
