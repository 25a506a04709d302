import { describe, expect, test } from 'vitest';
import { describeMessage, describePayloads } from '../../../../src/lib/capture/describe/describe.js';
import { concatBytes, fromHex, utf8 } from '../../../../src/lib/core/bytes.js';
import { identityFromAddress, parseIdentity } from '../../../../src/lib/ike/identity.js';
import { parseProposals } from '../../../../src/lib/ike/proposals.js';
import { anySelector, selectorFromCidr } from '../../../../src/lib/ike/traffic-selectors.js';
import { encodeMessage, encodePayloads } from '../../../../src/lib/ike/wire/message.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import { ecCertificate } from './certificate-samples.js';

const header = {
  initiatorSpi: 0x0102030405060708n,
  responderSpi: 0x1112131415161718n,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: 34,
  fromInitiator: true,
  isResponse: false,
  higherVersion: false,
  messageId: 7,
};

/** Fields of one payload. */
function fieldsOf(payload: Payload, certificates = false) {
  const { first, bytes } = encodePayloads([payload]);
  return describePayloads(2, first, bytes, { certificates })[0]?.fields;
}

describe('a message', () => {
  const message = encodeMessage(header, [
    { type: 40, data: new Uint8Array(32).fill(0xab) },
    { type: 43, data: utf8('x'), critical: true },
    { type: 'unknown', payloadType: 200, body: fromHex('0badc0de') },
  ]);

  test('is told with its header, offsets and lengths', () => {
    expect(describeMessage(message)).toEqual({
      ike: {
        version: 2,
        spiI: '0102030405060708',
        spiR: '1112131415161718',
        exchange: 'IKE_SA_INIT',
        exchangeNumber: 34,
        messageId: 7,
        response: false,
        initiator: true,
        payloads: [
          {
            type: 'NONCE',
            typeNumber: 40,
            offset: 28,
            length: 36,
            fields: { bytes: 32, data: 'ab'.repeat(32) },
          },
          {
            type: 'V',
            typeNumber: 43,
            critical: true,
            offset: 64,
            length: 5,
            fields: { bytes: 1, data: '78' },
          },
          {
            type: 'PAYLOAD_200',
            typeNumber: 200,
            offset: 69,
            length: 8,
            fields: { bytes: 4, data: '0badc0de' },
          },
        ],
      },
    });
  });

  test('cut short keeps what is whole and tells the rest', () => {
    const { ike, error } = describeMessage(message.subarray(0, 72));
    expect(error).toMatchObject({ code: 'E_LENGTH', offset: 24 });
    expect(ike.payloads.map(({ type, length }) => [type, length])).toEqual([
      ['NONCE', 36],
      ['V', 5],
      ['PAYLOAD_200', 3],
    ]);
    expect(ike.payloads[2]?.error).toMatchObject({ code: 'E_TRUNCATED', offset: 71 });
  });

  test('with bytes behind it is read to the length it tells', () => {
    const { ike, error } = describeMessage(concatBytes(message, new Uint8Array(9)));
    expect(error).toMatchObject({ code: 'E_LENGTH' });
    expect(ike.payloads).toEqual(describeMessage(message).ike.payloads);
  });

  test('without even a header is a message of nothing', () => {
    const { ike, error } = describeMessage(message.subarray(0, 18));
    expect(error).toEqual({
      code: 'E_TRUNCATED',
      message: 'an IKE header has 28 bytes, not 18',
      offset: 18,
    });
    expect(ike).toMatchObject({ version: 2, spiI: '0102030405060708', payloads: [] });
  });

  test('of a version to come is named as such', () => {
    const newer = message.slice();
    newer[17] = 0x30;
    expect(describeMessage(newer)).toMatchObject({
      ike: { version: 2, payloads: [] },
      error: { code: 'E_VERSION', offset: 17 },
    });
  });

  test('sealed tells its first payload and its fragment', () => {
    const sealed = encodeMessage({ ...header, exchangeType: 35 }, [
      { type: 53, nextPayload: 35, fragmentNumber: 2, totalFragments: 3, body: new Uint8Array(40) },
    ]);
    const { ike } = describeMessage(sealed);
    expect(ike.fragment).toEqual({ number: 2, total: 3 });
    expect(ike.payloads[0]?.fields).toEqual({
      fragment: 2,
      totalFragments: 3,
      firstPayload: 'IDi',
      firstPayloadNumber: 35,
      bytes: 40,
    });
  });
});

