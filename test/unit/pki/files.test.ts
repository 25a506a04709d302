import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../../src/lib/core/bytes.js';
import { KitError } from '../../../src/lib/core/errors.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { parseCertificate } from '../../../src/lib/pki/certificate.js';
import { createCrl } from '../../../src/lib/pki/crl.js';
import { readIdentityFile, toPem } from '../../../src/lib/pki/files.js';
import { keyKinds, privateKeyPem } from '../../../src/lib/pki/keys.js';
import { bmpPassphrase, derive, Purpose } from '../../../src/lib/pki/p12/kdf.js';
import { writeP12 } from '../../../src/lib/pki/p12/write.js';
import { createRequest, parseRequest } from '../../../src/lib/pki/request.js';
import { createRandom } from '../../fuzz/mutate.js';
import { below, hasOpenssl, leaf, NOW, openssl, rootCa, subject } from './build.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-pki-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, data: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
};
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

/** One to four bytes changed, the end cut off now and then. */
function damage(der: Uint8Array, random: (limit: number) => number): Uint8Array {
  const data = Uint8Array.from(der);
  for (let left = random(4); left >= 0; left -= 1) {
    const at = random(data.length);
    data[at] = random(2) === 0 ? random(256) : data[at]! ^ (1 << random(8));
  }
  return random(8) === 0 ? data.subarray(0, random(data.length)) : data;
}

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

  it('never bring the parsers down, however they are mutated', async () => {
    const root = await rootCa({ permit: ['dns:example.com'] });
    const { certificate, key } = await leaf(root, {
      names: ['vpn.example.com', '192.0.2.1', 'a@example.com'],
    });
    const times = { number: 1, thisUpdate: new Date(NOW), nextUpdate: new Date(NOW + 1000) };
    const line = { serial: certificate.serial, date: new Date(NOW), reason: 'superseded' };
    const p12 = writeP12({ certificate, key, chain: [], friendlyName: 'x' }, pass, true);
    const seeds = [certificate.der, root.certificate.der, createCrl(root, [line], times)];
    const random = createRandom(4);
    for (let round = 0; round < 3000; round += 1) {
      for (const seed of seeds) {
        expect(await codeOf(readIdentityFile(damage(seed, random), ask))).toMatch(/^(none|E_[A-Z0-9_]+)$/);
      }
    }
    for (let round = 0; round < 60; round += 1) {
      expect(await codeOf(readIdentityFile(damage(p12, random), ask))).toMatch(
        /^(none|E_(CERT|P12)_[A-Z]+)$/,
      );
    }
  });
});

describe.skipIf(!hasOpenssl)('openssl', () => {
  it.each(['ecdsa-p256', 'ecdsa-p521', 'rsa-2048', 'ed25519', 'ed448'] as const)(
    'verifies %s',
    async (kind) => {
      const root = await rootCa({ kind });
      const middle = await below(root);
      const { certificate } = await leaf(middle, { kind });
      const ca = file('ca.pem', toPem('CERTIFICATE', root.certificate.der));
      const between = file('between.pem', toPem('CERTIFICATE', middle.certificate.der));
      const end = file('end.pem', toPem('CERTIFICATE', certificate.der));
      const time = String(NOW / 1000);
      const args = ['verify', '-x509_strict', '-attime', time, '-purpose', 'sslserver', '-CAfile', ca];
      expect(openssl(...args, '-untrusted', between, end).output).toContain('OK');
    },
  );

  it.each([
    [['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'], 'none'],
    [['-macalg', 'sha512'], 'none'],
    [['-keypbe', 'aes-128-cbc', '-certpbe', 'NONE'], 'none'],
    [['-legacy'], 'E_P12_CIPHER'],
  ])("'s containers are read: %j gives %s", async (args, expected) => {
    const { certificate, key } = await leaf(await rootCa());
    const plain = Buffer.from(privateKeyPem(key).reveal()).toString();
    const pem = file('all.pem', plain + toPem('CERTIFICATE', certificate.der));
    const out = join(folder, 'made.p12');
    const { status, output } = openssl(
      'pkcs12',
      '-export',
      '-in',
      pem,
      '-out',
      out,
      '-passout',
      'pass:hello',
      ...args,
    );
    expect(output).toBe('');
    expect(status).toBe(0);
    const hello = async (): Promise<Secret> => Secret.fromText('hello');
    expect(await codeOf(readIdentityFile(readFileSync(out), hello))).toBe(expected);
    if (expected === 'none')
      expect((await readIdentityFile(readFileSync(out), hello)).keys[0]?.equals(key)).toBe(true);
  });

  it.each(['pss-sha256', 'pss-sha384'])("'s RSASSA-PSS signature is verified (%s)", async (name) => {
    const [, hash = ''] = name.split('-');
    const key = join(folder, 'pss.key');
    const out = join(folder, 'pss.pem');
    const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:-1'];
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      out,
      '-subj',
      '/CN=x',
      `-${hash}`,
      ...pss,
    );
    const [certificate] = (await readIdentityFile(readFileSync(out), never)).certificates;
    const { isSignedBy } = await import('../../../src/lib/pki/certificate.js');
    expect(certificate?.signatureAlgorithm.name).toBe(`RSASSA-PSS with ${hash.toUpperCase()}`);
    expect(isSignedBy(certificate!, certificate!)).toBe(true);
    const der = Uint8Array.from(certificate!.der);
    der[der.length - 1]! ^= 1;
    expect(isSignedBy(parseCertificate(der), certificate!)).toBe(false);
  });
});
