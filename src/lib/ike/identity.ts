import { equalBytes, fromHex, toHex, utf8 } from '../core/bytes.js';
import { KitError } from '../core/errors.js';
import { formatIp, ipFamily, parseIp } from '../core/ip.js';
import { printable } from '../core/printable.js';
import {
  distinguishedNameMatches,
  encodeDistinguishedName,
  foldAscii,
  formatDistinguishedName,
} from './distinguished-name.js';

/** What an ID payload says (RFC 7296 3.5). */
export interface Identity {
  idType: number;
  data: Uint8Array;
}

/** Identification types (RFC 7296 3.5, RFC 7619). */
export const IdType = {
  IPV4_ADDR: 1,
  FQDN: 2,
  RFC822_ADDR: 3,
  IPV6_ADDR: 5,
  DER_ASN1_DN: 9,
  DER_ASN1_GN: 10,
  KEY_ID: 11,
  NULL: 13,
} as const;

const typeByPrefix: ReadonlyMap<string, number> = new Map([
  ['ipv4', IdType.IPV4_ADDR],
  ['ipv6', IdType.IPV6_ADDR],
  ['rfc822', IdType.RFC822_ADDR],
  ['email', IdType.RFC822_ADDR],
  ['userfqdn', IdType.RFC822_ADDR],
  ['fqdn', IdType.FQDN],
  ['dns', IdType.FQDN],
  ['asn1dn', IdType.DER_ASN1_DN],
  ['dn', IdType.DER_ASN1_DN],
  ['asn1gn', IdType.DER_ASN1_GN],
  ['keyid', IdType.KEY_ID],
]);

/** What strongSwan takes for "any identity". */
const anyTexts: ReadonlySet<string> = new Set(['%any', '%any6', '*', '0.0.0.0', '::', '0::0']);
const NULL_TEXT = '%null';
/** A peer may send 64 KiB of identity; logs need not carry it. */
const MAX_TEXT = 512;

/**
 * Reads an identity as strongSwan does: a type prefix (`fqdn:`, `email:`, `keyid:`, `dn:`, `ipv4:` … or `{11}:`, hex
 * after `#`), `@#hex` key id, `@@user` mail address, `@name` domain name, a distinguished name where there is a `=`,
 * `user@host`, an address, else a domain name. What looks like a name or an IPv6 address and is none is a key id.
 * @returns undefined for `%any`
 * @throws KitError `E_IDENTITY`
 */
export function parseIdentity(text: string): Identity | undefined {
  if (anyTexts.has(text)) return undefined;
  if (text === NULL_TEXT) return { idType: IdType.NULL, data: new Uint8Array(0) };
  const [, number, prefix, rest = ''] = /^(?:\{(\d{1,3})\}|([a-z0-9]+)):(.*)$/is.exec(text) ?? [];
  const idType = number === undefined ? typeByPrefix.get(prefix?.toLowerCase() ?? '') : Number(number);
  const identity = idType === undefined ? guessType(text) : { idType, data: dataOf(idType, rest, text) };
  if (identity.idType > 0xff || (identity.data.length === 0 && idType === undefined)) throw unreadable(text);
  return identity;
}

function guessType(text: string): Identity {
  if (text.includes('=')) {
    const der = encodeDistinguishedName(text);
    return der === undefined ? keyId(text) : { idType: IdType.DER_ASN1_DN, data: der };
  }
  if (text.startsWith('@#')) return { idType: IdType.KEY_ID, data: hexBytes(text.slice(2), text) };
  if (text.startsWith('@@')) return { idType: IdType.RFC822_ADDR, data: utf8(text.slice(2)) };
  if (text.startsWith('@')) return { idType: IdType.FQDN, data: utf8(text.slice(1)) };
  if (text.includes('@')) return { idType: IdType.RFC822_ADDR, data: utf8(text) };
  const address = addressBytes(text);
  if (address !== undefined) return fromAddressBytes(address);
  return text.includes(':') ? keyId(text) : { idType: IdType.FQDN, data: utf8(text) };
}

/** What stands behind a type prefix: hex after `#`, else in the notation of the type. */
function dataOf(idType: number, rest: string, text: string): Uint8Array {
  if (rest.startsWith('#')) return hexBytes(rest.slice(1), text);
  switch (idType) {
    case IdType.IPV4_ADDR:
    case IdType.IPV6_ADDR: {
      const address = addressBytes(rest);
      if (address?.length !== (idType === IdType.IPV4_ADDR ? 4 : 16)) throw unreadable(text);
      return address;
    }
    case IdType.DER_ASN1_DN: {
      const der = encodeDistinguishedName(rest);
      if (der === undefined) throw unreadable(text);
      return der;
    }
    case IdType.DER_ASN1_GN:
      throw unreadable(text);
    default:
      return utf8(rest);
  }
}

