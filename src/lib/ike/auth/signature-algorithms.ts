import { ByteReader, concatBytes, equalBytes, fromHex, toHex } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import { HashId, type SignatureHash, signatureHash } from './signature-hashes.js';

/** How octets are signed. */
export type SignatureScheme =
  | { type: 'pkcs1' | 'ecdsa'; hash: SignatureHash }
  /** MGF1 with the same hash; the salt in bytes. */
  | { type: 'pss'; hash: SignatureHash; saltLength: number }
  | { type: 'ed25519' | 'ed448' };

/** A scheme for people. */
export function schemeName(scheme: SignatureScheme): string {
  switch (scheme.type) {
    case 'pkcs1':
      return `RSA (PKCS#1 v1.5) with ${scheme.hash.name}`;
    case 'pss':
      return `RSA-PSS with ${scheme.hash.name}`;
    case 'ecdsa':
      return `ECDSA with ${scheme.hash.name}`;
    case 'ed25519':
      return 'Ed25519';
    case 'ed448':
      return 'Ed448';
  }
}

const Tag = { INTEGER: 0x02, NULL: 0x05, OID: 0x06, SEQUENCE: 0x30 } as const;
/** The parts of RSASSA-PSS-params, each explicitly tagged (RFC 8017 A.2.3). */
const PssTag = { HASH: 0xa0, MASK: 0xa1, SALT: 0xa2, TRAILER: 0xa3 } as const;

const RSASSA_PSS = '2a864886f70d01010a';
const MGF1 = '2a864886f70d010108';

/** Contents of the OIDs of hashes, as RSASSA-PSS names them (RFC 4055 2.1). */
const hashOids: readonly (readonly [oid: string, id: number])[] = [
  ['2b0e03021a', HashId.SHA1],
  ['608648016503040201', HashId.SHA2_256],
  ['608648016503040202', HashId.SHA2_384],
  ['608648016503040203', HashId.SHA2_512],
];

const pkcs1 = (id: number): SignatureScheme => ({ type: 'pkcs1', hash: signatureHash(id) });
const ecdsa = (id: number): SignatureScheme => ({ type: 'ecdsa', hash: signatureHash(id) });

/** Schemes that an OID says all about (RFC 7427 A.1 and A.3, RFC 8420 A), by its contents. */
const schemes: readonly (readonly [oid: string, SignatureScheme])[] = [
  ['2a864886f70d010105', pkcs1(HashId.SHA1)],
  ['2a864886f70d01010b', pkcs1(HashId.SHA2_256)],
  ['2a864886f70d01010c', pkcs1(HashId.SHA2_384)],
  ['2a864886f70d01010d', pkcs1(HashId.SHA2_512)],
  ['2a8648ce3d0401', ecdsa(HashId.SHA1)],
  ['2a8648ce3d040302', ecdsa(HashId.SHA2_256)],
  ['2a8648ce3d040303', ecdsa(HashId.SHA2_384)],
  ['2a8648ce3d040304', ecdsa(HashId.SHA2_512)],
  ['2b6570', { type: 'ed25519' }],
  ['2b6571', { type: 'ed448' }],
];

/** One DER value. What is written here is shorter than 128 bytes, where the length is one byte. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = concatBytes(...parts);
  return concatBytes(Uint8Array.of(tag, value.length), value);
}

const NULL = der(Tag.NULL);

/** The DER AlgorithmIdentifier of a scheme. */
export function encodeAlgorithm(scheme: SignatureScheme): Uint8Array {
  if (scheme.type === 'pss') return encodePss(scheme.hash, scheme.saltLength);
  const name = schemeName(scheme);
  const [oid] = schemes.find(([, known]) => schemeName(known) === name)!;
  return identifier(oid, ...(scheme.type === 'pkcs1' ? [NULL] : []));
}

function identifier(oid: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return der(Tag.SEQUENCE, der(Tag.OID, fromHex(oid)), ...parameters);
}

function encodePss({ id }: SignatureHash, saltLength: number): Uint8Array {
  const [oid] = hashOids.find((row) => row[1] === id)!;
  const hash = identifier(oid, NULL);
  const parts = [
    der(PssTag.HASH, hash),
    der(PssTag.MASK, identifier(MGF1, hash)),
    der(PssTag.SALT, der(Tag.INTEGER, Uint8Array.of(saltLength))),
  ];
  return identifier(RSASSA_PSS, der(Tag.SEQUENCE, ...parts));
}

