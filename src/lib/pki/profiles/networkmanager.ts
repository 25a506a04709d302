import { ipFamily, parseIp } from '../../core/ip.js';
import { cannot } from './check.js';
import { localIdOf, remoteIdOf } from './identities.js';
import { certificatePem, type ExportInput, keyFile, stableUuid, textFile } from './input.js';
import { secretText } from './secret-text.js';
import { ikeProposals, proposalTexts, strongswanEspProposals } from './suites.js';
import type { ClientAuthMethod, ExportedFile } from './types.js';

/** Where the profile looks for its certificates and key; only root may write there. */
const FOLDER = '/etc/NetworkManager/certs';

/** Shortest pre-shared key that the plugin takes, bytes. */
export const NETWORKMANAGER_PSK = 20;

/** The plugin's names of what the client does. */
const methods: Partial<Record<ClientAuthMethod, string>> = {
  psk: 'psk',
  cert: 'cert',
  'eap-mschapv2': 'eap',
  'eap-md5': 'eap',
  'eap-tls': 'eap-tls',
};

/**
 * A connection (.nmconnection) for NetworkManager with its strongSwan plugin, 1.5 and later, and the files it names.
 * @throws KitError usage E_PROFILE_AUTH, E_PROFILE_SECRET_TEXT
 */
export function networkManagerFiles(input: ExportInput): ExportedFile[] {
  const { profile, stem, ca, chain } = input;
  const connection = sections(input)
    .map(([name, entries]) => `[${name}]\n${entries.map(([key, value]) => `${key}=${value}\n`).join('')}`)
    .join('\n');
  const key = usesCertificate(input) ? keyFile(input, `${stem}.key`) : undefined;
  return [
    // NetworkManager reads only files that are closed to others, whatever is inside.
    textFile(
      `${stem}.nmconnection`,
      connection,
      `For NetworkManager with its strongSwan plugin: copy it to /etc/NetworkManager/system-connections (owner root, mode 0600), what is beside it to ${FOLDER}, then run: nmcli connection reload && nmcli connection up uuid ${stableUuid(profile, 'networkmanager')}`,
      true,
    ),
    ...(ca[0] !== undefined && profile.serverAuth === 'cert'
      ? [
          textFile(
            caName(stem),
            certificatePem(ca[0]),
            `The CA that the gateway is verified with, for ${FOLDER}.`,
          ),
        ]
      : []),
    ...(usesCertificate(input) && chain[0] !== undefined
      ? [textFile(`${stem}.pem`, certificatePem(chain[0]), `The client's certificate, for ${FOLDER}.`)]
      : []),
    ...(key === undefined ? [] : [key]),
  ];
}

const caName = (stem: string): string => `${stem}-ca.pem`;

function usesCertificate({ profile: { auth } }: ExportInput): boolean {
  return auth === 'cert' || auth === 'eap-tls';
}

type Entries = (readonly [key: string, value: string])[];

function sections(input: ExportInput): [name: string, entries: Entries][] {
  const { profile } = input;
  const password = passwordOf(input);
  const dns = (family: 4 | 6): Entries => {
    const servers = profile.dns.filter((address) => ipFamily(parseIp(address)) === family);
    return servers.length === 0 ? [] : [['dns', `${servers.join(';')};`]];
  };
  return [
    [
      'connection',
      [
        ['id', escaped(profile.name)],
        ['uuid', stableUuid(profile, 'networkmanager')],
        ['type', 'vpn'],
        ['autoconnect', 'false'],
      ],
    ],
    ['vpn', [...vpn(input), ['password-flags', password === undefined ? '1' : '0']]],
    ...(password === undefined
      ? []
      : [['vpn-secrets', [['password', escaped(password)]]] as [string, Entries]]),
    ['ipv4', [['method', 'auto'], ...dns(4)]],
    ['ipv6', [['method', 'auto'], ...dns(6)]],
  ];
}

function passwordOf(input: ExportInput): string | undefined {
  const { profile, secrets } = input;
  if (profile.auth === 'psk') return secretText(secrets.psk, 'pre-shared key');
  return usesCertificate(input) ? undefined : secretText(secrets.eapPassword, 'password');
}

function vpn(input: ExportInput): Entries {
  const { profile, stem, ca, chain } = input;
  const { auth, serverAuth, remoteTs, port = 500, natPort = 4500 } = profile;
  const method = methods[auth];
  if (method === undefined || serverAuth !== (auth === 'psk' ? 'psk' : 'cert')) {
    throw cannot(
      "NetworkManager's strongSwan plugin",
      `authenticate with ${auth} against a gateway that proves itself with ${serverAuth}`,
      'It does certificates, EAP and EAP-TLS with a certificate of the gateway, and pre-shared keys both ways.',
    );
  }
  const localId = localIdOf(profile, chain[0]);
  const user = profile.eapUser ?? (auth === 'psk' ? localId : undefined);
  const entries: (readonly [key: string, value: string | undefined])[] = [
    ['service-type', 'org.freedesktop.NetworkManager.strongswan'],
    ['address', profile.gateway],
    ['certificate', serverAuth === 'cert' && ca.length > 0 ? `${FOLDER}/${caName(stem)}` : undefined],
    ['method', method],
    ['cert-source', usesCertificate(input) ? 'file' : undefined],
    ['usercert', usesCertificate(input) ? `${FOLDER}/${stem}.pem` : undefined],
    ['userkey', usesCertificate(input) ? `${FOLDER}/${stem}.key` : undefined],
    ['user', usesCertificate(input) ? undefined : user],
    ['remote-identity', remoteIdOf(profile)],
    ['local-identity', localId],
    ['server-port', port === 500 && natPort === 4500 ? undefined : String(natPort)],
    ['virtual', profile.localTs.length > 0 ? 'no' : 'yes'],
    ['encap', 'no'],
    ['ipcomp', 'no'],
    ['proposal', 'yes'],
    ['ike', proposalTexts(ikeProposals(profile)).join(';')],
    ['esp', proposalTexts(strongswanEspProposals(profile)).join(';')],
    ['remote-ts', remoteTs.length > 0 ? remoteTs.join(';') : undefined],
  ];
  return entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, escaped(value)] as const]));
}

/** A value of a key file as GLib reads it: backslashes start escapes, and spaces in front are dropped. */
export function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replace(/^ +/, (spaces) => '\\s'.repeat(spaces.length));
}
