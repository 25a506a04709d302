import { describe, expect, test } from 'vitest';
import { signatureAlgorithmName } from '../../../../src/lib/capture/describe/algorithm-identifiers.js';
import { summarise } from '../../../../src/lib/capture/describe/certificates.js';
import { fromHex } from '../../../../src/lib/core/bytes.js';
import { ecCertificate, pssCertificate } from './certificate-samples.js';

describe('a certificate is summarised', () => {
  test('with EC key and names', () => {
    expect(summarise(ecCertificate)).toEqual({
      subject: 'C=CH, O=Example, CN=gw.example',
      issuer: 'C=CH, O=Example, CN=gw.example',
      subjectAltNames: ['DNS:gw.example', 'IP Address:192.0.2.1', 'email:admin@gw.example'],
      serial: '5c96d8efbf238921a7b24cdbe85db309b7e70cd7',
      notBefore: '2026-11-21T09:07:09.000Z',
      notAfter: '2126-10-28T09:07:09.000Z',
      keyType: 'ec',
      keyBits: 256,
      curve: 'prime256v1',
      signatureAlgorithm: 'ecdsa-with-sha256',
      ca: true,
      publicKeySha1: '7e4838fe990bded1ce1f22bf532678706d40253b',
      sha256: '3e524ce547c8fcf366cec1ac59cf3b04469ed44c7766bb1b78ee20ca06d1a488',
    });
  });

  test('with RSA-PSS, and without letting its name paint the terminal', () => {
    const summary = summarise(pssCertificate);
    expect(summary).toMatchObject({
      keyType: 'rsa-pss',
      keyBits: 1024,
      signatureAlgorithm: 'RSASSA-PSS with SHA2-256',
    });
    expect(JSON.stringify(summary)).not.toMatch(/\\u001b/);
  });
});

test.each([
  ['nothing', new Uint8Array(0)],
  ['half of one', ecCertificate.subarray(0, 200)],
  ['garbage', new Uint8Array(500).fill(0x30)],
  ['64 KiB and more', new Uint8Array(70_000)],
])('%s is an error, not a certificate', (_, der) => {
  expect(summarise(der)).toEqual({ error: expect.stringContaining('') });
  expect(summarise(der)).not.toHaveProperty('subject');
});

test.each([
  ['300506032b6570', 'Ed25519'],
  ['300d06092a864886f70d01010b0500', 'sha256WithRSAEncryption'],
  ['300d06092a864886f70d01010a3000', 'RSASSA-PSS with SHA1'],
  ['300506032b6599', undefined],
  ['3005', undefined],
  ['30', undefined],
  ['', undefined],
])('AlgorithmIdentifier %s is %s', (der, name) => {
  expect(signatureAlgorithmName(fromHex(der))).toBe(name);
});