describe('payloads', () => {
  test('SA: proposals by IANA name and in the words of strongSwan', () => {
    const [template] = parseProposals('aes256gcm16-prfsha384-x25519', 1);
    const proposals = [
      { number: 1, protocolId: 1, spi: fromHex('0011223344556677'), transforms: template!.transforms },
      {
        number: 2,
        protocolId: 3,
        spi: fromHex('c0ffee01'),
        transforms: [
          { type: 1, id: 12, keyLength: 128, otherAttributes: [{ type: 99, value: fromHex('beef') }] },
          { type: 3, id: 65001 },
          { type: 4, id: 0 },
          { type: 5, id: 1 },
        ],
      },
    ];
    expect(fieldsOf({ type: 33, proposals })).toEqual({
      proposals: [
        {
          number: 1,
          protocol: 'IKE',
          protocolNumber: 1,
          spi: '0011223344556677',
          transforms: [
            { type: 'ENCR', typeNumber: 1, name: 'ENCR_AES_GCM_16', id: 20, keyLength: 256 },
            { type: 'PRF', typeNumber: 2, name: 'PRF_HMAC_SHA2_384', id: 6 },
            { type: 'KE', typeNumber: 4, name: 'Curve25519', id: 31 },
          ],
          text: 'aes256gcm16-prfsha384-x25519',
        },
        {
          number: 2,
          protocol: 'ESP',
          protocolNumber: 3,
          spi: '0xc0ffee01',
          transforms: [
            {
              type: 'ENCR',
              typeNumber: 1,
              name: 'ENCR_AES_CBC',
              id: 12,
              keyLength: 128,
              attributes: [{ type: 'ATTRIBUTE_99', typeNumber: 99, value: 'beef' }],
            },
            { type: 'INTEG', typeNumber: 3, name: 'INTEG_65001', id: 65001 },
            { type: 'KE', typeNumber: 4, name: 'NONE', id: 0 },
            {
              type: 'SN',
              typeNumber: 5,
              name: 'Partially Transmitted 64-bit Sequential Numbers',
              id: 1,
            },
          ],
          text: 'aes128-integ_65001-esn',
        },
      ],
    });
  });

  test('KE, and hex only so far', () => {
    const fields = fieldsOf({ type: 34, group: 37, data: new Uint8Array(1568).fill(1) });
    expect(fields).toEqual({
      group: 'ml-kem-1024',
      groupNumber: 37,
      bytes: 1568,
      data: '01'.repeat(256),
      truncated: true,
    });
  });

  test.each([
    ['gw.example', 2, 'ID_FQDN'],
    ['alice@gw.example', 3, 'ID_RFC822_ADDR'],
    ['C=CH, CN=gw.example', 9, 'ID_DER_ASN1_DN'],
    ['keyid:office', 11, 'ID_KEY_ID'],
  ])('ID %s', (identity, idTypeNumber, idType) => {
    expect(fieldsOf({ type: 35, ...parseIdentity(identity)! })).toEqual({ idType, idTypeNumber, identity });
  });

  test('ID: an address, text that wants to paint the terminal, no name, and far too much of it', () => {
    expect(fieldsOf({ type: 36, ...identityFromAddress('2001:db8::1') })?.identity).toBe('2001:db8::1');
    expect(fieldsOf({ type: 36, idType: 2, data: utf8('\u001b[31mred') })?.identity).not.toContain('\u001b');
    // A name whose ASN.1 holds an impossible time
    expect(fieldsOf({ type: 36, idType: 9, data: fromHex('300418024141') })?.identity).toBe(
      '{9}:#300418024141',
    );
    const endless = fieldsOf({ type: 36, idType: 2, data: new Uint8Array(60_000).fill(0x1b) });
    expect(String(endless?.identity).length).toBeLessThan(600);
  });

  test('CERT: its size, or on demand what it says', () => {
    const payload: Payload = { type: 37, encoding: 4, data: new Uint8Array(ecCertificate) };
    const plain = {
      encoding: 'X.509 Certificate - Signature',
      encodingNumber: 4,
      bytes: ecCertificate.length,
    };
    expect(fieldsOf(payload)).toEqual(plain);
    expect(fieldsOf(payload, true)).toMatchObject({
      ...plain,
      certificate: { subject: 'C=CH, O=Example, CN=gw.example' },
    });
  });

  test('CERT: hash and URL', () => {
    const data = concatBytes(new Uint8Array(20).fill(0xcc), utf8('http://pki.example/gw.der'));
    expect(fieldsOf({ type: 37, encoding: 12, data })).toMatchObject({
      sha1: 'cc'.repeat(20),
      url: 'http://pki.example/gw.der',
    });
  });

  test('CERTREQ: the key hash of each authority', () => {
    const data = concatBytes(new Uint8Array(20).fill(1), new Uint8Array(20).fill(2));
    expect(fieldsOf({ type: 38, encoding: 4, data })).toMatchObject({
      authorities: ['01'.repeat(20), '02'.repeat(20)],
    });
    expect(fieldsOf({ type: 38, encoding: 4, data: fromHex('00') })).toMatchObject({ bytes: 1, data: '00' });
  });

  test('AUTH: method, and the algorithm of a digital signature', () => {
    expect(fieldsOf({ type: 39, method: 2, data: fromHex('aa') })).toEqual({
      method: 'Shared Key Message Integrity Code',
      methodNumber: 2,
      bytes: 1,
      data: 'aa',
    });
    const ecdsa = fromHex('0c300a06082a8648ce3d040302');
    expect(fieldsOf({ type: 39, method: 14, data: concatBytes(ecdsa, fromHex('30450221')) })).toMatchObject({
      method: 'Digital Signature',
      signatureAlgorithm: 'ecdsa-with-sha256',
    });
    // RSASSA-PSS with SHA2-512 (RFC 7427 A.4.3)
    const pss = fromHex(
      '43304106092a864886f70d01010a3034a00f300d06096086480165030402030500a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140',
    );
    expect(fieldsOf({ type: 39, method: 14, data: pss })).toMatchObject({
      signatureAlgorithm: 'RSASSA-PSS with SHA2-512',
    });
    expect(fieldsOf({ type: 39, method: 14, data: fromHex('0300') })).toMatchObject({
      signatureAlgorithm: 'unknown',
    });
  });

  test('D: SPIs', () => {
    const payload: Payload = {
      type: 42,
      protocolId: 3,
      spiSize: 4,
      spis: [fromHex('c0ffee01'), fromHex('00000002')],
    };
    expect(fieldsOf(payload)).toEqual({
      protocol: 'ESP',
      protocolNumber: 3,
      spis: ['0xc0ffee01', '0x00000002'],
    });
  });

  test('TS: networks, ranges and ports', () => {
    const crooked = { ...selectorFromCidr('10.0.0.0/24[tcp/80]'), endAddress: fromHex('0a000109') };
    const reversed = { ...selectorFromCidr('10.0.0.1/32'), endAddress: fromHex('0a000000') };
    const payload: Payload = {
      type: 44,
      selectors: [
        selectorFromCidr('10.77.0.0/16[udp/500-501]'),
        anySelector(6),
        crooked,
        reversed,
        { type: 'unknown', selectorType: 10, ipProtocol: 0, raw: fromHex('616263') },
      ],
    };
    const selectors = fieldsOf(payload)?.selectors as Record<string, unknown>[];
    expect(selectors.map(({ text }) => text)).toEqual([
      '10.77.0.0/16[udp/500-501]',
      '::/0',
      '10.0.0.0-10.0.1.9[tcp/80]',
      '10.0.0.1-10.0.0.0',
      'TS_SECLABEL',
    ]);
    expect(selectors[0]).toEqual({
      text: '10.77.0.0/16[udp/500-501]',
      type: 'TS_IPV4_ADDR_RANGE',
      typeNumber: 7,
      ipProtocol: 17,
      startPort: 500,
      endPort: 501,
      startAddress: '10.77.0.0',
      endAddress: '10.77.255.255',
    });
  });

  test('CP: attributes by name and value', () => {
    const attributes = [
      { type: 1, value: fromHex('0a010101') },
      { type: 8, value: fromHex('20010db800000000000000000000000140') },
      { type: 13, value: fromHex('0a000000ff000000') },
      { type: 13, value: fromHex('0a000000ff00ff00') },
      { type: 14, value: fromHex('00010019') },
      { type: 25, value: utf8('corp.example') },
      { type: 27, value: fromHex('0001' + '01' + '03' + '01010101' + '646f74' + '0001') },
      { type: 3, value: new Uint8Array(0) },
      { type: 16400, value: fromHex('00') },
    ];
    expect(fieldsOf({ type: 47, cfgType: 2, attributes })).toEqual({
      cfgType: 'CFG_REPLY',
      cfgTypeNumber: 2,
      attributes: [
        { type: 'INTERNAL_IP4_ADDRESS', typeNumber: 1, value: '10.1.1.1' },
        { type: 'INTERNAL_IP6_ADDRESS', typeNumber: 8, value: '2001:db8::1/64' },
        { type: 'INTERNAL_IP4_SUBNET', typeNumber: 13, value: '10.0.0.0/8' },
        { type: 'INTERNAL_IP4_SUBNET', typeNumber: 13, value: '10.0.0.0/255.0.255.0' },
        {
          type: 'SUPPORTED_ATTRIBUTES',
          typeNumber: 14,
          value: ['INTERNAL_IP4_ADDRESS', 'INTERNAL_DNS_DOMAIN'],
        },
        { type: 'INTERNAL_DNS_DOMAIN', typeNumber: 25, value: 'corp.example' },
        {
          type: 'ENCDNS_IP4',
          typeNumber: 27,
          value: { priority: 1, addresses: ['1.1.1.1'], name: 'dot', parameters: '0001' },
        },
        { type: 'INTERNAL_IP4_DNS', typeNumber: 3 },
        { type: 'ATTRIBUTE_16400', typeNumber: 16400, value: '00' },
      ],
    });
  });
});

