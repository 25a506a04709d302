import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import type { Certificate } from '../../../src/lib/pki/certificate.js';
import { toPem } from '../../../src/lib/pki/files.js';
import { type Issuer, validityOf } from '../../../src/lib/pki/issue.js';
import { privateKeyPem } from '../../../src/lib/pki/keys.js';
import { type OcspVerdict, ocspVerdict, parseOcspResponse } from '../../../src/lib/pki/ocsp.js';
import { ExtendedKeyUsage } from '../../../src/lib/pki/oids.js';
import { below, hasOpenssl, leaf, NOW, openssl, rootCa } from './build.js';
import { delegate, ocspResponse } from './craft.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const status = (
  der: Uint8Array,
  certificate: Certificate,
  issuer: Issuer,
  now = NOW,
  skewMs = 0,
): OcspVerdict['status'] | undefined =>
  ocspVerdict(parseOcspResponse(der), certificate, issuer.certificate, { now, skewMs })?.status;

describe('an OCSP response', () => {
  it.each(['good', 'revoked', 'unknown'] as const)('of the CA itself says %s', async (expected) => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    for (const hash of ['sha1', 'sha256'] as const) {
      for (const byName of [true, false]) {
        const der = ocspResponse(certificate, root, { status: expected, hash, byName });
        expect(status(der, certificate, root)).toBe(expected);
      }
    }
  });

  it.each(['rsa-2048', 'ecdsa-p384', 'ed25519'] as const)('is verified with a key of %s', async (kind) => {
    const root = await rootCa({ kind });
    const { certificate } = await leaf(root);
    expect(status(ocspResponse(certificate, root), certificate, root)).toBe('good');
  });

  it('may be signed by whom the CA gave a certificate for it, if that came along', async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const signer = await delegate(root);
    const certificates = [signer.certificate];
    expect(status(ocspResponse(certificate, root, { signer, certificates }), certificate, root)).toBe('good');
    expect(
      status(ocspResponse(certificate, root, { signer, certificates, byName: false }), certificate, root),
    ).toBe('good');
    expect(status(ocspResponse(certificate, root, { signer }), certificate, root)).toBe('forged');
  });

  it('is forged when signed by anybody else', async () => {
    const root = await rootCa();
    const end = await leaf(root);
    const stranger = await rootCa();
    const middle = await below(root);
    const outdated = validityOf(10, NOW - 30 * DAY);
    const signers = [
      await leaf(root),
      stranger,
      middle,
      await delegate(stranger),
      await delegate(middle),
      await delegate(root, { usages: [ExtendedKeyUsage.serverAuth] }),
      await delegate(root, { usages: [ExtendedKeyUsage.any] }),
      await delegate(root, { validity: outdated }),
      end,
    ];
    for (const signer of signers) {
      for (const byName of [true, false]) {
        const options = { signer, certificates: [signer.certificate], byName };
        expect(status(ocspResponse(end.certificate, root, options), end.certificate, root)).toBe('forged');
      }
    }
  });

  it('is forged when a bit of it was changed', async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const der = ocspResponse(certificate, root, { status: 'revoked' });
    const outcomes = new Set<string | undefined>();
    for (let bit = 0; bit < der.length * 8; bit++) {
      const changed = der.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      let outcome: string | undefined;
      try {
        outcome = status(changed, certificate, root);
      } catch (error) {
        if (!(error instanceof KitError)) throw error;
        outcome = error.code;
      }
      outcomes.add(outcome);
      // Only what is not signed may change without harm: the envelope, and parameters that mean the same.
      expect(outcome).not.toBe('good');
    }
    expect(outcomes).toContain('forged');
    expect(outcomes).toContain('E_CERT_FORMAT');
  });

  it('is about one certificate of one CA', async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const other = await leaf(root);
    const namesake = await rootCa();
    expect(status(ocspResponse(certificate, root), other.certificate, root)).toBeUndefined();
    expect(status(ocspResponse(certificate, namesake), certificate, root)).toBeUndefined();
  });

  it('is outdated before and after its time, with forgiveness for clocks', async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const der = ocspResponse(certificate, root, { nextUpdate: NOW + HOUR });
    expect(status(der, certificate, root, NOW + HOUR)).toBe('good');
    expect(status(der, certificate, root, NOW + HOUR + 1000)).toBe('outdated');
    expect(status(der, certificate, root, NOW + HOUR + 1000, 1000)).toBe('good');
    expect(status(der, certificate, root, NOW - 1000)).toBe('outdated');
    expect(status(der, certificate, root, NOW - 1000, 1000)).toBe('good');
    const endless = ocspResponse(certificate, root, { nextUpdate: undefined });
    expect(status(endless, certificate, root, NOW + DAY)).toBe('good');
    expect(status(endless, certificate, root, NOW + DAY + 1000)).toBe('outdated');
    const revoked = ocspResponse(certificate, root, { status: 'revoked' });
    expect(status(revoked, certificate, root, NOW + 30 * DAY)).toBe('revoked');
  });

  it('that gives no answer, or is cut off, cannot be read', async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const whole = ocspResponse(certificate, root);
    const bad = [
      ocspResponse(certificate, root, { responseStatus: 3 }),
      new Uint8Array(0),
      new Uint8Array(70_000),
      certificate.der,
      ...Array.from(whole.keys(), (length) => whole.subarray(0, length)),
    ];
    for (const der of bad) {
      expect(() => parseOcspResponse(der)).toThrow(expect.objectContaining({ code: 'E_CERT_FORMAT' }));
    }
  });
});

