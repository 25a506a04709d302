import { ipFamily, parseCidr } from '../../core/ip.js';
import type { Secret } from '../../core/secret.js';
import { cannot } from './check.js';
import { localIdOf, remoteIdOf } from './identities.js';
import { certificatePem, type ExportInput, keyFile, textFile } from './input.js';
import { ikeProposals, proposalTexts, strongswanEspProposals } from './suites.js';
import type { ClientProfile, ExportedFile } from './types.js';

/**
 * A configuration for strongSwan's swanctl (5.9 and later) with the files it names, as they lie under /etc/swanctl.
 * @throws KitError usage E_PROFILE_AUTH
 */
export function swanctlFiles(input: ExportInput): ExportedFile[] {
  const { profile, stem, ca, chain, secrets } = input;
  checkMethods(profile);
  const secret = secrets.psk !== undefined || secrets.eapPassword !== undefined;
  const key = usesCertificate(profile) ? keyFile(input, `private/${stem}.key`) : undefined;
  return [
    textFile(
      `conf.d/${stem}.conf`,
      `${block(configuration(input)).join('\n')}\n`,
      `For strongSwan: copy all of this to /etc/swanctl, then run: swanctl --load-all && swanctl --initiate --child ${section(stem)}`,
      secret,
    ),
    ...ca.map((each, at) =>
      textFile(`x509ca/${caName(stem, at)}`, certificatePem(each), 'A CA that the gateway is verified with.'),
    ),
    ...(usesCertificate(profile) ? chain : []).map((each, at) =>
      at === 0
        ? textFile(`x509/${stem}.pem`, certificatePem(each), "The client's certificate.")
        : textFile(
            `x509ca/${stem}-chain${at}.pem`,
            certificatePem(each),
            "A CA above the client's certificate.",
          ),
    ),
    ...(key === undefined ? [] : [key]),
  ];
}

function caName(stem: string, at: number): string {
  return `${stem}-ca${at === 0 ? '' : at + 1}.pem`;
}

function usesCertificate({ auth }: ClientProfile): boolean {
  return auth === 'cert' || auth === 'eap-tls';
}

function checkMethods({ auth, serverAuth }: ClientProfile): void {
  if (auth !== 'null' && serverAuth !== 'null') return;
  throw cannot('swanctl', 'authenticate with NULL', 'Use a certificate or a pre-shared key.');
}

/** A section: its name, and what is in it in order. */
interface Section {
  name: string;
  entries: readonly (readonly [key: string, value: string | undefined] | Section | string)[];
}

function block({ name, entries }: Section, indent = ''): string[] {
  const inner = `${indent}  `;
  const lines = entries.flatMap((entry): string[] => {
    if (typeof entry === 'string') return [`${inner}# ${entry}`];
    if ('name' in entry) return block(entry, inner);
    const [key, value] = entry;
    return value === undefined ? [] : [`${inner}${key} = ${value}`];
  });
  return name === ''
    ? lines.map((line) => line.slice(inner.length))
    : [`${indent}${name} {`, ...lines, `${indent}}`];
}

function configuration(input: ExportInput): Section {
  const { stem } = input;
  const secrets = secretSections(input);
  return {
    name: '',
    entries: [
      { name: 'connections', entries: [connection(input, section(stem))] },
      ...(secrets.length > 0 ? [{ name: 'secrets', entries: secrets }] : []),
    ],
  };
}

