import {
  type AsnType,
  BaseStringBlock,
  fromBER,
  IA5String,
  ObjectIdentifier,
  PrintableString,
  Sequence,
  Set as SetBlock,
  Utf8String,
} from 'asn1js';
import { printable } from '../core/printable.js';

/** One `type=value` of a distinguished name. */
interface NameAttribute {
  oid: string;
  value: string;
  /** Universal tag of the string type. */
  tag: number;
}

/** Limits for a name from a peer: far above real ones, far below what parsing could hurt with. */
const MAX_DER = 8192;
const limits = { maxDepth: 6, maxNodes: 1000, maxContentLength: MAX_DER, parseEmbedded: false };

const Tag = { UTF8: 12, PRINTABLE: 19, TELETEX: 20, IA5: 22, BMP: 30 } as const;
const EMAIL = '1.2.840.113549.1.9.1';
const UNSTRUCTURED_NAME = '1.2.840.113549.1.9.2';

/** strongSwan's attribute names; the first name of an OID is the one that is printed. */
const attributeNames: readonly (readonly [name: string, oid: string])[] = [
  ['C', '2.5.4.6'],
  ['ST', '2.5.4.8'],
  ['L', '2.5.4.7'],
  ['STREET', '2.5.4.9'],
  ['postalCode', '2.5.4.17'],
  ['O', '2.5.4.10'],
  ['OU', '2.5.4.11'],
  ['CN', '2.5.4.3'],
  ['S', '2.5.4.4'],
  ['SN', '2.5.4.5'],
  ['serialNumber', '2.5.4.5'],
  ['T', '2.5.4.12'],
  ['D', '2.5.4.13'],
  ['N', '2.5.4.41'],
  ['G', '2.5.4.42'],
  ['I', '2.5.4.43'],
  ['ID', '2.5.4.45'],
  ['dnQualifier', '2.5.4.46'],
  ['UID', '0.9.2342.19200300.100.1.1'],
  ['DC', '0.9.2342.19200300.100.1.25'],
  ['ND', '0.2.262.1.10.7.20'],
  ['EN', '2.16.840.1.113730.3.1.3'],
  ['employeeNumber', '2.16.840.1.113730.3.1.3'],
  ['E', EMAIL],
  ['Email', EMAIL],
  ['emailAddress', EMAIL],
  ['UN', UNSTRUCTURED_NAME],
  ['unstructuredName', UNSTRUCTURED_NAME],
  ['UA', '1.2.840.113549.1.9.8'],
  ['unstructuredAddress', '1.2.840.113549.1.9.8'],
];
const oidByName = new Map(attributeNames.map(([name, oid]) => [name.toLowerCase(), oid]));
const nameByOid = new Map([...attributeNames].reverse().map(([name, oid]) => [oid, name]));

/**
 * The DER of a name written as strongSwan reads it: `C=CH, O=Lab, CN=bob` or `/C=CH/O=Lab/CN=bob`. A backslash takes
 * the next character as it is; attribute types may be given as dotted OIDs.
 * @returns undefined when the text is no name
 */
export function encodeDistinguishedName(text: string): Uint8Array | undefined {
  const separator = text.startsWith('/') ? '/' : ',';
  const parts = splitUnescaped(separator === '/' ? text.slice(1) : text, separator);
  const attributes = parts.map(parseAttribute);
  if (attributes.length === 0) return undefined;
  const names: SetBlock[] = [];
  for (const attribute of attributes) {
    if (attribute === undefined) return undefined;
    const value = [new ObjectIdentifier({ value: attribute.oid }), stringBlock(attribute)];
    names.push(new SetBlock({ value: [new Sequence({ value })] }));
  }
  return new Uint8Array(new Sequence({ value: names }).toBER());
}

/** Parts between separators, escapes still in place; empty parts fall out, as in a trailing comma. */
function splitUnescaped(text: string, separator: string): string[] {
  const parts = text.match(separator === '/' ? /(?:\\.|[^\\/])+/gsu : /(?:\\.|[^\\,])+/gsu) ?? [];
  return parts.filter((part) => part.trim() !== '');
}

