import { createHash, createHmac } from 'node:crypto';
import { concatBytes } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import type { Ikev1Suite } from './suite.js';

export { IvChain } from './iv-chain.js';
export { type Ikev1Suite, ikev1Suite } from './suite.js';

export interface Ikev1Keys {
  skeyid: Secret;
  skeyidD: Secret;
  skeyidA: Secret;
  skeyidE: Secret;
  /** The key of the cipher, made of SKEYID_e (RFC 2409 appendix B). */
  encryption: Secret;
}

export interface Ikev1KeyArguments {
  suite: Ikev1Suite;
  /** Needed for the pre-shared key methods only. */
  preSharedKey?: Secret;
  /** g^xy. */
  keSecret: Secret;
  /** Bodies of the nonce payloads. */
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  spiI: bigint;
  spiR: bigint;
}

export interface QuickModeKeymatArguments {
  /** Hash of the phase 1 suite; HMAC with it is the PRF. */
  hash: string;
  skeyidD: Secret;
  /** g(qm)^xy, with perfect forward secrecy. */
  keSecret?: Secret;
  protocolId: number;
  spi: Uint8Array;
  /** Bodies of the nonce payloads of this Quick Mode. */
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  /** Bytes wanted. */
  length: number;
}

/** Everything after the keys: HASH_1 and so on need the PRF as well. */
export function ikev1Prf(hash: string, key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(hash, key);
  for (const part of data) mac.update(part);
  return new Uint8Array(mac.digest());
}

/**
 * The keys of an ISAKMP SA (RFC 2409 5).
 * @throws KitError `E_NO_PSK` (usage) for a pre-shared key method without the key
 */
export function deriveIkev1Keys(args: Ikev1KeyArguments): Ikev1Keys {
  const { suite, spiI, spiR } = args;
  const cookies = new Uint8Array(16);
  const view = new DataView(cookies.buffer);
  view.setBigUint64(0, spiI);
  view.setBigUint64(8, spiR);
  const shared = args.keSecret.reveal();
  const skeyid = deriveSkeyid(args, cookies);
  const next = (previous: Uint8Array, number: number): Uint8Array =>
    ikev1Prf(suite.hash, skeyid, previous, shared, cookies, Uint8Array.of(number));
  const skeyidD = next(new Uint8Array(0), 0);
  const skeyidA = next(skeyidD, 1);
  const skeyidE = next(skeyidA, 2);
  return {
    skeyid: new Secret(skeyid),
    skeyidD: new Secret(skeyidD),
    skeyidA: new Secret(skeyidA),
    skeyidE: new Secret(skeyidE),
    encryption: new Secret(encryptionKey(suite, skeyidE)),
  };
}

function deriveSkeyid(args: Ikev1KeyArguments, cookies: Uint8Array): Uint8Array {
  const { suite, nonceI, nonceR } = args;
  switch (suite.authentication) {
    case 'signature':
      return ikev1Prf(suite.hash, concatBytes(nonceI, nonceR), args.keSecret.reveal());
    case 'encryption': {
      const key = createHash(suite.hash).update(nonceI).update(nonceR).digest();
      return ikev1Prf(suite.hash, key, cookies);
    }
    case 'psk':
      if (args.preSharedKey === undefined) {
        throw new KitError(
          'usage',
          'E_NO_PSK',
          'the keys of this ISAKMP SA depend on a pre-shared key that is not given',
        );
      }
      return ikev1Prf(suite.hash, args.preSharedKey.reveal(), nonceI, nonceR);
  }
}

/** SKEYID_e cut, or stretched with K1 = prf(SKEYID_e, 0), K2 = prf(SKEYID_e, K1) … (RFC 2409 appendix B). */
function encryptionKey({ hash, keyBytes }: Ikev1Suite, skeyidE: Uint8Array): Uint8Array {
  if (skeyidE.length >= keyBytes) return skeyidE.slice(0, keyBytes);
  return stretched(keyBytes, (previous) => ikev1Prf(hash, skeyidE, previous ?? Uint8Array.of(0)));
}

/** KEYMAT of one SPI (RFC 2409 5.5): encryption key first, then the key of the integrity algorithm (RFC 2407 4.5). */
export function deriveQuickModeKeymat(args: QuickModeKeymatArguments): Secret {
  const seed = concatBytes(
    args.keSecret?.reveal() ?? new Uint8Array(0),
    Uint8Array.of(args.protocolId),
    args.spi,
    args.nonceI,
    args.nonceR,
  );
  const key = args.skeyidD.reveal();
  return new Secret(
    stretched(args.length, (previous) => ikev1Prf(args.hash, key, previous ?? new Uint8Array(0), seed)),
  );
}

/** Blocks, each made from the one before, until there are enough bytes. */
function stretched(length: number, block: (previous: Uint8Array | undefined) => Uint8Array): Uint8Array {
  const out = new Uint8Array(length);
  let previous: Uint8Array | undefined;
  for (let at = 0; at < length; at += previous.length) {
    previous = block(previous);
    out.set(previous.subarray(0, length - at), at);
  }
  return out;
}
