import { constants, type KeyObject, sign, verify } from 'node:crypto';
import { BitString, Null, ObjectIdentifier, Sequence } from 'asn1js';
import { AlgorithmIdentifier, RSASSAPSSParams } from 'pkijs';
import { attempt, encode, malformed, parseDer } from './asn1.js';
import { describeKey, unsupportedKey } from './keys.js';

type Hash = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';
type Family = 'rsa' | 'rsa-pss' | 'ec' | 'ed25519' | 'ed448';

/** How a certificate, request or list is signed. */
export interface SignatureAlgorithm {
  oid: string;
  /** `ecdsa-with-SHA256`, `RSASSA-PSS with SHA256`; the OID when it is not known. */
  name: string;
  /** undefined for an algorithm that cannot be verified here. */
  family: Family | undefined;
  /** undefined where the algorithm has its own (RFC 8032). */
  hash: Hash | undefined;
  /** RSASSA-PSS only, bytes. */
  saltLength?: number;
}

const PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';

const algorithms: readonly (readonly [oid: string, name: string, family: Family, hash?: Hash])[] = [
  ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption', 'rsa', 'md5'],
  ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption', 'rsa', 'sha1'],
  ['1.2.840.113549.1.1.14', 'sha224WithRSAEncryption', 'rsa', 'sha224'],
  ['1.2.840.113549.1.1.11', 'sha256WithRSAEncryption', 'rsa', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384WithRSAEncryption', 'rsa', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512WithRSAEncryption', 'rsa', 'sha512'],
  ['1.2.840.10045.4.1', 'ecdsa-with-SHA1', 'ec', 'sha1'],
  ['1.2.840.10045.4.3.1', 'ecdsa-with-SHA224', 'ec', 'sha224'],
  ['1.2.840.10045.4.3.2', 'ecdsa-with-SHA256', 'ec', 'sha256'],
  ['1.2.840.10045.4.3.3', 'ecdsa-with-SHA384', 'ec', 'sha384'],
  ['1.2.840.10045.4.3.4', 'ecdsa-with-SHA512', 'ec', 'sha512'],
  // RFC 8410 3: the parameters are absent.
  ['1.3.101.112', 'Ed25519', 'ed25519'],
  ['1.3.101.113', 'Ed448', 'ed448'],
];
const byOid = new Map(algorithms.map((row) => [row[0], row]));

/** Hashes by OID; sizes in bytes. */
const hashes: readonly (readonly [oid: string, hash: Hash, size: number])[] = [
  ['1.3.14.3.2.26', 'sha1', 20],
  ['2.16.840.1.101.3.4.2.4', 'sha224', 28],
  ['2.16.840.1.101.3.4.2.1', 'sha256', 32],
  ['2.16.840.1.101.3.4.2.2', 'sha384', 48],
  ['2.16.840.1.101.3.4.2.3', 'sha512', 64],
];

/** Reads an AlgorithmIdentifier of a signature. @throws KitError `E_CERT_FORMAT` */
export function readSignatureAlgorithm(identifier: AlgorithmIdentifier): SignatureAlgorithm {
  const oid = identifier.algorithmId;
  if (oid === PSS) return readPss(identifier);
  const [, name = oid, family, hash] = byOid.get(oid) ?? [];
  return { oid, name, family, hash };
}

/** RFC 8017 A.2.3: absent parts mean SHA-1, MGF1 with SHA-1 and 20 bytes. */
function readPss({ algorithmParams }: AlgorithmIdentifier): SignatureAlgorithm {
  const what = 'The RSASSA-PSS parameters';
  const params = attempt(what, () =>
    algorithmParams instanceof Sequence
      ? new RSASSAPSSParams({ schema: algorithmParams })
      : new RSASSAPSSParams(),
  );
  const hash = hashes.find(([oid]) => oid === params.hashAlgorithm.algorithmId)?.[1];
  const name = `RSASSA-PSS with ${hash?.toUpperCase() ?? params.hashAlgorithm.algorithmId}`;
  const mask = maskHash(params.maskGenAlgorithm);
  // node:crypto masks with the hash of the message; other pairs are not used by anybody.
  const usable = hash !== undefined && mask === hash && params.trailerField === 1;
  if (params.saltLength < 0 || params.saltLength > 512) throw malformed(what);
  return { oid: PSS, name, family: usable ? 'rsa-pss' : undefined, hash, saltLength: params.saltLength };
}

