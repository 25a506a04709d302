import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../../src/lib/core/secret.js';
import { exportProfile } from '../../../../src/lib/pki/profiles/export.js';
import { escaped } from '../../../../src/lib/pki/profiles/networkmanager.js';
import type { ClientProfile, ProfileSecrets } from '../../../../src/lib/pki/profiles/types.js';
import { readKeyFile } from './config-readers.js';
import { eapSample, pskSample, sample, textOf, withKey } from './samples.js';

function connection(
  profile: ClientProfile,
  secrets: ProfileSecrets = {},
): Record<string, Record<string, string>> {
  return readKeyFile(textOf(exportProfile(profile, 'networkmanager', secrets)[0]!));
}

describe('connections for NetworkManager', () => {
  it('are what the golden files say', async () => {
    const text = (profile: ClientProfile): string => textOf(exportProfile(profile, 'networkmanager')[0]!);
    const split = sample({ remoteTs: ['10.2.0.0/24', 'fd02::/64'], dns: ['10.2.0.53', 'fd02::53'] });
    await expect(text(split)).toMatchFileSnapshot('golden/networkmanager-cert.nmconnection');
    await expect(text(eapSample())).toMatchFileSnapshot('golden/networkmanager-eap.nmconnection');
  });

  it('name the plugin and its method', () => {
    const vpn = (profile: ClientProfile): unknown => connection(profile).vpn;
    expect(vpn(sample())).toMatchObject({
      'service-type': 'org.freedesktop.NetworkManager.strongswan',
      method: 'cert',
      'cert-source': 'file',
      usercert: '/etc/NetworkManager/certs/Example-VPN.pem',
      userkey: '/etc/NetworkManager/certs/Example-VPN.key',
      virtual: 'yes',
      'local-identity': 'alice@example.com',
      'remote-identity': 'vpn.example.com',
    });
    expect(vpn(eapSample())).toMatchObject({ method: 'eap', user: 'alice' });
    expect(vpn(sample({ auth: 'eap-tls' }))).toMatchObject({ method: 'eap-tls' });
    expect(vpn(pskSample())).toMatchObject({ method: 'psk', user: 'alice@example.com' });
    expect(vpn(pskSample())).not.toHaveProperty('certificate');
    expect(vpn(sample({ remoteTs: ['10.2.0.0/24', '10.3.0.0/24'] }))).toMatchObject({
      'remote-ts': '10.2.0.0/24;10.3.0.0/24',
    });
    expect(vpn(eapSample({ ike: 'aes256-sha256-ecp256,aes128-sha256-ecp256' }))).toMatchObject({
      proposal: 'yes',
      ike: 'aes256-sha256-prfsha256-ecp256;aes128-sha256-prfsha256-ecp256',
    });
  });

  it('are refused for methods that the plugin lacks', () => {
    for (const profile of [
      sample({ serverAuth: 'psk' }),
      eapSample({ serverAuth: 'eap-only' }),
      pskSample({ auth: 'null' }),
    ]) {
      expect(() => connection(profile)).toThrowError(expect.objectContaining({ code: 'E_PROFILE_AUTH' }));
    }
  });

  it('have passwords only when they are given', () => {
    const password = Secret.fromText(' wonder\\land');
    const given = connection(eapSample(), { eapPassword: password });
    expect(given['vpn-secrets']).toEqual({ password: ' wonder\\land' });
    expect(given.vpn?.['password-flags']).toBe('0');
    const without = connection(eapSample());
    expect(without).not.toHaveProperty('vpn-secrets');
    expect(without.vpn?.['password-flags']).toBe('1');
    expect(connection(pskSample(), { psk: password })['vpn-secrets']).toEqual({ password: ' wonder\\land' });
  });

  it('come with their files, all of which NetworkManager wants closed to others where it reads them', () => {
    const files = exportProfile(sample(), 'networkmanager', withKey);
    expect(files.map(({ name, secret }) => [name, secret])).toEqual([
      ['Example-VPN.nmconnection', true],
      ['Example-VPN-ca.pem', false],
      ['Example-VPN.pem', false],
      ['Example-VPN.key', true],
    ]);
  });

  it('escape what key files need', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('\\', ' ', 's', 'n', ';', '=', '#', 'a', '\u00e9') }),
        (text) => {
          expect(readKeyFile(`[a]\nk=${escaped(text)}`)).toEqual({ a: { k: text } });
        },
      ),
    );
    expect(connection(eapSample({ name: ' a\\nb' })).connection?.id).toBe(' a\\nb');
  });
});
