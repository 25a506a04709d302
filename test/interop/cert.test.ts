import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, type KeyType, KitAuthority, kit, PkiAuthority } from './harness/identities.js';
import { type Lab, openLab } from './harness/lab.js';
import { secretFile } from './harness/people.js';
import { run } from './harness/process.js';
import { StrongSwan } from './harness/strongswan.js';
import { startResponder } from './harness/tunnels.js';

const keyTypes: KeyType[] = [
  'rsa-2048',
  'rsa-3072',
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'ed25519',
  'ed448',
];

const folder = (lab: Lab, name: string) => join(lab.dir, name);

describe.concurrent('pki of strongSwan reads what ipsec-kit cert writes', () => {
  test.for(keyTypes)('%s', async (keyType, context) => {
    const lab = await openLab(context, { hosts: 0, needs: ['pki'] });
    const root = await KitAuthority.create(folder(lab, 'root'), { keyType, pathLength: 1 });
    const below = await KitAuthority.create(folder(lab, 'below'), { keyType, permit: 'test' }, root);
    const bob = await below.issue('bob.test', { keyType, san: ['10.77.0.2', 'bob@example.com'] });
    const cas = [...below.chain, root.cert].flatMap((file) => ['--cacert', file]);
    expect(await run(['pki', '--verify', '--in', bob.cert, ...cas])).toMatch(/certificate trusted/);

    const printed = await run(['pki', '--print', '--in', bob.cert]);
    expect(printed).toMatch(/altNames: .*bob\.test, 10\.77\.0\.2, bob@example\.com/);
    expect(printed).toMatch(/flags: .*serverAuth.*ikeIntermediate/);
    expect(await run(['pki', '--print', '--in', root.cert])).toMatch(/pathlen: +1/);
    expect(await run(['pki', '--print', '--in', below.cert])).toMatch(/[Pp]ermitted.*\n? *test/);
    const type = keyType.startsWith('rsa') ? 'rsa' : keyType.startsWith('ecdsa') ? 'ecdsa' : keyType;
    expect(await run(['pki', '--print', '--type', type, '--in', bob.key])).toMatch(/privkey/);

    const carol = await below.issue('carol.test', { keyType });
    const crl = await below.revoke(carol);
    expect(await run(['pki', '--print', '--type', 'crl', '--in', crl])).toMatch(/1 revoked certificate/);
    const revoked = run(['pki', '--verify', '--in', carol.cert, ...cas, '--crl', crl]);
    await expect(revoked).rejects.toThrow(/revoked/);
    await run(['pki', '--verify', '--in', bob.cert, ...cas, '--crl', crl]);
  });

  test('a request of pki is signed by ipsec-kit, and one of ipsec-kit by pki', async (context) => {
    const lab = await openLab(context, { hosts: 0, needs: ['pki'] });
    const ours = await KitAuthority.create(folder(lab, 'ours'));
    const theirs = await PkiAuthority.create(folder(lab, 'theirs'));
    const alice = await theirs.issue('alice.test', { keyType: 'ed25519' });
    const request = secretFile(
      lab,
      'alice.csr',
      await run([
        ...['pki', '--req', '--type', 'priv', '--in', alice.key, '--outform', 'pem'],
        ...['--dn', 'O=Interop, CN=alice.test', '--san', 'alice.test'],
      ]),
    );
    const signed = folder(lab, 'alice.crt');
    await kit('cert', 'sign', request, '--client', '--store', ours.dir, '--out', signed);
    expect(await run(['pki', '--verify', '--in', signed, '--cacert', ours.cert])).toMatch(/trusted/);

    await kit('cert', 'csr', 'bob.test', '--store', folder(lab, 'bob'));
    const csr = join(folder(lab, 'bob'), 'bob.test.csr');
    const issued = secretFile(
      lab,
      'bob.crt',
      await run([
        ...['pki', '--issue', '--type', 'pkcs10', '--in', csr, '--outform', 'pem'],
        ...['--cacert', theirs.cert, '--cakey', join(theirs.dir, 'ca.key')],
        ...['--flag', 'serverAuth', '--san', 'bob.test'],
      ]),
    );
    const report = await kit('cert', 'verify', issued, '--ca', theirs.cert, '--host', 'bob.test', '--json');
    expect(JSON.parse(report)).toMatchObject({ ok: true });
  });
});

