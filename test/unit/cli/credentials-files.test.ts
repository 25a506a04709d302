import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IdentityFiles, readOcspResponse } from '../../../src/cli/credentials-files.js';
import { Secret } from '../../../src/lib/core/secret.js';
import type { Certificate } from '../../../src/lib/pki/certificate.js';
import { createCrl } from '../../../src/lib/pki/crl.js';
import { toPem } from '../../../src/lib/pki/files.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import { privateKeyPem } from '../../../src/lib/pki/keys.js';
import { writeP12 } from '../../../src/lib/pki/p12/write.js';
import { below, leaf, NOW, rootCa } from '../pki/build.js';
import { ocspResponse } from '../pki/craft.js';

let folder: string;
let root: Issuer;
let middle: Issuer;
let own: Awaited<ReturnType<typeof leaf>>;

const pem = (...certificates: Certificate[]): string =>
  certificates.map(({ der }) => toPem('CERTIFICATE', der)).join('');
const keyText = (passphrase?: Secret): string =>
  Buffer.from(privateKeyPem(own.key, passphrase).reveal()).toString();
const put = (name: string, content: string | Uint8Array, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};
const files = (passphraseFile?: string, insecure = false) => new IdentityFiles(passphraseFile, insecure);
/** Parsed certificates remember what was asked of their keys, so their bytes are compared. */
const bytes = (certificates: readonly Certificate[]): Uint8Array[] => certificates.map(({ der }) => der);
const code = (expected: string) => expect.objectContaining({ kind: 'usage', code: expected });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-credentials-'));
  root = await rootCa();
  middle = await below(root);
  own = await leaf(middle);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('our own certificate', () => {
  it('comes with the CAs above it in their order, whatever the order of the files, and without the root', async () => {
    const bundle = put('bundle.pem', pem(root.certificate, middle.certificate, own.certificate));
    const key = put('own.key', keyText());
    const { certificates } = await files().ownCertificate([bundle], key);
    expect(bytes(certificates)).toEqual(bytes([own.certificate, middle.certificate]));
    const apart = await files().ownCertificate(
      [put('middle.pem', pem(middle.certificate)), put('own.pem', pem(own.certificate))],
      key,
    );
    expect(bytes(apart.certificates)).toEqual(bytes([own.certificate, middle.certificate]));
  });

  it('brings its key along, in PEM or PKCS#12 with a passphrase file', async () => {
    const both = put('both.pem', pem(own.certificate) + keyText());
    expect((await files().ownCertificate([both], undefined)).key.equals(own.key)).toBe(true);
    const secret = Secret.fromText('open sesame');
    const p12 = put(
      'own.p12',
      writeP12(
        { certificate: own.certificate, key: own.key, chain: [middle.certificate], friendlyName: 'own' },
        secret,
        false,
      ),
      0o644,
    );
    const passphrase = put('passphrase', 'open sesame\n');
    const pair = await files(passphrase).ownCertificate([p12], undefined);
    expect(pair.key.equals(own.key)).toBe(true);
    expect(bytes(pair.certificates)).toEqual(bytes([own.certificate, middle.certificate]));
  });

  it('may be PEM text itself, as saved profiles have it', async () => {
    const key = put('own.key', keyText());
    const { certificates } = await files().ownCertificate(
      [pem(own.certificate), pem(middle.certificate)],
      key,
    );
    expect(bytes(certificates)).toEqual(bytes([own.certificate, middle.certificate]));
  });

  it('is refused without a key that fits', async () => {
    const cert = put('own.pem', pem(own.certificate));
    await expect(files().ownCertificate([cert], undefined)).rejects.toThrow(code('E_NO_KEY'));
    await expect(files().ownCertificate([cert], cert)).rejects.toThrow(code('E_NO_KEY'));
    const other = await leaf(root);
    const foreign = put('other.key', Buffer.from(privateKeyPem(other.key).reveal()));
    await expect(files().ownCertificate([cert], foreign)).rejects.toThrow(code('E_KEY_MISMATCH'));
    await expect(files().ownCertificate([foreign], foreign)).rejects.toThrow(code('E_NO_CERTIFICATE'));
    await expect(files().ownCertificate([join(folder, 'none')], cert)).rejects.toThrow(code('E_CERT_FILE'));
  });

  it('needs a key that nobody else can read, unless it is encrypted', async () => {
    const cert = put('own.pem', pem(own.certificate));
    const open = put('open.key', keyText(), 0o644);
    await expect(files().ownCertificate([cert], open)).rejects.toThrow(code('E_KEY_PERMISSIONS'));
    expect(await files(undefined, true).ownCertificate([cert], open)).toHaveProperty('key');
    const encrypted = put('encrypted.key', keyText(Secret.fromText('open sesame')), 0o644);
    const passphrase = put('passphrase', 'open sesame\n');
    expect((await files(passphrase).ownCertificate([cert], encrypted)).key.equals(own.key)).toBe(true);
  });
});

describe('authorities', () => {
  it('are the CAs of a bundle, or a lone certificate as it is', async () => {
    const bundle = put('bundle.pem', pem(own.certificate, middle.certificate, root.certificate));
    expect(bytes((await files().authorities([bundle])).anchors)).toEqual(
      bytes([middle.certificate, root.certificate]),
    );
    const lone = put('lone.pem', pem(own.certificate));
    expect(bytes((await files().authorities([lone])).anchors)).toEqual(bytes([own.certificate]));
  });

  it('come from the system by a word, and are then not named to the peer', async () => {
    const { anchors, unnamedAnchors } = await files().authorities(['system', pem(root.certificate)]);
    expect(bytes(anchors)).toEqual(bytes([root.certificate]));
    expect(unnamedAnchors.length).toBeGreaterThan(50);
    expect(unnamedAnchors.every(({ ca, publicKey }) => ca && publicKey !== undefined)).toBe(true);
  });

  it('are refused from a file without any', async () => {
    const key = put('own.key', keyText());
    await expect(files().authorities([key])).rejects.toThrow(code('E_CA_FILE'));
  });
});

describe('revocation lists', () => {
  it('are read from files that have some', async () => {
    const der = createCrl(root, [], {
      number: 1,
      thisUpdate: new Date(NOW),
      nextUpdate: new Date(NOW + 1000),
    });
    const lists = await files().revocationLists(put('ca.crl', der));
    expect(lists.map(({ issuer }) => issuer)).toEqual([root.certificate.subject]);
    await expect(files().revocationLists(put('ca.pem', pem(root.certificate)))).rejects.toThrow(
      code('E_CRL_FILE'),
    );
  });
});

describe('an OCSP response to staple', () => {
  const read = (der: Uint8Array, now = NOW) => readOcspResponse(put('own.ocsp', der), own.certificate, now);

  it('is taken when it is about our certificate, with what peers may dislike', async () => {
    const good = ocspResponse(own.certificate, middle, { nextUpdate: NOW + 1000 });
    expect(await read(good)).toMatchObject({ flaw: undefined });
    expect(Buffer.from((await read(good)).der).equals(good)).toBe(true);
    expect((await read(good, NOW + 1001)).flaw).toContain('outdated');
    const revoked = ocspResponse(own.certificate, middle, { status: 'revoked' });
    expect((await read(revoked)).flaw).toContain('revoked');
  });

  it('is refused when it is about another, or no response at all', async () => {
    const foreign = ocspResponse(middle.certificate, root);
    await expect(read(foreign)).rejects.toThrow(code('E_OCSP_FILE'));
    await expect(read(own.certificate.der)).rejects.toThrow(code('E_OCSP_FILE'));
  });
});
