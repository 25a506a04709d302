import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { afterAll, describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from '../../../../src/lib/core/bytes.js';
import { KitError, WireError } from '../../../../src/lib/core/errors.js';
import {
  createSigner,
  isSignatureMethod,
  readSignatureHashes,
  signatureHashNotifyData,
} from '../../../../src/lib/ike/auth/signature.js';
import type { AuthValue } from '../../../../src/lib/ike/auth/types.js';
import { hasOpenssl, openssl } from '../../pki/build.js';
import { ALL, check, generate, kinds, names, octets, pairs, rsa, signWith } from './signing.js';

function refusal(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof KitError ? `${error.kind} ${error.code}` : String(error);
  }
}

describe('a signature for a peer that knows RFC 7427', () => {
  it.each<[key: string, hashes: readonly number[], scheme: string]>([
    ['RSA 2048', ALL, 'RSA-PSS with SHA-256'],
    ['RSA 2048', [1, 4, 3], 'RSA-PSS with SHA-384'],
    ['RSA 2048', [4], 'RSA-PSS with SHA-512'],
    ['RSA-PSS 2048', ALL, 'RSA-PSS with SHA-256'],
    ['RSA-PSS 2048 for SHA-384', ALL, 'RSA-PSS with SHA-384'],
    ['ECDSA P-256', ALL, 'ECDSA P-256 with SHA-256'],
    ['ECDSA P-256', [4], 'ECDSA P-256 with SHA-512'],
    ['ECDSA P-384', ALL, 'ECDSA P-384 with SHA-384'],
    ['ECDSA P-384', [2, 4], 'ECDSA P-384 with SHA-512'],
    ['ECDSA P-384', [2], 'ECDSA P-384 with SHA-256'],
    ['ECDSA P-521', ALL, 'ECDSA P-521 with SHA-512'],
    ['ECDSA P-521', [2, 3], 'ECDSA P-521 with SHA-384'],
    ['Ed25519', ALL, 'Ed25519'],
    ['Ed448', [5], 'Ed448'],
  ])('with %s and the hashes %j is %s, and verifies', (name, hashes, scheme) => {
    const value = signWith(name, hashes);
    expect(value).toMatchObject({ method: 14, scheme, sha1: false });
    expect(check(pairs[name]!.publicKey, value)).toBe(scheme);
  });

  it('is PKCS#1 v1.5 with RSA when that is asked for, except with a key that is for RSA-PSS only', () => {
    expect(signWith('RSA 2048', ALL, 'pkcs1').scheme).toBe('RSA (PKCS#1 v1.5) with SHA-256');
    expect(check(rsa.publicKey, signWith('RSA 2048', [4], 'pkcs1'))).toBe('RSA (PKCS#1 v1.5) with SHA-512');
    expect(signWith('RSA-PSS 2048', ALL, 'pkcs1').scheme).toBe('RSA-PSS with SHA-256');
  });

  it.each([
    ['RSA 2048', [1, 5]],
    ['RSA 2048', []],
    ['RSA-PSS 2048 for SHA-384', [2, 4]],
    ['ECDSA P-256', [1, 5, 6]],
    ['Ed25519', [1, 2, 3, 4]],
    ['Ed448', [2]],
  ])('with %s and the hashes %j is refused: SHA-1 is no way out', (name, hashes) => {
    expect(refusal(() => signWith(name, hashes))).toBe('refused E_SIGNATURE_HASH');
  });

  it('is refused with a key that is too short for the hash', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const signer = createSigner({ key: privateKey, certificates: [] });
    expect(refusal(() => signer.sign(octets, [4]))).toBe('refused E_SIGNATURE_HASH');
  });
});

