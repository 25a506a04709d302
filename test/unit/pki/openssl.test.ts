import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { type Certificate, isSignedBy, parseCertificate } from '../../../src/lib/pki/certificate.js';
import { validateChain } from '../../../src/lib/pki/chain.js';
import { createCrl, isCrlSignedBy, type Revocation } from '../../../src/lib/pki/crl.js';
import { type IdentityFile, readIdentityFile } from '../../../src/lib/pki/files.js';
import { parseGeneralName } from '../../../src/lib/pki/general-name.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import { keyKinds, privateKeyPem } from '../../../src/lib/pki/keys.js';
import { writeP12 } from '../../../src/lib/pki/p12/write.js';
import { toPem } from '../../../src/lib/pki/pem.js';
import { createRequest } from '../../../src/lib/pki/request.js';
import { below, hasOpenssl, leaf, NOW, openssl, rootCa, subject } from './build.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-openssl-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string): string => join(folder, name);
function file(name: string, data: string | Uint8Array): string {
  writeFileSync(path(name), data);
  return path(name);
}
const pem = ({ der }: Certificate): string => toPem('CERTIFICATE', der);
const hello = async (): Promise<Secret> => Secret.fromText('hello');
const read = (name: string): Promise<IdentityFile> => readIdentityFile(readFileSync(path(name)), hello);
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof KitError ? error.code : String(error)),
  );
/** Runs openssl, which has to succeed. */
function mustRun(...args: string[]): string {
  const { status, output } = openssl(...args);
  expect(status, `openssl ${args.join(' ')}\n${output}`).toBe(0);
  return output;
}
/** Kinds of keys without the slowest to make. */
const kinds = keyKinds.filter((kind) => kind !== 'rsa-4096');
const roles = [
  ['server', { server: true, client: false }, 'sslserver'],
  ['client', { server: false, client: true }, 'sslclient'],
] as const;

if (!hasOpenssl) process.stderr.write('skipped: there is no openssl command to compare with\n');

describe.skipIf(!hasOpenssl)('openssl verifies', () => {
  const verify = (root: Issuer, middle: Issuer, end: Certificate, ...more: string[]): string =>
    openssl(
      ...['verify', '-x509_strict', '-attime', String(NOW / 1000), ...more],
      ...['-CAfile', file('ca.pem', pem(root.certificate))],
      ...['-untrusted', file('between.pem', pem(middle.certificate)), file('end.pem', pem(end))],
    ).output;

  it.each(kinds)('chains of %s keys, in every role', async (kind) => {
    const root = await rootCa({ kind });
    const middle = await below(root, 'CN=Intermediate', kind);
    for (const [, role, purpose] of roles) {
      const names = ['vpn.example.com', '192.0.2.1', '2001:db8::1', 'alice@example.com', 'dns:192.0.2.1'];
      const { certificate } = await leaf(middle, { kind, names, ...role });
      expect(verify(root, middle, certificate, '-purpose', purpose)).toContain('OK');
      const host = ['-verify_hostname', 'vpn.example.com', '-verify_ip', '2001:db8::1'];
      expect(verify(root, middle, certificate, ...host)).toContain('OK');
      expect(verify(root, middle, certificate, '-verify_hostname', 'other.example.com')).toContain(
        'mismatch',
      );
    }
  });

  it('RSASSA-PSS of a CA and of all that it issues', async () => {
    const root = await rootCa({ kind: 'rsa-2048', rsaPss: true });
    const middle = await below(root, 'CN=Intermediate', 'rsa-2048');
    const { certificate } = await leaf(middle);
    for (const each of [root, middle, { certificate }]) {
      expect(each.certificate.signatureAlgorithm.name).toBe('RSASSA-PSS with SHA256');
    }
    expect(verify(root, middle, certificate)).toContain('OK');
    const times = { number: 1, thisUpdate: new Date(NOW), nextUpdate: new Date(NOW + 1000) };
    const list = file('pss.crl', toPem('X509 CRL', createCrl(root, [], times)));
    const ca = file('pss-ca.pem', pem(root.certificate));
    expect(mustRun('crl', '-in', list, '-noout', '-CAfile', ca)).toContain('verify OK');
  });

  it('name constraints as we do', async () => {
    const root = await rootCa({ permit: ['dns:example.com', 'ip:192.0.2.0/24'] });
    const middle = await below(root);
    const good = await leaf(middle, { names: ['vpn.example.com', '192.0.2.7'] });
    const bad = await leaf(middle, { names: ['vpn.example.org'] });
    expect(verify(root, middle, good.certificate)).toContain('OK');
    expect(verify(root, middle, bad.certificate)).toContain('permitted subtree violation');
  });

  it.each(kinds)('revocation lists and requests signed with %s', async (kind) => {
    const root = await rootCa({ kind });
    const { certificate, key } = await leaf(root, { kind });
    const other = await leaf(root);
    const line: Revocation = { serial: certificate.serial, date: new Date(NOW), reason: 'keyCompromise' };
    const times = { number: 7, thisUpdate: new Date(NOW), nextUpdate: new Date(NOW + 86_400_000) };
    const trust = file('ca.pem', pem(root.certificate) + toPem('X509 CRL', createCrl(root, [line], times)));
    const check = ({ certificate: end }: { certificate: Certificate }): string =>
      openssl(
        ...['verify', '-x509_strict', '-crl_check', '-attime', String(NOW / 1000)],
        ...['-CAfile', trust, file('end.pem', pem(end))],
      ).output;
    expect(check({ certificate })).toContain('certificate revoked');
    expect(check(other)).toContain('OK');
    const names = { subjectAltNames: [parseGeneralName('a.example')], server: true, client: false };
    const request = toPem('CERTIFICATE REQUEST', createRequest(subject('CN=a.example'), key, names));
    const text = mustRun('req', '-in', file('a.csr', request), '-noout', '-verify', '-text');
    expect(text).toContain('verify OK');
    expect(text).toContain('DNS:a.example');
  });

  it.each([false, true])('containers (legacy: %s)', async (legacy) => {
    const root = await rootCa();
    const { certificate, key } = await leaf(root);
    const identity = { certificate, key, chain: [root.certificate], friendlyName: 'Ä phone' };
    const p12 = file('ours.p12', writeP12(identity, await hello(), legacy));
    const text = mustRun('pkcs12', '-in', p12, '-passin', 'pass:hello', '-nodes');
    expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(text).toContain('BEGIN PRIVATE KEY');
    expect(openssl('pkcs12', '-in', p12, '-passin', 'pass:wrong', '-nodes').status).not.toBe(0);
  });
});

