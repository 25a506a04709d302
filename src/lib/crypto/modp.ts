import {
  createDiffieHellman,
  type DiffieHellman,
  type DiffieHellmanGroup,
  getDiffieHellman,
  randomBytes,
} from 'node:crypto';
import { compareBytes, fromHex, toHex } from '../core/bytes.js';
import { badKeValue } from './ke-value.js';
import { type ModpGroup, modpGroups } from './modp-groups.js';
import type { KeyExchange } from './transform.js';

/**
 * One side of a MODP exchange.
 * @param id IANA id of a group of {@link modpGroups}
 * @param privateKey a given exponent instead of a fresh one; only for the groups with a prime-order subgroup
 */
export function modpExchange(id: number, privateKey?: Uint8Array): KeyExchange {
  const group = modpGroups[id]!;
  const length = group.prime.length / 2;
  const dh = group.order === undefined ? openNamed(id) : openSubgroup(group, group.order, privateKey);
  return {
    publicValue: leftPad(dh.generateKeys(), length),
    agree(peer) {
      checkPublicValue(group, length, peer);
      try {
        return leftPad(dh.computeSecret(peer), length);
      } catch {
        throw badKeValue('is refused by the group');
      }
    },
  };
}

/**
 * OpenSSL knows these groups by name, draws exponents of about twice their strength (RFC 3526 section 8), and does not
 * test their primes again, which for a prime given by value takes OpenSSL 3.5 up to half a minute.
 */
function openNamed(id: number): DiffieHellmanGroup {
  return getDiffieHellman(`modp${id}`);
}

function openSubgroup(group: ModpGroup, order: string, privateKey?: Uint8Array): DiffieHellman {
  const dh = createDiffieHellman(fromHex(group.prime), fromHex(group.generator));
  dh.setPrivateKey(privateKey ?? freshExponent(fromHex(order)));
  return dh;
}

/** RFC 6989 section 2: length, 1 < y < p-1, and membership of the subgroup where that is a small one. */
function checkPublicValue(group: ModpGroup, length: number, peer: Uint8Array): void {
  if (peer.length !== length) throw badKeValue(`has ${peer.length} bytes where the group needs ${length}`);
  const y = BigInt(`0x${toHex(peer)}`);
  const p = BigInt(`0x${group.prime}`);
  if (y <= 1n || y >= p - 1n) throw badKeValue('is outside 2 to p-2');
  if (group.order !== undefined && power(y, BigInt(`0x${group.order}`), p) !== 1n) {
    throw badKeValue('is not in the prime-order subgroup');
  }
}

/** Modular exponentiation of public numbers; its time depends on them. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === '1') result = (result * base) % modulus;
  }
  return result;
}

/** Uniform in 1 to q-1; a draw fails with probability under one half. */
function freshExponent(order: Uint8Array): Uint8Array {
  for (;;) {
    const draw = randomBytes(order.length);
    if (compareBytes(draw, order) < 0 && draw.some((byte) => byte !== 0)) return draw;
  }
}

function leftPad(value: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  out.set(value, length - value.length);
  return out;
}
