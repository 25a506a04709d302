import { ByteReader, ByteWriter } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';

/** IKEv2 Hash Algorithms: what SIGNATURE_HASH_ALGORITHMS lists (RFC 7427 7, RFC 8420 2). */
export const HashId = { SHA1: 1, SHA2_256: 2, SHA2_384: 3, SHA2_512: 4, IDENTITY: 5 } as const;

/** A hash that signatures are made over, by its IANA id. `digest` is node:crypto's name; sizes in bytes. */
export interface SignatureHash {
  id: number;
  name: string;
  digest: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  bytes: number;
}

/** Weakest first. The identity "hash" is not among them: there is nothing to compute. */
export const signatureHashes: readonly SignatureHash[] = [
  { id: HashId.SHA1, name: 'SHA-1', digest: 'sha1', bytes: 20 },
  { id: HashId.SHA2_256, name: 'SHA-256', digest: 'sha256', bytes: 32 },
  { id: HashId.SHA2_384, name: 'SHA-384', digest: 'sha384', bytes: 48 },
  { id: HashId.SHA2_512, name: 'SHA-512', digest: 'sha512', bytes: 64 },
];

/** The row of an id. @throws RangeError for an id without one */
export function signatureHash(id: number): SignatureHash {
  const hash = signatureHashes.find((row) => row.id === id);
  if (hash === undefined) throw new RangeError(`no hash has the id ${id}`);
  return hash;
}

/** Ids that we verify, for our own SIGNATURE_HASH_ALGORITHMS. @param allowSha1 accept signatures over SHA-1 */
export function announcedHashes(allowSha1 = false): number[] {
  const { SHA1, SHA2_256, SHA2_384, SHA2_512, IDENTITY } = HashId;
  return [SHA2_256, SHA2_384, SHA2_512, IDENTITY, ...(allowSha1 ? [SHA1] : [])];
}

/** The data of our SIGNATURE_HASH_ALGORITHMS: 16-bit ids one after the other (RFC 7427 4). */
export function signatureHashNotifyData(allowSha1 = false): Uint8Array {
  const writer = new ByteWriter();
  for (const id of announcedHashes(allowSha1)) writer.u16(id);
  return writer.finish();
}

/**
 * The ids in a peer's SIGNATURE_HASH_ALGORITHMS, known to us or not, each once.
 * @throws WireError `E_LENGTH` for data that is not whole ids
 */
export function readSignatureHashes(data: Uint8Array): number[] {
  if (data.length % 2 !== 0) {
    throw new WireError('E_LENGTH', `${data.length} bytes are no list of hash algorithms`, data.length);
  }
  const reader = new ByteReader(data);
  const ids = new Set<number>();
  while (reader.remaining > 0) ids.add(reader.u16());
  return [...ids];
}
