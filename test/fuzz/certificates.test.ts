import { sign } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { concatBytes, toHex, utf8 } from '../../src/lib/core/bytes.js';
import { KitError } from '../../src/lib/core/errors.js';
import { announcedHashes, createSigner, verifySignature } from '../../src/lib/ike/auth/signature.js';
import type { AuthValue } from '../../src/lib/ike/auth/types.js';
import { parseIdentity } from '../../src/lib/ike/identity.js';
import type { Certificate } from '../../src/lib/pki/certificate.js';
import { basicConstraints, crlDistributionPoint, nameConstraints } from '../../src/lib/pki/extensions.js';
import { parseConstraint, parseGeneralName } from '../../src/lib/pki/general-name.js';
import type { Issuer } from '../../src/lib/pki/issue.js';
import { ExtendedKeyUsage } from '../../src/lib/pki/oids.js';
import { validatePeer } from '../../src/lib/pki/peer.js';
import { below, leaf, NOW, rootCa } from '../unit/pki/build.js';
import { craft, delegate, endExtensions, ocspResponse } from '../unit/pki/craft.js';
import { createRandom, mutate } from './mutate.js';
import { mutateDer } from './mutate-der.js';

const count = Number(process.env.IPSEC_KIT_FUZZ_COUNT ?? 200_000);
const baseSeed = Number(process.env.IPSEC_KIT_FUZZ_SEED ?? 7427);

let root: Issuer;
let middle: Issuer;
let samples: Certificate[];
let responses: Uint8Array[];
/** Keys that sign with and without RFC 7427. */
let signers: Issuer[];

beforeAll(async () => {
  root = await rootCa({ kind: 'ed25519', permit: ['dns:example.com', 'dn:O=Test'] });
  middle = await below(root, 'O=Test, CN=Middle');
  const names = [
    'vpn.example.com',
    'alice@example.com',
    '192.0.2.1',
    '2001:db8::1',
    'uri:https://example.com/',
  ];
  const usages = [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth];
  const rich = await craft(root, {
    name: 'O=Test, OU=Everything, CN=rich',
    kind: 'rsa-2048',
    extensions: [
      ...endExtensions(names, usages),
      crlDistributionPoint('http://example.com/ca.crl'),
      nameConstraints({
        permitted: [parseConstraint('ip:10.0.0.0/8')],
        excluded: [parseGeneralName('dn:CN=x')],
      }),
    ],
  });
  const ca = await craft(root, {
    name: 'O=Test, CN=CA',
    kind: 'ed448',
    extensions: [basicConstraints(true, 3)],
  });
  const ends = [await leaf(root), await leaf(root, { kind: 'ecdsa-p384' }), await leaf(middle), rich, ca];
  samples = [...ends.map(({ certificate }) => certificate), middle.certificate];
  signers = [await leaf(root, { kind: 'rsa-2048' }), await leaf(root, { kind: 'ecdsa-p256' })];
  const signer = await delegate(root, { kind: 'ed25519' });
  const certificates = [signer.certificate];
  responses = samples
    .slice(0, 2)
    .flatMap((certificate) => [
      ocspResponse(certificate, root),
      ocspResponse(certificate, root, { signer, certificates, status: 'revoked', hash: 'sha256' }),
    ]);
});

/** What is to be signed, signed by the root: a certificate that only a CA gone astray would issue. */
function signAnew(toBeSigned: Uint8Array): Uint8Array {
  const algorithm = Uint8Array.from([0x30, 5, 6, 3, 0x2b, 0x65, 0x70]);
  const signature = concatBytes(Uint8Array.from([3, 65, 0]), sign(null, toBeSigned, root.key));
  const { length } = concatBytes(toBeSigned, algorithm, signature);
  const head = Uint8Array.from([0x30, 0x82, length >> 8, length & 0xff]);
  return concatBytes(head, toBeSigned, algorithm, signature);
}

