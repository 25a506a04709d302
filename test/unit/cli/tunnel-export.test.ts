import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportProfiles } from '../../../src/cli/tunnel-export.js';
import { type ExportFlagValues, exportFormats } from '../../../src/cli/tunnel-export-flags.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { parseUsers } from '../../../src/lib/ike/auth/eap/users.js';
import { toPem } from '../../../src/lib/pki/files.js';
import { parseGeneralName } from '../../../src/lib/pki/general-name.js';
import { type Issuer, issueEndEntity, validityOf } from '../../../src/lib/pki/issue.js';
import { generateKey, privateKeyPem, spkiOf } from '../../../src/lib/pki/keys.js';
import type { ClientProfile } from '../../../src/lib/pki/profiles/types.js';
import {
  type AuthMethod,
  type Credentials,
  type OwnCertificate,
  pskCredentials,
} from '../../../src/lib/tunnel/credentials.js';
import type { TunnelEvent } from '../../../src/lib/tunnel/types.js';
import { rootCa, subject } from '../pki/build.js';
import { serverOptions } from '../tunnel/fixtures.js';

let folder: string;
let root: Issuer;
let own: OwnCertificate;

async function issue(...names: string[]): Promise<OwnCertificate> {
  const key = await generateKey('ecdsa-p256');
  const certificate = issueEndEntity(
    {
      subject: subject(`CN=${names[0]}`),
      validity: validityOf(10, Date.now()),
      spki: spkiOf(key),
      subjectAltNames: names.map(parseGeneralName),
      server: true,
      client: true,
    },
    root,
  );
  return { key, certificates: [certificate] };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-export-'));
  root = await rootCa();
  own = await issue('192.0.2.1', 'vpn.example.com');
  const alice = await issue('alice@example.com');
  const put = (name: string, text: string | Uint8Array) =>
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  put('ca.crt', toPem('CERTIFICATE', root.certificate.der));
  put('alice@example.com.crt', toPem('CERTIFICATE', alice.certificates[0].der));
  put('alice@example.com.key', privateKeyPem(alice.key).reveal());
  put('passphrase', 'open sesame\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const credentials = (...remote: AuthMethod[][]): Credentials => ({
  local: ['cert'],
  remote,
  own,
  trust: { anchors: [root.certificate] },
  users: parseUsers('alice:wonderland'),
});

/** Exports our own form; the profile in it, and what was told. */
async function exported(
  flags: Partial<ExportFlagValues>,
  serverCredentials: Credentials,
  options: Parameters<typeof serverOptions>[0] = {},
): Promise<{ profile: ClientProfile; events: TunnelEvent[] }> {
  const events: TunnelEvent[] = [];
  const out = mkdtempSync(join(folder, 'out-'));
  await exportProfiles(
    { export: ['ipsec-kit'], 'export-dir': out, 'export-store': folder, ...flags },
    serverOptions({ port: 500, natPort: 4500, credentials: serverCredentials, ...options }),
    (event) => events.push(event),
  );
  const path = events.flatMap((event) =>
    event.event === 'profile-exported' && event.path.endsWith('.json') ? [event.path] : [],
  )[0];
  return { profile: JSON.parse(readFileSync(path!, 'utf8')) as ClientProfile, events };
}

