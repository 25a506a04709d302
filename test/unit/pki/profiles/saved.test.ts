import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KitError } from '../../../../src/lib/core/errors.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import { exportProfile } from '../../../../src/lib/pki/profiles/export.js';
import { profileText } from '../../../../src/lib/pki/profiles/ipsec-kit.js';
import { parseProfile } from '../../../../src/lib/pki/profiles/parse.js';
import { isProfileName, SavedProfiles } from '../../../../src/lib/pki/profiles/saved.js';
import type { ClientProfile } from '../../../../src/lib/pki/profiles/types.js';
import { writeExportedFiles } from '../../../../src/lib/pki/profiles/write.js';
import { profileSchema } from '../../../../src/lib/report/profile.schema.js';
import { eapSample, pskSample, sample, textOf, withKey } from './samples.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-profiles-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newFolder = (): string => mkdtempSync(join(folder, 'it-'));
const valid = new Ajv().compile(profileSchema);
const refusal = (code: string): unknown => expect.objectContaining({ code });

const full = sample({
  port: 1500,
  natPort: 14500,
  remoteId: '@gw',
  localId: 'alice@example.com',
  keyFile: '/keys/alice.key',
  keyPassphraseFile: '/keys/pass',
  pskFile: '/keys/psk',
  eapUser: 'alice',
  eapPasswordFile: '/keys/password',
  ike: 'default,aes256-sha256-ecp256',
  esp: 'aes256gcm16',
  remoteTs: ['10.2.0.0/24'],
  localTs: ['10.1.0.0/24'],
  dns: ['10.2.0.53'],
  mtu: 1400,
  onDemand: true,
});