/** `ok`, or the code of the refusal. Anything else that is thrown goes through. */
function outcome(work: () => unknown): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    if (error instanceof KitError && (error.kind === 'refused' || error.kind === 'garbage'))
      return error.code;
    throw error;
  }
}

/** Mostly bytes anywhere, which is quick; one in eight with all lengths right, half of those with a signature that is. */
function mutateCertificate(
  sample: Certificate,
  others: readonly Uint8Array[],
  random: ReturnType<typeof createRandom>,
): Uint8Array {
  if (random(8) > 0) return mutate([sample.der, ...others], random);
  return random(2) === 0
    ? mutateDer(sample.der, others, random)
    : signAnew(mutateDer(sample.toBeSigned, others, random));
}

interface Case {
  input: Uint8Array;
  judge: () => unknown;
}

/** Runs one case for each seed and counts outcomes; shows the bytes when something goes wrong. */
function fuzz(cases: number, make: (random: ReturnType<typeof createRandom>) => Case): Map<string, number> {
  const seen = new Map<string, number>();
  for (let i = 0; i < cases; i++) {
    const { input, judge } = make(createRandom((baseSeed + i) >>> 0));
    try {
      const code = outcome(judge);
      seen.set(code, (seen.get(code) ?? 0) + 1);
    } catch (error) {
      throw new Error(`${String(error)}\n${toHex(input)}`, { cause: error });
    }
  }
  return seen;
}

it(`judges ${count} mutated certificates and OCSP responses without an error that is not its own`, {
  timeout: 600_000,
}, () => {
  const identity = parseIdentity('vpn.example.com')!;
  const ders = samples.map(({ der }) => der);
  const seen = fuzz(count, (random) => {
    const own = mutateCertificate(samples[random(samples.length)]!, ders, random);
    const stapled = random(16) === 0 ? [mutateDer(responses[random(responses.length)]!, ders, random)] : [];
    const peer = {
      certificates: [own, ...(random(8) === 0 ? [middle.certificate.der] : [])],
      ocspResponses: stapled,
      identity,
      role: random(2) === 0 ? 'initiator' : 'responder',
    } as const;
    const input = concatBytes(own, ...stapled);
    return { input, judge: () => validatePeer(peer, { anchors: [root.certificate], now: NOW }) };
  });
  // Every stage has to be reached, or the mutations are too rough or too gentle to test anything.
  if (count < 10_000) return;
  const codes = ['ok', 'E_CERT_FORMAT', 'E_CERT_SIGNATURE', 'E_CERT_NAME', 'E_CERT_NAME_CONSTRAINT'];
  for (const code of codes) expect(seen.get(code), code).toBeGreaterThan(count / 1000);
});

it('judges mutated signatures without an error that is not its own, and takes none that was changed', {
  timeout: 600_000,
}, () => {
  const octets = utf8('octets');
  const made: [Certificate['publicKey'], AuthValue][] = [];
  for (const { key, certificate } of signers) {
    for (const hashes of [announcedHashes(), undefined]) {
      for (const rsaScheme of ['pss', 'pkcs1'] as const) {
        const signer = createSigner({ key, certificates: [], rsaScheme });
        const { method, data } = signer.sign(octets, hashes);
        made.push([certificate.publicKey, { method, data }]);
      }
    }
  }
  const all = made.map(([, { data }]) => data);
  const originals = new Set(all.map(toHex));
  const seen = fuzz(Math.ceil(count / 4), (random) => {
    const [key, { method }] = made[random(made.length)]!;
    const input = mutate(all, random);
    const data = originals.has(toHex(input)) ? new Uint8Array(0) : input;
    const value = { method: random(16) === 0 ? random(256) : method, data };
    const allowSha1 = random(2) === 0;
    return { input, judge: () => verifySignature({ key: key!, value, octets, allowSha1 }) };
  });
  expect(seen.get('ok')).toBeUndefined();
  if (count < 10_000) return;
  for (const code of ['E_SIGNATURE_ALGORITHM', 'E_SIGNATURE_INVALID'])
    expect(seen.get(code), code).toBeGreaterThan(0);
});
