import { concatBytes, fromHex } from '../../core/bytes.js';
import { modpGroups } from '../../crypto/modp-groups.js';
import { keTransform } from '../../crypto/registry.js';

/** A public value that RFC 6989 or RFC 8031 has peers refuse, and the secrets that come of it when they do not. */
export interface InvalidValue {
  /** In words, e.g. `p-1`. */
  name: string;
  publicValue: Uint8Array;
  secrets: Uint8Array[];
}

/** Groups on curves over prime fields, whose public values are two coordinates (RFC 5903 7, RFC 6954). */
const curves: ReadonlySet<number> = new Set([19, 20, 21, 25, 26, 27, 28, 29, 30]);
/** Curve25519 and Curve448 (RFC 8031). */
const montgomeryCurves: ReadonlySet<number> = new Set([31, 32]);

/** What to try with a group; empty for a group of which nothing is known. */
export function invalidValues(group: number): InvalidValue[] {
  const bytes = keTransform(group)?.publicBytes ?? 0;
  const modp = modpGroups[group];
  if (modp !== undefined) return modpValues(fromHex(modp.prime));
  if (curves.has(group)) return curveValues(bytes / 2);
  if (montgomeryCurves.has(group)) {
    // RFC 8031 2: a result of zeros has to be refused, and a value of zeros has no other.
    return [{ name: '0', publicValue: new Uint8Array(bytes), secrets: [new Uint8Array(bytes)] }];
  }
  return [];
}

/** RFC 6989 2.1: 1 < y < p-1. */
function modpValues(prime: Uint8Array): InvalidValue[] {
  const zero = new Uint8Array(prime.length);
  const one = lastByte(zero, 1);
  // All these primes end in ff.
  const minusOne = lastByte(prime, 0xfe);
  return [
    { name: '0', publicValue: zero, secrets: [zero] },
    { name: '1', publicValue: one, secrets: [one] },
    { name: 'p-1', publicValue: minusOne, secrets: [one, minusOne] },
    { name: 'p', publicValue: prime, secrets: [zero] },
  ];
}

/**
 * RFC 6989 2.3: points off the curve. (1, 0) is one of order 2 on the curve with the same a that it is on, so that an
 * odd multiple is itself and an even one infinity, which has no coordinate.
 */
function curveValues(coordinateBytes: number): InvalidValue[] {
  const zero = new Uint8Array(coordinateBytes);
  const one = lastByte(zero, 1);
  return [
    { name: 'the point (1, 0) off the curve', publicValue: concatBytes(one, zero), secrets: [one, zero] },
    { name: 'the point (0, 0)', publicValue: concatBytes(zero, zero), secrets: [zero] },
  ];
}

function lastByte(bytes: Uint8Array, value: number): Uint8Array {
  const out = bytes.slice();
  out[out.length - 1] = value;
  return out;
}