function maskHash({ algorithmId, algorithmParams }: AlgorithmIdentifier): Hash | undefined {
  if (algorithmId !== MGF1) return undefined;
  if (!(algorithmParams instanceof Sequence)) return 'sha1';
  const [oid] = algorithmParams.valueBlock.value;
  return oid instanceof ObjectIdentifier
    ? hashes.find((row) => row[0] === oid.valueBlock.toString())?.[1]
    : undefined;
}

/** Whether the hash under a signature is broken. */
export function isWeakSignature({ hash }: SignatureAlgorithm): boolean {
  return hash === 'md5' || hash === 'sha1';
}

/** Whether a signature over `data` verifies; false also for a key that does not fit the algorithm. */
export function verifySignature(
  { family, hash, saltLength }: SignatureAlgorithm,
  data: Uint8Array,
  signature: Uint8Array,
  key: KeyObject,
): boolean {
  const type = key.asymmetricKeyType;
  const fits = type === family || (family === 'rsa-pss' && type === 'rsa');
  if (family === undefined || !fits) return false;
  try {
    if (family !== 'rsa-pss') return verify(hash ?? null, data, key, signature);
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return verify(hash, data, { key, padding, saltLength: saltLength ?? 20 }, signature);
  } catch {
    return false;
  }
}

/**
 * The algorithm a key signs with: for RSA PKCS#1 v1.5 with SHA-256, which every client reads; for ECDSA the hash of
 * the curve's size; for a key restricted to PSS that.
 * @param rsaPss RSASSA-PSS for other RSA keys, too
 * @throws KitError usage E_KEY_KIND
 */
export function signatureAlgorithmFor(key: KeyObject, rsaPss = false): AlgorithmIdentifier {
  const { type, curve, text } = describeKey(key);
  switch (type) {
    case 'rsa':
      return rsaPss ? pssIdentifier() : identifier('1.2.840.113549.1.1.11', new Null());
    case 'rsa-pss':
      return pssIdentifier();
    case 'ed25519':
      return identifier('1.3.101.112');
    case 'ed448':
      return identifier('1.3.101.113');
    case 'ec': {
      if (curve === 'P-256') return identifier('1.2.840.10045.4.3.2');
      if (curve === 'P-384') return identifier('1.2.840.10045.4.3.3');
      if (curve === 'P-521') return identifier('1.2.840.10045.4.3.4');
    }
  }
  throw unsupportedKey(text);
}

function identifier(algorithmId: string, algorithmParams?: Null | Sequence): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithmId, ...(algorithmParams && { algorithmParams }) });
}

/** SHA-256, MGF1 with SHA-256, salt as long as the hash. */
function pssIdentifier(): AlgorithmIdentifier {
  const sha256 = identifier('2.16.840.1.101.3.4.2.1', new Null());
  const params = new RSASSAPSSParams({
    hashAlgorithm: sha256,
    maskGenAlgorithm: identifier(MGF1, sha256.toSchema()),
    saltLength: 32,
  });
  return identifier(PSS, params.toSchema());
}

/**
 * Signs what certificates, requests and lists have in common: SEQUENCE { toBeSigned, signatureAlgorithm, signature }.
 * @param rsaPss as for {@link signatureAlgorithmFor}
 * @returns the DER of the whole
 */
export function signStructure(toBeSigned: Uint8Array, key: KeyObject, rsaPss = false): Uint8Array {
  const algorithm = signatureAlgorithmFor(key, rsaPss);
  const { family, hash, saltLength } = readSignatureAlgorithm(algorithm);
  const signature =
    family === 'rsa-pss'
      ? sign(hash, toBeSigned, {
          key,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: saltLength ?? 32,
        })
      : sign(hash ?? null, toBeSigned, key);
  return encode(
    new Sequence({
      value: [
        parseDer(toBeSigned, 'What is to be signed'),
        algorithm.toSchema(),
        new BitString({ valueHex: Uint8Array.from(signature) }),
      ],
    }),
  );
}
