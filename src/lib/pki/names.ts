import { distinguishedNameMatches, foldAscii, formatDistinguishedName } from '../ike/distinguished-name.js';

/**
 * Whether two distinguished names are the same (RFC 5280 7.1). Asked both ways, because an expected `*` would take
 * any value, and a name in a certificate is no pattern.
 */
export function sameName(a: Uint8Array, b: Uint8Array): boolean {
  if (Buffer.from(a).equals(b)) return true;
  return textOf(a) === textOf(b) && distinguishedNameMatches(a, b) && distinguishedNameMatches(b, a);
}

const texts = new WeakMap<Uint8Array, string>();

/**
 * Names that are the same have the same text but for the case of letters. Most are not, and every certificate is held
 * against all CAs there are, so the text is kept.
 */
function textOf(name: Uint8Array): string {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const text = foldAscii(formatDistinguishedName(name) ?? 'unreadable');
  texts.set(name, text);
  return text;
}
