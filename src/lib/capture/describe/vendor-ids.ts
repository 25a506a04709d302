import { createHash } from 'node:crypto';
import { toHex, utf8 } from '../../core/bytes.js';
import { hex, text, uint } from './fields.js';

/** How the bytes behind a known prefix are told. */
type Suffix = (rest: Uint8Array) => string;

/** Vendor ids that are the MD5 of a text; the text is the name unless one is given. */
const hashed: readonly (string | [text: string, name: string])[] = [
  'strongSwan',
  ['FRAGMENTATION', 'IKE Fragmentation'],
  ['RFC 3947', 'NAT-T (RFC 3947)'],
  ['RFC XXXX', 'NAT-T (RFC XXXX)'],
  'Testing NAT-T RFC',
  'draft-ietf-ipsec-nat-t-ike',
  ...Array.from({ length: 10 }, (_, i) => `draft-ietf-ipsec-nat-t-ike-0${i}`),
  ['draft-ietf-ipsec-nat-t-ike-02\n', 'draft-ietf-ipsec-nat-t-ike-02\\n'],
  'draft-stenberg-ipsec-nat-traversal-01',
  'draft-stenberg-ipsec-nat-traversal-02',
  'draft-huttunen-ipsec-esp-in-udp-00.txt',
  'ESPThruNAT',
  ['draft-ietf-ipsra-isakmp-xauth-06.txt', 'XAUTH'],
  ['DPD', 'DPDv1_NG'],
  'MS NT5 ISAKMPOAKLEY',
  ['Vid-Initial-Contact', 'Microsoft Vid-Initial-Contact'],
  'MS-Negotiation Discovery Capable',
  'MS-MamieExists',
  ['IKE CGA version 1', 'Microsoft IKE CGA version 1'],
  ['NLBS_PRESENT', 'Microsoft NLBS_PRESENT'],
  'MSFT IPsec Security Realm Id',
  'Microsoft Xbox One 2013',
  'GSSAPI',
  'A GSS-API Authentication Method for IKE',
  ['A GSS-API Authentication Method for IKE\n', 'A GSS-API Authentication Method for IKE\\n'],
  'KAME/racoon',
  'IPSec-Tools',
  'SSH Sentinel',
  ...['1.1', '1.2', '1.3', '1.4', '1.4.1'].map((version) => `SSH Sentinel ${version}`),
  ...['1.1.0', '1.1.1', '1.1.2', '1.2.1', '1.2.2'].map(
    (version) => `Ssh Communications Security IPSEC Express version ${version}`,
  ),
  ...['2.0.0', '2.1.0', '2.1.1', '2.1.2', '3.0.0', '3.0.1', '4.0.0', '4.0.1', '4.1.0', '4.1.1', '4.2.0'].map(
    (version) => `SSH Communications Security IPSEC Express version ${version}`,
  ),
  ...['5.0', '5.0.0', '5.1.0', '5.1.1'].map(
    (version) => `SSH Communications Security IPSEC Express version ${version}`,
  ),
  ...['0.9.0', '1.1.0', '1.1.1', '1.1.2', '1.1.3'].map(
    (version) => `SSH Communications Security QuickSec ${version}`,
  ),
  ...oldStrongSwans(),
];

/** strongSwan told its version up to 4.3.6. */
function oldStrongSwans(): string[] {
  const last: Record<string, number> = {
    '2.2': 2,
    '2.3': 2,
    '2.4': 4,
    '2.5': 7,
    '2.6': 4,
    '2.7': 3,
    '2.8': 11,
    '4.0': 7,
    '4.1': 11,
    '4.2': 17,
    '4.3': 6,
  };
  return Object.entries(last).flatMap(([series, patch]) =>
    Array.from({ length: patch + 1 }, (_, i) => `strongSwan ${series}.${i}`),
  );
}

/** Vendor ids that are plain text; what follows is a version or the like. */
const spelled: readonly [prefix: string, name: string][] = [
  ['CISCO-DELETE-REASON', 'Cisco Delete Reason'],
  ['FLEXVPN-SUPPORTED', 'Cisco FlexVPN Supported'],
  ['CISCO-GRE-MODE', 'Cisco GRE Mode'],
  ['CISCO-DYNAMIC-ROUTE', 'Cisco Dynamic Route'],
  ['CISCOVPN-REV-02', 'Cisco VPN Revision 2'],
  ['CISCO(COPYRIGHT)&', 'Cisco Copyright'],
  ['OpenPGP', 'OpenPGP'],
  ['IKEv2', 'CAN-IKEv2 (libreswan, Openswan)'],
  ['Opportunistic IPsec', 'Opportunistic IPsec (libreswan)'],
  ['HeartBeat_Notify', 'Juniper NetScreen HeartBeat_Notify'],
  ['TIMESTEP', 'Timestep'],
  ['VIA Auth Profile : ', 'Aruba VIA Auth Profile'],
];

const NETSCREEN = 'Juniper NetScreen/ScreenOS/Junos';

