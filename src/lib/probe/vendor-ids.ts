import { createHash } from 'node:crypto';
import { vendorName } from '../capture/describe/vendor-ids.js';
import { fromHex, toHex, utf8 } from '../core/bytes.js';
import { printable } from '../core/printable.js';
import type { VendorId } from './types.js';

/** What a vendor id names. */
interface Known {
  name: string;
  version?: string;
}

/** Vendor ids by their first bytes, besides those that decoding knows. What follows a text is the version. */
const prefixes: readonly (readonly [prefix: string, name: string, follows?: 'version'])[] = [
  [hexText('OpenIKED-'), 'OpenIKED', 'version'],
  [hexText('OE-Libreswan-'), 'libreswan', 'version'],
  [hexText('Raptor PowerVpn Server [V'), 'Symantec Raptor', 'version'],
  [hexText('Raptor PowerVpn Server'), 'Symantec Raptor'],
  [hexText('HeartBeat Notify'), 'Juniper NetScreen heartbeat'],
  [hexText('Mac OSX '), 'Apple Mac OS X', 'version'],
  [hexText('LVG'), 'Lucent VPN Gateway', 'version'],
  [hexText('OSW'), 'Openswan'],
  ['f6f7efc7f5aeb8cb158cb9d094ba69e7', 'Cisco VPN client'],
  ['e23ae9f51a46876ff93d89ba725d649d', 'Cisco'],
  ['5b362bc820f6', 'SonicWall'],
  ['5b362bc820f7', 'SonicWall'],
  ['1d6e178f6c2c0be284985465450fe9d4', 'Fortinet FortiGate'],
  ['9436e8d67174ef9aed068d5ad5213f187a3f8ba6', 'Juniper NetScreen/ScreenOS/Junos'],
  ['4485152d18b6bbcc0be8a8469579ddcc', 'draft-ietf-ipsec-nat-t-ike-00'],
  ['c573b056d7faca36c2fba28374127cbf', 'Stonesoft StoneGate'],
  ['baeb239037e17787d730eed9d95d48aa', 'Stonesoft StoneGate'],
  ['dbfb81eb5760b0788562067da102d755', 'Netgear'],
  ['e720cdd49d2ee7b83ce1970a6c69b528', 'Sidewinder'],
];

/** Whole vendor ids that disclose a version and are hashes of nobody knows what. */
const others: readonly (readonly [hex: string, name: string, version: string])[] = [
  ['8f9cc94e01248ecdf147594c284b213b', 'SSH QuickSec', '2.1.0'],
  ['4f535751624a50497c705f61', 'Openswan', '2.6.42'],
  ['4f5357795f4472657a654753', 'Openswan', '2.6.49'],
  ['4f454e574547444b6865684a', 'libreswan', '3.3'],
  ['4f454e5f52685050487b645e', 'libreswan', '3.5'],
  ['4f454e756f6b706a71757d5c', 'libreswan', '3.5'],
];

/** What decoding writes as one text, taken apart. The first group is the version; without one, none is told. */
const texts: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^strongSwan (\d.*)$/, 'strongSwan'],
  [/^SSH Sentinel (\d.*)$/, 'SSH Sentinel'],
  [/^SSH Communications Security QuickSec (.*)$/, 'SSH QuickSec'],
  [/^SSH Communications Security IPSEC Express version (.*)$/i, 'SSH IPSEC Express'],
  [/^Cisco VPN 3000 (\d.*)$/, 'Cisco VPN 3000'],
  [/^MS NT5 ISAKMPOAKLEY \(Windows (.*)\)$/, 'Microsoft Windows'],
  [/^MS NT5 ISAKMPOAKLEY/, 'Microsoft Windows'],
  [/^Check Point FireWall-1 (.*)$/, 'Check Point FireWall-1'],
  [/^Check Point SecuRemote\/SecureClient (.*)$/, 'Check Point SecureClient'],
  [/^Libreswan[- ](.*)$/i, 'libreswan'],
];

/** strongSwan hashed its version into its vendor id up to 5.1.1; since then it is the name alone. */
const strongSwanVersions = series(
  ['4.3', 7, 7],
  ['4.4', 0, 1],
  ['4.5', 0, 3],
  ['4.6', 0, 4],
  ['5.0', 0, 4],
  ['5.1', 0, 1],
);

/** Releases, their candidates and developer releases. */
const stages = ['', 'rc1', 'dr1', 'dr2', 'dr3', 'dr4'];

