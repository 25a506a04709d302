import { ByteWriter, concatBytes } from '../core/bytes.js';
import { KitError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import type { PrfTransform } from '../crypto/transform.js';
import type { ChildSuite, IkeSuite } from './suite.js';

/** The seven keys of an IKE SA (RFC 7296 2.14) and SKEYSEED, from which they come. */
export interface IkeKeys {
  skeyseed: Secret;
  /** For child SAs and for the next SKEYSEED. */
  skD: Secret;
  /** Integrity keys; length 0 with an AEAD. */
  skAi: Secret;
  skAr: Secret;
  /** Encryption keys, each followed by the cipher's salt. */
  skEi: Secret;
  skEr: Secret;
  /** For the AUTH payload. */
  skPi: Secret;
  skPr: Secret;
}

/** KEYMAT of a child SA, cut up (RFC 7296 2.17). Encryption keys are followed by the cipher's salt. */
export interface ChildKeys {
  initiatorEncr: Secret;
  initiatorInteg: Secret;
  responderEncr: Secret;
  responderInteg: Secret;
}

export interface IkeKeyArguments {
  suite: IkeSuite;
  keSecret: Secret;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  /** SPIs of the SA that gets the keys. */
  spiI: bigint;
  spiR: bigint;
  /** When this SA replaces another one: that one's PRF and SK_d (RFC 7296 2.18). */
  rekeyOf?: { prf: PrfTransform; skD: Secret };
}

export interface ChildKeyArguments {
  suite: ChildSuite;
  /** PRF of the IKE SA that makes the child. */
  prf: PrfTransform;
  skD: Secret;
  /** Nonces of the exchange that makes the child. */
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  /** Result of a fresh key exchange, when there was one. */
  keSecret?: Secret;
}

/**
 * prf+ of RFC 7296 2.13.
 * @param length bytes wanted, at most 255 times the PRF's output
 */
export function prfPlus(prf: PrfTransform, key: Uint8Array, seed: Uint8Array, length: number): Uint8Array {
  const compute = computeOf(prf);
  const rounds = Math.ceil(length / prf.keyBytes);
  if (rounds > 255) throw new RangeError(`prf+ cannot make ${length} bytes`);
  const out = new Uint8Array(rounds * prf.keyBytes);
  let block: Uint8Array = new Uint8Array(0);
  for (let round = 1; round <= rounds; round++) {
    block = compute(key, concatBytes(block, seed, Uint8Array.of(round)));
    out.set(block, (round - 1) * prf.keyBytes);
  }
  return out.slice(0, length);
}

/** SKEYSEED and the keys of an IKE SA (RFC 7296 2.14; 2.18 for a rekeyed one). */
export function deriveIkeKeys(args: IkeKeyArguments): IkeKeys {
  const { suite, nonceI, nonceR } = args;
  const skeyseed = deriveSkeyseed(args);
  const seed = new ByteWriter().bytes(nonceI).bytes(nonceR).u64(args.spiI).u64(args.spiR).finish();
  const integBytes = suite.integ?.keyBytes ?? 0;
  const encrBytes = suite.keyLength / 8 + suite.encr.saltBytes;
  const prfBytes = suite.prf.keyBytes;
  const sizes = [prfBytes, integBytes, integBytes, encrBytes, encrBytes, prfBytes, prfBytes] as const;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const take = cutter(prfPlus(suite.prf, skeyseed, seed, total));
  return {
    skeyseed: new Secret(skeyseed),
    skD: take(prfBytes),
    skAi: take(integBytes),
    skAr: take(integBytes),
    skEi: take(encrBytes),
    skEr: take(encrBytes),
    skPi: take(prfBytes),
    skPr: take(prfBytes),
  };
}

/**
 * Keys of a child SA (RFC 7296 2.17). "Initiator" is whoever started the exchange that makes the child, not the
 * original initiator of the IKE SA.
 */
export function deriveChildKeys(args: ChildKeyArguments): ChildKeys {
  const { suite } = args;
  const encrBytes = suite.keyLength / 8 + suite.encr.saltBytes;
  const integBytes = suite.integ?.keyBytes ?? 0;
  const seed = concatBytes(args.keSecret?.reveal() ?? new Uint8Array(0), args.nonceI, args.nonceR);
  const take = cutter(prfPlus(args.prf, args.skD.reveal(), seed, 2 * (encrBytes + integBytes)));
  return {
    initiatorEncr: take(encrBytes),
    initiatorInteg: take(integBytes),
    responderEncr: take(encrBytes),
    responderInteg: take(integBytes),
  };
}

function deriveSkeyseed({ suite, keSecret, nonceI, nonceR, rekeyOf }: IkeKeyArguments): Uint8Array {
  if (rekeyOf) {
    return computeOf(rekeyOf.prf)(rekeyOf.skD.reveal(), concatBytes(keSecret.reveal(), nonceI, nonceR));
  }
  // A PRF with keys of a fixed size takes 64 bits of each nonce (RFC 7296 2.14).
  const key = suite.prf.fixedKey
    ? concatBytes(nonceI.subarray(0, 8), nonceR.subarray(0, 8))
    : concatBytes(nonceI, nonceR);
  return computeOf(suite.prf)(key, keSecret.reveal());
}

function computeOf(prf: PrfTransform): NonNullable<PrfTransform['compute']> {
  if (!prf.compute) throw new KitError('bug', 'E_NOT_IMPLEMENTED', `${prf.name} has no implementation`);
  return prf.compute;
}

/** Takes successive pieces off key material; each is a copy of its own. */
function cutter(material: Uint8Array): (length: number) => Secret {
  let at = 0;
  return (length) => {
    const piece = new Secret(material.slice(at, at + length));
    at += length;
    return piece;
  };
}