/** Vendor ids known by their first bytes. Sources: vendors' documents and the lists of public IKE tools. */
const known: readonly [prefix: string, name: string, suffix?: Suffix][] = [
  ['afcad71368a1f1c96b8696fc7757', 'DPD (RFC 3706)', version],
  ['12f5f28c457168a9702d9fe274cc', 'Cisco Unity', version],
  // MD5 of ALTIGA GATEWAY, cut; the last byte holds two digits of the version
  ['1f07f70eaa6514d3b0fa96542a50', 'Cisco VPN 3000', concentratorVersion],
  ['3e984048', 'Cisco IOS'],
  ['bdb41038a7ec5e5534dd004d0f91f927', 'Cisco IOS'],
  ['800100018002000180030002', 'Cisco Unity firewall type'],
  ['2d7922c6b301d9b0e1342739e9cfbbd5', 'Cisco Delete with reason'],
  ['8299031757a36082c6a621de', 'Fortinet FortiGate', build],
  ['f4ed19e0c114eb516faaac0ee37daf2807b4381f', 'Check Point', checkPoint],
  ['404bf439522ca3f6', 'SonicWall'],
  ['975b7816f69789600dda89040576e0db', 'SonicWall Global VPN Client'],
  ['da8e9378', 'SafeNet, WatchGuard or SonicWall'],
  ['7f50cc4ebf04c2d9da73abfd69b77aa2', 'Sophos/Astaro'],
  ['47bbe7c993f1fc13b4e6d0db565c68e5', 'SafeNet SoftRemote'],
  ['01528bbbc00696121849ab9a1c5b2a51', 'Microsoft Windows', build],
  ['625027749d5ab97f5616c1602765cf480a3b7d0b', 'ZyXEL ZyWALL'],
  ['b858d1addd08c1e8adafea150608aa4497aa6cc8', 'ZyXEL ZyWALL'],
  ['f758f22668750f03b08df6ebe1d0', 'ZyXEL ZyWALL USG'],
  ['f14b94b7bff1fef02773b8c49feded26', 'Shrew Soft'],
  ['101fb0b35c5a4f4c08b919f1cb9777b0', 'NCP'],
  ['eb4c1b788afd4a9cb7730a68', 'NCP Client'],
  ['8404adf9cda05760b2ca292e4bff537b', 'Sidewinder'],
  ['9aa1f3b43472a45d5f506aeb26c0f214', 'CyberGuard'],
  ['ca3e2b854ba8030017dc1023a4fde2041f9f7463', 'Aruba Remote AP'],
  ['3c8e70bdf9c7d74add53e4100915dc2e4bb51274', 'Aruba Controller'],
  ['88f0e3149b3fa48b05aa7f685f0b766be186ccb8', 'Aruba VIA Client'],
  ['424e4553', 'Nortel Contivity', build],
  ['4c564739', 'Lucent VPN Gateway 9'],
  ['4c564337', 'Lucent VPN Client 7'],
  ['09002689dfd6b712', 'XAUTH'],
  ['325df29a2319f2dd', 'draft-ietf-ipsec-antireplay-00'],
  ['8db7a41811221660', 'draft-ietf-ipsec-heartbeats-00'],
  ['ba290499c24e84e53a1d83a05e5f00c9', 'IKE Challenge/Response for Authenticated Cryptographic Keys'],
  ['0d33611a5d521b5e3c9c03d2fc107e12', 'IKE Challenge/Response for Authenticated Cryptographic Keys'],
  ['ad3251042cdc4652c9e0734ce5de4c7d', 'IKE Challenge/Response for Authenticated Cryptographic Keys'],
  ['013f11823f966fa91900f024ba66a86b', 'IKE Challenge/Response for Authenticated Cryptographic Keys'],
  ['299ee8289f40a8973bc78687e2e7226b532c3b76', NETSCREEN, build],
  ['3a15e1f3cf2a63582e3ac82d1c64cbe3b6d779e7', NETSCREEN, build],
  ['47d2b126bfcd83489760e2cf8c5d4d5a03497c15', NETSCREEN, build],
  ['4a4340b543e02b84c88a8b96a8af9ebe77d9accc', NETSCREEN, build],
  ['64405f46f03b7660a23be116a1975058e69e8387', NETSCREEN, build],
  ['699369228741c6d4ca094c93e242c9de19e7b7c6', NETSCREEN, build],
  ['8c0dc6cf62a0ef1b5c6eabd1b67ba69866adf16a', NETSCREEN, build],
  ['92d27a9ecb31d99246986d3453d0c3d57a222a61', NETSCREEN, build],
  ['9b096d9ac3275a7d6fe8b91c583111b09efed1a0', NETSCREEN, build],
  ['bf03746108d746c904f1f3547de24f78479fed12', NETSCREEN, build],
  ['c2e80500f4cc5fbf5daaeed3bb59abaeee56c652', NETSCREEN, build],
  ['c8660a62b03b1b6130bf781608d32a6a8d0fb89f', NETSCREEN, build],
  ['f885da40b1e7a9abd17655ec5bbec0f21f0ed52e', NETSCREEN, build],
  ['2a2bcac19b8e91b426107807e02e7249569d6fd3', NETSCREEN, build],
  ['166f932d55eb64d8e4df4fd37e2313f0d0fd8451', NETSCREEN, build],
  ['a35bfd05ca1ac0b3d2f24e9e82bfcbff9c9e52b5', NETSCREEN, build],
];

