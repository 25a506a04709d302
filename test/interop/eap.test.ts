import { describe, expect, test } from 'vitest';
import { connect, type Flags, type Kit, serve, verdict } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { certFlags, credentials, issuePeople, type People, secretFile } from './harness/people.js';
import type { StrongSwan } from './harness/strongswan.js';
import type { StrongSwanOptions } from './harness/strongswan-config.js';
import { ping } from './harness/traffic.js';
import { expectTransfer, isUp, startInitiator, startResponder } from './harness/tunnels.js';

const user = 'carol';
const password = 'Straße nach Köln 7';

interface Method {
  name: string;
  /** Flags of our client and of our server beside those about the certificate of the server. */
  client: (lab: Lab, people: People) => Flags;
  server: (lab: Lab, people: People) => Flags;
  /** strongSwan's words for the method, and the user's name in it. */
  auth: string;
  eapId: string;
  /** The server proves itself inside EAP alone (RFC 5998). */
  alone?: boolean;
  /** Ours for the same. */
  event: { method: string; serverAuth: string };
}

const withPassword = (method: 'mschapv2' | 'md5'): Method => ({
  name: method === 'md5' ? 'MD5' : 'MSCHAPv2',
  client: (lab, { root }) => ({
    auth: `eap-${method}`,
    'eap-user': user,
    'eap-password-file': secretFile(lab, 'password', `${password}\n`),
    ca: root.cert,
  }),
  server: (lab, { bob }) => ({
    'client-auth': `eap-${method}`,
    users: secretFile(lab, 'users', `# two of them\ndave:not this one\n${user}:${password}\n`),
    cert: bob.cert,
    key: bob.key,
  }),
  auth: `eap-${method}`,
  eapId: user,
  event: { method: `eap-${method}`, serverAuth: 'ECDSA P-256 with SHA-256' },
});

/** TLS 1.2, strongSwan's default: its 1.3 is from before RFC 9190 and lacks the indication of success. */
const withTls = (alone: boolean): Method => ({
  name: alone ? 'TLS and nothing else of the server (RFC 5998)' : 'TLS',
  client: (_lab, people) => ({
    ...certFlags(people, people.alice),
    auth: 'eap-tls',
    ...(alone && { 'server-auth': 'eap-only' }),
  }),
  server: (_lab, people) => ({
    ...certFlags(people, people.bob),
    'client-auth': 'eap-tls',
    ...(alone && { auth: 'eap-only' }),
  }),
  auth: 'eap-tls',
  eapId: 'alice.test',
  alone,
  event: { method: 'eap-tls', serverAuth: alone ? 'eap-tls (mutual)' : 'ECDSA P-256 with SHA-256' },
});

const methods: Method[] = [withPassword('mschapv2'), withPassword('md5'), withTls(false), withTls(true)];

const users = { [user]: password, dave: 'not this one' };

/** strongSwan as the server of a method, with addresses for its clients. */
function startServer(lab: Lab, people: People, { auth, alone }: Method): Promise<StrongSwan> {
  return startResponder(lab, {
    localAuth: { auth: alone ? auth : 'pubkey', cert: people.bob },
    remoteAuth: { auth, eap_id: '%any' },
    credentials: { ...credentials(people, people.bob), users },
    pools: ['10.88.0.0/24'],
    remoteTs: undefined,
  });
}

/** strongSwan as a client of a method; it has not initiated yet. */
function startClient(
  lab: Lab,
  people: People,
  { auth, eapId, alone }: Method,
  more: Partial<StrongSwanOptions> = {},
): Promise<StrongSwan> {
  const certificate = auth === 'eap-tls' ? people.alice : undefined;
  return startInitiator(lab, {
    localAuth: { auth, eap_id: eapId, cert: certificate },
    remoteAuth: { auth: alone ? auth : 'pubkey' },
    credentials: { ...credentials(people, people.alice), users },
    virtualIps: ['0.0.0.0'],
    localTs: undefined,
    ...more,
  });
}

const connectFlags = (lab: Lab): Flags => ({ 'remote-ts': lab.b.net4 });
const serveFlags = (lab: Lab): Flags => ({ 'local-ts': lab.b.net4, pool: '10.88.0.0/24' });

