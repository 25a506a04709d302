import { parse } from 'plist';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../../src/lib/core/secret.js';
import { isKeyPair, type KeyKind } from '../../../../src/lib/pki/keys.js';
import { readP12 } from '../../../../src/lib/pki/p12/read.js';
import { exportProfile } from '../../../../src/lib/pki/profiles/export.js';
import type { ClientProfile, ProfileSecrets } from '../../../../src/lib/pki/profiles/types.js';
import { hasOpenssl } from '../build.js';
import { payloads, topLevel, undocumented } from './apple-keys.js';
import { openP12 } from './openssl.js';
import {
  clientKey,
  eapSample,
  freshSample,
  only,
  passphrase,
  pskSample,
  sample,
  textOf,
  withKey,
} from './samples.js';

type Dictionary = Record<string, unknown>;

function exported(
  profile: ClientProfile,
  secrets: ProfileSecrets = {},
): { text: string; document: Dictionary } {
  const text = textOf(only(exportProfile(profile, 'apple', secrets)));
  return { text, document: parse(text) as Dictionary };
}

function payload(document: Dictionary, type: string): Dictionary | undefined {
  return (document.PayloadContent as Dictionary[]).find(({ PayloadType }) => PayloadType === type);
}

function ikev2(profile: ClientProfile, secrets: ProfileSecrets = {}): Dictionary {
  return payload(exported(profile, secrets).document, 'com.apple.vpn.managed')!.IKEv2 as Dictionary;
}

const code = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

const cases: [name: string, profile: ClientProfile, secrets: ProfileSecrets][] = [
  ['certificate', sample(), withKey],
  [
    'certificate, split, with everything',
    sample({
      remoteTs: ['10.2.0.0/24', 'fd02::/64'],
      dns: ['10.2.0.53'],
      mtu: 1300,
      onDemand: true,
      remoteId: 'vpn.example.com',
      localId: 'alice@example.com',
      ike: 'aes256-sha384-ecp384',
      esp: 'aes256gcm16',
    }),
    withKey,
  ],
  ['EAP', eapSample(), {}],
  ['EAP with password', eapSample(), { eapPassword: Secret.fromText('wonder<&>land') }],
  ['EAP-TLS', sample({ auth: 'eap-tls' }), withKey],
  ['EAP alone', eapSample({ serverAuth: 'eap-only' }), {}],
  ['EAP and pre-shared key', eapSample({ serverAuth: 'psk' }), { psk: Secret.fromText('k'.repeat(32)) }],
  ['pre-shared key', pskSample(), { psk: Secret.fromText('k'.repeat(32)) }],
  ['pre-shared key that is asked for', pskSample(), {}],
];

