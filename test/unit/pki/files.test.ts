import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/lib/core/bytes.js';
import { KitError } from '../../../src/lib/core/errors.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { createCrl } from '../../../src/lib/pki/crl.js';
import { readIdentityFile, toPem } from '../../../src/lib/pki/files.js';
import { keyKinds, privateKeyPem } from '../../../src/lib/pki/keys.js';
import { bmpPassphrase, derive, Purpose } from '../../../src/lib/pki/p12/kdf.js';
import { writeP12 } from '../../../src/lib/pki/p12/write.js';
import { createRequest, parseRequest } from '../../../src/lib/pki/request.js';
import { leaf, NOW, rootCa, subject } from './build.js';

const never = async (): Promise<Secret> => {
  throw new Error('nobody should ask');
};
const pass = Secret.fromText('pä55 wörd');
const ask = async (): Promise<Secret> => pass;
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof KitError ? error.code : String(error)),
  );

describe('the key derivation of PKCS#12', () => {
  // Known answers of SHA-1 that several implementations publish in their tests.
  it.each([
    [Purpose.key, '0a58cf64530d823f', 1, 24, '8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3'],
    [Purpose.iv, '0a58cf64530d823f', 1, 8, '79993dfe048d3b76'],
    [Purpose.mac, '3d83c0e4546ac140', 1, 20, '8d967d88f6caa9d714800ab3d48051d63f73a312'],
  ])('purpose %i, salt %s', (purpose, salt, rounds, length, expected) => {
    const password = bmpPassphrase(Secret.fromText('smeg'));
    expect(toHex(derive('sha1', purpose, password, Buffer.from(salt, 'hex'), rounds, length))).toBe(expected);
  });
});

describe('files', () => {
  it.each(keyKinds.filter((kind) => kind !== 'rsa-4096'))('read what was written: %s', async (kind) => {
    const root = await rootCa();
    const { certificate, key } = await leaf(root, { kind });
    const pem =
      Buffer.from(privateKeyPem(key, pass).reveal()).toString() + toPem('CERTIFICATE', certificate.der);
    const read = await readIdentityFile(Buffer.from(pem), ask);
    expect(read.certificates[0]?.serial).toBe(certificate.serial);
    expect(read.keys[0]?.equals(key)).toBe(true);
    for (const legacy of [false, true]) {
      const p12 = writeP12({ certificate, key, chain: [root.certificate], friendlyName: 'x' }, pass, legacy);
      const contents = await readIdentityFile(p12, ask);
      expect(contents.certificates.map(({ serial }) => serial)).toEqual([
        certificate.serial,
        root.certificate.serial,
      ]);
      expect(contents.keys[0]?.equals(key)).toBe(true);
      expect(await codeOf(readIdentityFile(p12, async () => Secret.fromText('wrong')))).toBe(
        'E_P12_PASSPHRASE',
      );
    }
  });

  it('are told apart in DER', async () => {
    const root = await rootCa();
    const { key } = await leaf(root);
    const times = { number: 1, thisUpdate: new Date(NOW), nextUpdate: new Date(NOW + 1000) };
    const request = createRequest(subject('CN=x'), key, { subjectAltNames: [], server: true, client: false });
    const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
    const sec1 = key.export({ type: 'sec1', format: 'der' });
    const count = async (der: Uint8Array): Promise<number[]> => {
      const found = await readIdentityFile(der, never);
      return [found.certificates, found.keys, found.crls, found.requests].map(({ length }) => length);
    };
    expect(await count(root.certificate.der)).toEqual([1, 0, 0, 0]);
    expect(await count(pkcs8)).toEqual([0, 1, 0, 0]);
    expect(await count(sec1)).toEqual([0, 1, 0, 0]);
    expect(await count(createCrl(root, [], times))).toEqual([0, 0, 1, 0]);
    expect(await count(request)).toEqual([0, 0, 0, 1]);
  });

  it('refuse a wrong passphrase of a key, and what is none of it', async () => {
    const { key } = await leaf(await rootCa());
    const pem = privateKeyPem(key, pass).reveal();
    expect(await codeOf(readIdentityFile(pem, async () => Secret.fromText('x')))).toBe('E_KEY_PASSPHRASE');
    expect(await codeOf(readIdentityFile(Buffer.from('hello'), never))).toBe('E_CERT_FORMAT');
    expect(await codeOf(readIdentityFile(new Uint8Array(0), never))).toBe('E_CERT_FORMAT');
  });

  it('refuse a request that was changed', async () => {
    const { key } = await leaf(await rootCa());
    const names = { subjectAltNames: [], server: true, client: false };
    const der = createRequest(subject('CN=honest'), key, names);
    der[Buffer.from(der).indexOf('honest')] = 0x44;
    expect(() => parseRequest(der)).toThrowError(expect.objectContaining({ code: 'E_CSR_SIGNATURE' }));
  });
});
