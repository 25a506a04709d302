import { createHmac } from 'node:crypto';
import { concatBytes, fromHex, toHex, utf8 } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import { constantTimeEqual } from '../../core/secret.js';
import { type AuditHash, hashBytes, hashOfIkev2Prf, hashOfLength } from './hashes.js';

/** Name and version of a line of IKEv2 material. */
export const IKEV2_MATERIAL = 'ipsec-kit/ikev2-psk-material@1';

/**
 * What a pre-shared key can be tried against: `proof = HMAC(HMAC(key, salt), message)`. Both versions of IKE have this
 * form, with other parts.
 */
export interface AuditTarget {
  kind: 'ikev1-aggressive' | 'ikev2-auth';
  /** Line of the file, from 1. */
  line: number;
  hash: AuditHash;
  salt: Uint8Array;
  message: Uint8Array;
  proof: Uint8Array;
  /** Who proved it: the body of an IKEv1 ID payload, or the identity in words. */
  identity: Uint8Array | string;
}

/** What a client proved to a responder that does not know the key. */
export interface Ikev2Material {
  /** IANA id of the PRF. */
  prf: number;
  /** InitMessage | Nonce | prf(SK_p, ID'), RFC 7296 2.15. */
  octets: Uint8Array;
  /** Data of the AUTH payload. */
  auth: Uint8Array;
  /** The client's identity in words. */
  identity: string;
}

/** Bytes of a file, characters of a line, and lines with material: far above what IKE can send. */
export const LARGEST_MATERIAL = 16 << 20;
const LONGEST_LINE = 1 << 18;
export const MOST_TARGETS = 256;

/** IANA ids of PRFs that are no HMAC, but that a client may well prove a key with (RFC 4434, RFC 4615). */
const aesPrfs: ReadonlyMap<unknown, string> = new Map([
  [4, 'PRF_AES128_XCBC'],
  [8, 'PRF_AES128_CMAC'],
]);

/** A line that is in order but cannot be audited. */
export interface LeftOutLine {
  line: number;
  /** The PRF that audit does not know. */
  prf: string;
}

const KEY_PAD = utf8('Key Pad for IKEv2');

/** One line of a material file, with its line end. */
export function formatIkev2Material({ prf, octets, auth, identity }: Ikev2Material): string {
  const line = { schema: IKEV2_MATERIAL, prf, octets: toHex(octets), auth: toHex(auth), identity };
  return `${JSON.stringify(line)}\n`;
}

/**
 * Reads a file of hashes. Each line is one of an IKEv1 Aggressive Mode exchange as psk-crack has it, nine fields in
 * hexadecimal `g_xr:g_xi:cky_r:cky_i:sai_b:idir_b:ni_b:nr_b:hash_r`, or of IKEv2 as {@link formatIkev2Material} writes
 * it. Empty lines and lines that start with # are passed over.
 * @param onLeftOut is told of proofs by a PRF on AES, which no guess is tried against
 * @throws KitError usage E_PSK_MATERIAL, which names the line
 */
export function parseMaterial(text: string, onLeftOut?: (left: LeftOutLine) => void): AuditTarget[] {
  const leftOut: LeftOutLine[] = [];
  const targets = text.split('\n').flatMap((raw, at) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const target = parseLine(line, at + 1);
    if ('kind' in target) return [target];
    leftOut.push(target);
    return [];
  });
  const [left] = leftOut;
  if (targets.length === 0) {
    throw unusable(
      left ? `It holds only proofs made with ${left.prf}, which is no HMAC.` : 'It holds no hash.',
    );
  }
  for (const each of leftOut) onLeftOut?.(each);
  if (targets.length > MOST_TARGETS) throw unusable(`It holds more than ${MOST_TARGETS} hashes.`);
  return targets;
}

/** Whether a key is the one that the proof was made with. */
export function proves(key: Uint8Array, { hash, salt, message, proof }: AuditTarget): boolean {
  const inner = createHmac(hash, key).update(salt).digest();
  return constantTimeEqual(createHmac(hash, inner).update(message).digest(), proof);
}