describe('serve --export', () => {
  it('describes the server for a client with a certificate of the store', async () => {
    const { profile, events } = await exported(
      { 'export-identity': 'alice@example.com', 'export-passphrase-file': join(folder, 'passphrase') },
      credentials(['eap-mschapv2'], ['cert']),
      { localTs: ['10.2.0.0/24'], ike: 'aes256gcm16-prfsha256-x25519', port: 5000 },
    );
    expect(profile).toMatchObject({
      gateway: 'vpn.example.com',
      remoteId: 'vpn.example.com',
      auth: 'cert',
      serverAuth: 'cert',
      ca: [toPem('CERTIFICATE', root.certificate.der)],
      ike: 'aes256gcm16-prfsha256-x25519',
      remoteTs: ['10.2.0.0/24'],
      port: 5000,
    });
    expect(profile.certificates).toHaveLength(1);
    const key = events.find((event) => event.event === 'profile-exported' && event.path.endsWith('.key'));
    expect(key).toMatchObject({ for: 'ipsec-kit', secret: true });
    const { path } = key as Extract<TunnelEvent, { event: 'profile-exported' }>;
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toContain('ENCRYPTED');
  });

  it('describes it for a user with a password, for anyone, and for who knows the key', async () => {
    const both = credentials(['cert'], ['eap-mschapv2']);
    const user = await exported({ 'export-identity': 'alice' }, both);
    expect(user.profile).toMatchObject({ auth: 'eap-mschapv2', eapUser: 'alice', certificates: [] });
    expect((await exported({}, both)).profile).toMatchObject({ auth: 'cert', certificates: [] });
    const psk = await exported({ 'export-gateway': '192.0.2.9' }, pskCredentials(Secret.fromText('x')), {
      localId: 'gw.example.com',
    });
    expect(psk.profile).toMatchObject({
      gateway: '192.0.2.9',
      remoteId: 'gw.example.com',
      auth: 'psk',
      serverAuth: 'psk',
      ca: [],
    });
  });

  it('writes several kinds into folders of their own, again and again, and warns of quirks', async () => {
    const flags = { export: ['windows,swanctl', 'windows'], 'export-dir': join(folder, 'several') };
    for (let start = 0; start < 2; start += 1) {
      const events: TunnelEvent[] = [];
      await exportProfiles(
        { 'export-store': folder, 'export-identity': 'alice', ...flags },
        serverOptions({ port: 500, natPort: 4500, credentials: credentials(['eap-mschapv2']) }),
        (event) => events.push(event),
      );
      const kinds = events.flatMap((event) => (event.event === 'profile-exported' ? [event.for] : []));
      expect([...new Set(kinds)]).toEqual(['windows', 'swanctl']);
      for (const event of events) {
        if (event.event !== 'profile-exported') continue;
        expect(event.path).toContain(join(folder, 'several', event.for));
      }
    }
  });

  it.each<[Partial<ExportFlagValues>, AuthMethod[][], string]>([
    [{ 'export-identity': 'bob' }, [['eap-mschapv2']], 'E_EXPORT_IDENTITY'],
    [{ 'export-identity': 'alice' }, [['cert', 'eap-mschapv2']], 'E_EXPORT_IDENTITY'],
    [{}, [['cert', 'eap-mschapv2']], 'E_EXPORT_IDENTITY'],
    [{ 'export-identity': 'nobody@example.com' }, [['cert']], 'E_NO_CERTIFICATE'],
  ])('refuses %j where clients authenticate with %j', async (flags, remote, code) => {
    await expect(exported(flags, credentials(...remote))).rejects.toMatchObject({ kind: 'usage', code });
  });

  it('needs to know what clients dial', async () => {
    await expect(exported({}, pskCredentials(Secret.fromText('x')))).rejects.toMatchObject({
      code: 'E_EXPORT_GATEWAY',
    });
  });

  it('knows mistakes before anything is read', () => {
    const flags = { 'export-dir': 'profiles' };
    expect(exportFormats(flags)).toEqual([]);
    expect(exportFormats({ ...flags, export: ['apple, windows', 'apple'] })).toEqual(['apple', 'windows']);
    expect(() => exportFormats({ ...flags, export: ['beos'] })).toThrow(
      expect.objectContaining({ code: 'E_PROFILE_FOR' }),
    );
    expect(() => exportFormats({ ...flags, 'export-identity': 'alice' })).toThrow(
      expect.objectContaining({
        code: 'E_EXPORT_UNUSED',
        message: expect.stringContaining('--export-identity'),
      }),
    );
  });
});
