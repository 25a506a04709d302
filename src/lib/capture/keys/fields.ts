import { isIP } from 'node:net';
import { fromHex } from '../../core/bytes.js';
import { formatIp, parseIp } from '../../core/ip.js';
import { Secret } from '../../core/secret.js';
import type { SaMatch } from './types.js';
import { KeyLineError } from './types.js';

/** Longer than any key, short enough for a line. */
const MAX_KEY_HEX = 8192;

/** Bytes of hex digits, with or without `0x`. @throws KeyLineError naming the field, never its content */
export function hexField(text: string, field: string): Uint8Array {
  const digits = text.trim().replace(/^0x/i, '');
  if (!/^[0-9a-f]*$/i.test(digits) || digits.length > MAX_KEY_HEX)
    throw new KeyLineError(`${field} is not hex`);
  if (digits.length % 2 !== 0) throw new KeyLineError(`${field} has an odd number of hex digits`);
  return fromHex(digits);
}

export function secretField(text: string, field: string): Secret {
  return new Secret(hexField(text, field));
}

/** Hex after `0x`, otherwise the text itself, as Wireshark's ESP table and tcpdump have it. */
export function secretOrText(text: string, field: string): Secret {
  return /^0x/i.test(text.trim()) ? secretField(text, field) : Secret.fromText(text.trim());
}

/** An IKE SPI of 16 hex digits. */
export function ikeSpiField(text: string, field: string): bigint {
  const digits = text.trim().replace(/^0x/i, '');
  if (!/^[0-9a-f]{16}$/i.test(digits)) throw new KeyLineError(`${field} is not 16 hex digits`);
  return BigInt(`0x${digits}`);
}

/** A 32-bit SPI in decimal or after `0x`. @throws KeyLineError also for 0, which no SA has (RFC 4303 2.1) */
export function spiField(text: string, field: string): number {
  const value = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text.trim()) ? Number(text.trim()) : Number.NaN;
  if (!(value > 0 && value < 2 ** 32)) throw new KeyLineError(`${field} is not a 32-bit SPI`);
  return value;
}

/** An SPI that may have wildcards: `*` alone, `0x` and up to eight nibbles, with `*` for single ones or for the rest. */
export function spiMatch(text: string, field: string): Pick<SaMatch, 'spi' | 'spiPattern'> {
  const value = text.trim().toLowerCase();
  if (!value.includes('*')) return { spi: spiField(value, field) };
  const nibbles = value.replace(/^0x/, '');
  if (!/^[0-9a-f*]{1,8}$/.test(nibbles)) throw new KeyLineError(`${field} is no SPI and no pattern of one`);
  if (nibbles.length < 8 && !nibbles.endsWith('*')) throw new KeyLineError(`${field} is too short a pattern`);
  return { spi: undefined, spiPattern: nibbles.padEnd(8, '*') };
}

/** An address in canonical form, `address/prefix`, or a pattern with `*`. */
export function addressMatch(text: string, field: string): string {
  const value = text.trim();
  if (value === '' || value === '*') return '*';
  const [address = '', prefix] = value.split('/');
  if (value.includes('*')) {
    if (!/^[0-9a-f.:*]{1,45}$/i.test(address)) throw new KeyLineError(`${field} is no pattern of an address`);
    return address.toLowerCase();
  }
  if (isIP(address) === 0 || address.includes('%')) throw new KeyLineError(`${field} is not an IP address`);
  const canonical = formatIp(parseIp(address));
  if (prefix === undefined || prefix === '') return canonical;
  const bits = isIP(address) === 4 ? 32 : 128;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits)
    throw new KeyLineError(`${field} has a bad prefix length`);
  return Number(prefix) === bits ? canonical : `${canonical}/${Number(prefix)}`;
}

/** Fields separated by commas; quotes hold commas together and are taken off. */
export function csvFields(line: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (const char of line) {
    if (char === '"') quoted = !quoted;
    else if (char === ',' && !quoted) {
      fields.push(field.trim());
      field = '';
    } else field += char;
  }
  if (quoted) throw new KeyLineError('a quote is not closed');
  fields.push(field.trim());
  return fields;
}
