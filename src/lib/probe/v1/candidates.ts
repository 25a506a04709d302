import { Auth, type Cipher, Encryption, Hash, type Phase1, phase1Key } from './phase1.js';

const { DES, IDEA, BLOWFISH, RC5, TRIPLE_DES, CAST, AES, CAMELLIA } = Encryption;
const { MD5, SHA1, SHA256, SHA384, SHA512 } = Hash;

/** Met everywhere, asked about in every combination. */
const usualCiphers: readonly Cipher[] = [
  { encr: AES, keyLength: 256 },
  { encr: AES, keyLength: 128 },
  { encr: AES, keyLength: 192 },
  { encr: TRIPLE_DES },
  { encr: DES },
];

/** Met seldom, and with old hashes and groups. */
const rareCiphers: readonly Cipher[] = [
  { encr: CAMELLIA, keyLength: 256 },
  { encr: CAMELLIA, keyLength: 192 },
  { encr: CAMELLIA, keyLength: 128 },
  { encr: BLOWFISH },
  { encr: BLOWFISH, keyLength: 128 },
  { encr: CAST },
  { encr: IDEA },
  { encr: RC5 },
];

const hashes: readonly number[] = [SHA1, SHA256, MD5, SHA512, SHA384];

/** Groups 3 and 4, over GF[2^N], nobody implements. */
const groups: readonly number[] = [
  2, 14, 5, 1, 19, 20, 21, 15, 16, 17, 18, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
];

/** Authentication methods that are asked about once a suite is known, the most usual first. */
const methods: readonly number[] = [
  Auth.PSK,
  Auth.RSA,
  Auth.XAUTH_PSK,
  Auth.HYBRID_RSA,
  Auth.XAUTH_RSA,
  Auth.ECDSA_256,
  Auth.ECDSA_384,
  Auth.ECDSA_521,
  Auth.DSS,
  Auth.RSA_ENCRYPTION,
  Auth.RSA_REVISED_ENCRYPTION,
];

/** A number that IANA never assigned: who accepts it decides about authentication later, or not at all. */
export const METHOD_OF_NOBODY = 12;

function combine(
  ciphers: readonly Cipher[],
  ofHashes: readonly number[],
  ofGroups: readonly number[],
  auth: number,
): Phase1[] {
  return ofGroups.flatMap((group) =>
    ciphers.flatMap((cipher) => ofHashes.map((hash) => ({ ...cipher, hash, auth, group }))),
  );
}

/**
 * Questions for a gateway of which nothing is known, 36 combinations each: what tunnels between sites are usually
 * configured with, what newer and the oldest ones are, and what remote access is.
 */
export const contactOffers: readonly (readonly Phase1[])[] = [
  [Auth.PSK, Auth.RSA].flatMap((auth) => [
    ...combine(usualCiphers.slice(0, 2), [SHA1, SHA256], [2, 14, 5], auth),
    ...combine([{ encr: TRIPLE_DES }], [SHA1, MD5], [2, 14, 5], auth),
  ]),
  [Auth.RSA, Auth.PSK].flatMap((auth) => [
    ...combine(usualCiphers.slice(0, 1), [SHA256], [19, 20, 21, 15, 16, 31], auth),
    ...combine(usualCiphers.slice(0, 1), [SHA384, SHA512], [14, 20], auth),
    ...combine(usualCiphers.slice(1, 2), [SHA1], [1, 15, 19], auth),
    ...combine([{ encr: DES }], [MD5, SHA1], [1, 2], auth),
    ...combine([{ encr: TRIPLE_DES }], [SHA1], [1], auth),
  ]),
  [Auth.XAUTH_PSK, Auth.HYBRID_RSA, Auth.XAUTH_RSA].flatMap((auth) =>
    combine([...usualCiphers.slice(0, 2), { encr: TRIPLE_DES }], [SHA1, SHA256], [2, 14], auth),
  ),
];

/** A suite with every other authentication method, and first with one that nobody has. */
export function otherMethods(base: Phase1): Phase1[] {
  const others = methods.filter((auth) => auth !== base.auth);
  return [METHOD_OF_NOBODY, ...others].map((auth) => ({ ...base, auth }));
}

/** A suite with each of its algorithms changed in turn. */
export function neighbours(base: Phase1): Phase1[] {
  const { hash, auth, group } = base;
  return unique([
    ...[...usualCiphers, ...rareCiphers].map((cipher) => ({ ...cipher, hash, auth, group })),
    ...hashes.map((other) => ({ ...base, hash: other })),
    ...groups.map((other) => ({ ...base, group: other })),
  ]);
}

/** Every combination worth asking about with one authentication method: 646. */
export function everything(auth: number): Phase1[] {
  return [
    ...combine(usualCiphers, hashes, groups, auth),
    ...combine(rareCiphers, [SHA1, MD5, SHA256], [2, 14, 5, 1], auth),
  ];
}

/** All combinations of algorithms that occur in accepted suites. */
export function product(accepted: readonly Phase1[], auth: number): Phase1[] {
  const ciphers = accepted.map(({ encr, keyLength }) => ({
    encr,
    ...(keyLength !== undefined && { keyLength }),
  }));
  const all = combine(
    ciphers,
    accepted.map(({ hash }) => hash),
    accepted.map(({ group }) => group),
    auth,
  );
  return unique(all);
}

/** What Aggressive Mode is asked with one group, whose public value comes with the question: 25 combinations. */
export function aggressiveOffer(auth: number, group: number): Phase1[] {
  return combine(usualCiphers, hashes, [group], auth);
}

/** What remote access uses, with several methods at once: 6 combinations of each. */
export function remoteAccessOffer(methods: readonly number[], group: number): Phase1[] {
  const ciphers = [...usualCiphers.slice(0, 2), { encr: TRIPLE_DES }];
  return methods.flatMap((auth) => combine(ciphers, [SHA1, SHA256], [group], auth));
}

function unique(candidates: readonly Phase1[]): Phase1[] {
  return [...new Map(candidates.map((candidate) => [phase1Key(candidate), candidate])).values()];
}
