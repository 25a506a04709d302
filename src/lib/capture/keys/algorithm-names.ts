import { encrTransform, integTransform } from '../../crypto/registry.js';
import type { IntegSpec } from './types.js';
import { KeyLineError } from './types.js';

const GCM: Readonly<Record<number, number>> = { 8: 18, 12: 19, 16: 20 };
const CCM: Readonly<Record<number, number>> = { 8: 14, 12: 15, 16: 16 };
const CAMELLIA_CCM: Readonly<Record<number, number>> = { 8: 25, 12: 26, 16: 27 };

/** Openswan's and libreswan's letters for the length of an ICV. */
const ICV_LETTERS: Readonly<Record<string, number>> = { a: 8, b: 12, c: 16 };

export const NO_INTEG: IntegSpec = { id: 0, icvBytes: 0, checked: false };

/**
 * IANA ids that the name of a cipher can mean, likeliest first: several where a tool's name leaves the ICV open. Knows
 * the spellings of Wireshark (IKE and ESP tables), strongSwan, tcpdump, libreswan, the Linux kernel and IANA.
 * @param icvBits length of the ICV when it is told apart from the name
 * @throws KeyLineError for an unknown name
 */
export function encrIdsOf(name: string, icvBits?: number): number[] {
  const text = plainName(name).replace(/^encr /, '');
  const icv = icvBits === undefined ? icvOf(text) : icvBits / 8;
  const withIcv = (ids: Readonly<Record<number, number>>): number[] => {
    // strongSwan's save-keys calls the ICV of 96 bits one of 64.
    const lengths = icvBits === 64 && text === 'aes gcm' ? [8, 12] : [icv];
    return lengths.flatMap((length) => ids[length] ?? unknownName(name));
  };
  if (/chacha20/.test(text)) return [28];
  if (/gmac|rfc4543/.test(text)) return [21];
  if (/gcm/.test(text)) return withIcv(GCM);
  if (/camellia.*ccm/.test(text)) return withIcv(CAMELLIA_CCM);
  if (/ccm/.test(text)) return withIcv(CCM);
  if (/camellia/.test(text)) return [/ctr/.test(text) ? 24 : 23];
  if (/^(aes|rijndael)\d* ?ctr|ctr aes|rfc3686/.test(text)) return [13];
  if (/3des|tripledes|des3 ede|des ede3|^des3/.test(text)) return [3];
  if (/^des( |$)|cbc des$/.test(text)) return [2];
  if (/^(ecb )?(cipher )?null$|^none$/.test(text)) return [11];
  if (/^(aes|rijndael)|cbc aes/.test(text)) return [12];
  return unknownName(name);
}

/**
 * An integrity algorithm by name.
 * @param icvBits length of the ICV when it is told apart from the name
 * @throws KeyLineError for an unknown name
 */
export function integOf(name: string, icvBits?: number): IntegSpec {
  const text = plainName(name).replace(/^auth /, '');
  const any = /^any (\d+) ?bits?/.exec(text);
  if (any) return { id: 0, icvBytes: wholeBytes(Number(any[1]), name), checked: false };
  if (/^(null|none|digest null|)$/.test(text)) return NO_INTEG;
  const id = integIdOf(text);
  if (id === undefined) {
    if (/ripemd|rmd ?160/.test(text)) {
      return { id: 0, icvBytes: wholeBytes(icvBits ?? 96, name), checked: false };
    }
    return unknownName(name);
  }
  const usual = integTransform(id)?.icvBytes ?? 0;
  const told = icvBits ?? (id === 12 && /(^| )96$/.test(text) ? 96 : usual * 8);
  return { id, icvBytes: wholeBytes(told, name), checked: true };
}

function integIdOf(text: string): number | undefined {
  if (/gmac/.test(text)) return /256/.test(text) ? 11 : /192/.test(text) ? 10 : 9;
  if (/xcbc/.test(text)) return 5;
  if (/cmac/.test(text)) return 8;
  if (/md5/.test(text)) return /128/.test(text) ? 6 : 1;
  if (/512/.test(text)) return 14;
  if (/384/.test(text)) return 13;
  if (/sha ?2? ?256/.test(text)) return 12;
  if (/sha ?1|^sha$|^hmac sha$/.test(text)) return /160/.test(text) ? 7 : 2;
  return undefined;
}

/** Lower case, single spaces for everything that is no letter or digit, no trailing reference in brackets. */
function plainName(name: string): string {
  const bare = name.trim().replace(/\s*\[(rfc|draft)[^\]]*\]$/i, '');
  return bare
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
}

/** ICV bytes in names such as "aes gcm 256 with 12 octet icv", "aes gcm 12 256", "aes gcm a128"; 16 when not told. */
function icvOf(text: string): number {
  const octets = /with (\d+) octet/.exec(text);
  if (octets) return Number(octets[1]);
  const letter = /[cg]cm ([abc])(?= |\d|$)/.exec(text);
  if (letter) return ICV_LETTERS[letter[1]!] ?? 16;
  const number = /[cg]cm ?(8|12|16)(?= |128|192|256|$)/.exec(text);
  return number ? Number(number[1]) : 16;
}

function wholeBytes(bits: number, name: string): number {
  if (bits % 8 !== 0 || bits > 512) throw new KeyLineError(`${shownName(name)} has an impossible ICV length`);
  return bits / 8;
}

/** A name for a message. Where columns are swapped it may be a key, which must not be shown. */
export function shownName(name: string): string {
  return /[0-9a-f]{12}/i.test(name) || name.length > 80
    ? 'what stands for the algorithm'
    : JSON.stringify(name);
}

function unknownName(name: string): never {
  throw new KeyLineError(`${shownName(name)} is no algorithm this tool knows`);
}

/**
 * Checks the length of a cipher's key, salt included.
 * @throws KeyLineError telling the lengths that would do
 */
export function checkEncrKey(id: number, bytes: number): void {
  const row = encrTransform(id);
  if (!row) throw new KeyLineError(`encryption transform ${id} is unknown`);
  const bits = row.keyLengths.length > 0 ? row.keyLengths : [row.fixedKeyLength ?? 0];
  const lengths = bits.map((length) => length / 8 + row.saltBytes);
  if (lengths.includes(bytes)) return;
  const salt = row.saltBytes > 0 ? `, its ${row.saltBytes} bytes of salt included` : '';
  throw new KeyLineError(`a key of ${bytes} bytes where ${row.name} takes ${lengths.join(', ')}${salt}`);
}

/** @throws KeyLineError when a key of an integrity algorithm has the wrong length */
export function checkIntegKey(spec: IntegSpec, bytes: number): void {
  if (!spec.checked) return;
  const row = integTransform(spec.id);
  if (row && row.keyBytes !== bytes) {
    throw new KeyLineError(`an integrity key of ${bytes} bytes where ${row.name} takes ${row.keyBytes}`);
  }
}
