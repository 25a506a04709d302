/**
 * Makes a checksum right again after one word that it covers has changed (RFC 1624 3: HC' = ~(~HC + ~m + m')).
 * @param at where the Checksum field is
 */
export function mendChecksum(view: DataView, at: number, before: number, after: number): void {
  let sum = (~view.getUint16(at) & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(at, ~sum);
}