function parseLine(text: string, line: number): AuditTarget | LeftOutLine {
  if (text.length > LONGEST_LINE) throw unusable(`Line ${line} is longer than ${LONGEST_LINE} characters.`);
  return text.startsWith('{') ? parseIkev2(text, line) : parseIkev1(text, line);
}

/** RFC 2409 5: SKEYID = prf(psk, Ni_b | Nr_b); HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b). */
function parseIkev1(text: string, line: number): AuditTarget {
  const fields = text.split(':');
  if (fields.length !== 9) {
    throw unusable(
      `Line ${line} has ${fields.length === 1 ? 'no fields' : `${fields.length} fields`}, not nine.`,
    );
  }
  const [gxr, gxi, cookieR, cookieI, sa, identity, nonceI, nonceR, proof] = fields.map((field) =>
    bytesOf(field, line),
  ) as [Field, Field, Field, Field, Field, Field, Field, Field, Field];
  // RFC 2408 3.1, RFC 2409 5: cookies have 8 bytes; an ID payload's body starts with type, protocol and port.
  if (cookieR.length !== 8 || cookieI.length !== 8)
    throw unusable(`Line ${line} has no two cookies of 8 bytes.`);
  if (identity.length < 4) throw unusable(`Line ${line} has an identity of less than 4 bytes.`);
  if (nonceI.length + nonceR.length === 0) throw unusable(`Line ${line} has no nonces.`);
  const hash = hashOfLength(proof.length);
  if (hash === undefined) {
    const known = Object.values(hashBytes).join(', ');
    throw unusable(`Line ${line} ends with a hash of ${proof.length} bytes; known are ${known}.`);
  }
  return {
    kind: 'ikev1-aggressive',
    line,
    hash,
    salt: concatBytes(nonceI, nonceR),
    message: concatBytes(gxr, gxi, cookieR, cookieI, sa, identity),
    proof,
    identity,
  };
}

type Field = Uint8Array;

/** RFC 7296 2.15: AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), octets). */
function parseIkev2(text: string, line: number): AuditTarget | LeftOutLine {
  const { schema, prf, octets, auth, identity } = objectOf(text, line);
  if (schema !== IKEV2_MATERIAL) throw unusable(`Line ${line} is not of schema ${IKEV2_MATERIAL}.`);
  if (typeof prf !== 'number' || typeof identity !== 'string') {
    throw unusable(`Line ${line} lacks the number of the PRF or the identity.`);
  }
  const aes = aesPrfs.get(prf);
  if (aes !== undefined) return { line, prf: aes };
  const hash = hashOfIkev2Prf(prf);
  if (hash === undefined)
    throw unusable(`Line ${line} has PRF ${prf}, which is no HMAC with MD5, SHA-1 or SHA-2.`);
  const proof = bytesOf(auth, line);
  if (proof.length !== hashBytes[hash]) {
    throw unusable(`Line ${line} has an AUTH of ${proof.length} bytes; its PRF makes ${hashBytes[hash]}.`);
  }
  const message = bytesOf(octets, line);
  return { kind: 'ikev2-auth', line, hash, salt: KEY_PAD, message, proof, identity };
}

function objectOf(text: string, line: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below; the parser's own message quotes the line.
  }
  throw unusable(`Line ${line} starts with { and is not JSON.`);
}

function bytesOf(hex: unknown, line: number): Uint8Array {
  if (typeof hex === 'string' && /^([0-9a-f]{2})*$/i.test(hex)) return fromHex(hex);
  throw unusable(`Line ${line} has a field that is not hexadecimal.`);
}

function unusable(what: string): KitError {
  return new KitError('usage', 'E_PSK_MATERIAL', `The file cannot be audited. ${what}`, {
    hint: 'Wanted: lines of nine hexadecimal fields as ipsec-kit probe --save-hash and ike-scan --pskcrack write them, or what ipsec-kit serve --audit-psk wrote.',
  });
}