describe('notify data', () => {
  const { INVALID_KE_PAYLOAD, SIGNATURE_HASH_ALGORITHMS, COOKIE, REDIRECT, ROHC_SUPPORTED } = NotifyType;
  const { IPCOMP_SUPPORTED, SUPPORTED_AUTH_METHODS, PPK_IDENTITY, IKEV2_MESSAGE_ID_SYNC } = NotifyType;

  test.each<[string, number, string, object]>([
    ['INVALID_KE_PAYLOAD', INVALID_KE_PAYLOAD, '001f', { group: 'Curve25519', groupNumber: 31 }],
    ['INVALID_KE_PAYLOAD', INVALID_KE_PAYLOAD, '1f', { bytes: 1, data: '1f' }],
    [
      'SIGNATURE_HASH_ALGORITHMS',
      SIGNATURE_HASH_ALGORITHMS,
      '00020005',
      { hashes: ['SHA2-256', 'Identity'] },
    ],
    ['COOKIE', COOKIE, 'c00c1e', { bytes: 3, data: 'c00c1e' }],
    ['ADDITIONAL_IP4_ADDRESS', 16397, 'c0000201', { address: '192.0.2.1' }],
    ['ADDITIONAL_IP6_ADDRESS', 16398, `20010db8${'0'.repeat(23)}1`, { address: '2001:db8::1' }],
    ['UNSUPPORTED_CRITICAL_PAYLOAD', 1, '36', { payload: 'PS', payloadNumber: 54 }],
    ['SET_WINDOW_SIZE', 16385, '00000005', { windowSize: 5 }],
    ['AUTH_LIFETIME', 16403, '00000e10', { seconds: 3600 }],
    [
      'IPCOMP_SUPPORTED',
      IPCOMP_SUPPORTED,
      '123402',
      { cpi: 0x1234, transform: 'IPCOMP_DEFLATE', transformNumber: 2 },
    ],
    ['REDIRECT', REDIRECT, '0304676f2e78', { gatewayType: 'FQDN', gatewayTypeNumber: 3, gateway: 'go.x' }],
    [
      'REDIRECT',
      REDIRECT,
      '0104c0000201aabb',
      { gatewayType: 'IPv4 address', gateway: '192.0.2.1', nonce: 'aabb' },
    ],
    ['REDIRECT', REDIRECT, '01ff', { bytes: 2, data: '01ff' }],
    [
      'ROHC_SUPPORTED',
      ROHC_SUPPORTED,
      '80010010' + '00030002000c',
      {
        attributes: [
          { type: 'MAX_CID', typeNumber: 1, value: 16 },
          { type: 'ROHC_INTEG', typeNumber: 3, value: '000c' },
        ],
      },
    ],
    [
      'SUPPORTED_AUTH_METHODS',
      SUPPORTED_AUTH_METHODS,
      '0202' + '0301' + '05' + '0f0e00300a06082a8648ce3d040302',
      {
        methods: [
          { method: 'Shared Key Message Integrity Code', methodNumber: 2 },
          { method: 'RSA Digital Signature', methodNumber: 1, certificateLink: 5 },
          {
            method: 'Digital Signature',
            methodNumber: 14,
            certificateLink: 0,
            signatureAlgorithm: 'ecdsa-with-sha256',
          },
        ],
      },
    ],
    ['SUPPORTED_AUTH_METHODS', SUPPORTED_AUTH_METHODS, '0002', { bytes: 2, data: '0002' }],
    ['PPK_IDENTITY', PPK_IDENTITY, '02616263', { idType: 'PPK_ID_FIXED', idTypeNumber: 2, identity: 'abc' }],
    [
      'IKEV2_MESSAGE_ID_SYNC',
      IKEV2_MESSAGE_ID_SYNC,
      '0a0b0c0d0000000500000009',
      { nonce: '0a0b0c0d', expectedSend: 5, expectedReceive: 9 },
    ],
    ['PUZZLE', 16434, '000514', { prf: 'PRF_HMAC_SHA2_256', difficulty: 20 }],
    ['NOTIFY_40000', 40000, '01', { bytes: 1, data: '01' }],
  ])('of %s (%i) %s', (name, type, data, fields) => {
    const described = fieldsOf(notify(type, fromHex(data)));
    expect(described).toMatchObject({ notifyType: name, notifyTypeNumber: type, ...fields });
  });

  test('REKEY_SA names the SPI', () => {
    expect(fieldsOf(notify(NotifyType.REKEY_SA, new Uint8Array(0), 3, fromHex('c0ffee01')))).toEqual({
      notifyType: 'REKEY_SA',
      notifyTypeNumber: 16393,
      protocol: 'ESP',
      protocolNumber: 3,
      spi: '0xc0ffee01',
    });
  });
});

