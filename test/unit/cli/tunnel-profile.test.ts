import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sudoCaller } from '../../../src/cli/profile/saved.js';
import { type ConnectFlagValues, profileOrGateway, withProfile } from '../../../src/cli/tunnel-profile.js';
import type { ClientProfile } from '../../../src/lib/pki/profiles/types.js';

const defaults: ConnectFlagValues = {
  port: 500,
  'nat-port': 4500,
  encap: true,
  df: 'copy',
  dscp: 'copy',
  'mss-clamp': 'auto',
  plane: 'auto',
  fragmentation: 'yes',
  'full-transcript': 'yes',
  'rekey-ike': '4h',
  'rekey-child': '1h',
  'rekey-child-bytes': '0',
  dpd: '30s',
  'allow-sha1': false,
  'crl-policy': 'soft',
  'clock-skew': '0',
  'psk-stdin': false,
  'weak-psk-ok': false,
  'insecure-permissions': false,
};

const byCertificate: ClientProfile = {
  schema: 'ipsec-kit/profile@1',
  name: 'Work',
  gateway: 'vpn.example.com',
  port: 5000,
  natPort: 5001,
  remoteId: 'gw.example.com',
  localId: 'alice@example.com',
  auth: 'cert',
  serverAuth: 'cert',
  ca: ['-----BEGIN CERTIFICATE-----\nCA'],
  certificates: ['-----BEGIN CERTIFICATE-----\nALICE'],
  keyFile: '/keys/alice.key',
  keyPassphraseFile: '/keys/passphrase',
  pskFile: '/keys/psk',
  ike: 'aes256gcm16-prfsha256-x25519',
  esp: 'aes256gcm16',
  remoteTs: ['10.2.0.0/24'],
  localTs: [],
  dns: [],
  mtu: 1300,
};
const byPassword: ClientProfile = {
  ...byCertificate,
  auth: 'eap-mschapv2',
  certificates: [],
  eapUser: 'alice',
  eapPasswordFile: '/keys/password',
};

/** What the profile adds or changes; `given` are the flags on the command line. */
const added = (profile: ClientProfile, given: Partial<ConnectFlagValues> = {}) => {
  const merged = withProfile({ ...defaults, ...given }, profile, (flag) => flag in given);
  const before: Record<string, unknown> = { ...defaults, ...given };
  return Object.fromEntries(Object.entries(merged).filter(([flag, value]) => before[flag] !== value));
};

describe('withProfile', () => {
  it('says what was not said', () => {
    expect(added(byCertificate)).toEqual({
      auth: 'cert',
      'server-auth': 'cert',
      cert: byCertificate.certificates,
      key: '/keys/alice.key',
      'passphrase-file': '/keys/passphrase',
      ca: byCertificate.ca,
      'local-id': 'alice@example.com',
      'remote-id': 'gw.example.com',
      ike: byCertificate.ike,
      esp: byCertificate.esp,
      'remote-ts': ['10.2.0.0/24'],
      mtu: 1300,
      port: 5000,
      'nat-port': 5001,
    });
    expect(added(byPassword)).toMatchObject({
      auth: 'eap-mschapv2',
      'eap-user': 'alice',
      'eap-password-file': '/keys/password',
    });
    expect(added(byPassword)).not.toHaveProperty('key');
  });

  it('gives way to what was said, also to defaults that were written out', () => {
    const given = { port: 500, ike: 'aes256', 'remote-ts': ['10.3.0.0/24'], 'remote-id': '%any' };
    expect(Object.keys(added(byCertificate, given))).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(port|ike|remote-ts|remote-id)$/)]),
    );
  });

  it('leaves out what belongs to a method that was replaced', () => {
    const withPsk = added(byCertificate, { auth: 'psk' });
    expect(withPsk).toMatchObject({ 'psk-file': '/keys/psk', ca: byCertificate.ca });
    for (const flag of ['cert', 'key', 'server-auth', 'local-id']) expect(withPsk).not.toHaveProperty(flag);
    const withUser = added(byCertificate, { 'eap-user': 'bob' });
    for (const flag of ['auth', 'cert', 'key', 'local-id']) expect(withUser).not.toHaveProperty(flag);
    expect(withUser).toMatchObject({ ca: byCertificate.ca });
    const pskBothWays = added(byCertificate, { auth: 'psk', 'server-auth': 'psk' });
    expect(pskBothWays).not.toHaveProperty('ca');
    expect(pskBothWays).toMatchObject({ 'psk-file': '/keys/psk' });
  });

  it('keeps its method for another certificate or user', () => {
    expect(added(byCertificate, { cert: ['bob.p12'] })).toMatchObject({
      auth: 'cert',
      'server-auth': 'cert',
    });
    expect(added(byCertificate, { cert: ['bob.p12'] })).not.toHaveProperty('key');
    expect(added(byCertificate, { cert: ['bob.p12'] })).not.toHaveProperty('local-id');
    expect(added(byPassword, { 'eap-user': 'bob' })).toMatchObject({ auth: 'eap-mschapv2' });
    for (const flag of ['eap-password-file', 'local-id']) {
      expect(added(byPassword, { 'eap-user': 'bob' })).not.toHaveProperty(flag);
    }
    const tls = added({ ...byCertificate, auth: 'eap-tls' }, { cert: ['bob.p12'] });
    expect(tls).toMatchObject({ auth: 'eap-tls', ca: byCertificate.ca });
  });
});

describe('a name that no saved profile has', () => {
  // No DNS label is longer than 63 octets, so that no resolver is asked.
  const word = 'x'.repeat(64);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-names-'));
    vi.stubEnv('XDG_CONFIG_HOME', folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  const parsed = (gateway: string, flags = defaults) => ({
    args: { gateway },
    flags,
    metadata: { flags: {} },
  });

  it('is said, with the names that there are', async () => {
    const profiles = join(folder, 'ipsec-kit', 'profiles');
    mkdirSync(profiles, { recursive: true });
    for (const name of ['work', 'eap']) writeFileSync(join(profiles, `${name}.json`), '{}');
    await expect(profileOrGateway(parsed(word))).rejects.toMatchObject({
      code: 'E_NO_PROFILE',
      message: expect.stringContaining('(there are: eap, work'),
    });
  });

  it('is a gateway when flags say how to authenticate, or when it is no word', async () => {
    for (const given of [
      parsed(word, { ...defaults, ca: ['ca.crt'] }),
      parsed('192.0.2.1'),
      parsed('a.invalid'),
    ]) {
      expect(await profileOrGateway(given)).toMatchObject({ gateway: given.args.gateway, saved: false });
    }
  });

  it('may be found with whoever called sudo', async () => {
    const users = join(folder, 'passwd');
    writeFileSync(users, 'root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbad:x:7\n');
    expect(await sudoCaller('alice', 0, users)).toEqual({ uid: 1000, home: '/home/alice' });
    expect(await sudoCaller('alice', 1000, users)).toBeUndefined();
    expect(await sudoCaller('root', 0, users)).toBeUndefined();
    expect(await sudoCaller('bad', 0, users)).toBeUndefined();
    expect(await sudoCaller('nobody', 0, users)).toBeUndefined();
  });
});