describe.skipIf(!hasOpenssl)('what openssl made is verified', () => {
  const newKey: Record<(typeof kinds)[number], string[]> = {
    'ecdsa-p256': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    'ecdsa-p384': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    'ecdsa-p521': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
    'rsa-2048': ['rsa:2048'],
    'rsa-3072': ['rsa:3072'],
    ed25519: ['ed25519'],
    ed448: ['ed448'],
  };

  /** A certificate by `openssl req`, signed by itself or by a CA made before. */
  function make(name: string, newkey: string[], extensions: string[], issuer?: string): void {
    const request = ['req', '-new', '-newkey', ...newkey, '-nodes', '-keyout', path(`${name}.key`)];
    const out = ['-out', path(`${name}.csr`), '-subj', `/O=Lab/CN=${name}`];
    mustRun(...request, ...out, ...extensions.flatMap((each) => ['-addext', each]));
    const signer =
      issuer === undefined
        ? ['-signkey', path(`${name}.key`)]
        : ['-CA', path(`${issuer}.pem`), '-CAkey', path(`${issuer}.key`), '-CAcreateserial'];
    const copy = ['-copy_extensions', 'copyall', '-days', '30'];
    mustRun('x509', '-req', '-in', path(`${name}.csr`), '-out', path(`${name}.pem`), ...copy, ...signer);
  }

  it.each(kinds)('a chain with an intermediate CA, keys %s', async (kind) => {
    const ca = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    make('root', newKey[kind], ca);
    make('middle', newKey[kind], ca, 'root');
    const use = ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=serverAuth'];
    const names = 'subjectAltName=DNS:vpn.example.com,IP:2001:db8::1,email:a@example.com';
    make('end', newKey[kind], [...use, names], 'middle');
    const one = async (name: string): Promise<Certificate> => (await read(name)).certificates[0]!;
    const [root, middle, end] = [await one('root.pem'), await one('middle.pem'), await one('end.pem')];
    const options = { anchors: [root], intermediates: [middle], now: Date.now() };
    for (const name of ['vpn.example.com', '2001:db8::1', 'a@example.com', 'dn:O=Lab, CN=end']) {
      const expected = { ...options, purpose: 'server', name: parseGeneralName(name) } as const;
      expect(validateChain(end, expected)).toMatchObject({ problems: [], chain: [end, middle, root] });
    }
    const codes = validateChain(end, { ...options, purpose: 'client' }).problems.map(({ code }) => code);
    expect(codes).toEqual(['E_CERT_EKU']);
    expect((await read('end.key')).keys).toHaveLength(1);
  });

  it('a revocation list', async () => {
    make('ca', newKey['ecdsa-p256'], ['basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign,cRLSign']);
    make('gone', newKey['ecdsa-p256'], [], 'ca');
    const config = [
      '[ca]',
      'default_ca=x',
      '[x]',
      `database=${file('index.txt', '')}`,
      `crlnumber=${file('number', '01\n')}`,
      'default_md=sha256',
      'default_crl_days=7',
    ].join('\n');
    const signer = ['-config', file('ca.cnf', config), '-cert', path('ca.pem'), '-keyfile', path('ca.key')];
    mustRun('ca', ...signer, '-revoke', path('gone.pem'), '-crl_reason', 'superseded');
    mustRun('ca', ...signer, '-gencrl', '-out', path('made.crl'));
    const [crl] = (await read('made.crl')).crls;
    const [ca] = (await read('ca.pem')).certificates;
    const [gone] = (await read('gone.pem')).certificates;
    expect(crl?.revoked.get(gone!.serial)?.reason).toBe('superseded');
    expect(isCrlSignedBy(crl!, ca!)).toBe(true);
    const { problems } = validateChain(gone!, { anchors: [ca!], crls: [crl!], now: Date.now() });
    expect(problems.map(({ code }) => code)).toEqual(['E_CERT_REVOKED']);
  });

  it.each(['sha256', 'sha384'])('an RSASSA-PSS signature with %s', async (hash) => {
    const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:-1', `-${hash}`];
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', path('pss.key')];
    mustRun('req', '-x509', ...key, '-out', path('pss.pem'), '-subj', '/CN=x', ...pss);
    const [certificate] = (await read('pss.pem')).certificates;
    expect(certificate?.signatureAlgorithm.name).toBe(`RSASSA-PSS with ${hash.toUpperCase()}`);
    expect(isSignedBy(certificate!, certificate!)).toBe(true);
    const der = Uint8Array.from(certificate!.der);
    der[der.length - 1]! ^= 1;
    expect(isSignedBy(parseCertificate(der), certificate!)).toBe(false);
  });
});

