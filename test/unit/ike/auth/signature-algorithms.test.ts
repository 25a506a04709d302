import { constants, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex } from '../../../../src/lib/core/bytes.js';
import { check, generate, octets, pairs, rsa } from './signing.js';

describe('the Digital Signature method with ECDSA', () => {
  const withEcdsa = (key: KeyObject, signature: Uint8Array): string => {
    const algorithm = fromHex('0c300a06082a8648ce3d040302');
    return check(key, { method: 14, data: concatBytes(algorithm, signature) });
  };

  it('takes other curves of peers, too', () => {
    const { privateKey, publicKey } = generate('ec', { namedCurve: 'brainpoolP256r1' });
    const signature = new Uint8Array(sign('sha256', octets, privateKey));
    expect(withEcdsa(publicKey, signature)).toBe('ECDSA brainpoolP256r1 with SHA-256');
  });

  it('refuses r and s that are no DER: side by side, with zeros in front, or in a long form', () => {
    const { privateKey, publicKey } = pairs['ECDSA P-256']!;
    const raw = new Uint8Array(sign('sha256', octets, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
    const integer = (value: Uint8Array, padding: number): Uint8Array =>
      concatBytes(Uint8Array.of(2, value.length + padding), new Uint8Array(padding), value);
    const sequence = (padding: number, ...head: number[]): Uint8Array => {
      const parts = concatBytes(integer(raw.subarray(0, 32), padding), integer(raw.subarray(32), padding));
      return concatBytes(Uint8Array.from([0x30, ...head, parts.length]), parts);
    };
    expect(withEcdsa(publicKey, new Uint8Array(sign('sha256', octets, privateKey)))).toContain('P-256');
    for (const signature of [raw, sequence(2), sequence(9), sequence(2, 0x81)]) {
      expect(withEcdsa(publicKey, signature)).toBe('E_SIGNATURE_INVALID');
    }
  });
});

describe('the AlgorithmIdentifier', () => {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const SHA256 = '0609608648016503040201';
  const SHA512 = '0609608648016503040203';
  const MGF1 = '06092a864886f70d010108';
  const der = (tag: string, contents: string): string =>
    tag + (contents.length / 2).toString(16).padStart(2, '0') + contents;
  const pssWith = (...parts: string[]): string =>
    der('30', `06092a864886f70d01010a${der('30', parts.join(''))}`);
  const hashPart = (oid: string, parameters = '0500'): string => der('a0', der('30', oid + parameters));
  const maskPart = (oid: string, parameters = '0500'): string =>
    der('a1', der('30', MGF1 + der('30', oid + parameters)));
  const saltPart = (length: number): string => `a2030201${length.toString(16).padStart(2, '0')}`;

  function checkPss(identifier: string, hash: string, saltLength: number, allowSha1 = false): string {
    const signature = new Uint8Array(sign(hash, octets, { key: rsa.privateKey, padding, saltLength }));
    const algorithm = fromHex(identifier);
    const data = concatBytes(Uint8Array.of(algorithm.length), algorithm, signature);
    return check(rsa.publicKey, { method: 14, data }, allowSha1);
  }

  it.each([0, 20, 32, 100])('of RSASSA-PSS says how long the salt is: %i bytes', (salt) => {
    const identifier = pssWith(hashPart(SHA256), maskPart(SHA256), saltPart(salt));
    expect(checkPss(identifier, 'sha256', salt)).toBe('RSA-PSS with SHA-256');
    expect(checkPss(identifier, 'sha256', salt + 1)).toBe('E_SIGNATURE_INVALID');
  });

  it('of RSASSA-PSS is understood without the NULL of hashes and with the trailer written out', () => {
    const short = pssWith(hashPart(SHA256, ''), maskPart(SHA256, ''), saltPart(32));
    expect(checkPss(short, 'sha256', 32)).toBe('RSA-PSS with SHA-256');
    const long = pssWith(hashPart(SHA256), maskPart(SHA256), saltPart(32), 'a303020101');
    expect(checkPss(long, 'sha256', 32)).toBe('RSA-PSS with SHA-256');
  });

  it('of RSASSA-PSS means SHA-1 where it says nothing', () => {
    expect(checkPss(pssWith(), 'sha1', 20)).toBe('E_SIGNATURE_SHA1');
    expect(checkPss(pssWith(), 'sha1', 20, true)).toBe('RSA-PSS with SHA-1');
  });

  it.each<[what: string, identifier: string]>([
    ['two hashes', pssWith(hashPart(SHA256), maskPart(SHA512), saltPart(32))],
    ['SHA-1 for the mask', pssWith(hashPart(SHA256), saltPart(32))],
    ['another mask', pssWith(hashPart(SHA256), maskPart(SHA256).replace(MGF1, SHA256), saltPart(32))],
    ['parts in another order', pssWith(maskPart(SHA256), hashPart(SHA256), saltPart(32))],
    ['a part twice', pssWith(hashPart(SHA256), hashPart(SHA256), maskPart(SHA256), saltPart(32))],
    ['a negative salt', pssWith(hashPart(SHA256), maskPart(SHA256), 'a2030201fe')],
    ['a salt in two bytes', pssWith(hashPart(SHA256), maskPart(SHA256), 'a20402020020')],
    ['an empty salt', pssWith(hashPart(SHA256), maskPart(SHA256), 'a2020200')],
    ['another trailer', pssWith(hashPart(SHA256), maskPart(SHA256), saltPart(32), 'a303020102')],
    ['a part too many', pssWith(hashPart(SHA256), maskPart(SHA256), saltPart(32), 'a403020101')],
    ['something beside the hash', pssWith(hashPart(SHA256, '05000500'), maskPart(SHA256), saltPart(32))],
    ['no parameters', der('30', '06092a864886f70d01010a')],
    ['NULL parameters', der('30', '06092a864886f70d01010a0500')],
    [
      'SHA-224',
      pssWith(hashPart('0609608648016503040204'), maskPart('0609608648016503040204'), saltPart(28)),
    ],
    ['a long form of length', `3081${pssWith(hashPart(SHA256), maskPart(SHA256), saltPart(32)).slice(2)}`],
    ['an indefinite length', '30800609 2a864886f70d01010b 0500 0000'.replaceAll(' ', '')],
    ['bytes behind', `${pssWith(hashPart(SHA256), maskPart(SHA256), saltPart(32))}00`],
    ['nothing', ''],
  ])('of RSASSA-PSS is refused with %s', (_, identifier) => {
    expect(checkPss(identifier, 'sha256', 32, true)).toBe('E_SIGNATURE_ALGORITHM');
  });

  it('of RSA may lack its NULL, and that of ECDSA and EdDSA may not have one', () => {
    const withIdentifier = (name: string, identifier: string, signature: Uint8Array): string => {
      const algorithm = fromHex(identifier);
      const data = concatBytes(Uint8Array.of(algorithm.length), algorithm, signature);
      return check(pairs[name]!.publicKey, { method: 14, data });
    };
    const made = (name: string, digest: string | null): Uint8Array =>
      new Uint8Array(sign(digest, octets, pairs[name]!.privateKey));
    const rsaSignature = made('RSA 2048', 'sha256');
    expect(withIdentifier('RSA 2048', '300b06092a864886f70d01010b', rsaSignature)).toContain('SHA-256');
    expect(withIdentifier('RSA 2048', '300f06092a864886f70d01010b05000500', rsaSignature)).toBe(
      'E_SIGNATURE_ALGORITHM',
    );
    expect(
      withIdentifier('ECDSA P-256', '300a06082a8648ce3d040302', made('ECDSA P-256', 'sha256')),
    ).toContain('P-256');
    expect(withIdentifier('ECDSA P-256', '300c06082a8648ce3d0403020500', made('ECDSA P-256', 'sha256'))).toBe(
      'E_SIGNATURE_ALGORITHM',
    );
    expect(withIdentifier('Ed25519', '300706032b65700500', made('Ed25519', null))).toBe(
      'E_SIGNATURE_ALGORITHM',
    );
  });

  it.each([
    ['RSA 2048', '300d06092a864886f70d0101050500'],
    ['ECDSA P-256', '300906072a8648ce3d0401'],
  ])('of %s with SHA-1 is refused unless allowed', (name, identifier) => {
    const algorithm = fromHex(identifier);
    const signature = new Uint8Array(sign('sha1', octets, pairs[name]!.privateKey));
    const value = { method: 14, data: concatBytes(Uint8Array.of(algorithm.length), algorithm, signature) };
    expect(check(pairs[name]!.publicKey, value)).toBe('E_SIGNATURE_SHA1');
    expect(check(pairs[name]!.publicKey, value, true)).toContain('SHA-1');
  });
});
