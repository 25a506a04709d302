import { createDiffieHellman, randomBytes } from 'node:crypto';
import { compareBytes, fromHex, toHex } from '../core/bytes.js';
import { badKeValue } from './ke-value.js';
import type { ModpGroup } from './modp-groups.js';
import type { KeyExchange } from './transform.js';

/**
 * One side of a MODP exchange.
 * @param exponentBytes size of a fresh private exponent; about twice the strength is enough (RFC 3526 section 8)
 * @param privateKey a given exponent instead of a fresh one
 */
export function modpExchange(group: ModpGroup, exponentBytes: number, privateKey?: Uint8Array): KeyExchange {
  const prime = fromHex(group.prime);
  const dh = createDiffieHellman(prime, fromHex(group.generator));
  dh.setPrivateKey(privateKey ?? freshExponent(group, exponentBytes));
  return {
    publicValue: leftPad(dh.generateKeys(), prime.length),
    agree(peer) {
      checkPublicValue(group, prime.length, peer);
      try {
        return leftPad(dh.computeSecret(peer), prime.length);
      } catch {
        throw badKeValue('is refused by the group');
      }
    },
  };
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

function freshExponent(group: ModpGroup, bytes: number): Uint8Array {
  if (group.order === undefined) return randomBytes(bytes);
  // RFC 5114 groups: uniform in 1 to q-1; a draw fails with probability under one half.
  const order = fromHex(group.order);
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