describe('a signature for a peer that does not', () => {
  it('is method 1 over SHA-1 with RSA, which the peer accepts only when told to', () => {
    const value = signWith('RSA 2048', undefined);
    expect(value).toMatchObject({ method: 1, scheme: 'RSA (PKCS#1 v1.5) with SHA-1', sha1: true });
    expect(check(rsa.publicKey, value)).toBe('E_SIGNATURE_SHA1');
    expect(check(rsa.publicKey, value, true)).toBe('RSA (PKCS#1 v1.5) with SHA-1');
  });

  it.each([
    ['ECDSA P-256', 9, 64, p256],
    ['ECDSA P-384', 10, 96, p384],
    ['ECDSA P-521', 11, 132, p521],
  ] as const)('is r and s side by side with %s (method %i)', (name, method, length, curve) => {
    const value = signWith(name, undefined);
    expect(value).toMatchObject({ method, sha1: false });
    expect(value.data).toHaveLength(length);
    expect(check(pairs[name]!.publicKey, value)).toBe(value.scheme);
    const { x, y } = pairs[name]!.publicKey.export({ format: 'jwk' });
    const point = Buffer.concat([
      Buffer.of(4),
      Buffer.from(x as string, 'base64url'),
      Buffer.from(y as string, 'base64url'),
    ]);
    expect(curve.verify(value.data, octets, new Uint8Array(point), { lowS: false })).toBe(true);
  });

  it.each(['Ed25519', 'Ed448', 'RSA-PSS 2048'])('does not exist with %s', (name) => {
    expect(refusal(() => signWith(name, undefined))).toBe('refused E_SIGNATURE_HASH');
  });
});

it('no signer is made of keys that cannot sign for IKE', () => {
  const p224 = generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).privateKey;
  const x25519 = generateKeyPairSync('x25519').privateKey;
  for (const key of [p224, x25519, rsa.publicKey]) {
    expect(refusal(() => createSigner({ key, certificates: [] }))).toBe('usage E_KEY_KIND');
  }
});

it('a signer carries what goes with the key', () => {
  const certificates = [Uint8Array.of(1)];
  const ocspResponse = Uint8Array.of(2);
  const signer = createSigner({ key: rsa.privateKey, certificates, ocspResponse });
  expect(signer).toMatchObject({ certificates, ocspResponse });
});

describe('method 1', () => {
  it.each(['sha256', 'sha384', 'sha512'])('may be over %s, which the signature itself says', (digest) => {
    const data = new Uint8Array(sign(digest, octets, rsa.privateKey));
    const name = digest.toUpperCase().replace('SHA', 'SHA-');
    expect(check(rsa.publicKey, { method: 1, data })).toBe(`RSA (PKCS#1 v1.5) with ${name}`);
  });

  it('may not be over another hash, nor RSA-PSS', () => {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const data = [
      sign('sha224', octets, rsa.privateKey),
      sign('md5', octets, rsa.privateKey),
      sign('sha256', octets, { key: rsa.privateKey, padding, saltLength: 32 }),
    ];
    for (const each of data) {
      expect(check(rsa.publicKey, { method: 1, data: new Uint8Array(each) }, true)).toBe(
        'E_SIGNATURE_INVALID',
      );
    }
  });
});

