import { parseCidr } from '../../core/ip.js';
import { cannot, standardPorts } from './check.js';
import { certificatePem, type ExportInput, pkcs12, textFile } from './input.js';
import { type ClientAlgorithms, chooseEsp, chooseIke, type EspChoice, type IkeChoice } from './suites.js';
import type { ExportedFile } from './types.js';

/** Microsoft's names in Set-VpnConnectionIPsecConfiguration; without what is broken. */
const ikeEncryption = {
  aes256gcm16: 'GCMAES256',
  aes128gcm16: 'GCMAES128',
  aes256: 'AES256',
  aes192: 'AES192',
  aes128: 'AES128',
} as const;
const ikeIntegrity = { sha384: 'SHA384', sha256: 'SHA256' } as const;
const ikeGroups = { ecp384: 'ECP384', ecp256: 'ECP256', modp2048: 'Group14' } as const;
const espEncryption = { ...ikeEncryption, aes192gcm16: 'GCMAES192' } as const;
const espIntegrity = { sha256: 'SHA256128' } as const;
const espGroups = { ecp384: 'ECP384', ecp256: 'ECP256', modp2048: 'PFS2048' } as const;

const algorithms: ClientAlgorithms = {
  client: 'Windows',
  ike: {
    encr: Object.keys(ikeEncryption),
    hashes: Object.keys(ikeIntegrity),
    groups: Object.keys(ikeGroups),
  },
  esp: {
    encr: Object.keys(espEncryption),
    hashes: Object.keys(espIntegrity),
    groups: Object.keys(espGroups),
  },
  suggested: { ike: 'aes256gcm16-prfsha384-ecp384', esp: 'aes256gcm16-ecp384' },
};

/** PowerShell 5.1 reads a script without it in the code page of the system. */
const BYTE_ORDER_MARK = '\ufeff';

/**
 * A PowerShell script that imports the certificates and sets up Windows' own IKEv2 client, and a PKCS#12 container
 * where there is a key. Everything goes to the machine, because Windows looks for the CA of a gateway only there.
 * @throws KitError usage E_PROFILE_AUTH, E_PROFILE_PROPOSAL, E_PROFILE_PORT, E_PROFILE_PASSPHRASE
 */
export function windowsFiles(input: ExportInput): ExportedFile[] {
  const { profile, stem } = input;
  standardPorts(profile, 'Windows');
  checkMethods(input);
  // Windows reads AES in PKCS#12 since version 1709.
  const container = usesCertificate(input) ? pkcs12(input, { legacy: false, withChain: true }) : undefined;
  const script = [
    ...head(input),
    ...caLines(input),
    ...identityLines(input, container !== undefined),
    ...connectionLines(input),
    ...ipsecLines(chooseIke(profile, algorithms), chooseEsp(profile, algorithms)),
    ...routeLines(input),
    `Write-Host ${literal(`Done. Connect with: rasdial "${profile.name}", or in Settings > Network & internet > VPN.`)}`,
  ];
  const files = [
    textFile(
      `${stem}.ps1`,
      `${BYTE_ORDER_MARK}${script.join('\r\n')}\r\n`,
      `For Windows 10 and 11: copy it there${container ? ` together with ${stem}.p12` : ''} and run it as administrator: powershell -ExecutionPolicy Bypass -File ${stem}.ps1`,
    ),
  ];
  if (container !== undefined) {
    files.push({
      name: `${stem}.p12`,
      data: container,
      secret: true,
      note: "The client's certificate and key; the script asks for the passphrase. Delete it once it is imported.",
    });
  }
  return files;
}

function usesCertificate({ profile: { auth } }: ExportInput): boolean {
  return auth === 'cert' || auth === 'eap-tls';
}

function checkMethods({ profile: { auth, serverAuth } }: ExportInput): void {
  const known = auth === 'cert' || auth === 'eap-mschapv2' || auth === 'eap-tls';
  if (known && serverAuth === 'cert') return;
  throw cannot(
    'Windows',
    `authenticate with ${auth} against a gateway that proves itself with ${serverAuth}`,
    'Over IKEv2 it does certificates, EAP-MSCHAPv2 and EAP-TLS, always with a certificate of the gateway.',
  );
}

function head({ profile }: ExportInput): string[] {
  return [
    '#Requires -Version 5.1',
    '#Requires -RunAsAdministrator',
    comment(`IKEv2 VPN "${profile.name}" to ${profile.gateway}`),
    '#',
    "# Windows compares what it dials with the domain names of the gateway's certificate alone: a gateway that is dialled",
    '# by address needs that address as a dNSName (error 13801 otherwise). The certificate also needs the extended key',
    "# usage serverAuth, and its CA has to be in the store of the machine (error 13801, 13806 for the client's own).",
    "$ErrorActionPreference = 'Stop'",
    `$name = ${literal(profile.name)}`,
    `$server = ${literal(profile.gateway)}`,
    '',
  ];
}

function caLines({ ca }: ExportInput): string[] {
  if (ca.length === 0) return [];
  return [
    '# The CAs that the gateway is verified with.',
    '$authorities = @(',
    ...ca.flatMap((each, at) => [
      "@'",
      ...certificatePem(each).trimEnd().split('\n'),
      `'@${at + 1 < ca.length ? ',' : ''}`,
    ]),
    ')',
    '$issuers = foreach ($pem in $authorities) {',
    '  $temporary = [System.IO.Path]::GetTempPath()',
    "  $file = Join-Path -Path $temporary -ChildPath ([System.Guid]::NewGuid().ToString() + '.cer')",
    '  try {',
    '    Set-Content -LiteralPath $file -Value $pem -Encoding Ascii',
    '    Import-Certificate -FilePath $file -CertStoreLocation Cert:\\LocalMachine\\Root',
    '  } finally {',
    '    Remove-Item -LiteralPath $file',
    '  }',
    '}',
    '',
  ];
}

