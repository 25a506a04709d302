import { KitError, WireError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import { createSkProtection } from '../../ike/sealed.js';
import { decodePayloads } from '../../ike/wire/message.js';
import { PayloadType } from '../../ike/wire/types.js';
import type { Ikev2Key } from '../keys/types.js';
import type { Icv } from '../types.js';
import { encrForDecoding, integForDecoding } from './algorithms.js';

/** What came of an encrypted payload. `wrong`: not authentic, or with an unchecked ICV no sense in it. */
export type Opened =
  | { verdict: 'ok'; icv: Icv; inner: Uint8Array }
  | { verdict: 'wrong'; icv: Icv }
  | { verdict: 'malformed'; icv: Icv; error: WireError };

/** Opens what one side of an IKE SA sealed. */
export interface IkeOpener {
  /**
   * @param ad the message up to the body @param body IV, ciphertext and ICV
   * @param first type of the first payload inside, undefined in a fragment that is not the first
   */
  open(ad: Uint8Array, body: Uint8Array, first: number | undefined): Opened;
}

/** Binds the keys of one direction; undefined when the file has none, or there is no implementation. */
export function ikeOpener(
  key: Ikev2Key,
  encrKey: Secret | undefined,
  integKey: Secret | undefined,
): IkeOpener | undefined {
  const encr = key.encr === undefined ? undefined : encrForDecoding(key.encr);
  if (!encr?.bind) return undefined;
  const secret = encrKey ?? (encr.kind === 'null' ? new Secret(new Uint8Array(0)) : undefined);
  const integ = key.integ && integForDecoding(key.integ);
  if (!secret || (key.integ?.checked && !integ)) return undefined;
  try {
    if (encr.kind === 'aead' || (integ && encr.kind === 'cipher')) {
      if (integ && !integKey) return undefined;
      const protection = createSkProtection(
        { encr, integ },
        secret,
        integKey ?? new Secret(new Uint8Array(0)),
      );
      return {
        open: (ad, body, first) => {
          const opened = checked(() => protection.open(ad, body));
          // An ICV of its own says nothing of the encryption key.
          return integ && opened.verdict === 'ok' && !mayBegin(opened.inner, first) ? OTHER_KEY : opened;
        },
      };
    }
    const cipher = encr.bind(secret.reveal());
    const icvBytes = key.integ?.icvBytes ?? 0;
    const { ivBytes } = encr;
    return {
      open(ad, body, first) {
        const icv: Icv = icvBytes === 0 ? 'none' : 'unchecked';
        const end = body.length - icvBytes;
        if (end < ivBytes) return { verdict: 'wrong', icv };
        const plain = cipher.open(body.subarray(0, ivBytes), ad, body.subarray(ivBytes, end));
        const inner = plain && withoutPadding(plain);
        return inner && makesSense(inner, first) ? { verdict: 'ok', icv, inner } : { verdict: 'wrong', icv };
      },
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const OTHER_KEY: Opened = {
  verdict: 'malformed',
  icv: 'good',
  error: new WireError('E_DECRYPT', 'authentic, but nothing readable comes out: another encryption key?', 0),
};

/** Whether there may be a payload at the beginning: its length fits, its reserved bits are zero (RFC 7296 3.2). */
function mayBegin(inner: Uint8Array, first: number | undefined): boolean {
  if (first === undefined || first === PayloadType.NONE) return true;
  if (inner.length < 4) return false;
  const length = (inner[2]! << 8) | inner[3]!;
  return (inner[1]! & 0x7f) === 0 && length >= 4 && length <= inner.length;
}

function checked(open: () => Uint8Array): Opened {
  try {
    return { verdict: 'ok', icv: 'good', inner: open() };
  } catch (error) {
    if (error instanceof WireError) return { verdict: 'malformed', icv: 'good', error };
    if (error instanceof KitError) return { verdict: 'wrong', icv: 'bad' };
    throw error;
  }
}

/** RFC 7296 3.14: Pad Length is the last byte. */
function withoutPadding(plain: Uint8Array): Uint8Array | undefined {
  const length = plain.length - 1 - (plain.at(-1) ?? 0);
  return length < 0 ? undefined : plain.subarray(0, length);
}

/** Without an ICV, a chain of payloads that holds to its end is what tells a right key from a wrong one. */
function makesSense(inner: Uint8Array, first: number | undefined): boolean {
  if (first === undefined) return true;
  try {
    decodePayloads(first, inner);
    return first !== PayloadType.NONE || inner.length === 0;
  } catch {
    return false;
  }
}

/** The encrypted payload of a message. */
export interface SealedPart {
  /** Type of the first payload inside; 0 in fragments but the first. */
  first: number;
  /** Where IV, ciphertext and ICV begin. */
  bodyAt: number;
  /** RFC 7383 2.5. */
  fragment?: { number: number; total: number };
}

/** Finds SK or SKF at the end of a chain of payloads without decoding the others. */
export function findSealed(data: Uint8Array): SealedPart | undefined {
  let type = data[16] ?? 0;
  let at = 28;
  while (type !== PayloadType.NONE) {
    if (at + 4 > data.length) return undefined;
    const length = (data[at + 2]! << 8) | data[at + 3]!;
    if (length < 4 || at + length > data.length) return undefined;
    if (type === PayloadType.SK) return { first: data[at]!, bodyAt: at + 4 };
    if (type === PayloadType.SKF) return fragmentAt(data, at, length);
    type = data[at]!;
    at += length;
  }
  return undefined;
}

function fragmentAt(data: Uint8Array, at: number, length: number): SealedPart | undefined {
  if (length < 8) return undefined;
  const number = (data[at + 4]! << 8) | data[at + 5]!;
  const total = (data[at + 6]! << 8) | data[at + 7]!;
  return { first: data[at]!, bodyAt: at + 8, fragment: { number, total } };
}
