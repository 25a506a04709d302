import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Certificate, parseCertificate } from '../../../src/lib/pki/certificate.js';
import { type ChainOptions, validateChain } from '../../../src/lib/pki/chain.js';
import { clientProblems } from '../../../src/lib/pki/clients.js';
import { createCrl, parseCrl } from '../../../src/lib/pki/crl.js';
import { parseGeneralName } from '../../../src/lib/pki/general-name.js';
import { issueEndEntity, validityOf } from '../../../src/lib/pki/issue.js';
import { keyKinds } from '../../../src/lib/pki/keys.js';
import { below, leaf, NOW, rootCa, subject } from './build.js';

const DAY = 86_400_000;

function codes(
  certificate: Certificate,
  options: Partial<ChainOptions> & Pick<ChainOptions, 'anchors'>,
): string[] {
  const { problems } = validateChain(certificate, { now: NOW, ...options });
  for (const { message } of problems) expect(message).toMatch(/^[^\n]+\.$/);
  return problems.map(({ code }) => code);
}

describe('a chain', () => {
  it.each(keyKinds.filter((kind) => kind !== 'rsa-4096'))('of %s keys is valid', async (kind) => {
    const root = await rootCa({ kind });
    const { certificate } = await leaf(root, { kind });
    expect(codes(certificate, { anchors: [root.certificate], purpose: 'server' })).toEqual([]);
  });

  it('with an intermediate CA is found, in any order of the candidates', async () => {
    const root = await rootCa();
    const middle = await below(root);
    const { certificate } = await leaf(middle);
    const anchors = [root.certificate];
    expect(codes(certificate, { anchors, intermediates: [certificate, middle.certificate] })).toEqual([]);
    expect(codes(certificate, { anchors })).toEqual(['E_CERT_UNTRUSTED']);
  });

  it('takes a certificate that is trusted itself', async () => {
    const { certificate } = await leaf(await rootCa());
    expect(codes(certificate, { anchors: [certificate] })).toEqual([]);
  });

  it('is refused for another CA, also one of the same name', async () => {
    const { certificate } = await leaf(await rootCa());
    const impostor = await rootCa();
    expect(codes(certificate, { anchors: [impostor.certificate] })).toEqual(['E_CERT_SIGNATURE']);
    expect(codes(certificate, { anchors: [] })).toEqual(['E_CERT_UNTRUSTED']);
  });

  it('is refused when any bit of what is signed was changed', async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const at = Buffer.from(certificate.der).indexOf('vpn.example.com', 0, 'latin1');
    const der = Uint8Array.from(certificate.der);
    der[at] = 'x'.charCodeAt(0);
    expect(codes(parseCertificate(der), { anchors: [root.certificate] })).toEqual(['E_CERT_SIGNATURE']);
  });

  it('is refused before and after its time, with forgiveness for clocks', async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const anchors = [root.certificate];
    const end = certificate.notAfter.getTime();
    expect(codes(certificate, { anchors, now: end })).toEqual([]);
    expect(codes(certificate, { anchors, now: end + 1 })).toEqual(['E_CERT_EXPIRED']);
    expect(codes(certificate, { anchors, now: end + 1000, skewMs: 1000 })).toEqual([]);
    expect(codes(certificate, { anchors, now: NOW - DAY })).toEqual([
      'E_CERT_NOT_YET_VALID',
      'E_CERT_NOT_YET_VALID',
    ]);
  });

  it('is refused when the issuer is no CA', async () => {
    const root = await rootCa();
    const end = await leaf(root);
    const { certificate } = await leaf({ ...end, certificate: end.certificate });
    const result = codes(certificate, { anchors: [root.certificate], intermediates: [end.certificate] });
    expect(new Set(result)).toEqual(new Set(['E_CERT_NOT_CA']));
  });

  it('is refused when it is longer than a CA allows', async () => {
    const root = await rootCa({ pathLength: 0 });
    const middle = await below(root);
    const { certificate } = await leaf(middle);
    const options = { anchors: [root.certificate], intermediates: [middle.certificate] };
    expect(codes(certificate, options)).toEqual(['E_CERT_PATH_LENGTH']);
  });

  it('does not run for ever among CAs that signed each other', async () => {
    const root = await rootCa();
    const many = await Promise.all(Array.from({ length: 12 }, () => below(root, 'O=Test, CN=Root')));
    const { certificate } = await leaf(many[0]!);
    const intermediates = many.map((each) => each.certificate);
    expect(codes(certificate, { anchors: [root.certificate], intermediates })).toEqual([]);
  });

  it.each([
    [['vpn.example.com'], []],
    [['example.com'], []],
    [['badexample.com'], ['E_CERT_NAME_CONSTRAINT']],
    [['vpn.example.com', 'vpn.example.org'], ['E_CERT_NAME_CONSTRAINT']],
    [['10.1.2.3'], []],
    [['11.1.2.3'], ['E_CERT_NAME_CONSTRAINT']],
    [['alice@example.com'], []],
    [['alice@vpn.example.com'], ['E_CERT_NAME_CONSTRAINT']],
  ])('with names %j under constraints gives %j', async (names, expected) => {
    const root = await rootCa({ permit: ['dns:example.com', 'ip:10.0.0.0/8', 'email:example.com'] });
    const { certificate } = await leaf(root, { names });
    expect(codes(certificate, { anchors: [root.certificate] })).toEqual(expected);
  });

  it('is refused for the other side of a tunnel', async () => {
    const root = await rootCa();
    const client = await leaf(root, { names: ['alice@example.com'], server: false, client: true });
    const anchors = [root.certificate];
    expect(codes(client.certificate, { anchors, purpose: 'server' })).toEqual(['E_CERT_EKU']);
    expect(codes(client.certificate, { anchors, purpose: 'client' })).toEqual([]);
  });

  it('is refused for a weak key', async () => {
    const root = await rootCa();
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    const names = { subjectAltNames: [parseGeneralName('a.example')], server: true, client: false };
    const certificate = issueEndEntity(
      { subject: subject('CN=weak'), validity: validityOf(10, NOW), spki, ...names },
      root,
    );
    expect(codes(certificate, { anchors: [root.certificate] })).toEqual(['E_CERT_WEAK_KEY']);
  });

  it('is refused for a SHA-1 signature', async () => {
    const root = await rootCa({ kind: 'rsa-2048' });
    const { certificate } = await leaf(root);
    // sha256WithRSAEncryption (…0b) becomes sha1WithRSAEncryption (…05), signed anew.
    const oid = Buffer.from('2a864886f70d01010b', 'hex');
    const der = Buffer.from(certificate.der);
    for (let at = der.indexOf(oid); at >= 0; at = der.indexOf(oid, at + 1)) der[at + oid.length - 1] = 5;
    const changed = parseCertificate(der);
    Buffer.from(sign('sha1', changed.toBeSigned, root.key)).copy(der, der.length - 256);
    expect(codes(parseCertificate(der), { anchors: [root.certificate] })).toEqual(['E_CERT_WEAK_SIGNATURE']);
  });
});