/** Versions of FreeS/WAN and Openswan, which hash them into ten or nine letters (vendor ids that begin OE or OSW). */
const freeSwanVersions = [
  ...['0.5', '0.6', '0.7', '0.8', '0.9'],
  ...series(['0.7', 1, 2], ['0.8', 1, 5], ['0.9', 1, 40]),
  ...series(
    ['1.0', 0, 2],
    ['1.1', 0, 6],
    ['1.2', 0, 2],
    ['1.3', 0, 6],
    ['1.4', 0, 8],
    ['1.5', 0, 5],
    ['1.6', 0, 3],
  ),
  ...['2.00', '2.01', '2.02', '2.03', '2.04', '2.05', '2.06'],
];
const openswanVersions = [
  ...series(['2.1', 0, 2], ['2.2', 0, 0], ['2.3', 0, 1], ['2.4', 0, 15], ['2.5', 0, 0]),
  ...['2.5', '2.6'].flatMap((minor) =>
    Array.from({ length: 53 }, (_, i) => `${minor}.${String(i).padStart(2, '0')}`),
  ),
  ...['2.6.47.1', '2.6.50dev1'],
];
/** Openswan 2.3 and 2.4 also hashed how they were built. */
const buildOptions = ['', 'X.509-1.5.4 ', 'LDAP_V3 ', 'X.509-1.5.4 LDAP_V3 '].map(
  (options) => ` ${options}PLUTO_SENDS_VENDORID PLUTO_USES_KEYRR`,
);

const digests = lazily(() => {
  const table = new Map(others.map(([hex, name, version]): [string, Known] => [hex, { name, version }]));
  for (const version of strongSwanVersions.flatMap((release) => stages.map((stage) => release + stage))) {
    table.set(toHex(md5(`strongSwan ${version}`)), { name: 'strongSwan', version });
  }
  for (const version of freeSwanVersions)
    addLetters(table, `Linux FreeS/WAN ${version}`, 'FreeS/WAN', version);
  for (const version of openswanVersions) {
    for (const options of ['', ...buildOptions]) {
      addLetters(table, `Openswan ${version}${options}`, 'Openswan', version);
    }
    addLetters(table, `Linux Openswan ${version}`, 'Openswan', version);
  }
  return table;
});

/** Each byte of the hash becomes a printable character: its upper bit goes, and the one below is set. */
function addLetters(table: Map<string, Known>, text: string, name: string, version: string): void {
  const letters = toHex(md5(text).map((byte) => (byte & 0x3f) | 0x40));
  table.set(`${hexText('OE')}${letters.slice(0, 20)}`, { name, version });
  table.set(`${hexText('OSW')}${letters.slice(0, 18)}`, { name, version });
}

/** What a vendor id says, as far as it is known. `version` is one of the product, as it discloses it. */
export function describeVendorId(data: Uint8Array): VendorId {
  const hex = toHex(data);
  const known = digests().get(hex) ?? byText(data) ?? byPrefix(hex);
  return { hex, ...known };
}

function byPrefix(hex: string): Known | undefined {
  const found = prefixes.find(([prefix]) => hex.startsWith(prefix));
  if (found === undefined) return undefined;
  const [prefix, name, follows] = found;
  const version = follows && versionIn(printable(fromHex(hex.slice(prefix.length, prefix.length + 80))));
  return version === undefined ? { name } : { name, version };
}

function byText(data: Uint8Array): Known | undefined {
  const text = vendorName(data);
  if (text === undefined) return undefined;
  for (const [pattern, name] of texts) {
    const match = pattern.exec(text);
    if (match === null) continue;
    return match[1] === undefined ? { name } : { name, version: match[1] };
  }
  // Bytes that nobody understands are told in parentheses.
  return { name: text.replace(/ \([0-9a-f]+\)$/, '') };
}

/** A version with its end marks taken off, e.g. of `8.1]`. */
function versionIn(text: string): string | undefined {
  return /^[0-9A-Za-z.+~_-]+/.exec(text)?.[0];
}

/** Versions of several series: `['4.4', 0, 1]` is 4.4.0 and 4.4.1. */
function series(...of: readonly (readonly [minor: string, first: number, last: number])[]): string[] {
  return of.flatMap(([minor, first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => `${minor}.${first + i}`),
  );
}

function md5(text: string): Uint8Array {
  return new Uint8Array(createHash('md5').update(text).digest());
}

function hexText(text: string): string {
  return toHex(utf8(text));
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
