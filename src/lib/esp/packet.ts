import { concatBytes } from '../core/bytes.js';
import { type Entropy, systemEntropy } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import { constantTimeEqual } from '../core/secret.js';
import type { BoundCipher } from '../crypto/transform.js';
import type { EspSaParameters } from './sa.js';
import { padLengthOf, TRAILER_BYTES, unpaddedBytes, writeTrailer } from './trailer.js';

/** IP protocol numbers that the Next Header field of tunnel mode carries (RFC 4303 2.6). */
export const NextHeader = {
  IPV4: 4,
  IPV6: 41,
  /** A dummy packet: dropped without a word (RFC 4303 2.6). */
  NONE: 59,
} as const;

/** SPI and the low 32 bits of the sequence number. */
export const HEADER_BYTES = 8;

/** One direction of a child SA with its cipher bound to the key, once for all packets. */
export interface BoundEspSa {
  readonly spi: number;
  readonly esn: boolean;
  readonly ivBytes: number;
  readonly icvBytes: number;
  /** The plaintext is padded to a multiple of this. */
  readonly alignment: number;
  /** True when the IV only has to be unique; false when it must be unpredictable (CBC). */
  readonly counterIv: boolean;
  readonly cipher: BoundCipher;
  /** What is opened is only lent and has to be used up at once; faster where the cipher can do it. */
  readonly lends?: boolean;
  /** Undefined with an AEAD. */
  readonly integ: ((data: Uint8Array) => Uint8Array) | undefined;
}

/** What {@link openEsp} found. `icv`: not authentic. `malformed`: too short, or wrong inside although authentic. */
export type OpenedEsp =
  | { verdict: 'ok'; nextHeader: number; payload: Uint8Array }
  | { verdict: 'icv' }
  | { verdict: 'malformed'; authentic: boolean };

/**
 * Binds keys.
 * @throws {KitError} `E_ESP_SUITE` (bug) for a suite that is not implemented or that authenticates nothing
 * @throws RangeError for keys of a wrong size
 */
export function bindEspSa(sa: EspSaParameters): BoundEspSa {
  const { encr, integ } = sa;
  const aead = encr.kind === 'aead';
  // Encryption without integrity is allowed by RFC 4303 and forbidden by RFC 8221 4: never here.
  if (aead ? integ !== undefined || encr.ivBytes !== 8 : integ?.compute === undefined) {
    throw new KitError(
      'bug',
      'E_ESP_SUITE',
      `${encr.name} with ${integ?.name ?? 'no INTEG'} is no ESP suite`,
    );
  }
  if (encr.bind === undefined) {
    throw new KitError('bug', 'E_ESP_SUITE', `${encr.name} is not implemented`);
  }
  const compute = integ?.compute;
  const integKey = sa.integKey.reveal();
  if (integ !== undefined && integKey.length !== integ.keyBytes) {
    throw new RangeError(`${integ.name} takes a key of ${integ.keyBytes} bytes`);
  }
  return {
    spi: sa.spi,
    esn: sa.esn,
    ivBytes: encr.ivBytes,
    icvBytes: aead ? encr.icvBytes : integ!.icvBytes,
    alignment: Math.max(encr.blockBytes, 4),
    counterIv: aead || encr.blockBytes === 1,
    cipher: encr.bind(sa.encrKey.reveal()),
    integ: compute === undefined ? undefined : (data) => compute(integKey, data),
  };
}

/** SPI and low sequence word of a packet. @returns undefined when it is too short to have them and anything after */
export function readEspHeader(packet: Uint8Array): { spi: number; sequenceLow: number } | undefined {
  if (packet.length <= HEADER_BYTES) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, HEADER_BYTES);
  return { spi: view.getUint32(0), sequenceLow: view.getUint32(4) };
}

/**
 * Builds one ESP packet (RFC 4303 2) without TFC padding.
 * @param sequence whole sequence number; the caller never uses one twice, because counter-mode IVs are made of it
 * @param nextHeader what `payload` is
 */