describe('a signature that does not verify', () => {
  const cases = names.flatMap((name) => {
    const values: AuthValue[] = [signWith(name, ALL)];
    if (name.startsWith('ECDSA') || name === 'RSA 2048') values.push(signWith(name, undefined));
    if (name === 'RSA 2048') values.push(signWith(name, ALL, 'pkcs1'));
    return values.map((value) => [name, value.method, value.data] as const);
  });

  it.each(cases)('is refused: %s, method %i, other octets or another key', (name, method, data) => {
    const value = { method, data };
    const { publicKey } = pairs[name]!;
    expect(check(publicKey, value, true)).not.toMatch(/^E_/);
    expect(check(publicKey, value, true, utf8('something else'))).toBe('E_SIGNATURE_INVALID');
    const stranger = generate(...kinds[name]!).publicKey;
    expect(check(stranger, value, true)).toBe('E_SIGNATURE_INVALID');
  });

  it.each(cases)(
    'is refused: %s, method %i, cut off anywhere or with a byte too many',
    (name, method, data) => {
      const { publicKey } = pairs[name]!;
      for (let length = 0; length < data.length; length++) {
        expect(check(publicKey, { method, data: data.subarray(0, length) }, true)).toMatch(
          /^E_SIGNATURE_(ALGORITHM|INVALID)$/,
        );
      }
      for (const more of [concatBytes(data, Uint8Array.of(0)), concatBytes(Uint8Array.of(0), data)]) {
        expect(check(publicKey, { method, data: more }, true)).toMatch(/^E_SIGNATURE_(ALGORITHM|INVALID)$/);
      }
    },
  );

  it.each(cases)('is refused: %s, method %i, with any bit changed', (name, method, data) => {
    const { publicKey } = pairs[name]!;
    // The long curves are slow; every byte is still reached.
    const stride = /P-384|P-521/.test(name) ? 5 : 1;
    for (let bit = 0; bit < data.length * 8; bit += stride) {
      const changed = data.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const result = check(publicKey, { method, data: changed });
      expect(result, `bit ${bit}`).toMatch(/^E_SIGNATURE_(ALGORITHM|INVALID|SHA1)$/);
    }
  });

  it('is refused for the wrong kind of key', () => {
    for (const [name, method, data] of cases) {
      const value = { method, data };
      for (const other of names) {
        const { asymmetricKeyType: type, asymmetricKeyDetails: details } = pairs[other]!.publicKey;
        const own = pairs[name]!.publicKey;
        // Any key of RSA can be asked about RSA-PSS, and any curve about ECDSA with whatever hash.
        const alike =
          type === own.asymmetricKeyType && details?.namedCurve === own.asymmetricKeyDetails?.namedCurve;
        if (
          alike ||
          other.startsWith('RSA') ||
          (value.method === 14 && type === 'ec' && name.startsWith('ECDSA'))
        )
          continue;
        expect(check(pairs[other]!.publicKey, value, true), `${name} as ${other}`).toBe(
          'E_SIGNATURE_ALGORITHM',
        );
      }
    }
    expect(check(pairs['RSA-PSS 2048']!.publicKey, signWith('RSA 2048', undefined), true)).toBe(
      'E_SIGNATURE_ALGORITHM',
    );
    expect(check(pairs['RSA-PSS 2048']!.publicKey, signWith('RSA 2048', ALL, 'pkcs1'))).toBe(
      'E_SIGNATURE_ALGORITHM',
    );
  });

  it.each([0, 2, 3, 12, 13, 15, 255])('is refused: method %i', (method) => {
    expect(isSignatureMethod(method)).toBe(false);
    expect(check(rsa.publicKey, { method, data: new Uint8Array(64) })).toBe('E_SIGNATURE_ALGORITHM');
  });
});

describe('SIGNATURE_HASH_ALGORITHMS', () => {
  it('lists SHA-2 and the identity, and SHA-1 only where it is accepted', () => {
    expect(toHex(signatureHashNotifyData())).toBe('0002000300040005');
    expect(toHex(signatureHashNotifyData(true))).toBe('00020003000400050001');
  });

  it('is read whatever it lists, each number once', () => {
    expect(readSignatureHashes(fromHex('00020003ffff00020007'))).toEqual([2, 3, 0xffff, 7]);
    expect(readSignatureHashes(new Uint8Array(0))).toEqual([]);
    expect(() => readSignatureHashes(fromHex('000200'))).toThrow(WireError);
  });
});

describe.skipIf(!hasOpenssl)('openssl (skipped where the command is missing)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signature-'));
  const file = (name: string, contents: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, contents);
    return path;
  };

  afterAll(() => rmSync(folder, { recursive: true }));

  const pssOptions = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'];
  it.each<[key: string, hashes: readonly number[], digest: string, options: string[]]>([
    ['RSA 2048', [2], '-sha256', pssOptions],
    ['RSA 2048', [4], '-sha512', pssOptions],
    ['RSA-PSS 2048 for SHA-384', ALL, '-sha384', pssOptions],
    ['ECDSA P-256', ALL, '-sha256', []],
    ['ECDSA P-384', ALL, '-sha384', []],
    ['ECDSA P-521', ALL, '-sha512', []],
  ])('verifies and makes the same: %s, hashes %j', (name, hashes, digest, options) => {
    const { publicKey, privateKey } = pairs[name]!;
    const { data } = signWith(name, hashes);
    const algorithm = data.subarray(0, 1 + data[0]!);
    const signature = file('signature', data.subarray(algorithm.length));
    const message = file('message', octets);
    const pub = file('pub.pem', publicKey.export({ type: 'spki', format: 'pem' }).toString());
    const key = file('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const verified = openssl('dgst', digest, ...options, '-verify', pub, '-signature', signature, message);
    expect(verified.output).toContain('Verified OK');
    const made = join(folder, 'made');
    expect(openssl('dgst', digest, ...options, '-sign', key, '-out', made, message).status).toBe(0);
    const value = { method: 14, data: concatBytes(algorithm, new Uint8Array(readFileSync(made))) };
    expect(check(publicKey, value)).toContain(digest.replace('-sha', 'SHA-'));
  });
});
