import { beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/lib/core/secret.js';
import { parseUsers } from '../../../src/lib/ike/auth/eap/users.js';
import type { AuthPolicy, RemoteAuth } from '../../../src/lib/ike/auth/types.js';
import { parseIdentity } from '../../../src/lib/ike/identity.js';
import type { Certificate } from '../../../src/lib/pki/certificate.js';
import { parseGeneralName } from '../../../src/lib/pki/general-name.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import { issueEndEntity, validityOf } from '../../../src/lib/pki/issue.js';
import { generateKey, spkiOf } from '../../../src/lib/pki/keys.js';
import { caKeyHash } from '../../../src/lib/pki/peer.js';
import type { AuthMethod, Credentials, OwnCertificate } from '../../../src/lib/tunnel/credentials.js';
import { dialledName } from '../../../src/lib/tunnel/credentials-identity.js';
import { authPolicy } from '../../../src/lib/tunnel/credentials-policy.js';
import {
  type AuthSide,
  certificateTrust,
  validateInsideTls,
} from '../../../src/lib/tunnel/credentials-trust.js';
import { rootCa, subject } from '../pki/build.js';

let root: Issuer;
let other: Issuer;
let server: OwnCertificate;
let complete: Omit<Credentials, 'local' | 'remote'>;

/** Valid now: trust looks at the clock of this host. */
async function issue(name: string, issuer: Issuer, side: 'server' | 'client'): Promise<OwnCertificate> {
  const key = await generateKey('ecdsa-p256');
  const certificate = issueEndEntity(
    {
      subject: subject(`CN=${name}`),
      validity: validityOf(10, Date.now()),
      spki: spkiOf(key),
      subjectAltNames: [parseGeneralName(name)],
      server: side === 'server',
      client: side === 'client',
    },
    issuer,
  );
  return { key, certificates: [certificate] };
}

const responder: AuthSide = { role: 'responder' };
const initiator = (dialled?: string, remoteId?: string): AuthSide => ({
  role: 'initiator',
  dialled: dialled === undefined ? undefined : dialledName(dialled),
  remoteId: remoteId === undefined ? undefined : parseIdentity(remoteId),
});
const ders = (...certificates: Certificate[]) => certificates.map(({ der }) => der);

beforeAll(async () => {
  [root, other] = await Promise.all([rootCa(), rootCa()]);
  server = await issue('vpn.example.com', root, 'server');
  complete = {
    psk: Secret.fromText('correct horse battery staple'),
    own: server,
    trust: { anchors: [root.certificate] },
    eapUser: 'alice',
    eapPassword: Secret.fromText('wonderland'),
    users: parseUsers('alice:wonderland'),
  };
});

const policy = (local: AuthMethod[], remote: AuthMethod[][], side: AuthSide = responder): AuthPolicy =>
  authPolicy({ ...complete, local, remote }, side);
const types = (rounds: readonly { type: string }[]): string => rounds.map(({ type }) => type).join('+');

describe('authPolicy', () => {
  it.each<[AuthMethod[], AuthMethod[][], string, string[]]>([
    [['psk'], [['psk']], 'psk', ['psk']],
    [['cert'], [['cert'], ['psk']], 'signature', ['signature', 'psk']],
    [['cert'], [['cert', 'eap-mschapv2']], 'signature', ['signature+eap']],
    [['cert'], [['eap-tls'], ['eap-mschapv2'], ['eap-md5']], 'signature', ['eap']],
    [
      ['cert'],
      [['cert', 'eap-tls'], ['eap-mschapv2'], ['cert', 'eap-md5']],
      'signature',
      ['signature+eap', 'eap'],
    ],
    [['eap-only'], [['eap-tls']], 'eap-only', ['eap']],
    [['null'], [['null']], 'null', ['null']],
    [['cert', 'psk'], [['psk']], 'signature+psk', ['psk']],
  ])('%j and %j', (local, remote, ours, theirs) => {
    const { local: made, remote: alternatives } = policy(local, remote);
    expect(types(made)).toBe(ours);
    expect(alternatives.map(types)).toEqual(theirs);
  });

  it('makes a new EAP conversation for every connection', () => {
    const [eap] = policy(['eap-mschapv2'], [['cert']], initiator('vpn.example.com')).local;
    if (eap?.type !== 'eap') throw new Error('EAP is expected');
    expect(eap.createPeer()).not.toBe(eap.createPeer());
  });

  it('proposes the first EAP method and counts wrong passwords over all conversations', async () => {
    const [[eap]] = policy(['cert'], [['eap-md5'], ['eap-mschapv2']]).remote as [[RemoteAuth]];
    if (eap.type !== 'eap') throw new Error('EAP is expected');
    const codes: string[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) codes.push(await failWithMd5(eap));
    expect(codes).toEqual([
      ...Array.from({ length: 5 }, () => 'E_EAP_PASSWORD'),
      'E_EAP_TOO_MANY',
      'E_EAP_TOO_MANY',
    ]);
  });

  it('carries the stapled response along', () => {
    const ocspResponse = Uint8Array.of(48, 0);
    const made = authPolicy(
      { ...complete, own: { ...server, ocspResponse }, local: ['cert'], remote: [['psk']] },
      responder,
    );
    expect(made.local).toMatchObject([
      { signer: { ocspResponse, certificates: ders(...server.certificates) } },
    ]);
  });
});

/** One conversation of alice with a wrong password (RFC 3748 5.4); its end. */
async function failWithMd5(eap: RemoteAuth & { type: 'eap' }): Promise<string> {
  const conversation = eap.createAuthenticator();
  const request = await conversation.start('192.0.2.7');
  if (request.type !== 'send') throw new Error('a request is expected');
  const identity = Buffer.from('\x02\0\0\0\x01alice', 'latin1');
  identity[1] = request.message[1]!;
  identity.writeUInt16BE(identity.length, 2);
  const challenge = await conversation.step(identity);
  if (challenge.type === 'failure') return challenge.error.code;
  expect(challenge.message[4]).toBe(4);
  const answer = Buffer.concat([Buffer.from([2, challenge.message[1]!, 0, 22, 4, 16]), Buffer.alloc(16)]);
  const end = await conversation.step(answer);
  return end.type === 'failure' ? end.error.code : end.type;
}

describe('certificateTrust', () => {
  const claim = (own: OwnCertificate, name: string) => ({
    certificates: ders(...own.certificates),
    ocspResponses: [],
    identity: parseIdentity(name)!,
    role: 'responder' as const,
  });
  const trust = (changes = {}, side = initiator('vpn.example.com')) =>
    certificateTrust({ anchors: [root.certificate], ...changes }, side);

  it('names the CAs of files, and believes those of the system too', async () => {
    expect(trust().authorities).toEqual([caKeyHash(root.certificate)]);
    const system = trust({ anchors: [other.certificate], unnamedAnchors: [root.certificate] });
    expect(system.authorities).toEqual([caKeyHash(other.certificate)]);
    const key = await system.validate(claim(server, 'vpn.example.com'));
    expect(key.equals(server.certificates[0].publicKey!)).toBe(true);
  });

  it('asks for a stapled response where revocation has to be known', () => {
    expect(trust().requestOcsp).toBe(false);
    expect(trust({ crlPolicy: 'hard' }).requestOcsp).toBe(true);
    expect(trust().allowSha1).toBe(false);
    expect(trust({ allowSha1: true }).allowSha1).toBe(true);
  });

  it('asks for the lists at every validation', async () => {
    let asked = 0;
    const crls = {
      lists: () => {
        asked += 1;
        return [];
      },
    };
    await trust({ crls }).validate(claim(server, 'vpn.example.com'));
    await expect(
      trust({ crls, crlPolicy: 'hard' }).validate(claim(server, 'vpn.example.com')),
    ).rejects.toMatchObject({ code: 'E_CRL_MISSING' });
    expect(asked).toBe(2);
  });

  it.each([
    ['gw.example.com', 'vpn.example.com', 'E_CERT_NAME'],
    ['vpn.example.com', 'gw.example.com', 'E_CERT_NAME'],
  ])('refuses a gateway dialled as %s that calls itself %s', async (dialled, identity, code) => {
    await expect(trust({}, initiator(dialled)).validate(claim(server, identity))).rejects.toMatchObject({
      kind: 'refused',
      code,
    });
  });

  it('does not mind what was dialled when an identity is expected instead', async () => {
    const any = trust({}, initiator(undefined, 'vpn.example.com'));
    await expect(any.validate(claim(server, 'vpn.example.com'))).resolves.toBeDefined();
  });

  it('forgives the difference of clocks that it is told', async () => {
    const day = 86_400_000;
    const key = await generateKey('ecdsa-p256');
    const certificate = issueEndEntity(
      {
        subject: subject('CN=vpn.example.com'),
        validity: { notBefore: new Date(Date.now() - 3 * day), notAfter: new Date(Date.now() - day) },
        spki: spkiOf(key),
        subjectAltNames: [parseGeneralName('vpn.example.com')],
        server: true,
        client: false,
      },
      root,
    );
    const late = claim({ key, certificates: [certificate] }, 'vpn.example.com');
    await expect(trust().validate(late)).rejects.toMatchObject({ code: 'E_CERT_EXPIRED' });
    await expect(trust({ skewMs: 2 * day }).validate(late)).resolves.toBeDefined();
  });
});

describe('validateInsideTls', () => {
  const anchors = () => ({ anchors: [root.certificate] });

  it('takes a server for what was dialled, or for whom was expected', async () => {
    const chain = ders(...server.certificates);
    for (const side of [initiator('vpn.example.com'), initiator(undefined, 'vpn.example.com'), initiator()]) {
      await validateInsideTls(certificateTrust(anchors(), side), chain, side);
    }
    for (const side of [initiator('gw.example.com'), initiator(undefined, 'gw.example.com')]) {
      await expect(validateInsideTls(certificateTrust(anchors(), side), chain, side)).rejects.toMatchObject({
        code: 'E_CERT_NAME',
      });
    }
  });

  it('takes a client for the user that its certificate covers, and for nobody else', async () => {
    const { certificates } = await issue('alice@example.com', root, 'client');
    const chain = ders(...certificates);
    const trust = certificateTrust(anchors(), responder);
    await validateInsideTls(trust, chain, responder, 'alice@example.com');
    for (const user of ['bob@example.com', 'alice', '%any', '*', '', '%null', '*@example.com', undefined]) {
      await expect(validateInsideTls(trust, chain, responder, user)).rejects.toMatchObject({
        kind: 'refused',
        code: 'E_CERT_NAME',
      });
    }
    await expect(validateInsideTls(trust, [], responder, 'alice@example.com')).rejects.toMatchObject({
      code: 'E_CERT_MISSING',
    });
  });

  it('refuses a client of another CA', async () => {
    const trust = certificateTrust(anchors(), responder);
    const { certificates } = await issue('alice@example.com', other, 'client');
    await expect(
      validateInsideTls(trust, ders(...certificates), responder, 'alice@example.com'),
    ).rejects.toMatchObject({ kind: 'refused', code: expect.stringMatching(/^E_CERT_/) });
  });
});
