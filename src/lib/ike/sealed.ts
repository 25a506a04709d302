import { concatBytes } from '../core/bytes.js';
import type { Entropy } from '../core/environment.js';
import { KitError, WireError } from '../core/errors.js';
import { constantTimeEqual, type Secret } from '../core/secret.js';
import type { IkeSuite } from './suite.js';
import {
  decodeMessage,
  decodePayloads,
  encodeMessage,
  encodePayloads,
  type HeaderFields,
} from './wire/message.js';
import {
  type EncryptedFragmentPayload,
  type EncryptedPayload,
  type IkeHeader,
  type Payload,
  PayloadType,
} from './wire/types.js';

/**
 * How one direction of an IKE SA protects its SK payloads, with its key bound. `ad` is the message from its first
 * byte up to the IV: IKE header, unencrypted payloads and the SK payload's generic header (RFC 5282 section 5.1).
 */
export interface SkProtection {
  /** Bytes of an SK body that carries `length` bytes of payloads. */
  bodyLength(length: number): number;
  /** The SK body for these payload bytes: IV, ciphertext, ICV. */
  seal(ad: Uint8Array, inner: Uint8Array, entropy: Entropy): Uint8Array;
  /**
   * The payload bytes inside an SK body.
   * @throws KitError `E_ICV` (garbage) when the body is not authentic
   * @throws WireError `E_PADDING` when it is authentic and its padding impossible
   */
  open(ad: Uint8Array, body: Uint8Array): Uint8Array;
}

/**
 * Binds the keys of one direction. Make one per key and keep it: the IV counter of AEADs and AES-CTR lives in it, and
 * a second instance sealing with the same key would repeat IVs.
 * @throws KitError `E_NOT_IMPLEMENTED` for a suite this package only knows by name
 */
export function createSkProtection(
  suite: Pick<IkeSuite, 'encr' | 'integ'>,
  encrKey: Secret,
  integKey: Secret,
): SkProtection {
  const { encr, integ } = suite;
  const cipher = encr.bind?.(encrKey.reveal());
  const mac = integ?.compute;
  if (!cipher || encr.kind === 'null' || (encr.kind === 'cipher' && !mac)) {
    throw new KitError(
      'bug',
      'E_NOT_IMPLEMENTED',
      `no protection with ${encr.name} and ${integ?.name ?? 'NONE'}`,
    );
  }
  const icvBytes = encr.kind === 'aead' ? 0 : (integ?.icvBytes ?? 0);
  const icv = (message: Uint8Array): Uint8Array => mac?.(integKey.reveal(), message) ?? new Uint8Array(0);
  const nextIv = ivSource(encr.kind === 'aead' || encr.blockBytes === 1, encr.ivBytes);
  const paddedLength = (length: number): number =>
    Math.ceil((length + 1) / encr.blockBytes) * encr.blockBytes;

  return {
    bodyLength: (length) => encr.ivBytes + paddedLength(length) + encr.icvBytes + icvBytes,

    seal(ad, inner, entropy) {
      const plaintext = new Uint8Array(paddedLength(inner.length));
      plaintext.set(inner);
      plaintext[plaintext.length - 1] = plaintext.length - inner.length - 1;
      const iv = nextIv(entropy);
      const body = concatBytes(iv, cipher.seal(iv, ad, plaintext));
      return icvBytes === 0 ? body : concatBytes(body, icv(concatBytes(ad, body)));
    },

    open(ad, body) {
      const end = body.length - icvBytes;
      if (end < encr.ivBytes + encr.icvBytes) throw notAuthentic();
      const covered = body.subarray(0, end);
      if (icvBytes > 0 && !constantTimeEqual(icv(concatBytes(ad, covered)), body.subarray(end))) {
        throw notAuthentic();
      }
      const plaintext = cipher.open(covered.subarray(0, encr.ivBytes), ad, covered.subarray(encr.ivBytes));
      if (!plaintext) {
        if (encr.kind === 'aead') throw notAuthentic();
        throw new WireError('E_PADDING', 'the encrypted part is not whole blocks', encr.ivBytes);
      }
      return withoutPadding(plaintext);
    },
  };
}

/** The payload that carries sealed bytes: the whole of a message (SK), or a fragment of it (SKF). */
export type SealedPayload = EncryptedPayload | EncryptedFragmentPayload;

/** A protected message: its header, what stood before the encrypted payload, and what was inside. */
export interface OpenedMessage {
  header: IkeHeader;
  payloads: Payload[];
  /** Unencrypted payloads, authentic all the same: the ICV covers the whole message. */
  outer: Payload[];
}

