import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../../src/lib/core/bytes.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import { prfTransform } from '../../../../src/lib/crypto/registry.js';
import { pskAuth, type SignedOctets, signedOctets, verifyPskAuth } from '../../../../src/lib/ike/auth/psk.js';

const skP = Uint8Array.from({ length: 32 }, (_, i) => i);
const octets: SignedOctets = {
  prf: prfTransform(5)!,
  initMessage: utf8('the message of the signer'),
  peerNonce: utf8('the nonce of the other side'),
  identity: { idType: 2, data: utf8('a.test') },
  skP: new Secret(skP),
};
const macedId = createHmac('sha256', skP)
  .update(Uint8Array.of(2, 0, 0, 0))
  .update('a.test')
  .digest();
const peerInitMessage = utf8('the message of the other side');

it('covers the message of the signer (RFC 7296 2.15)', () => {
  expect(signedOctets(octets)).toEqual(concatBytes(octets.initMessage, octets.peerNonce, macedId));
});

it('covers eight zeros, the message of the other side and then its own where both sides said so', () => {
  expect(signedOctets({ ...octets, peerInitMessage })).toEqual(
    concatBytes(new Uint8Array(8), peerInitMessage, octets.initMessage, octets.peerNonce, macedId),
  );
});

it('proves by a PSK what it covers and nothing else', () => {
  const psk = Secret.fromText('a secret');
  const whole = { ...octets, peerInitMessage };
  const auth = pskAuth(psk, whole);
  expect(verifyPskAuth(psk, whole, auth)).toBe(true);
  expect(verifyPskAuth(psk, octets, auth)).toBe(false);
  expect(verifyPskAuth(psk, { ...whole, peerInitMessage: utf8('another') }, auth)).toBe(false);
});
