import { describeKey } from '../keys.js';
import { ExtendedKeyUsage } from '../oids.js';
import { ANDROID_MTU } from './android.js';
import { APPLE_MTU } from './apple.js';
import type { ExportInput } from './input.js';
import { NETWORKMANAGER_PSK } from './networkmanager.js';
import type { ProfileFormat } from './types.js';

/** Something particular about one kind of client. */
export interface Quirk {
  id: `${'E' | 'W' | 'I'}_${string}`;
  message: string;
  remedy?: string;
}

/** What each kind of client does with what a profile asks, where that is not plain. */
export const quirks: Record<ProfileFormat, (input: ExportInput) => Quirk[]> = {
  apple: (it) => [
    ...mtu(it, "Apple's systems", APPLE_MTU),
    ...ed25519(it, "Apple's profiles have no certificate type for Ed25519"),
    ...(it.secrets.key !== undefined && usesCertificate(it)
      ? [
          {
            id: 'W_P12_LEGACY',
            message: 'Apple reads PKCS#12 with 3DES and SHA-1 only, which protects the key little.',
            remedy:
              'Take a long random passphrase, send it another way, and delete the file once it is installed.',
          } as const,
        ]
      : []),
    ...(it.profile.remoteTs.length > 0
      ? [
          {
            id: 'I_APPLE_NETWORKS',
            message:
              "Apple's systems ask for everything and route what the gateway narrows it to; the profile cannot name networks.",
            remedy: 'Let the gateway grant only these networks: serve --local-ts.',
          } as const,
        ]
      : []),
    ...(it.profile.auth.startsWith('eap-') && it.profile.auth !== 'eap-tls' ? asksPassword(it) : []),
  ],
  windows: (it) => [
    ...unsupported(it, 'Windows'),
    ...ed25519(it, 'Windows knows no Ed25519'),
    {
      id: 'I_WINDOWS_GROUPS',
      message:
        'A connection made by hand in Windows offers only the broken group modp1024; the script sets what the gateway accepts.',
    },
    ...(it.profile.auth === 'cert'
      ? [
          {
            id: 'I_WINDOWS_IDENTITY',
            message:
              'Windows names the subject of its machine certificate as its identity, whatever the profile says.',
            remedy: 'Let the gateway accept any identity of its CA, or that subject.',
          } as const,
        ]
      : []),
    ...clientAuth(it),
    ...(it.profile.onDemand
      ? [onDemand('Windows', 'Add-VpnConnectionTriggerApplication binds it to programs.')]
      : []),
  ],
  android: (it) => [
    ...mtu(it, 'The strongSwan app', ANDROID_MTU),
    ...oneCa(it, 'The strongSwan app takes'),
    ...(it.secrets.key !== undefined && usesCertificate(it)
      ? [
          {
            id: 'W_P12_LEGACY',
            message:
              'The PKCS#12 is encrypted with 3DES and SHA-1, because older versions of Android read nothing newer.',
            remedy:
              'Take a long random passphrase, send it another way, and delete the file once it is imported.',
          } as const,
        ]
      : []),
    ...(it.profile.onDemand
      ? [onDemand('A profile', 'Turn on the always-on VPN in the settings of Android.')]
      : []),
  ],
  swanctl: (it) => unsupported(it, 'A swanctl.conf'),
  networkmanager: (it) => [
    ...oneCa(it, 'A connection of NetworkManager names'),
    ...(it.profile.mtu === undefined
      ? []
      : [lacks('W_PROFILE_MTU', "NetworkManager's strongSwan plugin", 'an MTU')]),
    ...(it.secrets.psk !== undefined && it.secrets.psk.length < NETWORKMANAGER_PSK
      ? [
          {
            id: 'E_NETWORKMANAGER_PSK',
            message: `NetworkManager's strongSwan plugin refuses pre-shared keys of fewer than ${NETWORKMANAGER_PSK} characters.`,
            remedy: 'Make a better one: ipsec-kit psk generate',
          } as const,
        ]
      : []),
    ...(it.profile.onDemand
      ? [onDemand('A connection', 'Set it as secondary connection of a network.')]
      : []),
  ],
  'ipsec-kit': () => [],
};

function usesCertificate({ profile: { auth } }: ExportInput): boolean {
  return auth === 'cert' || auth === 'eap-tls';
}

function asksPassword({ secrets }: ExportInput): Quirk[] {
  if (secrets.eapPassword !== undefined) return [];
  return [
    { id: 'I_APPLE_PASSWORD', message: 'The device asks for the password when the profile is installed.' },
  ];
}

function mtu(
  { profile }: ExportInput,
  client: string,
  { least, most }: { least: number; most: number },
): Quirk[] {
  if (profile.mtu === undefined || (profile.mtu >= least && profile.mtu <= most)) return [];
  return [
    {
      id: 'W_PROFILE_MTU',
      message: `${client} takes an MTU from ${least} to ${most}; ${profile.mtu} was left out.`,
    },
  ];
}

function lacks(id: Quirk['id'], who: string, what: string): Quirk {
  return { id, message: `${who} has no place for ${what}; that was left out.` };
}

function unsupported({ profile }: ExportInput, who: string): Quirk[] {
  return [
    ...(profile.mtu === undefined ? [] : [lacks('W_PROFILE_MTU', who, 'an MTU')]),
    ...(profile.dns.length === 0
      ? []
      : [
          {
            ...lacks('W_PROFILE_DNS', who, 'DNS servers'),
            remedy: 'Let the gateway assign them: serve --dns.',
          },
        ]),
  ];
}

function onDemand(who: string, remedy: string): Quirk {
  return {
    id: 'W_PROFILE_ON_DEMAND',
    message: `${who} cannot say that the tunnel comes up by itself.`,
    remedy,
  };
}

function oneCa({ ca }: ExportInput, who: string): Quirk[] {
  if (ca.length < 2) return [];
  return [
    {
      id: 'W_PROFILE_ONE_CA',
      message: `${who} one CA, the first of the ${ca.length} in the profile.`,
      remedy: "Name the gateway's root CA first, and let the gateway send those between.",
    },
  ];
}

function ed25519({ server }: ExportInput, sentence: string): Quirk[] {
  const type = server?.publicKey && describeKey(server.publicKey).type;
  if (type !== 'ed25519') return [];
  return [
    {
      id: 'W_PROFILE_ED25519',
      message: `${sentence}, and the gateway's certificate has such a key.`,
      remedy: 'Issue the gateway a certificate with --key-type ecdsa-p256 or rsa-3072.',
    },
  ];
}

/** Windows chooses among its machine certificates by this usage. */
function clientAuth({ profile, chain: [own] }: ExportInput): Quirk[] {
  const usages = own?.extendedKeyUsage;
  if (profile.auth !== 'cert' || own === undefined) return [];
  if (usages?.includes(ExtendedKeyUsage.clientAuth) || usages?.includes(ExtendedKeyUsage.any)) return [];
  return [
    {
      id: 'W_WINDOWS_CLIENT_AUTH',
      message:
        'Windows takes only machine certificates with the extended key usage clientAuth (error 13806).',
      remedy: 'Issue it again with --client.',
    },
  ];
}