async function expectVirtualAddress(lab: Lab, kit: Kit): Promise<void> {
  const { a, b } = lab;
  expect(kit.all('addresses-assigned')).toMatchObject([{ addresses: ['10.88.0.1'] }]);
  expect(await ping(lab, a, '10.88.0.1', b.inner4)).toEqual({ sent: 3, received: 3 });
  await expectTransfer(lab, { host: a, address: '10.88.0.1' }, { host: b, address: b.inner4 });
}

describe.each(methods)('EAP-$name, addresses from a pool', (method) => {
  const { client, server, eapId, event } = method;

  test('connect to strongSwan', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab);
    await startServer(lab, people, method);
    const kit = connect(lab, lab.a, lab.b.v4, { ...connectFlags(lab), ...client(lab, people) });
    await isUp(kit);
    expect(kit.all('ike-sa-established')).toMatchObject([
      { localAuth: event.method, remoteAuth: event.serverAuth, remoteId: 'bob.test' },
    ]);
    await expectVirtualAddress(lab, kit);
  });

  test('serve for strongSwan', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab);
    const kit = await serve(lab, lab.b, { ...serveFlags(lab), ...server(lab, people) });
    const peer = await startClient(lab, people, method);
    await peer.initiate();
    await kit.waitFor('child-sa-established');
    expect(kit.all('ike-sa-established')).toMatchObject([
      { localAuth: event.serverAuth, remoteAuth: event.method, eapIdentity: eapId, remoteId: 'alice.test' },
    ]);
    await expectVirtualAddress(lab, kit);
  });
});

const mschapv2 = withPassword('mschapv2');

describe.concurrent('EAP that fails', () => {
  test.for([
    { name: 'wrong password', login: {}, text: 'something else' },
    { name: 'unknown user', login: { 'eap-user': 'mallory' }, text: password },
  ])('connect to strongSwan: $name', async ({ login, text }, context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab);
    await startServer(lab, people, mschapv2);
    const kit = connect(lab, lab.a, lab.b.v4, {
      ...connectFlags(lab),
      ...mschapv2.client(lab, people),
      ...login,
      'eap-password-file': secretFile(lab, 'wrong', text),
    });
    expect((await kit.ended()).code).toBe(6);
    // A server says no and not which of the two it was.
    const { code, sentence, hint } = verdict(kit);
    expect({ code, sentence }).toEqual({
      code: 'E_EAP_PASSWORD',
      sentence: expect.stringMatching(/password/),
    });
    expect(hint).toBeTruthy();
    expect(kit.child.stdout + kit.child.stderr).not.toContain(text);
  });

  test('serve tells strongSwan, and who may log in still can', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab);
    const kit = await serve(lab, lab.b, { ...serveFlags(lab), ...mschapv2.server(lab, people) });
    const attempts = [
      { eapId: user, secret: 'something else', code: 'E_EAP_PASSWORD', names: user },
      { eapId: 'mallory', secret: password, code: 'E_EAP_UNKNOWN_USER', names: 'mallory' },
    ];
    for (const [index, { eapId, secret, code, names }] of attempts.entries()) {
      const peer = await startClient(
        lab,
        people,
        { ...mschapv2, eapId },
        { credentials: { ...credentials(people, people.alice), users: { [eapId]: secret } } },
      );
      await expect(peer.initiate()).rejects.toThrow();
      expect(peer.log()).toMatch(/received EAP_FAILURE|EAP_MSCHAPV2 method failed/);
      const error = await kit.waitFor('error', index + 1);
      expect(error).toMatchObject({ code, message: expect.stringContaining(names) });
      expect(error.peer).toMatch(/^10\.77\.0\.1:/);
      await peer.stop();
    }
    const good = await startClient(lab, people, mschapv2);
    await good.initiate();
    await expectVirtualAddress(lab, kit);
  });

  test('a strongSwan that wants EAP and a serve that takes certificates only', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab);
    const kit = await serve(lab, lab.b, { ...serveFlags(lab), ...certFlags(people, people.bob) });
    const peer = await startClient(lab, people, mschapv2);
    await expect(peer.initiate()).rejects.toThrow();
    expect(peer.log()).toContain('AUTHENTICATION_FAILED');
    expect(await kit.waitFor('error')).toMatchObject({ code: 'E_AUTH_METHOD' });
  });
});