describe('profiles for Apple', () => {
  it.each(cases)('have only documented keys and values: %s', (_, profile, secrets) => {
    const { document } = exported(profile, secrets);
    expect(undocumented(document, topLevel)).toEqual([]);
    const inside = document.PayloadContent as Dictionary[];
    for (const each of inside) {
      const keys = payloads[String(each.PayloadType)];
      expect(keys, String(each.PayloadType)).toBeDefined();
      expect(undocumented(each, keys!), String(each.PayloadType)).toEqual([]);
      expect(each.PayloadUUID).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
    }
    const names = [document, ...inside];
    for (const name of ['PayloadUUID', 'PayloadIdentifier']) {
      expect(new Set(names.map((each) => each[name])).size).toBe(names.length);
    }
  });

  it('are what the golden file says', async () => {
    const { text } = exported(
      sample({ remoteTs: ['10.2.0.0/24'], dns: ['10.2.0.53'], mtu: 1300, onDemand: true }),
      withKey,
    );
    const container = payload(parse(text) as Dictionary, 'com.apple.security.pkcs12')!
      .PayloadContent as Uint8Array;
    const stable = text.replace(Buffer.from(container).toString('base64'), 'PKCS#12');
    await expect(stable).toMatchFileSnapshot('golden/apple-cert.mobileconfig');
    await expect(exported(eapSample()).text).toMatchFileSnapshot('golden/apple-eap.mobileconfig');
    await expect(exported(pskSample()).text).toMatchFileSnapshot('golden/apple-psk.mobileconfig');
  });

  it('carry the identity in a container that the VPN points to', () => {
    const { document } = exported(sample(), withKey);
    const container = payload(document, 'com.apple.security.pkcs12')!;
    const vpn = payload(document, 'com.apple.vpn.managed')!.IKEv2 as Dictionary;
    expect(vpn.PayloadCertificateUUID).toBe(container.PayloadUUID);
    expect(container).not.toHaveProperty('Password');
    const { certificates, keys } = readP12(container.PayloadContent as Uint8Array, passphrase);
    expect(certificates).toHaveLength(1);
    expect(isKeyPair(keys[0]!, certificates[0]!.publicKey!)).toBe(true);
    expect(only(exportProfile(sample(), 'apple', withKey)).secret).toBe(true);
  });

  it.skipIf(!hasOpenssl)('carry it in 3DES and SHA-1, which is all that Apple reads', () => {
    const { document } = exported(sample(), withKey);
    const container = payload(document, 'com.apple.security.pkcs12')!.PayloadContent as Uint8Array;
    const { status, output } = openP12(container, 'a passphrase for tests');
    expect(status, output).toBe(0);
    expect(output).toContain('pbeWithSHA1And3-KeyTripleDES-CBC');
    expect(output).not.toContain('PBES2');
    expect(output).toMatch(/MAC: sha1/i);
  });

  it.each<[KeyKind, string]>([
    ['ecdsa-p256', 'ECDSA256'],
    ['ecdsa-p384', 'ECDSA384'],
    ['ecdsa-p521', 'ECDSA521'],
    ['rsa-2048', 'RSA'],
  ])('name the kind of the key: %s is %s', async (kind, type) => {
    const { profile, secrets } = await freshSample({ kind });
    expect(ikev2(profile, secrets)).toMatchObject({
      CertificateType: type,
      ServerCertificateIssuerCommonName: 'Root',
    });
  });

  it.each<KeyKind>(['ed25519', 'ed448'])(
    'are refused for a key that has no certificate type: %s',
    async (kind) => {
      const { profile, secrets } = await freshSample({ kind });
      expect(code(() => exported(profile, secrets))).toBe('E_PROFILE_IDENTITY');
    },
  );

  it('say what each side proves', () => {
    const methods = (profile: ClientProfile, secrets = {}): unknown[] => {
      const { AuthenticationMethod, ExtendedAuthEnabled } = ikev2(profile, secrets);
      return [AuthenticationMethod, ExtendedAuthEnabled];
    };
    expect(methods(sample(), withKey)).toEqual(['Certificate', 0]);
    expect(methods(eapSample())).toEqual(['Certificate', 1]);
    expect(methods(sample({ auth: 'eap-tls' }), withKey)).toEqual(['Certificate', 1]);
    expect(methods(pskSample())).toEqual(['SharedSecret', 0]);
    expect(methods(eapSample({ serverAuth: 'psk' }))).toEqual(['SharedSecret', 1]);
    expect(methods(eapSample({ serverAuth: 'eap-only' }))).toEqual(['None', 1]);
  });

  it('are refused where Apple cannot do what is asked', () => {
    expect(code(() => exported(sample({ serverAuth: 'psk' }), withKey))).toBe('E_PROFILE_AUTH');
    expect(code(() => exported(eapSample({ auth: 'eap-md5' })))).toBe('E_PROFILE_AUTH');
    expect(code(() => exported(pskSample({ auth: 'null', serverAuth: 'null' })))).toBe('E_PROFILE_AUTH');
    expect(code(() => exported(sample({ natPort: 4501 }), withKey))).toBe('E_PROFILE_PORT');
    expect(code(() => exported(sample()))).toBe('E_PROFILE_IDENTITY');
    expect(code(() => exported(sample(), { key: clientKey }))).toBe('E_PROFILE_PASSPHRASE');
    expect(code(() => exported(sample({ remoteId: 'C=CH, CN=gw' }), withKey))).toBe('E_PROFILE_IDENTITY');
    expect(code(() => exported(pskSample({ localId: 'keyid:abc' })))).toBe('E_PROFILE_IDENTITY');
  });

  it('take identities without what marks their type', () => {
    const { RemoteIdentifier, LocalIdentifier } = ikev2(
      pskSample({ remoteId: '@gw', localId: '@@alice@home' }),
    );
    expect([RemoteIdentifier, LocalIdentifier]).toEqual(['gw', 'alice@home']);
    expect(ikev2(pskSample({ gateway: '2001:db8:0::1' })).RemoteIdentifier).toBe('2001:db8::1');
  });

  it('contain secrets only when they are given', () => {
    expect(ikev2(pskSample())).not.toHaveProperty('SharedSecret');
    expect(ikev2(pskSample(), { psk: Secret.fromText('secret key') })).toHaveProperty(
      'SharedSecret',
      'secret key',
    );
    expect(ikev2(eapSample())).not.toHaveProperty('AuthPassword');
    expect(only(exportProfile(pskSample(), 'apple', {})).secret).toBe(false);
    expect(only(exportProfile(pskSample(), 'apple', { psk: Secret.fromText('secret key') })).secret).toBe(
      true,
    );
    const binary = new Secret(Uint8Array.of(0xff, 0, 1));
    expect(code(() => exported(pskSample(), { psk: binary }))).toBe('E_PROFILE_SECRET_TEXT');
  });

  it('take of the proposals what Apple can do and the gateway likes best', () => {
    const suite = (ike: string, esp: string): unknown => {
      const it = ikev2(eapSample({ ike, esp }));
      return [it.IKESecurityAssociationParameters, it.ChildSecurityAssociationParameters, it.EnablePFS];
    };
    expect(suite('aes192-sha256-ecp256,aes256-sha384-modp1024-ecp384', 'aes192gcm16,aes128-sha256')).toEqual([
      {
        EncryptionAlgorithm: 'AES-256',
        IntegrityAlgorithm: 'SHA2-384',
        DiffieHellmanGroup: 20,
        LifeTimeInMinutes: 1440,
      },
      {
        EncryptionAlgorithm: 'AES-128',
        IntegrityAlgorithm: 'SHA2-256',
        DiffieHellmanGroup: 20,
        LifeTimeInMinutes: 480,
      },
      0,
    ]);
    expect(suite('chacha20poly1305-prfsha256-x25519', 'chacha20poly1305-x25519')).toMatchObject([
      { EncryptionAlgorithm: 'ChaCha20Poly1305', DiffieHellmanGroup: 31 },
      { EncryptionAlgorithm: 'ChaCha20Poly1305', DiffieHellmanGroup: 31 },
      1,
    ]);
  });

  it('say what the gateway must allow when there is nothing', () => {
    for (const change of [
      { ike: 'aes256-sha1-modp2048' },
      { ike: 'aes256-sha256-modp1024' },
      { esp: 'aes192-sha256' },
    ]) {
      expect(() => exported(eapSample(change))).toThrowError(
        expect.objectContaining({
          code: 'E_PROFILE_PROPOSAL',
          hint: expect.stringMatching(/serve --(ike|esp) .*aes256gcm16/),
        }),
      );
    }
  });

  it('keep their UUIDs, which differ from profile to profile', () => {
    const uuid = (profile: ClientProfile): unknown => exported(profile).document.PayloadUUID;
    expect(uuid(eapSample())).toBe(uuid(eapSample({ mtu: 1300 })));
    expect(uuid(eapSample())).not.toBe(uuid(eapSample({ name: 'Other' })));
    expect(uuid(eapSample())).not.toBe(uuid(eapSample({ gateway: 'b.example.com' })));
  });

  it('survive any name', () => {
    const name = '<key>&amp;"]]>--\u2019';
    expect(exported(eapSample({ name })).document.PayloadDisplayName).toBe(name);
  });
});