const windowsVersions: Readonly<Record<number, string>> = {
  2: 'Windows 2000',
  3: 'Windows XP',
  4: 'Windows Server 2003',
  5: 'Windows Vista',
  6: 'Windows Server 2008',
  7: 'Windows 7',
  8: 'Windows Server 2008 R2',
  9: 'Windows 8 or later',
};

const checkPointVersions: Readonly<Record<number, string>> = {
  2: '4.1',
  3: '4.1 SP1',
  4002: '4.1 SP2 or later',
  5000: 'NG',
  5001: 'NG FP1',
  5002: 'NG FP2',
  5003: 'NG FP3',
  5004: 'NG AI R54',
  5005: 'NG AI R55',
  5006: 'NG AI R56',
};

interface Entry {
  prefix: string;
  name: string;
  suffix?: Suffix;
}

/** All entries by their first four bytes, longest prefix first. */
const index = buildIndex();

function buildIndex(): ReadonlyMap<string, Entry[]> {
  const suffixes: Readonly<Record<string, Suffix>> = {
    'MS NT5 ISAKMPOAKLEY': windows,
    FRAGMENTATION: fragmentation,
  };
  const entries: Entry[] = [
    ...known.map(([prefix, name, suffix]) => entry(prefix, name, suffix)),
    ...spelled.map(([prefix, name]) => entry(toHex(utf8(prefix)), name, spelledSuffix)),
    ...hashed.map((item) => {
      const [source, name] = typeof item === 'string' ? [item, item] : item;
      return entry(createHash('md5').update(source).digest('hex'), name, suffixes[source]);
    }),
  ];
  const byHead = new Map<string, Entry[]>();
  for (const item of entries.sort((a, b) => b.prefix.length - a.prefix.length)) {
    const head = item.prefix.slice(0, 8);
    const group = byHead.get(head);
    if (group === undefined) byHead.set(head, [item]);
    else group.push(item);
  }
  return byHead;
}

function entry(prefix: string, name: string, suffix: Suffix = build): Entry {
  return { prefix, name, suffix };
}

/** The name of a vendor id, with the version where it tells one; undefined for an unknown one. */
export function vendorName(data: Uint8Array): string | undefined {
  const digits = hex(data);
  const found = index.get(digits.slice(0, 8))?.find(({ prefix }) => digits.startsWith(prefix));
  if (found === undefined) return swanName(data);
  const rest = data.subarray(Math.ceil(found.prefix.length / 2));
  const suffix = rest.length === 0 ? '' : (found.suffix?.(rest) ?? '');
  return suffix === '' ? found.name : `${found.name} ${suffix}`;
}

/**
 * FreeS/WAN and its heirs hash their version into `OE` and ten bytes between `@` and DEL; libreswan has also spelt it
 * out.
 */
function swanName(data: Uint8Array): string | undefined {
  if (data[0] !== 0x4f || data[1] !== 0x45) return undefined;
  const rest = data.subarray(2);
  if (rest[0] === 0x2d) return text(rest.subarray(1));
  const isHash = rest.length === 10 && rest.every((byte) => byte >= 0x40 && byte <= 0x7f);
  return isHash ? 'libreswan, Openswan or FreeS/WAN' : undefined;
}

function version(rest: Uint8Array): string {
  return rest.length >= 2 ? `${rest[0]}.${rest[1]}` : '';
}

function concentratorVersion(rest: Uint8Array): string {
  const [major = 0, minor = 0] = rest;
  return `${major}.${minor >> 4}.${minor & 0x0f}`;
}

function build(rest: Uint8Array): string {
  return `(${hex(rest.subarray(0, 32))})`;
}

function windows(rest: Uint8Array): string {
  const number = uint(rest.subarray(0, 4));
  return `(${windowsVersions[number] ?? `version ${number}`})`;
}

/** Cisco announces what it fragments in a bit mask: base messages, Main and Aggressive Mode. */
function fragmentation(rest: Uint8Array): string {
  return `(capabilities 0x${hex(rest.subarray(0, 4))})`;
}

/** Product and version, four bytes each. */
function checkPoint(rest: Uint8Array): string {
  if (rest.length < 8) return '';
  const product = uint(rest.subarray(0, 4)) === 1 ? 'FireWall-1' : 'SecuRemote/SecureClient';
  const number = uint(rest.subarray(4, 8));
  return `${product} ${checkPointVersions[number] ?? `version ${number}`}`;
}

function spelledSuffix(rest: Uint8Array): string {
  return text(rest.subarray(0, 100)).trim();
}