describe('EAP', () => {
  /** An EAP message: code, identifier, then type and its data; the length is filled in. */
  const eap = (code: string, data: string) => {
    const message = fromHex(`${code}010000${data}`);
    new DataView(message.buffer).setUint16(2, message.length);
    return fieldsOf({ type: 48, message });
  };
  const hexOf = (text: string) => Buffer.from(text).toString('hex');
  /** MSCHAPv2 Response of bob: peer challenge, reserved bytes, NT response and flags. */
  const mschapResponse = `1a0201003c31${'5b'.repeat(16)}${'00'.repeat(8)}${'77'.repeat(24)}00626f62`;

  test.each<[string, string, string, object]>([
    ['identity', '02', '01626f6240', { code: 'Response', type: 'Identity', identity: 'bob@' }],
    ['the request for it', '01', '01', { code: 'Request', codeNumber: 1, identifier: 1, type: 'Identity' }],
    ['success', '03', '', { code: 'Success', identifier: 1 }],
    ['a Nak', '02', '030d1a00', { type: 'Legacy Nak', desired: ['EAP-TLS', 'EAP-MSCHAPv2', 'none'] }],
    [
      'an MSCHAPv2 challenge',
      '01',
      `1a0101001a10${'5a'.repeat(16)}7372762e78`,
      { mschapv2: { opcode: 'Challenge', opcodeNumber: 1, challenge: '5a'.repeat(16), name: 'srv.x' } },
    ],
    ['an MSCHAPv2 response', '02', mschapResponse, { mschapv2: { opcode: 'Response', name: 'bob' } }],
    [
      'an MSCHAPv2 failure',
      '01',
      `1a04010023${hexOf('E=691 R=1 C=00 V=3 M=wrong')}`,
      {
        type: 'MS-EAP-Authentication',
        method: 'EAP-MSCHAPv2',
        mschapv2: {
          opcode: 'Failure',
          error: 691,
          meaning: 'authentication failure',
          mayRetry: true,
          message: 'E=691 R=1 C=00 V=3 M=wrong',
        },
      },
    ],
    [
      'an MSCHAPv2 success',
      '01',
      `1a03010038${hexOf(`S=${'7'.repeat(40)} M=Welcome`)}`,
      { mschapv2: { opcode: 'Success', message: 'Welcome' } },
    ],
    ['the answer to success', '02', '1a03', { mschapv2: { opcode: 'Success', opcodeNumber: 3 } }],
    ['the start of EAP-TLS', '01', '0d20', { type: 'EAP-TLS', tls: { start: true, bytes: 0 } }],
    [
      'a fragment of EAP-TLS',
      '01',
      '0dc0000010001603',
      { tls: { messageLength: 4096, moreFragments: true, bytes: 2 } },
    ],
    [
      'an expanded type',
      '01',
      'fe00372a0000000100000000',
      { vendor: 0x372a, vendorType: 1, method: 'expanded type 14122/1' },
    ],
  ])('%s', (_, code, data, fields) => {
    expect(eap(code, data)).toMatchObject(fields);
  });

  test('never shows what proves a password', () => {
    const success = `1a03010038${hexOf(`S=${'7'.repeat(40)} M=Welcome`)}`;
    const secrets = [eap('02', mschapResponse), eap('02', `06${'77'.repeat(8)}`), eap('01', success)];
    const described = JSON.stringify(secrets);
    expect(described).not.toContain('7777');
    expect(described).not.toContain('wwww');
  });

  test('that is no EAP is an error with its bytes', () => {
    const [payload] = describePayloads(2, 48, fromHex('000000080102ffff'));
    expect(payload).toMatchObject({ type: 'EAP', error: { code: 'E_LENGTH' }, fields: { data: '0102ffff' } });
  });
});
