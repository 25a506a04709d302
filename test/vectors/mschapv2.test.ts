import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../../src/lib/core/bytes.js';
import { Secret } from '../../src/lib/core/secret.js';
import { desEncrypt } from '../../src/lib/crypto/des.js';
import { md4 } from '../../src/lib/crypto/md4.js';
import { challengeHash, ntPasswordHash, prove } from '../../src/lib/ike/auth/eap/mschapv2-proof.js';

/** RFC 2759 9.2; MasterKey and the start key are RFC 3079 3.5.3, for the same names. */
const challenges = {
  authenticator: fromHex('5b5d7c7d7b3f2f3e3c2c602132262628'),
  peer: fromHex('21402324255e262a28295f2b3a337c7e'),
  userName: utf8('User'),
};
const password = Secret.fromText('clientPass');
const NT_HASH = '44ebba8d5312b8d611474411f56989ae';
const SERVER_SEND_KEY = '8b7cdc149b993a1ba118cb153f56dccb';

describe('MSCHAPv2 of RFC 2759 9.2', () => {
  it('hashes the password', () => {
    expect(toHex(ntPasswordHash(password).reveal())).toBe(NT_HASH);
    expect(toHex(md4(fromHex(NT_HASH)))).toBe('41c00c584bd2d91c4017a2a12fa59f3f');
  });

  it('hashes the challenges', () => {
    expect(toHex(challengeHash(challenges))).toBe('d02e4386bce91226');
  });

  it('proves both sides', () => {
    const { ntResponse, authenticatorResponse } = prove(new Secret(fromHex(NT_HASH)), challenges);
    expect(toHex(ntResponse)).toBe('82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df');
    expect(authenticatorResponse).toBe('S=407A5589115FD0D6209F510FE9C04566932CDA56');
  });

  it('leaves the domain out (section 4)', () => {
    const withDomain = { ...challenges, userName: utf8('BIGCO\\User') };
    expect(toHex(challengeHash(withDomain))).toBe('d02e4386bce91226');
  });

  it('takes the password as UTF-16, beyond ASCII and beyond one unit', () => {
    // Independent: MD4 over the code units written out.
    const units = fromHex('fc00' + 'ac20' + '3dd800de');
    expect(toHex(ntPasswordHash(Secret.fromText('ü€😀')).reveal())).toBe(toHex(md4(units)));
  });

  it('refuses a password that is not UTF-8', () => {
    expect(() => ntPasswordHash(new Secret(Uint8Array.of(0xc3)))).toThrow(TypeError);
  });
});

describe('keys of RFC 3079 3.5.3', () => {
  it('are the halves of the MSK: the key the server receives with first', () => {
    const msk = prove(new Secret(fromHex(NT_HASH)), challenges).msk.reveal();
    expect(msk).toHaveLength(64);
    expect(toHex(msk.subarray(16, 32))).toBe(SERVER_SEND_KEY);
    expect(toHex(msk.subarray(0, 16))).not.toBe(SERVER_SEND_KEY);
    expect(toHex(msk.subarray(32))).toBe('00'.repeat(32));
  });
});

describe('DES', () => {
  it('encrypts as FIPS 81 has it', () => {
    // Key 0123456789ABCDEF without its parity bits; "Now is t".
    const bits = [...fromHex('0123456789abcdef')]
      .map((byte) => (byte >> 1).toString(2).padStart(7, '0'))
      .join('');
    const key = Uint8Array.from({ length: 7 }, (_, at) => Number.parseInt(bits.slice(8 * at, 8 * at + 8), 2));
    expect(toHex(desEncrypt(key, fromHex('4e6f772069732074')))).toBe('3fa40e8a984d4815');
  });

  it('takes 7 bytes of key only', () => {
    expect(() => desEncrypt(new Uint8Array(8), new Uint8Array(8))).toThrow(RangeError);
  });
});
