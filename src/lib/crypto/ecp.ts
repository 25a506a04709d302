import { createECDH } from 'node:crypto';
import { concatBytes } from '../core/bytes.js';
import { badKeValue } from './ke-value.js';
import type { KeyExchange } from './transform.js';

const UNCOMPRESSED = Uint8Array.of(4);

/**
 * One side of an exchange on a Weierstrass curve. The public value is x | y, the secret x alone (RFC 5903 section 7;
 * RFC 6954 section 2.3 for Brainpool).
 * @param curve OpenSSL's name
 * @param publicBytes length of x | y
 * @param privateKey a given scalar instead of a fresh one
 */
export function ecpExchange(curve: string, publicBytes: number, privateKey?: Uint8Array): KeyExchange {
  const ecdh = createECDH(curve);
  if (privateKey === undefined) ecdh.generateKeys();
  else ecdh.setPrivateKey(privateKey);
  return {
    publicValue: new Uint8Array(ecdh.getPublicKey().subarray(1)),
    agree(peer) {
      if (peer.length !== publicBytes) {
        throw badKeValue(`has ${peer.length} bytes where the group needs ${publicBytes}`);
      }
      // OpenSSL refuses a point off the curve (RFC 6989 section 2.3); the cofactor is 1, so no small subgroup exists.
      try {
        return new Uint8Array(ecdh.computeSecret(concatBytes(UNCOMPRESSED, peer)));
      } catch {
        throw badKeValue('is not a point on the curve');
      }
    },
  };
}
