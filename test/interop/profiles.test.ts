import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kit as command, KitAuthority } from './harness/identities.js';
import { connect, type Flags, command as program, serve } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { certPeer, type People, secretFile } from './harness/people.js';
import { run } from './harness/process.js';
import { StrongSwan } from './harness/strongswan.js';
import { defaultPsk } from './harness/strongswan-config.js';
import { ping } from './harness/traffic.js';
import { expectTransfer, isUp, serveFlags, startInitiator, startResponder } from './harness/tunnels.js';

const password = 'Straße nach Köln 7';

/** A store with a gateway that has its address in its certificate, and a client. */
async function makeStore(lab: Lab): Promise<People> {
  const root = await KitAuthority.create(join(lab.dir, 'store'));
  const bob = await root.issue('bob.test', { san: [lab.b.v4] });
  return { root, issuer: root, alice: await root.issue('alice.test'), bob };
}

/** What every profile says of the gateway. The userspace ESP of strongSwan has no extended sequence numbers. */
const gateway = (lab: Lab): string[] => [
  ...['--gateway', lab.b.v4, '--remote-id', 'bob.test', '--remote-ts', lab.b.net4],
  ...['--esp', 'aes256gcm16-x25519'],
];

const pool = { 'remote-ts': undefined, pool: '10.88.0.0/24' };

interface Way {
  name: string;
  /** Words of `profile export`, and flags of the gateway. */
  words: (lab: Lab, people: People) => string[];
  server: (lab: Lab, people: People) => Flags;
}

const withCert = ({ bob, root }: People): Flags => ({ cert: bob.cert, key: bob.key, ca: root.cert });
const store = ({ root }: People): string[] => ['--store', root.dir];

const ways: Way[] = [
  {
    name: 'a certificate',
    words: (_lab, people) => [...store(people), '--identity', 'alice.test', '--include-key'],
    server: (_lab, people) => withCert(people),
  },
  {
    name: 'an encrypted key',
    words: (lab, people) => [
      ...[...store(people), '--identity', 'alice.test', '--include-key'],
      ...['--p12-passphrase-file', secretFile(lab, 'passphrase', 'open the box\n')],
    ],
    server: (_lab, people) => withCert(people),
  },
  {
    name: 'EAP-TLS',
    words: (_lab, people) => [
      ...store(people),
      ...['--identity', 'alice.test', '--include-key', '--auth', 'eap-tls'],
    ],
    server: (_lab, people) => ({ ...withCert(people), 'client-auth': 'eap-tls' }),
  },
  {
    name: 'EAP-MSCHAPv2 and its password',
    words: (lab, people) => [
      ...[...store(people), '--eap-user', 'carol', '--include-password'],
      ...['--eap-password-file', secretFile(lab, 'password', password)],
    ],
    server: (lab, { bob }) => ({
      cert: bob.cert,
      key: bob.key,
      users: secretFile(lab, 'users', `carol:${password}\n`),
    }),
  },
  {
    name: 'a pre-shared key',
    words: (lab) => [
      ...['--psk-file', secretFile(lab, 'psk', defaultPsk), '--include-psk'],
      ...['--local-id', 'alice.test'],
    ],
    server: () => ({}),
  },
];

/** The name of the connection and of its child in what was exported. */
const section = (lab: Lab): string => lab.b.v4.replaceAll('.', '-');

async function expectTunnel(lab: Lab): Promise<void> {
  const { a, b } = lab;
  expect(await ping(lab, a, '10.88.0.1', b.inner4)).toEqual({ sent: 3, received: 3 });
  await expectTransfer(lab, { host: a, address: '10.88.0.1' }, { host: b, address: b.inner4 });
}

describe('strongSwan takes what profile export writes for swanctl', () => {
  test.for(ways)('$name', async ({ words, server }, context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await makeStore(lab);
    const out = join(lab.dir, 'swanctl');
    await command(
      ...['profile', 'export', '--for', 'swanctl', ...gateway(lab), '--out', out],
      ...words(lab, people),
    );
    const kit = await serve(lab, lab.b, { ...serveFlags(lab), ...pool, ...server(lab, people) });
    const peer = await StrongSwan.startFrom(lab, lab.a, out);
    await peer.initiate(15, section(lab));
    await kit.waitFor('child-sa-established');
    await expectTunnel(lab);
  });

  test('and what serve --export writes', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await makeStore(lab);
    const out = join(lab.dir, 'profiles');
    const kit = await serve(lab, lab.b, {
      ...serveFlags(lab),
      ...pool,
      esp: 'aes256gcm16-x25519',
      cert: people.bob.cert,
      key: people.bob.key,
      users: secretFile(lab, 'users', `carol:${password}\n`),
      export: 'swanctl',
      'export-dir': out,
      'export-store': people.root.dir,
      'export-identity': 'carol',
      'export-gateway': lab.b.v4,
    });
    const folder = readdirSync(out).includes('conf.d') ? out : join(out, 'swanctl');
    // The password stays with the user, who adds it.
    writeFileSync(
      join(folder, 'conf.d', 'carol.conf'),
      `secrets { eap-carol { id = carol\n secret = "${password}"\n } }\n`,
    );
    const peer = await StrongSwan.startFrom(lab, lab.a, folder);
    await peer.initiate(15, section(lab));
    await kit.waitFor('child-sa-established');
    await expectTunnel(lab);
  });
});

test('the proposals for Android suit the userspace ESP that the app has in common with strongSwan here', async (context) => {
  const lab = await openLab(context, { needs: ['strongswan'] });
  const people = await makeStore(lab);
  const words = ['--for', 'android', '--gateway', lab.b.v4, ...store(people), '--eap-user', 'carol'];
  const profile = JSON.parse(await command('profile', 'export', ...words, '--out', '-')) as {
    'ike-proposal': string;
    'esp-proposal': string;
  };
  const kit = await serve(lab, lab.b, {
    ...serveFlags(lab),
    ...pool,
    cert: people.bob.cert,
    key: people.bob.key,
    users: secretFile(lab, 'users', `carol:${password}\n`),
  });
  const peer = await startInitiator(lab, {
    localAuth: { auth: 'eap-mschapv2', eap_id: 'carol' },
    remoteAuth: { auth: 'pubkey' },
    credentials: { authorities: [people.root.cert], users: { carol: password } },
    ike: profile['ike-proposal'],
    esp: profile['esp-proposal'],
    virtualIps: ['0.0.0.0'],
    localTs: undefined,
  });
  await peer.initiate();
  await kit.waitFor('child-sa-established');
  await expectTunnel(lab);
});

test('connect takes a saved profile to strongSwan', async (context) => {
  const lab = await openLab(context, { needs: ['strongswan'] });
  const { a, b } = lab;
  const people = await makeStore(lab);
  const argv = [
    ...['profile', 'save', 'work', '--gateway', b.v4, '--remote-id', 'bob.test', ...store(people)],
    ...['--cert', people.alice.cert, '--key', people.alice.key, '--remote-ts', b.net4, '--local-ts', a.net4],
  ];
  // Where `connect` of this lab looks for what is saved.
  await run([process.execPath, program, ...argv], { env: { ...process.env, HOME: lab.tmp } });
  await startResponder(lab, certPeer(people, people.bob));
  const kit = connect(lab, a, 'work', { 'local-id': undefined, 'remote-id': undefined });
  await isUp(kit);
  expect(kit.all('ike-sa-established')).toMatchObject([{ localId: 'alice.test', remoteId: 'bob.test' }]);
  expect(await ping(lab, a, a.inner4, b.inner4)).toEqual({ sent: 3, received: 3 });
});