describe('a profile as JSON', () => {
  it.each([full, sample(), eapSample(), pskSample()])('fits its schema and reads back: $auth', (profile) => {
    const text = profileText(profile);
    expect(valid(JSON.parse(text)), JSON.stringify(valid.errors)).toBe(true);
    expect(parseProfile(text, 'it', '/')).toEqual(profile);
    expect(Object.keys(JSON.parse(text)).slice(0, 4)).toEqual(['schema', 'name', 'gateway', 'auth']);
  });

  it('makes paths independent of where it is read', () => {
    const text = profileText({ ...full, keyFile: 'alice.key' });
    expect(parseProfile(text, 'it', '/etc/vpn').keyFile).toBe('/etc/vpn/alice.key');
  });

  it.each([
    ['no JSON', 'schema'],
    ['an array', '[]'],
    ['null', 'null'],
    ['another schema', JSON.stringify({ ...full, schema: 'ipsec-kit/profile@2' })],
    ['an unknown field', JSON.stringify({ ...full, script: 'rm' })],
    ['a number for a text', JSON.stringify({ ...full, eapUser: 5 })],
    ['a text for a list', JSON.stringify({ ...full, dns: '10.2.0.53' })],
    ['a list with something else', JSON.stringify({ ...full, ca: [null] })],
    ['a fraction', JSON.stringify({ ...full, mtu: 1400.5 })],
    ['an unknown method', JSON.stringify({ ...full, auth: 'rsa' })],
    ['a missing field', JSON.stringify({ ...full, ca: undefined })],
    ['something long', JSON.stringify({ ...full, eapUser: 'x'.repeat(70_000) })],
    ['a property of all objects', '{"__proto__": {"schema": "ipsec-kit/profile@1"}}'],
  ])('is refused: %s', (_, text) => {
    expect(() => parseProfile(text, 'it', '/')).toThrowError(refusal('E_PROFILE_FORMAT'));
  });

  it.each<[string, Partial<ClientProfile>]>([
    ['E_PROFILE_NAME', { name: 'a\u0007b' }],
    ['E_PROFILE_NAME', { name: '\u202eevil' }],
    ['E_GATEWAY', { gateway: 'a b' }],
    ['E_GATEWAY', { gateway: "a';rm" }],
    ['E_PORT', { port: 0 }],
    ['E_PROFILE_VALUE', { mtu: 100 }],
    ['E_PROFILE_VALUE', { eapUser: 'a\nb' }],
    ['E_PROFILE_VALUE', { localId: 'a\nb' }],
    ['E_PROFILE_VALUE', { keyFile: '' }],
    ['E_IDENTITY', { remoteId: 'ipv4:x' }],
    ['E_PROPOSAL', { ike: 'aes257' }],
    ['E_PROPOSAL', { esp: '' }],
    ['E_ADDRESS', { dns: ['x'] }],
    ['E_ADDRESS', { remoteTs: ['10.0.0.0/33'] }],
    ['E_CERT_FORMAT', { ca: ['no certificate'] }],
    ['E_PROFILE_AUTH', { auth: 'psk', serverAuth: 'eap-only' }],
    ['E_PROFILE_AUTH', { auth: 'eap-md5', eapUser: 'a', serverAuth: 'eap-only' }],
  ])('is refused with %s: %o', (code, change) => {
    expect(() => parseProfile(JSON.stringify({ ...sample(), ...change }), 'it', '/')).toThrowError(
      refusal(code),
    );
  });

  it('needs a user for methods with passwords', () => {
    const { eapUser: _, ...nobody } = eapSample();
    expect(() => parseProfile(JSON.stringify(nobody), 'it', '/')).toThrowError(refusal('E_PROFILE_AUTH'));
  });

  it('is read whatever it is, or refused', () => {
    const text = profileText(full);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 3 }), fc.nat(4), (at, put, cut) => {
        try {
          parseProfile(text.slice(0, at) + put + text.slice(at + cut), 'it', '/');
        } catch (error) {
          expect(error).toBeInstanceOf(KitError);
          expect((error as KitError).kind).toBe('usage');
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('exporting for ipsec-kit', () => {
  it('names files beside it instead of those of this host', () => {
    const files = exportProfile(full, 'ipsec-kit', { ...withKey, psk: Secret.fromText('k'.repeat(30)) });
    const document = JSON.parse(textOf(files[0]!));
    expect(valid(document), JSON.stringify(valid.errors)).toBe(true);
    expect(document).toMatchObject({ keyFile: 'Example-VPN.key', pskFile: 'Example-VPN.psk' });
    expect(document).not.toHaveProperty('keyPassphraseFile');
    expect(document).not.toHaveProperty('eapPasswordFile');
    expect(files.map(({ name, secret }) => [name, secret])).toEqual([
      ['Example-VPN.json', false],
      ['Example-VPN.key', true],
      ['Example-VPN.psk', true],
    ]);
    expect(textOf(files[2]!)).toBe(`0s${Buffer.from('k'.repeat(30)).toString('base64')}\n`);
  });

  it('is what the golden file says', async () => {
    const [document] = exportProfile(full, 'ipsec-kit');
    await expect(textOf(document!)).toMatchFileSnapshot('golden/ipsec-kit.profile');
  });
});

describe('saved profiles', () => {
  it('come back as they were, for their owner only', async () => {
    const saved = new SavedProfiles(join(newFolder(), 'deep', 'profiles'));
    const path = await saved.save('work', full, { replace: false });
    expect(await saved.load('work')).toEqual(full);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(saved.folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(saved.folder)).toEqual(['work.json']);
    expect(valid(JSON.parse(readFileSync(path, 'utf8')))).toBe(true);
  });

  it('are replaced only when that is asked for', async () => {
    const saved = new SavedProfiles(newFolder());
    await saved.save('work', full, { replace: false });
    await expect(saved.save('work', eapSample(), { replace: false })).rejects.toThrowError(
      refusal('E_FILE_EXISTS'),
    );
    expect((await saved.load('work')).auth).toBe('cert');
    await saved.save('work', eapSample(), { replace: true });
    expect((await saved.load('work')).auth).toBe('eap-mschapv2');
  });

  it.each(['../x', 'a/b', '.hidden', '-f', '', 'a b', 'x'.repeat(65), 'a\0b', 'caf\u00e9'])(
    'cannot be called %j',
    async (name) => {
      const saved = new SavedProfiles(newFolder());
      await expect(saved.save(name, full, { replace: true })).rejects.toThrowError(refusal('E_PROFILE_NAME'));
      await expect(saved.load(name)).rejects.toThrowError(refusal('E_NO_PROFILE'));
      await expect(saved.remove(name)).rejects.toThrowError(refusal('E_PROFILE_NAME'));
      expect(await saved.find(name)).toBeUndefined();
      expect(isProfileName(name)).toBe(false);
    },
  );

  it('are listed by name, and nothing else is', async () => {
    const saved = new SavedProfiles(newFolder());
    expect(await saved.names()).toEqual([]);
    for (const name of ['work', 'home', 'lab.2']) await saved.save(name, full, { replace: false });
    writeFileSync(join(saved.folder, 'notes.txt'), '');
    writeFileSync(join(saved.folder, '.x.json'), '');
    expect(await saved.names()).toEqual(['home', 'lab.2', 'work']);
    await expect(saved.load('other')).rejects.toThrowError(
      expect.objectContaining({ code: 'E_NO_PROFILE', hint: expect.stringContaining('home, lab.2, work') }),
    );
    expect(await new SavedProfiles(join(folder, 'nowhere')).names()).toEqual([]);
  });

  it('are removed, also when they are damaged', async () => {
    const saved = new SavedProfiles(newFolder());
    const path = await saved.save('work', full, { replace: false });
    writeFileSync(path, 'damaged');
    await expect(saved.load('work')).rejects.toThrowError(refusal('E_PROFILE_FORMAT'));
    expect(await saved.remove('work')).toBe(path);
    await expect(saved.remove('work')).rejects.toThrowError(refusal('E_NO_PROFILE'));
  });
});

describe('writing exported files', () => {
  it('makes folders, closes secrets to others, and replaces nothing unasked', async () => {
    const out = join(newFolder(), 'new');
    const files = exportProfile(sample(), 'swanctl', withKey);
    const paths = await writeExportedFiles(out, files, { replace: false });
    expect(paths).toEqual(files.map(({ name }) => join(out, name)));
    for (const [at, { secret, data }] of files.entries()) {
      expect(statSync(paths[at]!).mode & 0o777).toBe(secret ? 0o600 : 0o644);
      expect(Buffer.from(data).equals(readFileSync(paths[at]!))).toBe(true);
    }
    rmSync(paths[0]!);
    await expect(writeExportedFiles(out, files, { replace: false })).rejects.toThrowError(
      refusal('E_FILE_EXISTS'),
    );
    expect(readdirSync(join(out, 'conf.d'))).toEqual([]);
    chmodSync(paths[1]!, 0o666);
    await writeExportedFiles(out, files, { replace: true });
    expect(statSync(paths[1]!).mode & 0o777).toBe(0o644);
  });
});
