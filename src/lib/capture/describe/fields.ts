import { toHex } from '../../core/bytes.js';
import { formatIp } from '../../core/ip.js';
import { printable } from '../../core/printable.js';
import { formatDistinguishedName } from '../../ike/distinguished-name.js';
import { formatIdentity, type Identity } from '../../ike/identity.js';

/** Payload-specific fields, JSON-safe. */
export type Fields = Record<string, unknown>;

/** What is shown of opaque values: every nonce, signature, group element and cookie in common use fits. */
const MAX_HEX_BYTES = 256;
const MAX_TEXT_BYTES = 1024;

/** Size and hex of an opaque value; `truncated` tells that the hex is only its beginning. */
export function opaque(data: Uint8Array): Fields {
  if (data.length <= MAX_HEX_BYTES) return { bytes: data.length, data: toHex(data) };
  return { bytes: data.length, data: hex(data), truncated: true };
}

/** Hex of at most 256 bytes. */
export function hex(data: Uint8Array): string {
  return toHex(data.subarray(0, MAX_HEX_BYTES));
}

/** Text from the peer, escaped and bounded. */
export function text(data: Uint8Array): string {
  return data.length > MAX_TEXT_BYTES ? `${printable(data.subarray(0, MAX_TEXT_BYTES))}…` : printable(data);
}

/** An identity; of one that is too long to be meant seriously or cannot be read, the beginning of its bytes. */
export function identityText({ idType, data }: Identity): string {
  if (data.length > MAX_TEXT_BYTES) return `${hex(data)}…`;
  return readable(() => formatIdentity({ idType, data })) ?? hex(data);
}

/** The text of a DER name; undefined when it is none. */
export function nameText(der: Uint8Array): string | undefined {
  return der.length > MAX_TEXT_BYTES ? undefined : readable(() => formatDistinguishedName(der));
}

/** The ASN.1 parser throws errors of its own at some malformed values, which here are no more than unreadable. */
function readable(format: () => string | undefined): string | undefined {
  try {
    return format();
  } catch {
    return undefined;
  }
}

/** An SPI as it is written elsewhere: `0x` and 8 digits for ESP and AH, 16 digits for an IKE SA. */
export function spiText(spi: Uint8Array): string {
  return spi.length === 4 ? `0x${toHex(spi)}` : hex(spi);
}

/** An address of 4 or 16 bytes; hex for anything else. */
export function addressText(data: Uint8Array): string {
  return data.length === 4 || data.length === 16 ? formatIp(data) : hex(data);
}

/** Unsigned big-endian number of up to 6 bytes. */
export function uint(data: Uint8Array): number {
  return data.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** Two-byte numbers up to the end; an odd byte at the end is left out. */
export function uint16List(data: Uint8Array): number[] {
  const values: number[] = [];
  for (let i = 0; i + 1 < data.length; i += 2) values.push((data[i]! << 8) | data[i + 1]!);
  return values;
}

/** `address/prefix` of an address and a netmask; `address/mask` where the mask has holes. */
export function subnetText(address: Uint8Array, mask: Uint8Array): string {
  const prefix = prefixLength(mask);
  return `${addressText(address)}/${prefix ?? addressText(mask)}`;
}

/** The number of leading ones, when nothing but zeros follows. */
function prefixLength(mask: Uint8Array): number | undefined {
  let bits = '';
  for (const byte of mask) bits += byte.toString(2).padStart(8, '0');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined;
}
