import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../../src/lib/core/bytes.js';
import { type Identity, IdType } from '../../../src/lib/ike/identity.js';
import { type Certificate, parseCertificate } from '../../../src/lib/pki/certificate.js';
import { toPem } from '../../../src/lib/pki/files.js';
import { parseGeneralName } from '../../../src/lib/pki/general-name.js';
import { type Issuer, issueEndEntity, validityOf } from '../../../src/lib/pki/issue.js';
import { spkiOf } from '../../../src/lib/pki/keys.js';
import { ExtendedKeyUsage } from '../../../src/lib/pki/oids.js';
import { caKeyHash, type PeerClaim } from '../../../src/lib/pki/peer.js';
import { below, hasOpenssl, leaf, NOW, openssl, rootCa, subject } from './build.js';
import { craft, endExtensions } from './craft.js';
import { id, judge, type Outcome } from './judge.js';

let root: Issuer;
let gateway: Issuer;
let anchors: Certificate[];
beforeAll(async () => {
  root = await rootCa();
  gateway = await leaf(root);
  anchors = [root.certificate];
});

describe('a peer is accepted', () => {
  it.each(['rsa-2048', 'ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'ed448'] as const)(
    'with a certificate of %s',
    async (kind) => {
      const ca = await rootCa({ kind });
      const { certificate } = await leaf(ca, { kind });
      expect(judge([certificate], { anchors: [ca.certificate] }).code).toBe('ok');
    },
  );

  it('with CAs between, in any order, also when the anchor and strangers come along', async () => {
    const middle = await below(root);
    const lower = await below(middle, 'CN=Lower');
    const { certificate } = await leaf(lower);
    const others = [lower.certificate, (await rootCa()).certificate, root.certificate, middle.certificate];
    expect(judge([certificate, ...others], { anchors }).code).toBe('ok');
    expect(judge([certificate, Uint8Array.of(0x30, 0), ...others], { anchors }).code).toBe('ok');
    const intermediates = [middle.certificate, lower.certificate];
    expect(judge([certificate], { anchors, intermediates }).code).toBe('ok');
  });

  it('with a certificate that is trusted itself', async () => {
    expect(judge([gateway.certificate], { anchors: [gateway.certificate] }).code).toBe('ok');
  });
});

describe('a peer is refused, each time for a reason of its own:', () => {
  it('expired and not yet valid, unless clocks explain it', () => {
    const end = gateway.certificate.notAfter.getTime();
    const start = gateway.certificate.notBefore.getTime();
    const at = (now: number, skewMs?: number): string =>
      judge([gateway.certificate], { anchors, now, skewMs }).code;
    expect(at(end + 1000)).toBe('E_CERT_EXPIRED');
    expect(at(end + 1000, 1000)).toBe('ok');
    expect(at(start - 1000)).toBe('E_CERT_NOT_YET_VALID');
    expect(at(start - 1000, 1000)).toBe('ok');
  });

  it('an expired CA between', async () => {
    const middle = await below(root);
    const { certificate } = await leaf(middle, { days: 3000 });
    const now = middle.certificate.notAfter.getTime() + 1000;
    const outcome = judge([certificate, middle.certificate], { anchors, now });
    expect(outcome).toMatchObject({
      code: 'E_CERT_EXPIRED',
      message: expect.stringContaining('CN=Intermediate'),
    });
  });

  it('another CA, another CA of the same name, a missing CA between, no CA at all', async () => {
    const stranger = await rootCa();
    expect(judge([gateway.certificate], { anchors: [stranger.certificate] }).code).toBe('E_CERT_SIGNATURE');
    const elsewhere = await craft(root, { name: 'CN=Elsewhere', extensions: [] });
    expect(judge([gateway.certificate], { anchors: [elsewhere.certificate] }).code).toBe('E_CERT_UNTRUSTED');
    const { certificate } = await leaf(await below(root));
    expect(judge([certificate], { anchors }).code).toBe('E_CERT_UNTRUSTED');
    expect(judge([gateway.certificate], { anchors: [] }).code).toBe('E_CERT_UNTRUSTED');
    // A peer may bring any CA; that does not make it one that is trusted.
    const own = await leaf(stranger);
    expect(judge([own.certificate, stranger.certificate], { anchors }).code).not.toBe('ok');
  });

  it('a CA between that cannot be read', async () => {
    const middle = await below(root);
    const { certificate } = await leaf(middle);
    const cut = middle.certificate.der.subarray(0, 100);
    expect(judge([certificate, cut], { anchors }).code).toBe('E_CERT_FORMAT');
  });

  it('the path length, a CA that is none, a name constraint', async () => {
    const short = await rootCa({ pathLength: 0 });
    const middle = await below(short);
    const long = await leaf(middle);
    const chain = [long.certificate, middle.certificate];
    expect(judge(chain, { anchors: [short.certificate] }).code).toBe('E_CERT_PATH_LENGTH');

    const under = await leaf(gateway);
    expect(judge([under.certificate, gateway.certificate], { anchors }).code).toBe('E_CERT_NOT_CA');

    const narrow = await rootCa({ permit: ['dns:example.org'] });
    const outside = await leaf(narrow);
    const outcome = judge([outside.certificate], { anchors: [narrow.certificate] });
    expect(outcome).toMatchObject({
      code: 'E_CERT_NAME_CONSTRAINT',
      message: expect.stringContaining('DNS:vpn.example.com is not within DNS:example.org'),
    });
  });

  it('a weak key, a key that takes too long to verify with', () => {
    const issue = (publicKey: KeyObject): Certificate =>
      issueEndEntity(
        {
          subject: subject('CN=odd'),
          validity: validityOf(10, NOW),
          spki: spkiOf(publicKey),
          subjectAltNames: [parseGeneralName('vpn.example.com')],
          server: true,
          client: false,
        },
        root,
      );
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    expect(judge([issue(weak)], { anchors }).code).toBe('E_CERT_WEAK_KEY');
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = { ...publicKey.export({ format: 'jwk' }), e: Buffer.alloc(100, 0xff).toString('base64url') };
    expect(judge([issue(createPublicKey({ key: jwk, format: 'jwk' }))], { anchors }).code).toBe(
      'E_CERT_KEY_SIZE',
    );
  });

  it('a signature over SHA-1', async () => {
    const ca = await rootCa({ kind: 'rsa-2048' });
    const { certificate } = await leaf(ca);
    const der = Buffer.from(certificate.der);
    // sha256WithRSAEncryption (…0b) becomes sha1WithRSAEncryption (…05), signed anew.
    const oid = Buffer.from('2a864886f70d01010b', 'hex');
    for (let at = der.indexOf(oid); at >= 0; at = der.indexOf(oid, at + 1)) der[at + oid.length - 1] = 5;
    const { toBeSigned } = parseCertificate(der);
    sign('sha1', toBeSigned, ca.key).copy(der, der.length - 256);
    expect(judge([der], { anchors: [ca.certificate] }).code).toBe('E_CERT_WEAK_SIGNATURE');
  });

  it('no certificate, too many, too long, not one at all, cut off anywhere', () => {
    const { certificate } = gateway;
    expect(judge([], { anchors }).code).toBe('E_CERT_MISSING');
    expect(judge(Array(17).fill(certificate), { anchors }).code).toBe('E_CERT_TOO_MANY');
    expect(judge(Array(16).fill(certificate), { anchors }).code).toBe('ok');
    expect(judge([new Uint8Array(70_000)], { anchors }).code).toBe('E_CERT_TOO_MANY');
    expect(judge([new Uint8Array(60_000)], { anchors }).code).toBe('E_CERT_FORMAT');
    for (let length = 0; length < certificate.der.length; length++) {
      expect(judge([certificate.der.subarray(0, length)], { anchors }).code).toBe('E_CERT_FORMAT');
    }
  });
});

describe('extended key usages', () => {
  const { serverAuth, clientAuth, ikeIntermediate, ipsecIke, any, ocspSigning } = ExtendedKeyUsage;
  it.each<[usages: string[] | undefined, server: boolean, client: boolean]>([
    [undefined, true, true],
    [[serverAuth], true, true],
    [[ikeIntermediate], true, true],
    [[any], true, true],
    [[ipsecIke], true, true],
    [[clientAuth, serverAuth], true, true],
    [[clientAuth], false, true],
    [[ocspSigning], false, false],
    [['1.2.3.4'], false, false],
  ])('%j are for a gateway: %s, for who dials: %s', async (usages, server, client) => {
    const { certificate } = await craft(root, { extensions: endExtensions(['vpn.example.com'], usages) });
    const code = (role: PeerClaim['role']): string => judge([certificate], { anchors }, { role }).code;
    expect(code('responder')).toBe(server ? 'ok' : 'E_CERT_EKU');
    expect(code('initiator')).toBe(client ? 'ok' : 'E_CERT_EKU');
  });

  it('may be required, or not looked at', async () => {
    const without = await craft(root, { extensions: endExtensions(['vpn.example.com']) });
    expect(judge([without.certificate], { anchors, ekuPolicy: 'require' }).code).toBe('E_CERT_EKU');
    expect(judge([gateway.certificate], { anchors, ekuPolicy: 'require' }).code).toBe('ok');
    const client = await leaf(root, { server: false, client: true });
    expect(judge([client.certificate], { anchors }).code).toBe('E_CERT_EKU');
    expect(judge([client.certificate], { anchors, ekuPolicy: 'ignore' }).code).toBe('ok');
  });
});

describe('the identity of a peer', () => {
  const name = 'C=CH, O=Lab, CN=vpn.example.com';
  const sans = ['vpn.example.com', '*.wild.example.com', 'alice@example.com', '192.0.2.1', '2001:db8::1'];
  let certificate: Certificate;
  beforeAll(async () => {
    ({ certificate } = await craft(root, { name, extensions: endExtensions(sans) }));
  });
  const code = (identity: Identity): string => judge([certificate], { anchors }, { identity }).code;

  it.each([
    'vpn.example.com',
    'VPN.example.COM',
    'a.wild.example.com',
    'alice@example.com',
    '192.0.2.1',
    '2001:db8:0::1',
    name,
  ])('may be %s when the certificate covers it', (text) => {
    expect(code(id(text))).toBe('ok');
  });

  it.each([
    'example.com',
    'vpn.example.com.evil.org',
    'a.b.wild.example.com',
    'bob@example.com',
    '192.0.2.2',
    '2001:db8::2',
    'CN=vpn.example.com',
    'C=CH, O=Lab, CN=*',
    '@192.0.2.1',
    '@alice@example.com',
    'keyid:vpn.example.com',
  ])('is not %s', (text) => {
    expect(code(id(text))).toBe('E_CERT_NAME');
  });

  it.each<[what: string, Identity]>([
    ['nothing', { idType: IdType.FQDN, data: new Uint8Array(0) }],
    ['a name with a NUL in it', { idType: IdType.FQDN, data: Buffer.from('vpn.example.com\0.evil.org') }],
    ['a name with a line break', { idType: IdType.RFC822_ADDR, data: Buffer.from('alice@example.com\n') }],
    ['half an address', { idType: IdType.IPV4_ADDR, data: Uint8Array.of(192, 0) }],
    ['an IPv4 address as IPv6', { idType: IdType.IPV6_ADDR, data: Uint8Array.of(192, 0, 2, 1) }],
    ['no distinguished name', { idType: IdType.DER_ASN1_DN, data: Uint8Array.of(1, 2, 3) }],
    ['NULL', { idType: IdType.NULL, data: new Uint8Array(0) }],
    ['a GeneralName', { idType: IdType.DER_ASN1_GN, data: Buffer.from('8201612e', 'hex') }],
    ['a type that does not exist', { idType: 200, data: Buffer.from('vpn.example.com') }],
  ])('is not %s', (_, identity) => {
    expect(code(identity)).toBe('E_CERT_NAME');
  });

  it('is not the empty name, which is the subject of many', async () => {
    const empty = Uint8Array.of(0x30, 0);
    const nameless = await craft(root, { name: empty, extensions: endExtensions(['vpn.example.com']) });
    expect(judge([nameless.certificate], { anchors }).code).toBe('ok');
    const identity = { idType: IdType.DER_ASN1_DN, data: empty };
    expect(judge([nameless.certificate], { anchors }, { identity }).code).toBe('E_CERT_NAME');
  });

  it('is told with the names that the certificate has', () => {
    const { message, hint } = judge([certificate], { anchors }, { identity: id('gw.example.com') });
    expect(message).toContain('calls itself gw.example.com');
    expect(message).toContain(
      'DNS:vpn.example.com, DNS:*.wild.example.com, email:alice@example.com, IP:192.0.2.1',
    );
    expect(hint).toContain('--san');
  });

  it('and what was dialled both have to be covered', () => {
    const dial = (text: string): Outcome =>
      judge([certificate], { anchors }, { expectedName: parseGeneralName(text) });
    expect(dial('192.0.2.1').code).toBe('ok');
    expect(dial('gw.example.com')).toMatchObject({
      code: 'E_CERT_NAME',
      message: expect.stringContaining('does not cover DNS:gw.example.com'),
    });
  });
});

describe.skipIf(!hasOpenssl)('openssl (skipped where the command is missing)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'peer-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);

  it.each(['rsa-2048', 'ecdsa-p521', 'ed25519', 'ed448'] as const)(
    'hashes the key of a CA alike: %s',
    async (kind) => {
      const { certificate } = await rootCa({ kind });
      writeFileSync(path('ca.crt'), toPem('CERTIFICATE', certificate.der));
      openssl('x509', '-in', path('ca.crt'), '-noout', '-pubkey', '-out', path('pub.pem'));
      openssl('pkey', '-pubin', '-in', path('pub.pem'), '-outform', 'DER', '-out', path('pub.der'));
      const expected = createHash('sha1')
        .update(readFileSync(path('pub.der')))
        .digest('hex');
      expect(toHex(caKeyHash(certificate))).toBe(expected);
    },
  );

  it('issues a certificate that is accepted, and one for a client that is not accepted of a gateway', () => {
    const days = ['-days', '30'];
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('key.pem')];
    openssl('req', '-x509', ...ec, ...days, '-subj', '/CN=openssl CA', '-out', path('ca.pem'));
    openssl('x509', '-in', path('ca.pem'), '-outform', 'DER', '-out', path('ca.der'));
    const ca = parseCertificate(readFileSync(path('ca.der')));
    const issue = (usage: string): Certificate => {
      const made = openssl(
        ...['req', '-x509', '-CA', path('ca.pem'), '-CAkey', path('key.pem'), ...days, '-subj', '/CN=gw'],
        ...[
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-keyout',
          path('end.key'),
          '-outform',
          'DER',
          '-out',
          path('end.der'),
        ],
        ...['-addext', 'subjectAltName=DNS:vpn.example.com', '-addext', `extendedKeyUsage=${usage}`],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      );
      expect(made.status, made.output).toBe(0);
      return parseCertificate(readFileSync(path('end.der')));
    };
    const trust = { anchors: [ca], now: Date.now(), skewMs: 60_000 };
    expect(judge([issue('serverAuth')], trust).code).toBe('ok');
    expect(judge([issue('clientAuth')], trust).code).toBe('E_CERT_EKU');
  });
});