/**
 * The scheme of a DER AlgorithmIdentifier.
 * @returns undefined for one that is malformed, or whose algorithm or parameters are not known here
 */
export function decodeAlgorithm(bytes: Uint8Array): SignatureScheme | undefined {
  try {
    return whole(bytes, (reader) => {
      const { oid, parameters } = readIdentifier(reader);
      if (oid === RSASSA_PSS) return whole(parameters, readPss);
      const scheme = schemes.find(([known]) => known === oid)?.[1];
      // RFC 4055 5: RSA has NULL parameters, absent ones are to be understood. RFC 5758 3.2, RFC 8410 3: none.
      const fits = scheme?.type === 'pkcs1' ? isNullOrAbsent(parameters) : parameters.length === 0;
      return fits ? scheme : undefined;
    });
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/**
 * Absent parts mean SHA-1, MGF1 with SHA-1, 20 bytes and 1 (RFC 8017 A.2.3). DER leaves out what is the default, and
 * RFC 7427 A.4.2 writes it: both are understood.
 */
function readPss(reader: ByteReader): SignatureScheme | undefined {
  return whole(readValue(reader, Tag.SEQUENCE), (parts) => {
    const hash = readOptional(parts, PssTag.HASH, readHash, HashId.SHA1);
    const mask = readOptional(parts, PssTag.MASK, readMask, HashId.SHA1);
    const saltLength = readOptional(parts, PssTag.SALT, readSmallInteger, 20);
    const trailer = readOptional(parts, PssTag.TRAILER, readSmallInteger, 1);
    // RFC 8017 allows two hashes; nobody uses that, and RFC 4055 3.1 recommends one.
    if (hash === undefined || hash !== mask || saltLength === undefined || trailer !== 1) return undefined;
    return { type: 'pss', hash: signatureHash(hash), saltLength };
  });
}

function readHash(reader: ByteReader): number | undefined {
  const { oid, parameters } = readIdentifier(reader);
  return isNullOrAbsent(parameters) ? hashOids.find(([known]) => known === oid)?.[1] : undefined;
}

function readMask(reader: ByteReader): number | undefined {
  const { oid, parameters } = readIdentifier(reader);
  return oid === MGF1 ? whole(parameters, readHash) : undefined;
}

/** One byte without sign: no hash here is longer, and longer salts make nothing safer. */
function readSmallInteger(reader: ByteReader): number | undefined {
  const [value, ...more] = readValue(reader, Tag.INTEGER);
  return value !== undefined && value < 0x80 && more.length === 0 ? value : undefined;
}

function readIdentifier(reader: ByteReader): { oid: string; parameters: Uint8Array } {
  return whole(readValue(reader, Tag.SEQUENCE), (parts) => ({
    oid: toHex(readValue(parts, Tag.OID)),
    parameters: parts.rest(),
  }));
}

/** A part that may be left out. */
function readOptional<T>(
  reader: ByteReader,
  tag: number,
  read: (part: ByteReader) => T | undefined,
  absent: T,
): T | undefined {
  if (reader.data[reader.offset] !== tag) return absent;
  return whole(readValue(reader, tag), read);
}

/** Reads bytes to their end. @throws WireError for bytes that are left */
function whole<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes);
  const value = read(reader);
  if (reader.remaining > 0) throw new WireError('E_TRAILING', 'bytes after an ASN.1 value', reader.offset);
  return value;
}

/** The contents of the next value. Lengths of 128 and more, which take another form, belong to nothing known here. */
function readValue(reader: ByteReader, tag: number): Uint8Array {
  const at = reader.offset;
  if (reader.u8() !== tag) throw new WireError('E_ASN1', `no ASN.1 value of the tag ${tag}`, at);
  const length = reader.u8();
  if (length > 0x7f) throw new WireError('E_ASN1', 'an ASN.1 value that is too long', at);
  return reader.bytes(length);
}

function isNullOrAbsent(parameters: Uint8Array): boolean {
  return parameters.length === 0 || equalBytes(parameters, NULL);
}
