import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/lib/core/secret.js';
import { parseUsers } from '../../../src/lib/ike/auth/eap/users.js';
import { parseGeneralName } from '../../../src/lib/pki/general-name.js';
import { type Issuer, issueEndEntity, validityOf } from '../../../src/lib/pki/issue.js';
import { generateKey, type KeyKind, spkiOf } from '../../../src/lib/pki/keys.js';
import type { AuthMethod, Credentials, OwnCertificate } from '../../../src/lib/tunnel/credentials.js';
import { below, rootCa, subject } from '../../unit/pki/build.js';
import { type Side, startClient, startServer } from './harness.js';

const running: Side[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((side) => side.stop()));
});

/** Valid at this hour: tunnels look at the clock of this host. */
async function issue(issuer: Issuer, names: string[], kind: KeyKind = 'ecdsa-p256'): Promise<OwnCertificate> {
  const key = await generateKey(kind);
  const certificate = issueEndEntity(
    {
      subject: subject(`CN=${names[0]}`),
      validity: validityOf(10, Date.now()),
      spki: spkiOf(key),
      subjectAltNames: names.map(parseGeneralName),
      server: true,
      client: true,
    },
    issuer,
  );
  return { key, certificates: [certificate] };
}

let root: Issuer;
let gateway: OwnCertificate;
let rsa: OwnCertificate;
let alice: OwnCertificate;
let stranger: OwnCertificate;

beforeAll(async () => {
  root = await rootCa();
  [gateway, rsa, alice, stranger] = await Promise.all([
    issue(root, ['gw.example.com', '127.0.0.1']),
    issue(root, ['rsa.example.com', '127.0.0.1'], 'rsa-2048'),
    issue(root, ['alice@example.com'], 'ed25519'),
    issue(await below(root, 'CN=Stranger'), ['alice@example.com', 'gw.example.com', '127.0.0.1']),
  ]);
});

const users = parseUsers('alice:wonderland');
const password = Secret.fromText('wonderland');
const psk = Secret.fromText('correct horse battery staple');

type Changes = Partial<Omit<Credentials, 'local' | 'remote'>>;

const server = (local: AuthMethod[], remote: AuthMethod[][], changes: Changes = {}): Credentials => ({
  ...{ local, remote, psk, own: gateway, users, trust: { anchors: [root.certificate] } },
  ...changes,
});
const client = (local: AuthMethod[], remote: AuthMethod[], changes: Changes = {}): Credentials => ({
  ...{ local, remote: [remote], psk, own: alice, trust: { anchors: [root.certificate] } },
  ...{ eapUser: 'alice', eapPassword: password },
  ...changes,
});

/** Identities follow from the credentials. */
const connect = async (there: Credentials, here: Credentials) => {
  const { server, ports } = await startServer({ credentials: there, localId: undefined });
  running.push(server);
  const side = startClient(ports, { credentials: here, localId: undefined, remoteId: undefined });
  running.push(side);
  return { server, client: side };
};

const ecdsa = 'ECDSA P-256 with SHA-256';
const inTls = (credentials: Credentials): Credentials => ({ ...credentials, eapUser: undefined });

