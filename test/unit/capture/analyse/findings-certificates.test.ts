import { beforeAll, describe, expect, test } from 'vitest';
import { certificates } from '../../../../src/lib/capture/analyse/findings/certificates.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import { leaf, rootCa } from '../../pki/build.js';
import { ecCertificate, pssCertificate } from '../describe/certificate-samples.js';
import { authRequest, authResponse, eap, eapTalk, goodSession, id, pskAuth, Talk } from './build.js';
import { checkGroup } from './cases.js';

const cert = (data: Uint8Array): Payload => ({ type: 37, encoding: 4, data });

/** A session in which the responder shows a certificate. */
function certified(identity: string, der: Uint8Array, at = 0): Talk {
  const talk = new Talk();
  talk.auth(1, false, authRequest(), { at });
  talk.auth(1, true, [id(36, identity), cert(der), pskAuth, ...authResponse().slice(2)]);
  return talk;
}

/** A session in which the initiator shows one. */
function client(der: Uint8Array): Talk {
  const [idI, ...rest] = authRequest();
  const talk = new Talk();
  talk.auth(1, false, [idI!, cert(der), ...rest]);
  talk.auth(1, true, authResponse());
  return talk;
}

const valid = (): Talk => certified('gw.example', ecCertificate);

let forClient: Uint8Array;
let forServer: Uint8Array;
beforeAll(async () => {
  const root = await rootCa();
  const names = ['gw.example', 'alice.example'];
  forClient = (await leaf(root, { names, server: false, client: true })).certificate.der;
  forServer = (await leaf(root, { names, server: true })).certificate.der;
});

checkGroup(certificates, {
  'identity-not-in-certificate': {
    talk: () => certified('vpn.example', ecCertificate),
    frames: [2],
    title: /'vpn\.example' of 192\.0\.2\.2:500 is not among .* it has DNS:gw\.example/,
    without: valid,
  },
  'certificate-expired': {
    talk: () => certified('gw.example', ecCertificate, -90 * 86_400),
    frames: [2],
    title: /is valid only from 2026-11-21/,
    advice: /clocks/,
    without: valid,
  },
  'certificate-weak': {
    talk: () => certified('gw.example', pssCertificate),
    frames: [2],
    title: /an RSA key of 1024 bits/,
    without: valid,
  },
  'certificate-usage': {
    talk: () => certified('gw.example', forClient),
    frames: [2],
    title:
      "The certificate 'CN=gw.example' of 192.0.2.2 is not for a gateway by its extended key usages: they are clientAuth.",
    without: () => certified('gw.example', forServer),
  },
  'certificate-without-server-auth': {
    talk: valid,
    frames: [2],
    title: "The certificate 'C=CH, O=Example, CN=gw.example' of 192.0.2.2 has no serverAuth.",
    without: () => certified('gw.example', forServer),
  },
});

test.each(['gw.example', '192.0.2.1', 'admin@gw.example'])(
  '%s is found among the names of a certificate',
  (identity) => {
    expect(certified(identity, ecCertificate).ids()).not.toContain('identity-not-in-certificate');
  },
);

test("a client's certificate is measured by what clients need", () => {
  expect(client(forClient).ids()).not.toContain('certificate-usage');
  // ikeIntermediate, which gateways' certificates have, is for IKE on either side.
  expect(client(forServer).ids()).not.toContain('certificate-usage');
  expect(client(ecCertificate).only('identity-not-in-certificate').frames).toEqual([1]);
});

test('what a certificate says is in the report', () => {
  expect(certified('gw.example', forServer).report().ikeSas[0]?.exchanges[0]?.response?.certificates).toEqual(
    [
      {
        subject: 'CN=gw.example',
        issuer: 'O=Test, CN=Root',
        names: ['DNS:gw.example', 'DNS:alice.example'],
        notBefore: '2026-05-31T23:00:00.000Z',
        notAfter: '2027-07-02T22:59:59.000Z',
        key: 'ec prime256v1',
        signature: 'ecdsa-with-sha256',
        ca: false,
        extendedKeyUsage: ['serverAuth', 'ikeIntermediate'],
        publicKeySha1: expect.stringMatching(/^[0-9a-f]{40}$/),
      },
    ],
  );
});

describe('in EAP-TLS', () => {
  test('certificates count, too', () => {
    const list = (...ders: Uint8Array[]): Uint8Array => {
      const entries = ders.map((der) => Buffer.concat([size(der.length), der]));
      const all = Buffer.concat(entries);
      return Buffer.concat([Buffer.of(11), size(all.length + 3), size(all.length), all]);
    };
    const message = list(pssCertificate);
    const record = Buffer.concat([Buffer.of(22, 3, 3, message.length >> 8, message.length & 0xff), message]);
    const talk = eapTalk([eap(1, 1), eap(2, 1), eap(1, 13, Buffer.concat([Buffer.of(0), record]))]);
    expect(talk.only('certificate-weak')).toMatchObject({ frames: [6] });
  });
});

function size(length: number): Buffer {
  return Buffer.of(length >> 16, (length >> 8) & 0xff, length & 0xff);
}

test('a session without certificates has no finding about them', () => {
  const talk = new Talk();
  goodSession(talk);
  expect(talk.ids().filter((name) => name.startsWith('certificate'))).toEqual([]);
});