describe.concurrent('ipsec-kit cert verifies what pki of strongSwan writes', () => {
  test.for(keyTypes)('%s', async (keyType, context) => {
    const lab = await openLab(context, { hosts: 0, needs: ['pki'] });
    const root = await PkiAuthority.create(folder(lab, 'root'), { keyType, pathLength: 1 });
    const below = await PkiAuthority.create(folder(lab, 'below'), { keyType, permit: 'test' }, root);
    const bob = await below.issue('bob.test', { keyType, san: ['10.77.0.2'] });
    const crl = await below.emptyCrl();
    const bundle = (identity: Identity): string =>
      secretFile(
        lab,
        'bundle.pem',
        [identity.cert, below.cert].map((file) => readFileSync(file, 'utf8')).join(''),
      );
    const words = ['--ca', root.cert, '--host', '10.77.0.2', '--for', 'strongswan'];
    const report = await kit('cert', 'verify', bundle(bob), ...words, '--crl', crl, '--json');
    expect(JSON.parse(report)).toMatchObject({ ok: true });
    expect(JSON.parse(await kit('cert', 'show', bob.key, '--json'))).toMatchObject({ ok: true });

    const carol = await below.issue('carol.test', { keyType });
    const list = await below.revoke(carol);
    const revoked = kit('cert', 'verify', bundle(carol), '--ca', root.cert, '--crl', list);
    await expect(revoked).rejects.toThrow(/revoked/);
  });
});

test('swanctl loads certificates, keys and lists of ours, of every kind', async (context) => {
  const lab = await openLab(context, { needs: ['strongswan'] });
  const ca = await KitAuthority.create(folder(lab, 'root'));
  const identities = [];
  for (const keyType of keyTypes) identities.push(await ca.issue(`${keyType}.test`, { keyType }));
  const crl = await ca.emptyCrl();
  const peer = await startResponder(lab, {
    credentials: { identities, authorities: [ca.cert], crls: [crl] },
  });
  const listed = await peer.swanctl('--list-certs');
  for (const keyType of keyTypes) expect(listed).toContain(`${keyType}.test`);
  expect(listed.match(/has private key/g)).toHaveLength(keyTypes.length);
  expect(listed).toMatch(/List of X\.509 CRLs/);
});

test.for([{ form: 'PBES2' }, { form: '3DES', flags: ['--legacy'] }])(
  'swanctl loads PKCS#12 of ours: $form',
  async ({ flags = [] }, context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const ca = await KitAuthority.create(folder(lab, 'root'));
    await ca.issue('alice.test');
    const passphrase = secretFile(lab, 'passphrase', 'open the box\n');
    const swanctl = folder(lab, 'swanctl');
    for (const name of ['pkcs12', 'conf.d']) mkdirSync(join(swanctl, name), { recursive: true });
    await kit(
      ...['cert', 'export', 'alice.test', '--store', ca.dir, '--p12', ...flags],
      ...['--out', join(swanctl, 'pkcs12/alice.p12'), '--passphrase-file', passphrase],
    );
    writeFileSync(
      join(swanctl, 'conf.d/secrets.conf'),
      'secrets { pkcs12-a { file = alice.p12\n secret = "open the box" } }\n',
    );
    const peer = await StrongSwan.startFrom(lab, lab.a, swanctl);
    const listed = await peer.swanctl('--list-certs');
    expect(listed).toMatch(/CN=alice\.test/);
    expect(listed).toMatch(/CN=ipsec-kit CA/);
    expect(listed).toMatch(/has private key/);
  },
);
