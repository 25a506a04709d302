import { domainToASCII } from 'node:url';
import { type AsnType, Constructed, Primitive } from 'asn1js';
import { KitError } from '../core/errors.js';
import { formatCidr, formatIp, parseCidr, parseIp } from '../core/ip.js';
import { printable } from '../core/printable.js';
import { encodeDistinguishedName, formatDistinguishedName } from '../ike/distinguished-name.js';
import { contents, elements, parseDer, rawBytes } from './asn1.js';

/** One name of a subjectAltName or of a name constraint (RFC 5280 4.2.1.6). */
export type GeneralName =
  | { kind: 'dns' | 'email' | 'uri'; value: string }
  /** 4 or 16 bytes; in name constraints 8 or 32, address and mask. */
  | { kind: 'ip'; bytes: Uint8Array }
  /** DER of a distinguished name. */
  | { kind: 'dn'; der: Uint8Array }
  | { kind: 'other'; tag: number };

const Tag = { email: 1, dns: 2, dn: 4, uri: 6, ip: 7 } as const;

const what = 'A name in the certificate';

/** Reads one GeneralName. @throws KitError `E_CERT_FORMAT` */
export function readGeneralName(block: AsnType): GeneralName {
  const { tagClass, tagNumber } = block.idBlock;
  if (tagClass !== 3) return { kind: 'other', tag: tagNumber };
  switch (tagNumber) {
    case Tag.email:
      return { kind: 'email', value: latin1(contents(block, what)) };
    case Tag.dns:
      return { kind: 'dns', value: latin1(contents(block, what)) };
    case Tag.uri:
      return { kind: 'uri', value: latin1(contents(block, what)) };
    case Tag.ip:
      return { kind: 'ip', bytes: contents(block, what) };
    case Tag.dn: {
      const [name] = elements(block, what);
      return name === undefined ? { kind: 'other', tag: tagNumber } : { kind: 'dn', der: rawBytes(name) };
    }
    default:
      return { kind: 'other', tag: tagNumber };
  }
}

/** Reads a SEQUENCE OF GeneralName. @throws KitError `E_CERT_FORMAT` */
export function readGeneralNames(der: Uint8Array): GeneralName[] {
  return elements(parseDer(der, what), what).map(readGeneralName);
}

/** Encodes one GeneralName. */
export function writeGeneralName(name: GeneralName): Primitive | Constructed {
  if (name.kind === 'other') throw new TypeError('names of other kinds are not written');
  const idBlock = { tagClass: 3, tagNumber: Tag[name.kind] };
  // A Name is a CHOICE, so its tag is explicit (X.680 31.2.7).
  if (name.kind === 'dn') return new Constructed({ idBlock, value: [parseDer(name.der, what)] });
  const bytes = name.kind === 'ip' ? name.bytes : Buffer.from(name.value, 'latin1');
  return new Primitive({ idBlock, valueHex: Uint8Array.from(bytes) });
}

/** `DNS:gw.example.com`, `IP:192.0.2.1`, safe for terminals. */
export function formatGeneralName(name: GeneralName): string {
  switch (name.kind) {
    case 'dns':
      return `DNS:${printable(name.value)}`;
    case 'email':
      return `email:${printable(name.value)}`;
    case 'uri':
      return `URI:${printable(name.value)}`;
    case 'dn':
      return `DN:${formatDistinguishedName(name.der) ?? 'unreadable'}`;
    case 'ip':
      return `IP:${formatAddress(name.bytes)}`;
    case 'other':
      return `other name (type ${name.tag})`;
  }
}

function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4 || bytes.length === 16) return formatIp(bytes);
  if (bytes.length !== 8 && bytes.length !== 32) return `${bytes.length} bytes`;
  const half = bytes.length / 2;
  const prefix = prefixOf(bytes.subarray(half));
  const address = bytes.subarray(0, half);
  return prefix === undefined
    ? `${formatIp(address)}/${formatIp(bytes.subarray(half))}`
    : formatCidr({ address, prefix });
}