/**
 * A whole message whose payloads all travel inside SK (RFC 7296 3.14).
 * @param header its lengths and next payload are filled in
 */
export function sealMessage(
  header: HeaderFields,
  payloads: readonly Payload[],
  protection: SkProtection,
  entropy: Entropy,
): Uint8Array {
  const { first, bytes } = encodePayloads(payloads);
  const container = { type: PayloadType.SK, nextPayload: first } as const;
  return sealBytes(header, container, bytes, protection, entropy);
}

/** A message of one sealed payload with these bytes inside. */
export function sealBytes(
  header: HeaderFields,
  container: Omit<EncryptedPayload, 'body'> | Omit<EncryptedFragmentPayload, 'body'>,
  inner: Uint8Array,
  protection: SkProtection,
  entropy: Entropy,
): Uint8Array {
  const body = new Uint8Array(protection.bodyLength(inner.length));
  const message = encodeMessage(header, [{ ...container, body }]);
  const at = message.length - body.length;
  message.set(protection.seal(message.subarray(0, at), inner, entropy), at);
  return message;
}

/**
 * Checks and opens a message that ends in an SK payload.
 * @throws KitError of kind garbage, but not WireError, when the message does not parse, has no SK payload (`E_NO_SK`)
 *   or is not authentic (`E_ICV`)
 * @throws WireError when the message is authentic and what it carries does not parse
 */
export function openMessage(data: Uint8Array, protection: SkProtection): OpenedMessage {
  const { header, outer, sealed } = readSealed(data);
  if (sealed.type !== PayloadType.SK) throw notSealed();
  const inner = openSealed(data, sealed, protection);
  return { header, payloads: readInner(sealed.nextPayload, inner), outer };
}

/**
 * A message that ends in SK or SKF, still closed.
 * @throws KitError of kind garbage, but not WireError, when it does not parse or ends in something else (`E_NO_SK`)
 */
export function readSealed(data: Uint8Array): { header: IkeHeader; outer: Payload[]; sealed: SealedPayload } {
  const { header, payloads: outer } = parseOuter(data);
  const sealed = outer.pop();
  if (sealed?.type !== PayloadType.SK && sealed?.type !== PayloadType.SKF) throw notSealed();
  return { header, outer, sealed };
}

/** The bytes inside the sealed payload of `data`. @throws as {@link SkProtection.open} */
export function openSealed(data: Uint8Array, { body }: SealedPayload, protection: SkProtection): Uint8Array {
  return protection.open(data.subarray(0, data.length - body.length), body);
}

/** The payloads inside an encrypted one. @throws WireError when they do not parse */
export function readInner(first: number, inner: Uint8Array): Payload[] {
  const payloads = decodePayloads(first, inner);
  if (payloads.some(({ type }) => type === PayloadType.SK || type === PayloadType.SKF)) {
    throw new WireError('E_NESTED_SK', 'an encrypted payload inside an encrypted payload', 0);
  }
  return payloads;
}

/** Nothing is authenticated yet, so a parse error must not look like one of an authentic message. */
function parseOuter(data: Uint8Array): { header: IkeHeader; payloads: Payload[] } {
  try {
    return decodeMessage(data);
  } catch (error) {
    if (error instanceof WireError)
      throw new KitError('garbage', error.code, error.message, { cause: error });
    throw error;
  }
}

function withoutPadding(plaintext: Uint8Array): Uint8Array {
  const padding = plaintext[plaintext.length - 1];
  const length = plaintext.length - 1 - (padding ?? 0);
  // The content of the padding is arbitrary, only its length counts (RFC 7296 3.14).
  if (padding === undefined || length < 0) {
    throw new WireError('E_PADDING', 'the padding is longer than the encrypted payload', plaintext.length);
  }
  return plaintext.subarray(0, length);
}

/**
 * IVs for one key. Counter modes need one that never repeats, so they count (RFC 5282 section 3.1, RFC 5930
 * section 2); CBC needs an unpredictable one (RFC 7296 3.14).
 */
function ivSource(counting: boolean, length: number): (entropy: Entropy) => Uint8Array {
  if (!counting) return (entropy) => entropy.bytes(length);
  let counter = 0n;
  return () => {
    const iv = new Uint8Array(length);
    new DataView(iv.buffer).setBigUint64(0, counter);
    counter += 1n;
    return iv;
  };
}

function notSealed(): KitError {
  return new KitError('garbage', 'E_NO_SK', 'the message has no encrypted payload');
}

function notAuthentic(): KitError {
  return new KitError('garbage', 'E_ICV', 'the message is not authentic: its integrity check value is wrong');
}