export function sealEsp(
  sa: BoundEspSa,
  sequence: number,
  nextHeader: number,
  payload: Uint8Array,
  entropy: Entropy = systemEntropy,
): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, sa.spi);
  view.setUint32(4, sequence % 2 ** 32);

  const iv = makeIv(sa, sequence, entropy);
  const plaintext = pad(payload, nextHeader, sa.alignment);
  const sealed = concatBytes(header, iv, sa.cipher.seal(iv, aadOf(sa, header, sequence), plaintext));
  if (sa.integ === undefined) return sealed;
  return concatBytes(sealed, sa.integ(withHighWord(sa, sealed, sequence)));
}

/**
 * Checks and decrypts one ESP packet.
 * @param sequence whole sequence number as the replay window inferred it; with ESN its high word is authenticated
 */
export function openEsp(sa: BoundEspSa, packet: Uint8Array, sequence: number): OpenedEsp {
  const overhead = HEADER_BYTES + sa.ivBytes + sa.icvBytes;
  if (packet.length < overhead + TRAILER_BYTES) return { verdict: 'malformed', authentic: false };
  if (sa.lends && !sa.esn && sa.cipher.openPacket !== undefined) {
    const lent = sa.cipher.openPacket(packet, HEADER_BYTES);
    return lent === undefined ? { verdict: 'icv' } : unpad(lent);
  }
  const header = packet.subarray(0, HEADER_BYTES);
  const iv = packet.subarray(HEADER_BYTES, HEADER_BYTES + sa.ivBytes);

  // The ICV of an AEAD is part of what its cipher opens, a separate one has to be right before anything is decrypted.
  let end = packet.length;
  if (sa.integ !== undefined) {
    end -= sa.icvBytes;
    const icv = sa.integ(withHighWord(sa, packet.subarray(0, end), sequence));
    if (!constantTimeEqual(packet.subarray(end), icv)) return { verdict: 'icv' };
  }
  const ciphertext = packet.subarray(HEADER_BYTES + sa.ivBytes, end);
  const plaintext = sa.cipher.open(iv, aadOf(sa, header, sequence), ciphertext);
  if (plaintext !== undefined) return unpad(plaintext);
  return sa.integ === undefined ? { verdict: 'icv' } : { verdict: 'malformed', authentic: true };
}

/**
 * GCM, CCM, CTR and ChaCha20-Poly1305 need an IV that never repeats under the key: the 64-bit sequence number
 * (RFC 4106 3.1, RFC 4309 3.1, RFC 3686 3.1, RFC 7634 2). CBC needs an unpredictable one (RFC 3602 3).
 */
function makeIv(sa: BoundEspSa, sequence: number, entropy: Entropy): Uint8Array {
  if (!sa.counterIv) return entropy.bytes(sa.ivBytes);
  const iv = new Uint8Array(sa.ivBytes);
  if (sa.ivBytes === 8) new DataView(iv.buffer).setBigUint64(0, BigInt(sequence));
  return iv;
}

/** Additional authenticated data of an AEAD: SPI and sequence number, all 64 bits of it with ESN (RFC 4106 5). */
function aadOf(sa: BoundEspSa, header: Uint8Array, sequence: number): Uint8Array {
  if (!sa.esn) return header;
  return concatBytes(header.subarray(0, 4), highWord(sequence), header.subarray(4));
}

/** What a separate ICV covers: the packet before it, and with ESN the high word after it (RFC 4303 2.2.1). */
function withHighWord(sa: BoundEspSa, covered: Uint8Array, sequence: number): Uint8Array {
  return sa.esn ? concatBytes(covered, highWord(sequence)) : covered;
}

function highWord(sequence: number): Uint8Array {
  const word = new Uint8Array(4);
  new DataView(word.buffer).setUint32(0, Math.floor(sequence / 2 ** 32));
  return word;
}

function pad(payload: Uint8Array, nextHeader: number, alignment: number): Uint8Array {
  const padLength = padLengthOf(payload.length, alignment);
  const out = new Uint8Array(payload.length + padLength + TRAILER_BYTES);
  out.set(payload);
  writeTrailer(out, payload.length, padLength, nextHeader);
  return out;
}

function unpad(plaintext: Uint8Array): OpenedEsp {
  const length = unpaddedBytes(plaintext, 0, plaintext.length);
  if (length < 0) return { verdict: 'malformed', authentic: true };
  return { verdict: 'ok', nextHeader: plaintext.at(-1)!, payload: plaintext.subarray(0, length) };
}