describe('revocation', () => {
  it('counts, and with require-crl the list has to be there and current', async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const list = (serials: string[]) =>
      parseCrl(
        createCrl(
          root,
          serials.map((serial) => ({ serial, date: new Date(NOW), reason: 'keyCompromise' })),
          {
            number: 1,
            thisUpdate: new Date(NOW),
            nextUpdate: new Date(NOW + DAY),
          },
        ),
      );
    const anchors = [root.certificate];
    expect(codes(certificate, { anchors, crls: [list([certificate.serial])] })).toEqual(['E_CERT_REVOKED']);
    expect(codes(certificate, { anchors, crls: [list(['01', 'ff'])], crlPolicy: 'hard' })).toEqual([]);
    expect(codes(certificate, { anchors, crlPolicy: 'hard' })).toEqual(['E_CRL_MISSING']);
    const late = { anchors, crls: [list([])], now: NOW + 2 * DAY };
    expect(codes(certificate, { ...late, crlPolicy: 'hard' })).toEqual(['E_CRL_OUTDATED']);
    expect(codes(certificate, late)).toEqual([]);
  });

  it("does not count in somebody else's list", async () => {
    const root = await rootCa();
    const { certificate } = await leaf(root);
    const times = { number: 1, thisUpdate: new Date(NOW), nextUpdate: new Date(NOW + DAY) };
    const line = { serial: certificate.serial, date: new Date(NOW), reason: 'unspecified' };
    const foreign = parseCrl(createCrl(await rootCa(), [line], times));
    expect(codes(certificate, { anchors: [root.certificate], crls: [foreign] })).toEqual([]);
  });
});

describe('names', () => {
  it.each([
    [['vpn.example.com'], 'VPN.example.COM', true],
    [['*.example.com'], 'vpn.example.com', true],
    [['*.example.com'], 'a.vpn.example.com', false],
    [['*.example.com'], 'example.com', false],
    [['vpn.example.com'], '192.0.2.1', false],
    [['192.0.2.1'], '192.0.2.1', true],
    [['dns:192.0.2.1'], '192.0.2.1', false],
    [['2001:db8::1'], '2001:db8:0::1', true],
    [['alice@example.com'], 'alice@EXAMPLE.com', true],
    [['alice@example.com'], 'Alice@example.com', false],
    [['vpn.example.com'], 'dn:CN=vpn.example.com', true],
  ])('%j covers %s: %s', async (names, host, matches) => {
    const root = await rootCa();
    const { certificate } = await leaf(root, { names });
    const result = codes(certificate, { anchors: [root.certificate], name: parseGeneralName(host) });
    expect(result).toEqual(matches ? [] : ['E_CERT_NAME']);
  });
});

describe('clients', () => {
  const found = async (
    client: 'ios' | 'windows' | 'android' | 'strongswan',
    options: Parameters<typeof leaf>[1],
    host?: string,
  ) =>
    clientProblems(client, (await leaf(await rootCa(), options)).certificate, {
      server: options?.server ?? true,
      name: host === undefined ? undefined : parseGeneralName(host),
    }).map(({ code }) => code);

  it('are content with what is issued by default', async () => {
    for (const client of ['ios', 'windows', 'android', 'strongswan'] as const) {
      expect(await found(client, {}, 'vpn.example.com')).toEqual([]);
    }
  });

  it('Apple takes 825 days and no more', async () => {
    expect(await found('ios', { days: 825 })).toEqual(['W_APPLE_LENGTH']);
    expect(await found('ios', { days: 826 })).toEqual(['E_CERT_TOO_LONG']);
  });

  it('Windows wants addresses as domain names and knows few kinds of keys', async () => {
    expect(await found('windows', { names: ['192.0.2.1'] }, '192.0.2.1')).toEqual(['E_CERT_NAME']);
    expect(await found('windows', { names: ['192.0.2.1', 'dns:192.0.2.1'] }, '192.0.2.1')).toEqual([]);
    expect(await found('windows', { kind: 'ed25519' })).toEqual(['E_CERT_KEY_KIND']);
    expect(await found('windows', { server: true, client: true, kind: 'ecdsa-p521' })).toEqual([
      'E_CERT_KEY_KIND',
    ]);
  });
});
