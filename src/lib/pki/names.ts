import { distinguishedNameMatches } from '../ike/distinguished-name.js';

/**
 * Whether two distinguished names are the same (RFC 5280 7.1). Asked both ways, because an expected `*` would take
 * any value, and a name in a certificate is no pattern.
 */
export function sameName(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b) || (distinguishedNameMatches(a, b) && distinguishedNameMatches(b, a));
}