describe('a tunnel', () => {
  it.each<[string, () => Credentials, () => Credentials, string, string, string?]>([
    ['a key both ways', () => server(['psk'], [['psk']]), () => client(['psk'], ['psk']), 'psk', 'psk'],
    [
      'certificates both ways',
      () => server(['cert'], [['cert']]),
      () => client(['cert'], ['cert']),
      'Ed25519',
      ecdsa,
    ],
    [
      'an RSA certificate that signs with PKCS#1 v1.5',
      () => server(['cert'], [['cert']], { own: { ...rsa, rsaScheme: 'pkcs1' } }),
      () => client(['cert'], ['cert']),
      'Ed25519',
      'RSA (PKCS#1 v1.5) with SHA-256',
    ],
    [
      'a key one way, a certificate the other',
      () => server(['cert'], [['psk']]),
      () => client(['psk'], ['cert']),
      'psk',
      ecdsa,
    ],
    [
      'EAP-MSCHAPv2',
      () => server(['cert'], [['eap-mschapv2']]),
      () => client(['eap-mschapv2'], ['cert']),
      'eap-mschapv2',
      ecdsa,
      'alice',
    ],
    [
      'EAP-MD5, which the server proposes second',
      () => server(['cert'], [['eap-mschapv2'], ['eap-md5']]),
      () => client(['eap-md5'], ['cert']),
      'eap-md5',
      ecdsa,
      'alice',
    ],
    [
      'EAP-TLS',
      () => server(['cert'], [['eap-tls']]),
      () => inTls(client(['eap-tls'], ['cert'])),
      'eap-tls',
      ecdsa,
      'alice@example.com',
    ],
    [
      'EAP-TLS alone',
      () => server(['eap-only'], [['eap-tls']]),
      () => inTls(client(['eap-tls'], ['eap-only'])),
      'eap-tls',
      'eap-tls (mutual)',
      'alice@example.com',
    ],
    [
      'a certificate, then EAP',
      () => server(['cert'], [['cert', 'eap-mschapv2']]),
      () => client(['cert', 'eap-mschapv2'], ['cert']),
      'Ed25519 + eap-mschapv2',
      ecdsa,
      'alice',
    ],
    [
      'two rounds on either side',
      () => server(['cert', 'psk'], [['psk', 'cert']]),
      () => client(['psk', 'cert'], ['cert', 'psk']),
      'psk + Ed25519',
      `${ecdsa} + psk`,
    ],
    [
      'one of several alternatives',
      () => server(['cert'], [['cert'], ['eap-mschapv2'], ['psk']]),
      () => client(['psk'], ['cert']),
      'psk',
      ecdsa,
    ],
    [
      'nothing but the certificate of the gateway',
      () => server(['cert'], [['null']]),
      () => client(['null'], ['cert']),
      'null',
      ecdsa,
    ],
  ])('comes up with %s', async (_what, there, here, localAuth, remoteAuth, eapIdentity) => {
    const sides = await connect(there(), here());
    const ours = await sides.client.event('ike-sa-established');
    const theirs = await sides.server.event('ike-sa-established');
    await sides.client.event('child-sa-established');
    expect(ours).toMatchObject({ localAuth, remoteAuth });
    expect(theirs).toMatchObject({ localAuth: remoteAuth, remoteAuth: localAuth });
    expect([ours.eapIdentity, theirs.eapIdentity]).toEqual([eapIdentity, eapIdentity]);
    expect([ours.localId, ours.remoteId]).toEqual([theirs.remoteId, theirs.localId]);
  });

  it.each<[string, () => Credentials, () => Credentials, string, string]>([
    [
      'a gateway of another CA',
      () => server(['cert'], [['psk']], { own: stranger }),
      () => client(['psk'], ['cert']),
      'E_CERT_UNTRUSTED',
      'E_AUTHENTICATION_FAILED',
    ],
    [
      'a gateway whose certificate is not for what was dialled',
      () => server(['cert'], [['psk']], { own: alice }),
      () => client(['psk'], ['cert']),
      'E_CERT_NAME',
      'E_AUTHENTICATION_FAILED',
    ],
    [
      'a gateway that proves itself with the key where a certificate is required',
      () => server(['psk'], [['psk']]),
      () => client(['psk'], ['cert']),
      'E_AUTH_METHOD',
      'E_AUTHENTICATION_FAILED',
    ],
    [
      'a client of another CA',
      () => server(['cert'], [['cert']]),
      () => client(['cert'], ['cert'], { own: stranger }),
      'E_AUTHENTICATION_FAILED',
      'E_CERT_UNTRUSTED',
    ],
    [
      'a client without a revocation list where one is required',
      () => server(['cert'], [['cert']], { trust: { anchors: [root.certificate], crlPolicy: 'hard' } }),
      () => client(['cert'], ['cert']),
      'E_AUTHENTICATION_FAILED',
      'E_CRL_MISSING',
    ],
    [
      'a client that uses the key where a certificate is required',
      () => server(['cert'], [['cert']]),
      () => client(['psk'], ['cert']),
      'E_AUTHENTICATION_FAILED',
      'E_AUTH_METHOD',
    ],
    [
      'a wrong password',
      () => server(['cert'], [['eap-mschapv2']]),
      () => client(['eap-mschapv2'], ['cert'], { eapPassword: Secret.fromText('looking glass') }),
      'E_EAP_PASSWORD',
      'E_EAP_PASSWORD',
    ],
    [
      'an unknown user',
      () => server(['cert'], [['eap-mschapv2']]),
      () => client(['eap-mschapv2'], ['cert'], { eapUser: 'bob' }),
      'E_EAP_PASSWORD',
      'E_EAP_UNKNOWN_USER',
    ],
    [
      'a user of EAP-TLS whom the certificate does not cover',
      () => server(['cert'], [['eap-tls']]),
      () => client(['eap-tls'], ['cert'], { eapUser: 'bob@example.com' }),
      'E_EAP_FAILED',
      'E_EAP_CLIENT',
    ],
    [
      'a client that stops after one round of two',
      () => server(['cert'], [['cert', 'eap-mschapv2']]),
      () => client(['cert'], ['cert']),
      'E_AUTHENTICATION_FAILED',
      'E_AUTH_METHOD',
    ],
  ])('refuses %s', async (_what, there, here, ours, theirs) => {
    const sides = await connect(there(), here());
    expect(await sides.client.ended).toMatchObject({ kind: 'refused', code: ours, exitCode: 6 });
    const error = await sides.server.event('error');
    expect(error).toMatchObject({ code: theirs, peer: expect.stringContaining('127.0.0.1:') });
  });

  it('may be with a gateway that proves only the identity which was asked for', async () => {
    const there = server(['cert'], [['psk']], { own: await issue(root, ['gw.example.com']) });
    const { server: side, ports } = await startServer({ credentials: there, localId: undefined });
    running.push(side);
    const here = client(['psk'], ['cert']);
    const refused = startClient(ports, { credentials: here, remoteId: undefined });
    expect(await refused.ended).toMatchObject({ code: 'E_CERT_NAME' });
    for (const remoteId of ['gw.example.com', '%any']) {
      const accepted = startClient(ports, { credentials: here, remoteId });
      running.push(accepted);
      expect(await accepted.event('ike-sa-established')).toMatchObject({ remoteId: 'gw.example.com' });
    }
    const mistaken = startClient(ports, { credentials: here, remoteId: 'vpn.example.com' });
    expect(await mistaken.ended).toMatchObject({ code: 'E_IDENTITY_MISMATCH' });
  });
});
