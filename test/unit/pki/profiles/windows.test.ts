import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../../src/lib/core/secret.js';
import { readP12 } from '../../../../src/lib/pki/p12/read.js';
import { exportProfile } from '../../../../src/lib/pki/profiles/export.js';
import type { ClientProfile, ProfileSecrets } from '../../../../src/lib/pki/profiles/types.js';
import { literal } from '../../../../src/lib/pki/profiles/windows.js';
import { calls, strayWords, type Token, tokenize } from './powershell.js';
import { caPem, clientKey, eapSample, passphrase, pskSample, sample, textOf, withKey } from './samples.js';

function script(profile: ClientProfile, secrets: ProfileSecrets = {}): string {
  return textOf(exportProfile(profile, 'windows', secrets)[0]!);
}

/** What is passed to the only call of a command. */
function parameters(text: string, command: string): Record<string, string> {
  const found = calls(text).filter((call) => call.command === command);
  expect(found, command).toHaveLength(1);
  const textOfToken = (token: Token | undefined): string => (token && 'value' in token ? token.value : '');
  return Object.fromEntries([...found[0]!.parameters].map(([name, token]) => [name, textOfToken(token)]));
}

const cases: [name: string, profile: ClientProfile, secrets: ProfileSecrets][] = [
  ['certificate', sample(), withKey],
  ['certificate of the device', sample(), {}],
  [
    'two CAs, split',
    sample({ ca: [caPem, caPem], remoteTs: ['10.2.0.0/24', 'fd02::/64', '10.3.0.1'] }),
    withKey,
  ],
  ['no CA', sample({ ca: [] }), withKey],
  ['EAP', eapSample(), {}],
  ['EAP-TLS', sample({ auth: 'eap-tls' }), withKey],
];

