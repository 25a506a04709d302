import { concatBytes } from '../core/bytes.js';
import type { Path } from '../core/endpoint.js';
import type { Entropy } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import { ipFamily, parseIp } from '../core/ip.js';
import {
  type OpenedMessage,
  openSealed,
  readInner,
  readSealed,
  type SkProtection,
  sealBytes,
} from './sealed.js';
import { HEADER_LENGTH } from './wire/header.js';
import { encodePayloads, type HeaderFields } from './wire/message.js';
import { type EncryptedFragmentPayload, type IkeHeader, type Payload, PayloadType } from './wire/types.js';

/** IP datagram sizes, bytes. RFC 7383 2.5.1 recommends 1280 for IPv6, and for IPv4 the 576 that reach everybody. */
export const DatagramSize = {
  /** What nearly every path carries whole, of either family. */
  default: 1280,
  /** When larger ones get no answer. */
  fallback: 576,
} as const;

/** Into how many fragments a message is split at most, and how many are put together again. */
export const MAX_FRAGMENTS = 255;

/** Bytes of payloads that fragments add up to at most, either way: as many as the SK payload of a whole message holds. */
const MAX_MESSAGE = 0xffff;

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;
const NON_ESP_MARKER = 4;
const GENERIC_HEADER = 4;
/** Fragment Number and Total Fragments. */
const FRAGMENT_FIELDS = 4;

/** Bytes that go around an IKE message on a path: IP and UDP headers, and the marker of RFC 3948. */
export function datagramOverhead({ remote, natT }: Path): number {
  const ip = ipFamily(parseIp(remote.address)) === 6 ? IPV6_HEADER : IPV4_HEADER;
  return ip + UDP_HEADER + (natT ? NON_ESP_MARKER : 0);
}

/**
 * A message whose payloads are all encrypted: as one SK message when that is not longer than `maxBytes`, else as the
 * SKF fragments of RFC 7383 2.5, in order. Each is sealed for itself, with an IV of its own.
 * @param header lengths and next payload are filled in
 * @param maxBytes of one IKE message, IP and UDP headers not counted; Infinity for a peer that knows no fragments
 * @throws KitError usage `E_FRAGMENT_SIZE` when it would take more than {@link MAX_FRAGMENTS}, or is over 64 KiB
 */
export function sealFragmented(
  header: HeaderFields,
  payloads: readonly Payload[],
  protection: SkProtection,
  entropy: Entropy,
  maxBytes: number,
): Uint8Array[] {
  const { first, bytes } = encodePayloads(payloads);
  const whole = HEADER_LENGTH + GENERIC_HEADER + protection.bodyLength(bytes.length);
  if (whole <= maxBytes) {
    const container = { type: PayloadType.SK, nextPayload: first } as const;
    return [sealBytes(header, container, bytes, protection, entropy)];
  }
  const chunk = chunkLength(protection, maxBytes - HEADER_LENGTH - GENERIC_HEADER - FRAGMENT_FIELDS);
  const totalFragments = Math.ceil(bytes.length / chunk);
  if (chunk < 1 || totalFragments > MAX_FRAGMENTS || bytes.length > MAX_MESSAGE) {
    throw new KitError(
      'usage',
      'E_FRAGMENT_SIZE',
      `A message of ${whole} bytes is too long for ${MAX_FRAGMENTS} fragments of at most ${maxBytes}`,
      { hint: 'Allow larger fragments with --fragment-size, or send fewer certificates.' },
    );
  }
  return Array.from({ length: totalFragments }, (_, i) => {
    const container = {
      type: PayloadType.SKF,
      // RFC 7383 2.5: the type of the first payload in the first fragment, zero in the others.
      nextPayload: i === 0 ? first : PayloadType.NONE,
      fragmentNumber: i + 1,
      totalFragments,
    } as const;
    const part = bytes.subarray(i * chunk, (i + 1) * chunk);
    return sealBytes(header, container, part, protection, entropy);
  });
}

/** How many bytes of payloads fit a sealed body of `room` bytes; below 1 when none do. */
function chunkLength(protection: SkProtection, room: number): number {
  let length = room - protection.bodyLength(0);
  if (length < 0) return 0;
  while (protection.bodyLength(length + 1) <= room) length += 1;
  return length;
}