function keyId(text: string): Identity {
  return { idType: IdType.KEY_ID, data: utf8(text) };
}

function hexBytes(hex: string, text: string): Uint8Array {
  try {
    return fromHex(hex.replaceAll(':', ''));
  } catch {
    throw unreadable(text);
  }
}

function addressBytes(text: string): Uint8Array | undefined {
  try {
    return parseIp(text);
  } catch {
    return undefined;
  }
}

function unreadable(text: string): KitError {
  return new KitError('usage', 'E_IDENTITY', `${JSON.stringify(text)} is not an identity`, {
    hint: 'Write a domain name, user@host, an IP address, a distinguished name (C=CH, CN=bob) or keyid:#hex.',
  });
}

/** The identity of an IP address. @throws KitError `E_ADDRESS` */
export function identityFromAddress(address: string): Identity {
  return fromAddressBytes(parseIp(address));
}

function fromAddressBytes(data: Uint8Array): Identity {
  return { idType: ipFamily(data) === 4 ? IdType.IPV4_ADDR : IdType.IPV6_ADDR, data };
}

/**
 * The text of an identity, safe for terminals and logs. {@link parseIdentity} reads it back as the same identity,
 * except where control characters had to be escaped, where a name does not use our string types, and where it had to
 * be cut.
 */
export function formatIdentity(identity: Identity): string {
  const text = formatWhole(identity);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function formatWhole(identity: Identity): string {
  const { idType, data } = identity;
  const text = printable(data);
  switch (idType) {
    case IdType.IPV4_ADDR:
      return data.length === 4 ? formatIp(data) : formatRaw(identity);
    case IdType.IPV6_ADDR:
      return data.length === 16 ? formatIp(data) : formatRaw(identity);
    case IdType.FQDN:
      return formatText(identity, text, `@${text}`);
    case IdType.RFC822_ADDR:
      return formatText(identity, text, `@@${text}`);
    case IdType.KEY_ID:
      return readsBackAs(identity, `keyid:${text}`) ? `keyid:${text}` : `@#${toHex(data)}`;
    case IdType.DER_ASN1_DN:
      return formatDistinguishedName(data) ?? formatRaw(identity);
    case IdType.NULL:
      return data.length === 0 ? NULL_TEXT : formatRaw(identity);
    default:
      return formatRaw(identity);
  }
}

/** The plain text where it is not mistaken for something else, else with what marks its type. */
function formatText(identity: Identity, text: string, marked: string): string {
  // What has to be cut is not read back anyway; trying takes seconds with 64 KiB that look like a name of many parts.
  if (text.length > MAX_TEXT) return marked;
  if (!equalBytes(utf8(text), identity.data)) return text;
  return [text, marked].find((candidate) => readsBackAs(identity, candidate)) ?? formatRaw(identity);
}

/** strongSwan's numeric notation. */
function formatRaw({ idType, data }: Identity): string {
  return `{${idType}}:#${toHex(data)}`;
}

function readsBackAs(identity: Identity, text: string): boolean {
  try {
    const read = parseIdentity(text);
    return read?.idType === identity.idType && equalBytes(read.data, identity.data);
  } catch {
    return false;
  }
}

/** The same type and the same bytes. Texts may coincide where identities differ: escaped ones, and those that were cut. */
export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.idType === b.idType && equalBytes(a.data, b.data);
}

/**
 * Whether a peer is who we expect. Domain names and mail addresses compare without case, and an expected `*` at
 * their head takes one character or more (`*.example.com`); distinguished names compare by value.
 * @param expected undefined takes anyone
 */
export function identityMatches(expected: Identity | undefined, actual: Identity): boolean {
  if (expected === undefined) return true;
  if (expected.idType !== actual.idType) return false;
  if (equalBytes(expected.data, actual.data)) return true;
  switch (expected.idType) {
    case IdType.FQDN:
    case IdType.RFC822_ADDR:
      return textMatches(expected.data, actual.data);
    case IdType.DER_ASN1_DN:
      return distinguishedNameMatches(expected.data, actual.data);
    default:
      return false;
  }
}

/** A NUL inside could make others read a shorter name than we do, so it never matches. */
function textMatches(expected: Uint8Array, actual: Uint8Array): boolean {
  if (expected.includes(0) || actual.includes(0)) return false;
  const pattern = foldAscii(Buffer.from(expected).toString('latin1'));
  const name = foldAscii(Buffer.from(actual).toString('latin1'));
  if (pattern === name) return true;
  return pattern.startsWith('*') && name.length >= pattern.length && name.endsWith(pattern.slice(1));
}