describe('scripts for Windows', () => {
  it.each(cases)(
    'are well formed, with known commands, parameters and values only: %s',
    (_, profile, secrets) => {
      const text = script(profile, secrets);
      expect(calls(text).map(({ command }) => command)).toContain('Add-VpnConnection');
      expect(strayWords(text)).toEqual([]);
      expect(text.startsWith('\ufeff#Requires')).toBe(true);
      expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    },
  );

  it('are what the golden files say', async () => {
    const split = sample({ remoteTs: ['10.2.0.0/24'] });
    await expect(script(split, withKey)).toMatchFileSnapshot('golden/windows-cert.ps1');
    await expect(script(eapSample())).toMatchFileSnapshot('golden/windows-eap.ps1');
  });

  it('set each method up as Windows names it', () => {
    const machine = parameters(script(sample(), withKey), 'Add-VpnConnection');
    expect(machine).toMatchObject({ TunnelType: 'Ikev2', AuthenticationMethod: 'MachineCertificate' });
    expect(machine).not.toHaveProperty('EapConfigXmlStream');
    const eap = script(eapSample());
    expect(parameters(eap, 'Add-VpnConnection').AuthenticationMethod).toBe('Eap');
    expect(parameters(eap, 'New-EapConfiguration')).toEqual({});
    const tls = parameters(script(sample({ auth: 'eap-tls' }), withKey), 'New-EapConfiguration');
    expect(Object.keys(tls)).toEqual(['Tls', 'UserCertificate', 'VerifyServerIdentity']);
  });

  it.each([
    [
      'aes256gcm16-prfsha384-ecp384',
      'aes256gcm16-ecp384',
      ['GCMAES256', 'SHA384', 'ECP384', 'GCMAES256', 'GCMAES256', 'ECP384'],
    ],
    [
      'aes128-sha256-modp2048',
      'aes128-sha256',
      ['AES128', 'SHA256', 'Group14', 'AES128', 'SHA256128', 'None'],
    ],
    [
      'chacha20poly1305-prfsha256-x25519,aes256-sha512-sha256-x25519-ecp256',
      'aes192gcm16-modp2048',
      ['AES256', 'SHA256', 'ECP256', 'GCMAES192', 'GCMAES192', 'PFS2048'],
    ],
  ])('offer what the gateway accepts: %s and %s', (ike, esp, expected) => {
    const it = parameters(script(eapSample({ ike, esp })), 'Set-VpnConnectionIPsecConfiguration');
    expect([
      it.EncryptionMethod,
      it.IntegrityCheckMethod,
      it.DHGroup,
      it.CipherTransformConstants,
      it.AuthenticationTransformConstants,
      it.PfsGroup,
    ]).toEqual(expected);
  });

  it.each([
    { ike: 'chacha20poly1305-prfsha256-x25519' },
    { ike: 'aes256-sha256-modp1024' },
    { ike: 'aes256-sha256-x25519' },
    { esp: 'chacha20poly1305' },
    { esp: 'aes256-sha512' },
    { esp: 'aes256gcm16-x25519' },
  ])('are refused where Windows can do none of the proposals: %o', (change) => {
    expect(() => script(eapSample(change))).toThrowError(
      expect.objectContaining({ code: 'E_PROFILE_PROPOSAL', hint: expect.stringContaining('ecp384') }),
    );
  });

  it('are refused for methods that Windows lacks', () => {
    const refused = expect.objectContaining({ code: 'E_PROFILE_AUTH' });
    expect(() => script(pskSample())).toThrowError(refused);
    expect(() => script(eapSample({ auth: 'eap-md5' }))).toThrowError(refused);
    expect(() => script(eapSample({ serverAuth: 'eap-only' }))).toThrowError(refused);
    expect(() => script(sample({ port: 501 }))).toThrowError(
      expect.objectContaining({ code: 'E_PROFILE_PORT' }),
    );
  });

  it('bring the key in a file of its own, and no secret in the script', () => {
    const [text, container] = exportProfile(sample(), 'windows', withKey);
    expect(text?.secret).toBe(false);
    expect(container).toMatchObject({ name: 'Example-VPN.p12', secret: true });
    const { certificates, keys } = readP12(container!.data, passphrase);
    expect([certificates.length, keys.length]).toEqual([1, 1]);
    expect(parameters(textOf(text!), 'Import-PfxCertificate').CertStoreLocation).toBe(
      'Cert:\\LocalMachine\\My',
    );
    expect(exportProfile(sample(), 'windows')).toHaveLength(1);
    expect(() => exportProfile(sample(), 'windows', { key: clientKey })).toThrowError(
      expect.objectContaining({ code: 'E_PROFILE_PASSPHRASE' }),
    );
    const password = Secret.fromText('never in a script');
    expect(script(eapSample(), { eapPassword: password })).not.toContain('never in a script');
  });

  it('route only the networks of a split tunnel', () => {
    const text = script(sample({ remoteTs: ['10.2.0.0/24', '10.3.0.1'] }), withKey);
    const routes = calls(text).filter(({ command }) => command === 'Add-VpnConnectionRoute');
    expect(routes.map(({ parameters: given }) => given.get('DestinationPrefix'))).toEqual([
      { kind: 'string', value: '10.2.0.0/24' },
      { kind: 'string', value: '10.3.0.1/32' },
    ]);
    expect(parameters(text, 'Add-VpnConnection').SplitTunneling).toBe('$true');
    expect(parameters(script(sample(), withKey), 'Add-VpnConnection').SplitTunneling).toBe('$false');
  });

  it('cannot be broken out of by any name', () => {
    const dangerous = fc.array(
      fc.constantFrom(
        "'",
        '\u2018',
        '\u2019',
        '\u201b',
        '"',
        '`',
        '$',
        '(',
        ')',
        ';',
        '#',
        '@',
        '{',
        '}',
        '\\',
        '|',
        'a',
        ' ',
      ),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(dangerous, (characters) => {
        const name = `x${characters.join('')}`;
        const text = script(eapSample({ name }));
        expect(calls(text).length).toBe(calls(script(eapSample())).length);
        const assigned = tokenize(text);
        const at = assigned.findIndex((token) => token.kind === 'variable' && token.value === '$name');
        expect(assigned[at + 2]).toEqual({ kind: 'string', value: name });
      }),
      { numRuns: 100 },
    );
    expect(tokenize(literal("it's"))).toEqual([{ kind: 'string', value: "it's" }]);
  });

  it('take no name that could end a line', () => {
    for (const name of ['a\nRemove-Item x', 'a\u2028b', 'a\u0085b', '', ' ', 'x'.repeat(65)]) {
      expect(() => script(eapSample({ name }))).toThrowError(
        expect.objectContaining({ code: 'E_PROFILE_NAME' }),
      );
    }
  });
});

describe('the check of scripts', () => {
  it.each([
    ["Write-Host 'a", 'without end'],
    ['Write-Host "$(Remove-Item x)"', 'expand'],
    ['@{ a = 1', 'open'],
    ['Write-Host )', 'closes nothing'],
    ["@'\nabc", 'here-string'],
    ['Remove-Everything', 'not known'],
    ['Add-VpnConnection -Nmae x', 'no parameter'],
    ["$t = @{\n  TunnelType = 'IKEv3'\n}\nAdd-VpnConnection @t", 'takes no IKEv3'],
  ])('finds %j', (text, message) => {
    expect(() => calls(text)).toThrowError(message);
  });
});
