import { concatBytes, utf8 } from '../../core/bytes.js';
import { constantTimeEqual, type Secret } from '../../core/secret.js';
import type { PrfTransform } from '../../crypto/transform.js';
import type { Identity } from '../identity.js';

/** Authentication Method "Shared Key Message Integrity Code", RFC 7296 3.8. */
export const AUTH_METHOD_PSK = 2;
/** "NULL Authentication", RFC 7619 2.1. */
export const AUTH_METHOD_NULL = 13;

const KEY_PAD = utf8('Key Pad for IKEv2');

/** Stands where else the initiator's SPI is, which is never zero: so the two forms cannot be taken for each other. */
const ZERO_PREFIX = new Uint8Array(8);

/** What one side signs, RFC 7296 2.15. */
export interface SignedOctets {
  prf: PrfTransform;
  /** That side's own IKE_SA_INIT message, as it was sent. */
  initMessage: Uint8Array;
  /** The other side's, where both sides said that AUTH covers it as well (IKE_SA_INIT_FULL_TRANSCRIPT_AUTH). */
  peerInitMessage?: Uint8Array | undefined;
  /** The other side's nonce. */
  peerNonce: Uint8Array;
  identity: Identity;
  /** SK_pi or SK_pr of that side. */
  skP: Secret;
}

function compute(prf: PrfTransform, key: Uint8Array, data: Uint8Array): Uint8Array {
  if (!prf.compute) throw new RangeError(`${prf.name} has no implementation`);
  return prf.compute(key, data);
}

/**
 * RealMessage | NonceData | MACedID: what a signature or a PSK authenticates, RFC 7296 2.15. With the other side's
 * message: ZeroPrefix | its message | RealMessage | NonceData | MACedID, draft-ietf-ipsecme-ikev2-downgrade-prevention.
 */
export function signedOctets(octets: SignedOctets): Uint8Array {
  const { prf, initMessage, peerInitMessage, peerNonce, identity, skP } = octets;
  const restOfId = concatBytes(Uint8Array.of(identity.idType, 0, 0, 0), identity.data);
  const messages = peerInitMessage ? [ZERO_PREFIX, peerInitMessage, initMessage] : [initMessage];
  return concatBytes(...messages, peerNonce, compute(prf, skP.reveal(), restOfId));
}

/** AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), SignedOctets), RFC 7296 2.15. */
export function pskAuth(psk: Secret, octets: SignedOctets): Uint8Array {
  const padded = compute(octets.prf, psk.reveal(), KEY_PAD);
  return compute(octets.prf, padded, signedOctets(octets));
}

/** Compares a received AUTH value in constant time. */
export function verifyPskAuth(psk: Secret, octets: SignedOctets, received: Uint8Array): boolean {
  return constantTimeEqual(pskAuth(psk, octets), received);
}
