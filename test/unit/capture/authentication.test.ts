import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/core/environment.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { createEapAuthenticator } from '../../../src/lib/ike/auth/eap/authenticator.js';
import { createAttemptLimiter } from '../../../src/lib/ike/auth/eap/limiter.js';
import { createEapPeer } from '../../../src/lib/ike/auth/eap/peer.js';
import { parseUsers } from '../../../src/lib/ike/auth/eap/users.js';
import { createSigner } from '../../../src/lib/ike/auth/signature.js';
import type { LocalAuth, RemoteAuth } from '../../../src/lib/ike/auth/types.js';
import { parseIdentity } from '../../../src/lib/ike/identity.js';
import type { SessionPolicy } from '../../../src/lib/ike/session/types.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import { caKeyHash, validatePeer } from '../../../src/lib/pki/peer.js';
import { pskAuth } from '../../sim/world.js';
import { below, leaf, NOW, rootCa } from '../pki/build.js';
import { analyseFile } from './analyse/read-capture.js';
import { recordDuet } from './duet.js';

let folder = '';
let root: Issuer;
let middle: Issuer;
let client: Issuer;
let server: Issuer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-capture-'));
  root = await rootCa({ kind: 'rsa-2048' });
  middle = await below(root, 'CN=Intermediate', 'rsa-2048');
  client = await leaf(middle, { names: ['client.test'], server: false, client: true, kind: 'ed25519' });
  server = await leaf(middle, { names: ['server.test'], kind: 'rsa-2048' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Signs with a key; the CA between goes along. */
const signature = ({ key, certificate }: Issuer): LocalAuth => ({
  type: 'signature',
  signer: createSigner({
    key,
    certificates: [certificate.der, middle.certificate.der],
    ...(key.asymmetricKeyType === 'rsa' && { rsaScheme: 'pss' }),
  }),
});
const trust = (): RemoteAuth => ({
  type: 'signature',
  trust: {
    authorities: [caKeyHash(root.certificate)],
    allowSha1: false,
    validate: (peer) => validatePeer(peer, { anchors: [root.certificate], now: NOW }),
  },
});
const password = (text: string): LocalAuth => ({
  type: 'eap',
  createPeer: () => createEapPeer({ method: 'mschapv2', user: 'carol', password: Secret.fromText(text) }),
});
const users = (): RemoteAuth => ({
  type: 'eap',
  createAuthenticator: () =>
    createEapAuthenticator({
      methods: ['mschapv2'],
      users: parseUsers('carol:wonderland\n'),
      limiter: createAttemptLimiter(systemClock),
      serverName: 'server.test',
    }),
});

const tlsCredentials = ({ key, certificate }: Issuer) => ({
  key,
  certificates: [certificate.der, middle.certificate.der],
  fragmentBytes: 600,
});
const believe = (role: 'initiator' | 'responder', name: string) => (chain: readonly Uint8Array[]) => {
  const identity = parseIdentity(name)!;
  validatePeer({ certificates: chain, identity, role }, { anchors: [root.certificate], now: NOW });
};
const tlsPeer = (): LocalAuth => ({
  type: 'eap',
  createPeer: () =>
    createEapPeer({
      method: 'tls',
      user: 'client.test',
      tls: { ...tlsCredentials(client), validateServer: believe('responder', 'server.test') },
    }),
});
const tlsServer = (expected = 'client.test'): RemoteAuth => ({
  type: 'eap',
  createAuthenticator: () =>
    createEapAuthenticator({
      methods: ['tls'],
      users: parseUsers(''),
      limiter: createAttemptLimiter(systemClock),
      tls: { ...tlsCredentials(server), validateClient: believe('initiator', expected) },
    }),
});

/** Records a session of ours and analyses it with its key log. */
async function session(ours: Partial<SessionPolicy>, theirs: Partial<SessionPolicy>) {
  const recorded = await recordDuet(ours, theirs, NOW / 1000);
  const path = join(mkdtempSync(join(folder, 'session-')), 'capture.pcap');
  writeFileSync(path, recorded.pcap);
  await recorded.writeKeys(join(path, '..', 'keys'));
  const { report, findings } = await analyseFile(path, [join(path, '..', 'keys')]);
  const sa = report.ikeSas[0]!;
  const grave = findings.filter(({ severity }) => severity !== 'info');
  return { sa, grave, stories: sa.exchanges.map(({ story }) => story).join('\n') };
}

describe('a session of ours is read with its key log', () => {
  it('with certificates, an intermediate CA and fragments', async () => {
    const small = { announce: true, size: 576 };
    const { sa, grave, stories } = await session(
      { auth: { local: [signature(client)], remote: [[trust()]] }, fragmentation: small },
      { auth: { local: [signature(server)], remote: [[trust()]] }, fragmentation: small },
    );
    expect(grave).toEqual([]);
    expect(sa.state).toBe('deleted');
    expect(sa.authMethods).toEqual({
      initiator: 'Digital Signature (Ed25519)',
      responder: 'Digital Signature (RSASSA-PSS with SHA2-256)',
    });
    const auth = sa.exchanges.find(({ exchange }) => exchange === 'IKE_AUTH');
    expect(auth?.response?.fragments?.total).toBeGreaterThan(2);
    expect(
      auth?.request?.certificates?.map(({ subject, names, key, ca }) => [subject, names, key, ca]),
    ).toEqual([
      ['CN=client.test', ['DNS:client.test'], 'ed25519 256', false],
      ['CN=Intermediate', [], 'rsa 2048', true],
    ]);
    expect(auth?.request?.authorities).toEqual([Buffer.from(caKeyHash(root.certificate)).toString('hex')]);
    expect(stories).toMatch(/says it is 'server\.test', proves itself by Digital Signature/);
  });

  it('with EAP-MSCHAPv2', async () => {
    const { sa, grave, stories } = await session(
      { auth: { local: [password('wonderland')], remote: [[trust()]] } },
      { auth: { local: [signature(server)], remote: [[users()]] } },
    );
    expect(grave).toEqual([]);
    expect(sa.authMethods.initiator).toBe('EAP-MSCHAPv2');
    expect(stories).toMatch(/Challenge of 'server\.test'/);
    expect(stories).toMatch(/EAP Response EAP-MSCHAPv2: Response of 'carol'/);
  });

  it('with a wrong password', async () => {
    const { sa, grave } = await session(
      { auth: { local: [password('looking-glass')], remote: [[trust()]] } },
      { auth: { local: [signature(server)], remote: [[users()]] } },
    );
    expect(sa.state).not.toBe('established');
    expect(grave.map(({ id }) => id)).toEqual(['eap-failed']);
    expect(grave[0]?.title).toMatch(/EAP-MSCHAPv2 with Failure for the user 'carol': E=691/);
  });

  it('with EAP-TLS in fragments', async () => {
    const { sa, grave, stories } = await session(
      { auth: { local: [tlsPeer()], remote: [[trust()]] } },
      { auth: { local: [signature(server)], remote: [[tlsServer()]] } },
    );
    expect(grave).toEqual([]);
    expect(sa.authMethods.initiator).toBe('EAP-TLS');
    expect(stories).toMatch(/EAP Response EAP-TLS: ClientHello \(up to TLS 1\.3\)/);
    expect(stories).toMatch(/a fragment \(\d+ of \d+ bytes, more follow\)/);
    expect(stories).toMatch(/ServerHello \(TLS 1\.3\)/);
  });

  it('with a client certificate that EAP-TLS refuses', async () => {
    const { sa, grave } = await session(
      { auth: { local: [tlsPeer()], remote: [[trust()]] } },
      { auth: { local: [signature(server)], remote: [[tlsServer('somebody.else')]] } },
    );
    expect(sa.state).not.toBe('established');
    expect(grave.map(({ id }) => id)).toEqual(['eap-failed']);
  });

  it('with a key first and a password then', async () => {
    const [psk] = pskAuth.local;
    const { sa, grave, stories } = await session(
      { auth: { local: [psk!, password('wonderland')], remote: [[trust()]] } },
      { auth: { local: [signature(server)], remote: [[...pskAuth.remote[0]!, users()]] } },
    );
    expect(grave).toEqual([]);
    expect(sa.authMethods.initiator).toBe('Shared Key Message Integrity Code, then EAP-MSCHAPv2');
    expect(stories).toMatch(/announces another authentication/);
  });

  it('with no proof at all on one side', async () => {
    const nothing = { type: 'null' } as const;
    const { grave } = await session(
      { auth: { local: [nothing], remote: [[trust()]] } },
      { auth: { local: [signature(server)], remote: [[nothing]] } },
    );
    expect(grave.map(({ id }) => id)).toEqual(['null-authentication']);
  });
});

/** Recorded between two strongSwan 5.9.8, with keys from their logs. */
describe('sessions of strongSwan are explained', () => {
  const analyse = (name: string) => {
    const path = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
    return analyseFile(`${path}.pcap.gz`, [`${path}.keys.json`]);
  };

  it('EAP-TLS step by step', async () => {
    const { report, findings } = await analyse('eap-tls');
    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    const steps = report.ikeSas[0]!.exchanges.flatMap(({ request, response }) => [
      request?.eap?.step,
      response?.eap?.step,
    ]);
    expect(steps.filter((step) => step !== undefined)).toEqual([
      'start',
      'ClientHello (up to TLS 1.2)',
      'a fragment (1014 of 1155 bytes, more follow)',
      'acknowledgement',
      'ServerHello (TLS 1.2), Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone',
      'a fragment (1014 of 1109 bytes, more follow)',
      'acknowledgement',
      'Certificate, ClientKeyExchange, CertificateVerify, change cipher spec, encrypted handshake',
      'change cipher spec, encrypted handshake',
      'acknowledgement',
    ]);
    const shown = report.ikeSas[0]!.exchanges.flatMap(({ request }) => request?.certificates ?? []);
    expect(shown.map(({ subject }) => subject)).toEqual(['O=Lab, CN=alice.test']);
  });

  it('a wrong password, although the client ends by INFORMATIONAL', async () => {
    const { findings } = await analyse('eap-mschapv2-wrong-password');
    expect(findings.filter(({ severity }) => severity !== 'info')).toMatchObject([
      { id: 'eap-failed', frames: [7, 8], title: expect.stringMatching(/for the user 'alice': E=691/) },
    ]);
  });

  it('a gateway whose CA the client does not know', async () => {
    const { findings } = await analyse('certificate-unknown-ca');
    expect(findings.filter(({ severity }) => severity !== 'info')).toMatchObject([
      {
        id: 'authentication-failed',
        title: expect.stringMatching(/^10\.77\.0\.1 refused the authentication of 10\.77\.0\.2/),
        advice: expect.stringMatching(/^The two sides trust different CAs/),
      },
    ]);
  });
});
