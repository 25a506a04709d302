import { createPrivateKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../../src/lib/core/secret.js';
import { isKeyPair } from '../../../../src/lib/pki/keys.js';
import { exportProfile } from '../../../../src/lib/pki/profiles/export.js';
import { certificateOfPem } from '../../../../src/lib/pki/profiles/input.js';
import { quoted } from '../../../../src/lib/pki/profiles/swanctl.js';
import type { ClientProfile, ProfileSecrets } from '../../../../src/lib/pki/profiles/types.js';
import { readSettings, type Settings, section } from './config-readers.js';
import { caPem, clientKey, clientPem, eapSample, pskSample, sample, textOf, withKey } from './samples.js';

const NAME = 'Example-VPN';

function files(profile: ClientProfile, secrets: ProfileSecrets = {}): Map<string, string> {
  return new Map(exportProfile(profile, 'swanctl', secrets).map((file) => [file.name, textOf(file)]));
}

function settings(profile: ClientProfile, secrets: ProfileSecrets = {}): Settings {
  return readSettings(files(profile, secrets).get(`conf.d/${NAME}.conf`) ?? '');
}

const connection = (profile: ClientProfile): Settings => section(settings(profile), 'connections', NAME);
const child = (profile: ClientProfile): Settings => section(connection(profile), 'children', NAME);

describe('swanctl.conf', () => {
  it('is what the golden files say', async () => {
    const conf = (profile: ClientProfile, secrets: ProfileSecrets = {}): string | undefined =>
      files(profile, secrets).get(`conf.d/${NAME}.conf`);
    await expect(conf(sample({ remoteTs: ['10.2.0.0/24'] }))).toMatchFileSnapshot('golden/swanctl-cert.conf');
    await expect(conf(eapSample())).toMatchFileSnapshot('golden/swanctl-eap.conf');
    const psk = Secret.fromText('a key " with \\ anything');
    await expect(conf(pskSample(), { psk })).toMatchFileSnapshot('golden/swanctl-psk.conf');
  });

  it('comes with the files that it names', () => {
    const made = files(sample({ ca: [caPem, caPem] }), withKey);
    expect([...made.keys()]).toEqual([
      `conf.d/${NAME}.conf`,
      `x509ca/${NAME}-ca.pem`,
      `x509ca/${NAME}-ca2.pem`,
      `x509/${NAME}.pem`,
      `private/${NAME}.key`,
    ]);
    const it = connection(sample({ ca: [caPem, caPem] }));
    expect(section(it, 'remote').cacerts).toBe(`${NAME}-ca.pem, ${NAME}-ca2.pem`);
    expect(section(it, 'local').certs).toBe(`${NAME}.pem`);
    expect(certificateOfPem(made.get(`x509/${NAME}.pem`)!)).toEqual(certificateOfPem(clientPem));
  });

  it('gets the key encrypted with a passphrase, or plain without', () => {
    const key = (secrets: ProfileSecrets): string =>
      files(sample(), secrets).get(`private/${NAME}.key`) ?? '';
    expect(key(withKey)).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    const opened = createPrivateKey({ key: key(withKey), passphrase: 'a passphrase for tests' });
    expect(isKeyPair(opened, certificateOfPem(clientPem).publicKey!)).toBe(true);
    expect(key({ key: clientKey })).toContain('BEGIN PRIVATE KEY');
    expect(files(sample()).has(`private/${NAME}.key`)).toBe(false);
    const marks = exportProfile(sample(), 'swanctl', withKey).filter(({ secret }) => secret);
    expect(marks.map(({ name }) => name)).toEqual([`private/${NAME}.key`]);
  });

  it('says what each side proves', () => {
    const methods = (profile: ClientProfile): unknown[] => {
      const it = connection(profile);
      return [section(it, 'local').auth, section(it, 'remote').auth];
    };
    expect(methods(sample())).toEqual(['pubkey', 'pubkey']);
    expect(methods(eapSample())).toEqual(['eap-mschapv2', 'pubkey']);
    expect(methods(sample({ auth: 'eap-tls' }))).toEqual(['eap-tls', 'pubkey']);
    expect(methods(sample({ auth: 'eap-tls', serverAuth: 'eap-only' }))).toEqual(['eap-tls', 'eap-tls']);
    expect(methods(pskSample())).toEqual(['psk', 'psk']);
    expect(methods(sample({ serverAuth: 'psk' }))).toEqual(['pubkey', 'psk']);
    expect(() => connection(pskSample({ auth: 'null' }))).toThrowError(
      expect.objectContaining({ code: 'E_PROFILE_AUTH' }),
    );
  });

  it('says who is who', () => {
    const it = connection(eapSample({ localId: 'C=CH, CN=alice "a"', remoteId: '@gw' }));
    expect(section(it, 'local')).toMatchObject({ id: 'C=CH, CN=alice "a"', eap_id: 'alice' });
    expect(section(it, 'remote').id).toBe('@gw');
    expect(section(connection(sample()), 'local').id).toBe('alice@example.com');
    expect(section(connection(sample()), 'remote').id).toBe('vpn.example.com');
  });

  it('asks for addresses of the families that it wants to reach', () => {
    expect(connection(sample()).vips).toBe('0.0.0.0, ::');
    expect(connection(sample({ remoteTs: ['10.2.0.0/24'] })).vips).toBe('0.0.0.0');
    expect(connection(sample({ remoteTs: ['fd02::/64'] })).vips).toBe('::');
    const site = sample({ localTs: ['10.1.0.0/24'], remoteTs: ['10.2.0.0/24'] });
    expect(connection(site)).not.toHaveProperty('vips');
    expect(child(site)).toMatchObject({ local_ts: '10.1.0.0/24', remote_ts: '10.2.0.0/24' });
    expect(child(sample()).remote_ts).toBe('0.0.0.0/0, ::/0');
  });

  it('dials the port of a gateway that has its own', () => {
    expect(connection(sample())).not.toHaveProperty('remote_port');
    expect(connection(sample({ port: 1500, natPort: 14500 })).remote_port).toBe('14500');
  });

  it('traps traffic on demand', () => {
    expect(child(sample()).start_action).toBe('none');
    expect(child(sample({ onDemand: true })).start_action).toBe('trap');
  });

  it('has secrets only when they are given, for those who use them', () => {
    const psk = Secret.fromText('0x no hex " \\ {');
    const given = section(settings(pskSample(), { psk }), 'secrets', `ike-${NAME}`);
    expect(given).toMatchObject({ 'id-1': 'alice@example.com', 'id-2': 'vpn.example.com' });
    expect(Buffer.from(String(given.secret).replace(/^0s/, ''), 'base64').toString()).toBe(
      '0x no hex " \\ {',
    );
    expect(section(settings(pskSample()), 'secrets', `ike-${NAME}`)).not.toHaveProperty('secret');
    const eapPassword = Secret.fromText('wonderland');
    const eap = section(settings(eapSample(), { eapPassword }), 'secrets', `eap-${NAME}`);
    expect(eap).toEqual({ 'id-1': 'alice', secret: '0sd29uZGVybGFuZA==' });
    expect(exportProfile(pskSample(), 'swanctl', { psk })[0]?.secret).toBe(true);
    expect(exportProfile(pskSample(), 'swanctl')[0]?.secret).toBe(false);
    expect(settings(sample())).not.toHaveProperty('secrets');
  });

  it('quotes anything', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '\\', '#', '{', '}', '=', 'a', ' ', '\u00e9') }),
        (text) => {
          expect(readSettings(`s {\n  k = ${quoted(text)}\n}`)).toEqual({ s: { k: text } });
        },
      ),
    );
  });

  it('has sections that any name fits', () => {
    const conf = exportProfile(eapSample({ name: '../../x y.z {' }), 'swanctl')[0]!;
    expect(conf.name).toBe('conf.d/x-y.z.conf');
    expect(Object.keys(section(readSettings(textOf(conf)), 'connections'))).toEqual(['x-y-z']);
  });
});