/** Leading ones of a mask; undefined when ones follow zeros. */
function prefixOf(mask: Uint8Array): number | undefined {
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.replaceAll('0', '').length : undefined;
}

const DNS_NAME =
  /^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const MAILBOX = /^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}$/;

/**
 * Reads a name as written by people: `gw.example.com`, `alice@example.com`, `192.0.2.1`, or with its kind in front
 * (`dns:`, `email:`, `ip:`, `uri:`, `dn:`).
 * @throws KitError usage E_SAN
 */
export function parseGeneralName(text: string): GeneralName {
  const [, prefix, rest = ''] = /^(dns|email|ip|uri|dn):(.*)$/is.exec(text) ?? [];
  const kind = prefix?.toLowerCase() ?? guessKind(text);
  const value = prefix === undefined ? text : rest;
  const name = nameOfKind(kind, value);
  if (name === undefined) {
    throw new KitError(
      'usage',
      'E_SAN',
      `${JSON.stringify(printable(text))} cannot be a name in a certificate.`,
      {
        hint: 'Write a domain name, user@domain, an IP address, or dns:, email:, ip:, uri: or dn: and the name.',
      },
    );
  }
  return name;
}

function guessKind(text: string): string {
  if (addressBytes(text) !== undefined) return 'ip';
  return text.includes('@') ? 'email' : 'dns';
}

function nameOfKind(kind: string, value: string): GeneralName | undefined {
  switch (kind) {
    case 'dns': {
      const ascii = asciiDomain(value);
      return DNS_NAME.test(ascii) && ascii.length <= 253 ? { kind, value: ascii } : undefined;
    }
    case 'email':
      return MAILBOX.test(value) ? { kind, value } : undefined;
    case 'uri':
      return /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(value) ? { kind, value } : undefined;
    case 'ip': {
      const bytes = addressBytes(value);
      return bytes === undefined ? undefined : { kind, bytes };
    }
    case 'dn': {
      const der = encodeDistinguishedName(value);
      return der === undefined ? undefined : { kind, der };
    }
    default:
      return undefined;
  }
}

/**
 * The ASCII form of an internationalised domain name, which is what certificates hold (RFC 5280 7.2); other names stay
 * as they are.
 */
export function asciiDomain(name: string): string {
  return /[^ -~]/.test(name) ? domainToASCII(name) || name : name;
}

function addressBytes(text: string): Uint8Array | undefined {
  try {
    return parseIp(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads a name constraint: `dns:example.com` (it and all below), `dns:.example.com` (below), `email:example.com`,
 * `ip:10.0.0.0/8`, `dn:O=Lab`.
 * @throws KitError usage E_SAN
 */
export function parseConstraint(text: string): GeneralName {
  const [, prefix, rest = ''] = /^(dns|email|ip|dn):(.*)$/is.exec(text) ?? [];
  const kind = prefix?.toLowerCase();
  if (kind === 'ip') return { kind, bytes: rangeBytes(rest) };
  if (kind === 'dn') return parseGeneralName(text);
  if ((kind === 'dns' || kind === 'email') && DNS_NAME.test(rest.replace(/^\./, '').replace(/^[^@]*@/, ''))) {
    return { kind, value: rest };
  }
  throw new KitError('usage', 'E_SAN', `${JSON.stringify(printable(text))} is not a name constraint.`, {
    hint: 'Write dns:example.com, email:example.com, ip:10.0.0.0/8 or dn:O=Example.',
  });
}

/** Address and mask, as name constraints carry a range (RFC 5280 4.2.1.10). */
function rangeBytes(text: string): Uint8Array {
  const { address, prefix } = parseCidr(text);
  const mask = address.map((_, at) => 0xff00 >> Math.min(8, Math.max(0, prefix - at * 8)));
  return Uint8Array.from([...address.map((byte, at) => byte & mask[at]!), ...mask]);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