describe.skipIf(!hasOpenssl)('what openssl wrote is read', () => {
  async function identity(name: string): Promise<{ pem: string; key: Issuer['key'] }> {
    const { certificate, key } = await leaf(await rootCa());
    const plain = Buffer.from(privateKeyPem(key).reveal()).toString();
    return { pem: file(name, plain + pem(certificate)), key };
  }

  it.each([
    [['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'], 'none'],
    [['-macalg', 'sha512'], 'none'],
    [['-keypbe', 'aes-128-cbc', '-certpbe', 'NONE'], 'none'],
    [['-legacy'], 'E_P12_CIPHER'],
  ])('containers: %j gives %s', async (args, expected) => {
    const { pem: input, key } = await identity('all.pem');
    const out = path('made.p12');
    mustRun('pkcs12', '-export', '-in', input, '-out', out, '-passout', 'pass:hello', ...args);
    expect(await codeOf(read('made.p12'))).toBe(expected);
    if (expected === 'none') expect((await read('made.p12')).keys[0]?.equals(key)).toBe(true);
  });

  it('containers with RC2, once converted as the hint of E_P12_CIPHER says', async () => {
    const { pem: input, key } = await identity('rc2.pem');
    mustRun('pkcs12', '-export', '-legacy', '-in', input, '-out', path('OLD.p12'), '-passout', 'pass:hello');
    const error: unknown = await read('OLD.p12').catch((cause: unknown) => cause);
    const hint = error instanceof KitError ? (error.hint ?? '') : '';
    const commands = [...hint.matchAll(/openssl ([^&(]+)/g)].map(([, args = '']) => args.trim().split(' '));
    expect(commands).toHaveLength(2);
    for (const args of commands) {
      const named = args.map((arg) => (/^(OLD|NEW|all)\./.test(arg) ? path(arg) : arg));
      mustRun(...named, '-passin', 'pass:hello', '-passout', 'pass:hello');
    }
    expect((await read('NEW.p12')).keys[0]?.equals(key)).toBe(true);
  });

  it.each([
    'genpkey -algorithm ed448 -aes-256-cbc -pass pass:hello -out FILE',
    'genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-384 -outform DER -out FILE',
    'genrsa -traditional -aes128 -passout pass:hello -out FILE 2048',
  ])('keys: %s', async (command) => {
    mustRun(...command.split(' ').map((arg) => (arg === 'FILE' ? path('made.key') : arg)));
    expect((await read('made.key')).keys).toHaveLength(1);
  });

  it.each(['PEM', 'DER'])('PKCS#7 bundles in %s', async (form) => {
    const [root, other] = [await rootCa(), await rootCa()];
    const times = { number: 1, thisUpdate: new Date(NOW), nextUpdate: new Date(NOW + 1000) };
    const both = file('both.pem', pem(root.certificate) + pem(other.certificate));
    const list = file('list.crl', toPem('X509 CRL', createCrl(root, [], times)));
    mustRun('crl2pkcs7', '-in', list, '-certfile', both, '-outform', form, '-out', path('all.p7b'));
    const { certificates, crls } = await read('all.p7b');
    const serials = [root, other].map(({ certificate }) => certificate.serial);
    expect(certificates.map(({ serial }) => serial).sort()).toEqual(serials.sort());
    expect(crls).toHaveLength(1);
  });
});
