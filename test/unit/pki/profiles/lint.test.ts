import { describe, expect, it } from 'vitest';
import { Secret } from '../../../../src/lib/core/secret.js';
import { lintProfile } from '../../../../src/lib/pki/profiles/lint.js';
import {
  type ClientProfile,
  type ProfileFormat,
  type ProfileSecrets,
  profileFormats,
} from '../../../../src/lib/pki/profiles/types.js';
import { NOW as ISSUED } from '../build.js';
import { caPem, eapSample, freshSample, NOW, pskSample, sample, serverPem, withKey } from './samples.js';

function ids(
  profile: ClientProfile,
  format: ProfileFormat,
  secrets: ProfileSecrets = {},
  now = NOW,
): string[] {
  return lintProfile(profile, format, { secrets, now }).map(({ id }) => id);
}

/** The errors and warnings alone. */
function problems(profile: ClientProfile, format: ProfileFormat, secrets: ProfileSecrets = {}): string[] {
  return ids(profile, format, secrets).filter((id) => !id.startsWith('I_'));
}

describe('what clients will dislike', () => {
  it.each(profileFormats)('is nothing in a profile that is right: %s', (format) => {
    expect(problems(sample(), format)).toEqual([]);
  });

  it('has a severity, a client, a sentence and mostly a remedy', () => {
    for (const format of profileFormats) {
      const profile = sample({
        ca: [],
        mtu: 9000,
        dns: ['10.2.0.53'],
        remoteTs: ['10.2.0.0/24'],
        onDemand: true,
      });
      for (const { id, severity, message, for: client } of lintProfile(profile, format, { now: NOW })) {
        expect(severity).toBe({ E: 'error', W: 'warning', I: 'info' }[id.slice(0, 1)]);
        expect(client).toBe(format);
        expect(message).toMatch(/^[A-Z].*\.$/);
      }
    }
  });

  it.each(profileFormats)('is a gateway whose certificate is not for what is expected: %s', (format) => {
    expect(ids(sample({ remoteId: 'other.example.com' }), format)).toContain('E_PROFILE_REMOTE_ID');
    expect(ids(sample({ gateway: 'other.example.com' }), format)).toContain('E_PROFILE_REMOTE_ID');
  });

  it('is for Windows a gateway that is dialled by another name, whoever it proves to be', () => {
    const profile = sample({ gateway: 'other.example.com', remoteId: 'vpn.example.com' });
    expect(ids(profile, 'windows')).toContain('E_CERT_NAME');
    expect(ids(profile, 'apple')).not.toContain('E_CERT_NAME');
  });

  it('is for Windows a gateway that is dialled by an address which is no dNSName', async () => {
    const without = (await freshSample({ serverNames: ['192.0.2.1'] })).profile;
    const dialled = { ...without, gateway: '192.0.2.1' };
    expect(ids(dialled, 'windows')).toContain('E_CERT_NAME');
    expect(ids(dialled, 'apple')).toContain('W_APPLE_ADDRESS');
    expect(problems(dialled, 'swanctl')).toEqual([]);
    const both = (await freshSample({ serverNames: ['192.0.2.1', 'dns:192.0.2.1'] })).profile;
    expect(ids({ ...both, gateway: '192.0.2.1' }, 'windows')).not.toContain('E_CERT_NAME');
  });

  it('is a client identity that its certificate does not prove', () => {
    for (const format of ['apple', 'android', 'swanctl', 'networkmanager', 'ipsec-kit'] as const) {
      expect(ids(sample({ localId: 'bob@example.com' }), format), format).toContain('E_PROFILE_LOCAL_ID');
    }
    expect(ids(sample({ localId: 'bob@example.com' }), 'windows')).not.toContain('E_PROFILE_LOCAL_ID');
    expect(ids(eapSample({ localId: 'bob@example.com' }), 'apple')).not.toContain('E_PROFILE_LOCAL_ID');
  });

  it('is for Apple and Windows a gateway without serverAuth', async () => {
    const { profile } = await freshSample({ serverAuth: false });
    expect(ids(profile, 'apple')).toContain('E_CERT_EKU');
    expect(ids(profile, 'windows')).toContain('E_CERT_EKU');
  });

  it('is for Apple a gateway that is valid for too long', async () => {
    const { profile } = await freshSample({ days: 900 });
    expect(ids(profile, 'apple')).toContain('E_CERT_TOO_LONG');
    expect(ids(profile, 'windows')).not.toContain('E_CERT_TOO_LONG');
    expect(ids((await freshSample({ days: 825 })).profile, 'apple')).toContain('W_APPLE_LENGTH');
  });

  it('is for Apple and Windows an Ed25519 key', async () => {
    const { profile } = await freshSample({ kind: 'ed25519' });
    expect(ids(profile, 'apple')).toContain('W_PROFILE_ED25519');
    expect(ids(profile, 'windows')).toEqual(expect.arrayContaining(['W_PROFILE_ED25519', 'E_CERT_KEY_KIND']));
    expect(ids(profile, 'ipsec-kit')).not.toContain('W_PROFILE_ED25519');
  });

  it('is a certificate that is over', () => {
    const later = ISSUED + 500 * 86_400_000;
    expect(ids(sample(), 'swanctl', {}, later).filter((id) => id === 'E_CERT_EXPIRED')).toHaveLength(2);
    expect(ids(sample(), 'swanctl')).not.toContain('E_CERT_EXPIRED');
  });

  it('is for Windows a client certificate without clientAuth', () => {
    expect(ids(sample({ certificates: [serverPem] }), 'windows')).toContain('W_WINDOWS_CLIENT_AUTH');
    expect(ids(sample(), 'windows')).not.toContain('W_WINDOWS_CLIENT_AUTH');
  });

  it('is a profile without CA', () => {
    expect(ids(sample({ ca: [] }), 'apple')).toContain('W_PROFILE_NO_CA');
    expect(ids(pskSample(), 'apple')).not.toContain('W_PROFILE_NO_CA');
  });

  it('is what a format has no place for', () => {
    const profile = sample({ mtu: 9000, dns: ['10.2.0.53'], onDemand: true, ca: [caPem, caPem] });
    expect(problems(profile, 'apple')).toEqual(['W_PROFILE_MTU']);
    expect(problems(profile, 'windows')).toEqual(['W_PROFILE_MTU', 'W_PROFILE_DNS', 'W_PROFILE_ON_DEMAND']);
    expect(problems(profile, 'android')).toEqual([
      'W_PROFILE_MTU',
      'W_PROFILE_ONE_CA',
      'W_PROFILE_ON_DEMAND',
    ]);
    expect(problems(profile, 'swanctl')).toEqual(['W_PROFILE_MTU', 'W_PROFILE_DNS']);
    expect(problems(profile, 'networkmanager')).toEqual([
      'W_PROFILE_ONE_CA',
      'W_PROFILE_MTU',
      'W_PROFILE_ON_DEMAND',
    ]);
    expect(problems(profile, 'ipsec-kit')).toEqual([]);
    expect(problems(sample({ mtu: 1300 }), 'apple')).toEqual([]);
  });

  it('is a pre-shared key that the plugin of NetworkManager refuses', () => {
    const psk = (text: string): ProfileSecrets => ({ psk: Secret.fromText(text) });
    expect(problems(pskSample(), 'networkmanager', psk('x'.repeat(19)))).toEqual(['E_NETWORKMANAGER_PSK']);
    expect(problems(pskSample(), 'networkmanager', psk('x'.repeat(20)))).toEqual([]);
  });

  it('is a container that protects its key little', () => {
    expect(ids(sample(), 'apple', withKey)).toContain('W_P12_LEGACY');
    expect(ids(sample(), 'android', withKey)).toContain('W_P12_LEGACY');
    expect(ids(sample(), 'windows', withKey)).not.toContain('W_P12_LEGACY');
    expect(ids(sample(), 'apple')).not.toContain('W_P12_LEGACY');
  });

  it('is told beside what users should know', () => {
    expect(ids(sample(), 'windows')).toEqual(['I_WINDOWS_GROUPS', 'I_WINDOWS_IDENTITY']);
    expect(ids(eapSample(), 'windows')).toEqual(['I_WINDOWS_GROUPS']);
    expect(ids(sample({ remoteTs: ['10.2.0.0/24'] }), 'apple')).toEqual(['I_APPLE_NETWORKS']);
    expect(ids(eapSample(), 'apple')).toEqual(['I_APPLE_PASSWORD']);
  });
});