function connection(input: ExportInput, name: string): Section {
  const { profile } = input;
  const { localTs, remoteTs, port = 500, natPort = 4500 } = profile;
  return {
    name,
    entries: [
      ['version', '2'],
      ['remote_addrs', quoted(profile.gateway)],
      // With a port of its own strongSwan speaks from the first packet on as behind a NAT.
      ['remote_port', port === 500 && natPort === 4500 ? undefined : String(natPort)],
      ['proposals', proposalTexts(ikeProposals(profile)).join(', ')],
      ['vips', localTs.length > 0 ? undefined : virtualAddresses(remoteTs)],
      local(input),
      remote(input),
      {
        name: 'children',
        entries: [
          {
            name,
            entries: [
              ['local_ts', localTs.length > 0 ? localTs.join(', ') : undefined],
              ['remote_ts', remoteTs.length > 0 ? remoteTs.join(', ') : '0.0.0.0/0, ::/0'],
              'without esn, which strongSwan cannot do outside of the kernel (kernel-libipsec)',
              ['esp_proposals', proposalTexts(strongswanEspProposals(profile)).join(', ')],
              ['start_action', profile.onDemand === true ? 'trap' : 'none'],
            ],
          },
        ],
      },
    ],
  };
}

/** One of each IP version that is to be reached. */
function virtualAddresses(remoteTs: readonly string[]): string {
  const families = new Set(
    remoteTs.length > 0 ? remoteTs.map((cidr) => ipFamily(parseCidr(cidr).address)) : [4, 6],
  );
  return [...(families.has(4) ? ['0.0.0.0'] : []), ...(families.has(6) ? ['::'] : [])].join(', ');
}

function local({ profile, chain, stem }: ExportInput): Section {
  const { auth, eapUser } = profile;
  const id = localIdOf(profile, chain[0]);
  return {
    name: 'local',
    entries: [
      ['auth', auth === 'cert' ? 'pubkey' : auth],
      ['id', id && quoted(id)],
      ['eap_id', auth.startsWith('eap-') && eapUser !== undefined ? quoted(eapUser) : undefined],
      ['certs', usesCertificate(profile) ? `${stem}.pem` : undefined],
    ],
  };
}

/** The gateway inside EAP alone (RFC 5998) proves itself with the method that the client uses. */
function remote({ profile, ca, stem }: ExportInput): Section {
  const { serverAuth, auth } = profile;
  const proof = serverAuth === 'cert' ? 'pubkey' : serverAuth === 'eap-only' ? auth : serverAuth;
  return {
    name: 'remote',
    entries: [
      ['auth', proof],
      ['id', quoted(remoteIdOf(profile))],
      [
        'cacerts',
        serverAuth === 'cert' && ca.length > 0 ? ca.map((_, at) => caName(stem, at)).join(', ') : undefined,
      ],
    ],
  };
}

function secretSections({ profile, stem, chain, secrets }: ExportInput): (Section | string)[] {
  const { auth, serverAuth, eapUser } = profile;
  const name = section(stem);
  const wantsPsk = auth === 'psk' || serverAuth === 'psk';
  const wantsPassword = auth === 'eap-mschapv2' || auth === 'eap-md5';
  const localId = localIdOf(profile, chain[0]);
  return [
    ...(wantsPsk
      ? [
          secretSection(`ike-${name}`, secrets.psk, [
            ...(auth === 'psk' && localId !== undefined ? [localId] : []),
            remoteIdOf(profile),
          ]),
        ]
      : []),
    ...(wantsPassword ? [secretSection(`eap-${name}`, secrets.eapPassword, [eapUser ?? ''])] : []),
  ];
}

function secretSection(name: string, secret: Secret | undefined, ids: readonly string[]): Section {
  return {
    name,
    entries: [
      ...ids.map((id, at) => [`id-${at + 1}`, quoted(id)] as const),
      secret === undefined
        ? 'the secret was not exported: write it here and close the file to others (mode 0600)'
        : (['secret', encoded(secret)] as const),
      ...(secret === undefined ? ['secret ='] : []),
    ],
  };
}

/** Base64, so that no character of a secret has a meaning to the parser. */
function encoded(secret: Secret): string {
  return `0s${Buffer.from(secret.reveal()).toString('base64')}`;
}

/** A dot would separate sections in references. */
function section(stem: string): string {
  return stem.replaceAll('.', '-');
}

/** In double quotes the parser takes everything as it stands but quotes and backslashes. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