describe.skipIf(!hasOpenssl)('openssl ocsp (skipped where the command is missing)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocsp-'));
  const file = (name: string, contents: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, contents);
    return path;
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  const save = (name: string, { certificate, key }: Issuer): [string, string] => [
    file(`${name}.crt`, toPem('CERTIFICATE', certificate.der)),
    file(`${name}.key`, Buffer.from(privateKeyPem(key).reveal()).toString()),
  ];

  it.each([
    ['good', 'the CA', '-sha1'],
    ['revoked', 'the CA', '-sha256'],
    ['good', 'a delegate', '-sha256'],
    ['revoked', 'a delegate', '-sha1'],
    ['unknown', 'the CA', '-sha1'],
  ] as const)('says %s through %s (CertID with %s), and is understood', async (expected, who, hash) => {
    const root = await rootCa({ kind: 'rsa-2048' });
    const end = await leaf(root);
    const validity = validityOf(10, Date.now());
    const responder = who === 'the CA' ? root : await delegate(root, { kind: 'rsa-2048', validity });
    const [ca] = save('ca', root);
    const [crt] = save('end', end);
    const [signer, key] = save('responder', responder);
    const { serial } = end.certificate;
    const line =
      expected === 'revoked'
        ? `R\t300101000000Z\t260101000000Z,keyCompromise\t${serial.toUpperCase()}\tunknown\t/CN=vpn.example.com`
        : `V\t300101000000Z\t\t${serial.toUpperCase()}\tunknown\t/CN=vpn.example.com`;
    const index = file('index.txt', expected === 'unknown' ? '' : `${line}\n`);
    const request = join(folder, 'request.der');
    const response = join(folder, 'response.der');
    expect(openssl('ocsp', hash, '-issuer', ca, '-cert', crt, '-no_nonce', '-reqout', request).status).toBe(
      0,
    );
    const made = openssl(
      ...['ocsp', '-index', index, '-CA', ca, '-rsigner', signer, '-rkey', key],
      ...['-reqin', request, '-respout', response, '-ndays', '3'],
    );
    expect(made.status, made.output).toBe(0);
    const der = new Uint8Array(readFileSync(response));
    expect(status(der, end.certificate, root, Date.now(), 60_000)).toBe(expected);
  });

  it.each(['good', 'revoked'] as const)('reads what is made for these tests (%s)', async (expected) => {
    const root = await rootCa();
    const end = await leaf(root);
    const signer = await delegate(root);
    const now = Date.now();
    const der = ocspResponse(end.certificate, root, {
      signer,
      certificates: [signer.certificate],
      status: expected,
      thisUpdate: now,
      nextUpdate: now + HOUR,
    });
    const [ca] = save('ca', root);
    const [crt] = save('end', end);
    const respin = file('response.der', der);
    const at = ['-attime', String(NOW / 1000)];
    const { output } = openssl(
      ...['ocsp', '-issuer', ca, '-cert', crt, '-respin', respin, '-CAfile', ca, '-no_nonce', ...at],
    );
    expect(output).toContain('Response verify OK');
    expect(output).toContain(`end.crt: ${expected}`);
  });
});