function identityLines(input: ExportInput, hasContainer: boolean): string[] {
  if (!usesCertificate(input)) return [];
  const { auth } = input.profile;
  const store = auth === 'cert' ? 'LocalMachine' : 'CurrentUser';
  if (!hasContainer) {
    return [`# The client's certificate and key have to be in Cert:\\${store}\\My.`, ''];
  }
  return [
    `# The client's certificate and key, for ${auth === 'cert' ? 'the machine' : 'the user who runs this'}.`,
    `$container = Join-Path -Path $PSScriptRoot -ChildPath ${literal(`${input.stem}.p12`)}`,
    `$passphrase = Read-Host -Prompt ${literal(`Passphrase of ${input.stem}.p12`)} -AsSecureString`,
    `Import-PfxCertificate -FilePath $container -CertStoreLocation Cert:\\${store}\\My -Password $passphrase | Out-Null`,
    '',
  ];
}

function connectionLines({ profile, ca }: ExportInput): string[] {
  const { auth, remoteTs } = profile;
  const eap = auth !== 'cert';
  return [
    'Get-VpnConnection -AllUserConnection -ErrorAction SilentlyContinue | Where-Object { $_.Name -eq $name } | ForEach-Object {',
    '  Remove-VpnConnection -Name $name -AllUserConnection -Force',
    '}',
    ...(auth === 'eap-mschapv2' ? ['$eap = New-EapConfiguration'] : []),
    ...(auth === 'eap-tls'
      ? ['$eap = New-EapConfiguration -Tls -UserCertificate -VerifyServerIdentity']
      : []),
    '$connection = @{',
    '  Name = $name',
    '  ServerAddress = $server',
    "  TunnelType = 'Ikev2'",
    `  AuthenticationMethod = ${eap ? "'Eap'" : "'MachineCertificate'"}`,
    "  EncryptionLevel = 'Maximum'",
    '  AllUserConnection = $true',
    `  RememberCredential = ${auth === 'eap-mschapv2' ? '$true' : '$false'}`,
    `  SplitTunneling = ${remoteTs.length > 0 ? '$true' : '$false'}`,
    ...(eap ? ['  EapConfigXmlStream = $eap.EapConfigXmlStream'] : []),
    // Of several machine certificates Windows takes any, unless it is told who issued the right one.
    ...(!eap && ca.length > 0 ? ['  MachineCertificateIssuerFilter = @($issuers)[0]'] : []),
    '}',
    'Add-VpnConnection @connection',
    '',
  ];
}

function ipsecLines(ike: IkeChoice, esp: EspChoice): string[] {
  const cipher = espEncryption[esp.encr as keyof typeof espEncryption];
  const transforms = esp.hash === undefined ? cipher : espIntegrity[esp.hash as keyof typeof espIntegrity];
  const group = ikeGroups[ike.group as keyof typeof ikeGroups];
  return [
    '# By itself Windows offers only the broken group modp1024 (unless NegotiateDH2048_AES256 is set in the registry).',
    `# This says what the gateway accepts: ${ikeText(ike)} and ${espText(esp)}.`,
    '$ipsec = @{',
    '  ConnectionName = $name',
    `  EncryptionMethod = '${ikeEncryption[ike.encr as keyof typeof ikeEncryption]}'`,
    `  IntegrityCheckMethod = '${ikeIntegrity[ike.hash as keyof typeof ikeIntegrity]}'`,
    `  DHGroup = '${group}'`,
    `  CipherTransformConstants = '${cipher}'`,
    `  AuthenticationTransformConstants = '${transforms}'`,
    `  PfsGroup = '${esp.group === undefined ? 'None' : espGroups[esp.group as keyof typeof espGroups]}'`,
    '  AllUserConnection = $true',
    '  Force = $true',
    '}',
    'Set-VpnConnectionIPsecConfiguration @ipsec',
    '',
  ];
}

function ikeText({ encr, hash, group }: IkeChoice): string {
  return `${encr}-${encr.includes('gcm') ? `prf${hash}` : hash}-${group}`;
}

function espText({ encr, hash, group }: EspChoice): string {
  return [encr, hash, group].filter((word) => word !== undefined).join('-');
}

function routeLines({ profile }: ExportInput): string[] {
  if (profile.remoteTs.length === 0) return [];
  const networks = profile.remoteTs.map(networkOf);
  return [
    ...networks.map(
      (network) =>
        `Add-VpnConnectionRoute -ConnectionName $name -DestinationPrefix ${literal(network)} -AllUserConnection`,
    ),
    '',
  ];
}

/** With its prefix, as routes are written. */
function networkOf(cidr: string): string {
  const { prefix } = parseCidr(cidr);
  return cidr.includes('/') ? cidr : `${cidr}/${prefix}`;
}

/**
 * A string that PowerShell takes as it stands. In single quotes only the quotes themselves have a meaning, and
 * PowerShell takes the typographic ones for quotes too.
 */
export function literal(text: string): string {
  return `'${text.replace(/['\u2018-\u201b]/g, '$&$&')}'`;
}

/** A line comment; {@link import('./check.js').checkProfile} lets no text with line ends come here. */
function comment(text: string): string {
  return `# ${text}`;
}