/** The fragments of one message that have come so far. */
interface Collection {
  messageId: number;
  exchangeType: number;
  total: number;
  /** By fragment number, decrypted. */
  parts: Map<number, Uint8Array>;
  bytes: number;
  /** Type of the first payload inside, and what stood before it in the clear; both come with the first fragment. */
  first: number;
  outer: Payload[];
  /** Length of the longest fragment as an IKE message. */
  longest: number;
}

/** What came of one datagram. `longest`: bytes of the longest fragment of a message that came in fragments. */
export type Reassembled = OpenedMessage & { longest?: number };

/**
 * Puts the fragments of one direction's messages together again (RFC 7383 2.6), one message at a time: a fragment of
 * another message takes the place of what was incomplete. That other message is wanted is the caller's business.
 */
export class Reassembly {
  #collection: Collection | undefined;

  /** Bytes of payloads kept of an incomplete message. */
  get pendingBytes(): number {
    return this.#collection?.bytes ?? 0;
  }

  /**
   * Takes one datagram, a whole message or a fragment; only authentic fragments are kept.
   * @returns `incomplete` for a fragment after which others are still missing, and for one that is of no use
   * @throws KitError of kind garbage, but not WireError, when it does not parse, is not encrypted (`E_NO_SK`) or not
   *   authentic (`E_ICV`)
   * @throws WireError when the message is authentic and what it carries does not parse
   */
  open(datagram: Uint8Array, protection: SkProtection): Reassembled | 'incomplete' {
    const { header, outer, sealed } = readSealed(datagram);
    if (sealed.type === PayloadType.SK) {
      const inner = openSealed(datagram, sealed, protection);
      this.#collection = undefined;
      return { header, payloads: readInner(sealed.nextPayload, inner), outer };
    }
    if (!this.#isUseful(header, sealed)) return 'incomplete';
    const part = openSealed(datagram, sealed, protection);
    const collection = this.#keep(header, sealed, part);
    if (sealed.fragmentNumber === 1) {
      collection.first = sealed.nextPayload;
      collection.outer = outer;
    }
    collection.longest = Math.max(collection.longest, datagram.length);
    if (collection.bytes > MAX_MESSAGE) this.#collection = undefined;
    if (collection.bytes > MAX_MESSAGE || collection.parts.size < collection.total) return 'incomplete';
    this.#collection = undefined;
    return { header, ...finish(collection) };
  }

  /** RFC 7383 2.6: what can be refused is refused before the work of decrypting it. */
  #isUseful(header: IkeHeader, fragment: EncryptedFragmentPayload): boolean {
    const { fragmentNumber, totalFragments, nextPayload } = fragment;
    if (totalFragments > MAX_FRAGMENTS) return false;
    if (fragmentNumber > 1 && nextPayload !== PayloadType.NONE) return false;
    const present = this.#collection;
    if (!present || !isOf(present, header)) return true;
    if (totalFragments !== present.total) return totalFragments > present.total;
    return !present.parts.has(fragmentNumber);
  }

  #keep(header: IkeHeader, { fragmentNumber, totalFragments }: EncryptedFragmentPayload, part: Uint8Array) {
    let collection = this.#collection;
    // More fragments than before: the sender tries smaller ones, and starts over.
    if (!collection || !isOf(collection, header) || collection.total < totalFragments) {
      const { messageId, exchangeType } = header;
      const empty = { parts: new Map(), bytes: 0, first: 0, outer: [], longest: 0 };
      collection = { messageId, exchangeType, total: totalFragments, ...empty };
      this.#collection = collection;
    }
    collection.parts.set(fragmentNumber, part);
    collection.bytes += part.length;
    return collection;
  }
}

function isOf(collection: Collection, header: IkeHeader): boolean {
  return collection.messageId === header.messageId && collection.exchangeType === header.exchangeType;
}

function finish({ total, parts, first, outer, longest }: Collection) {
  const inOrder = Array.from({ length: total }, (_, i) => parts.get(i + 1)!);
  return { payloads: readInner(first, concatBytes(...inOrder)), outer, longest };
}

/**
 * True when `datagram` is the first fragment of a message, and authentic: the one fragment of a request answered
 * already that asks for the answer again (RFC 7383 2.6.1).
 */
export function isFirstFragment(datagram: Uint8Array, protection: SkProtection): boolean {
  try {
    const { sealed } = readSealed(datagram);
    if (sealed.type !== PayloadType.SKF || sealed.fragmentNumber !== 1) return false;
    openSealed(datagram, sealed, protection);
    return true;
  } catch (error) {
    if (error instanceof KitError && error.kind === 'garbage') return false;
    throw error;
  }
}