function parseAttribute(part: string): { oid: string; value: string } | undefined {
  const [, type = '', raw = ''] = /^\s*([A-Za-z0-9.]+)\s*=\s*(.*)$/su.exec(part) ?? [];
  const oid = oidByName.get(type.toLowerCase()) ?? (/^[012](\.\d{1,9}){1,20}$/.test(type) ? type : undefined);
  if (oid === undefined) return undefined;
  const characters = raw.match(/\\.|[^\\]/gsu) ?? [];
  while (characters.at(-1) === ' ') characters.pop();
  return { oid, value: characters.map((character) => character.replace('\\', '')).join('') };
}

/** PrintableString where the characters allow it, IA5String for mail addresses, else UTF8String. */
function stringBlock({ oid, value }: { oid: string; value: string }): AsnType {
  if (oid === EMAIL || oid === UNSTRUCTURED_NAME) {
    if (/^[\x20-\x7e]*$/.test(value)) return new IA5String({ value });
  } else if (/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value)) {
    return new PrintableString({ value });
  }
  return new Utf8String({ value });
}

/** The text of a name as strongSwan prints it, safe for terminals; undefined when the DER is no name. */
export function formatDistinguishedName(der: Uint8Array): string | undefined {
  return decode(der)
    ?.map(({ oid, value }) => `${nameByOid.get(oid) ?? oid}=${printable(escapeValue(value))}`)
    .join(', ');
}

/** Marks what would otherwise read as the end of the value or as padding. */
function escapeValue(value: string): string {
  return value.replace(/[,\\]|^ | $/g, '\\$&');
}

/**
 * Whether a name is the expected one, attribute by attribute (RFC 5280 7.1, as strongSwan does it): case does not
 * count in PrintableStrings and mail addresses, string types do not count, and an expected value `*` takes any.
 */
export function distinguishedNameMatches(expected: Uint8Array, actual: Uint8Array): boolean {
  const ours = decode(expected);
  const theirs = decode(actual);
  if (ours === undefined || theirs === undefined || ours.length !== theirs.length) return false;
  return ours.every((attribute, i) => attributeMatches(attribute, theirs[i]!));
}

function attributeMatches(expected: NameAttribute, actual: NameAttribute): boolean {
  if (expected.oid !== actual.oid) return false;
  if (expected.value === '*' || expected.value === actual.value) return true;
  const ignoreCase =
    expected.oid === EMAIL || (expected.tag === Tag.PRINTABLE && actual.tag === Tag.PRINTABLE);
  return ignoreCase && foldAscii(expected.value) === foldAscii(actual.value);
}

/** Lower case of A to Z alone, so that no two other characters become one. */
export function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The attributes of a name in order; undefined for anything that is not exactly one name. */
function decode(der: Uint8Array): NameAttribute[] | undefined {
  if (der.length > MAX_DER) return undefined;
  const result = parse(der);
  if (!(result instanceof Sequence)) return undefined;
  const attributes: NameAttribute[] = [];
  for (const set of result.valueBlock.value) {
    if (!(set instanceof SetBlock)) return undefined;
    for (const pair of set.valueBlock.value) {
      const attribute = decodeAttribute(pair);
      if (attribute === undefined) return undefined;
      attributes.push(attribute);
    }
  }
  return attributes;
}

/** The one value that fills `der`. asn1js throws for some malformed values, as for a time that is none. */
function parse(der: Uint8Array): AsnType | undefined {
  try {
    const { offset, result } = fromBER(Uint8Array.from(der), limits);
    return offset === der.length ? result : undefined;
  } catch {
    return undefined;
  }
}

function decodeAttribute(pair: unknown): NameAttribute | undefined {
  if (!(pair instanceof Sequence)) return undefined;
  const [type, value, ...more] = pair.valueBlock.value;
  if (!(type instanceof ObjectIdentifier) || !(value instanceof BaseStringBlock) || more.length > 0) {
    return undefined;
  }
  if (value.idBlock.isConstructed) return undefined;
  const tag = value.idBlock.tagNumber;
  const text = decodeString(tag, value.valueBlock.valueHexView);
  return text === undefined ? undefined : { oid: type.getValue(), value: text, tag };
}

function decodeString(tag: number, bytes: Uint8Array): string | undefined {
  const encoding =
    tag === Tag.UTF8
      ? 'utf-8'
      : tag === Tag.BMP
        ? 'utf-16be'
        : tag === Tag.PRINTABLE || tag === Tag.IA5 || tag === Tag.TELETEX
          ? 'latin1'
          : undefined;
  if (encoding === undefined) return undefined;
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
