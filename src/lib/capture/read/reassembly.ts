import { equalBytes } from '../../core/bytes.js';
import { type IpHeader, Protocol, u16 } from './ip.js';

/** Why a datagram is not there as a whole. */
export type IncompleteReason =
  /** Fragments did not come. */
  | 'missing'
  /** Fragments overlap or contradict each other: an attack, or identifications used again too soon. */
  | 'overlap'
  /** The capture cut a fragment. */
  | 'cut'
  /** More fragments, or longer ones, than are put together. */
  | 'abandoned';

/** What is known of a datagram that was given up. */
export interface LostDatagram {
  /** The IP header of its first fragment, or of the first that came. */
  header: Uint8Array;
  protocol: number;
  /** The beginning of its payload, when the first fragment is there. */
  first: Uint8Array | undefined;
  frames: number[];
  time: bigint;
  received: number;
  total: number | undefined;
  reason: IncompleteReason;
}

/** Enough for the fragments of thousands of connections, little enough for a laptop. */
const LIMITS = { datagrams: 1024, bytes: 16 << 20, fragments: 1024, done: 1024 };
const MAX_DATAGRAM = 65_535;
/** In nanoseconds, as all times here. */
const SECOND = 1_000_000_000n;
/** RFC 8200 4.5: given up 60 seconds after the first fragment. */
const TIMEOUT = 60n * SECOND;
/** For so long after the last fragment another copy of one is taken for a duplicate of the capture. */
const DUPLICATES = SECOND;

interface Piece {
  offset: number;
  data: Uint8Array;
}

class Datagram {
  header: Uint8Array;
  /** Where the fragment header is in `header`, and where its number stands; 0 for IPv4. */
  fragmentAt = 0;
  fragmentNextAt = 0;
  protocol: number;
  pieces: Piece[] = [];
  received = 0;
  total: number | undefined = undefined;
  frames: number[] = [];
  reason: IncompleteReason = 'missing';

  constructor(
    data: Uint8Array,
    header: IpHeader,
    readonly time: bigint,
  ) {
    this.header = new Uint8Array(0);
    this.protocol = header.protocol;
    this.takeHead(data, header);
  }

  /** The headers of the first fragment are those of the datagram; before it comes, those of any tell the addresses. */
  takeHead(
    data: Uint8Array,
    { start, payload, version, protocol, fragmentAt, fragmentNextAt }: IpHeader,
  ): void {
    this.header = copyOf(data.subarray(start, payload));
    this.protocol = protocol;
    if (version === 4) return;
    this.fragmentAt = fragmentAt - start;
    this.fragmentNextAt = fragmentNextAt - start;
  }
}

/** Puts IPv4 and IPv6 fragments together, bounded in count, bytes and time. */
export class Reassembler {
  readonly #open = new Map<string, Datagram>();
  /** When datagrams were finished, in two generations, of which the older is forgotten as a whole. */
  #done = new Map<string, bigint>();
  #doneBefore = new Map<string, bigint>();
  #nextExpiry = 0n;
  readonly #onLost: (datagram: LostDatagram) => void;
  #bytes = 0;

  constructor(onLost: (datagram: LostDatagram) => void) {
    this.#onLost = onLost;
  }

  /** @returns the whole packet, without a trace of fragmentation, with the fragment that completes it */
  add(
    data: Uint8Array,
    header: IpHeader,
    frame: number,
    time: bigint,
  ): { packet: Uint8Array; frames: number[] } | undefined {
    this.#expire(time);
    const key = keyOf(data, header);
    const doneAt = this.#done.get(key) ?? this.#doneBefore.get(key);
    if (doneAt !== undefined && time - doneAt <= DUPLICATES && time >= doneAt) return undefined;
    const datagram = this.#open.get(key) ?? this.#start(key, data, header, time);
    if (datagram.frames.length < LIMITS.fragments && datagram.frames.at(-1) !== frame)
      datagram.frames.push(frame);
    if (datagram.reason !== 'missing') return undefined;
    const problem = this.#place(datagram, data, header);
    if (problem !== undefined) {
      datagram.reason = problem;
      this.#release(datagram);
    }
    if (datagram.received !== datagram.total || datagram.reason !== 'missing') return undefined;
    this.#remove(key, datagram);
    this.#remember(key, time);
    return { packet: assemble(datagram), frames: datagram.frames };
  }

  /** Gives up what is still open. */
  finish(): void {
    for (const [key, datagram] of this.#open) this.#lose(key, datagram);
  }

  #start(key: string, data: Uint8Array, header: IpHeader, time: bigint): Datagram {
    if (this.#open.size >= LIMITS.datagrams) {
      const [oldest] = this.#open;
      if (oldest !== undefined) this.#lose(...oldest);
    }
    const datagram = new Datagram(data, header, time);
    this.#open.set(key, datagram);
    return datagram;
  }

  /** @returns why the datagram cannot be put together any more */
  #place(datagram: Datagram, data: Uint8Array, header: IpHeader): IncompleteReason | undefined {
    const { fragmentOffset: offset, moreFragments, payload } = header;
    const length = header.declaredEnd - payload;
    const end = offset + length;
    if (header.declaredEnd > header.end) return 'cut';
    if (end + header.payload - header.start > MAX_DATAGRAM || datagram.pieces.length >= LIMITS.fragments) {
      return 'abandoned';
    }
    // All but the last are multiples of 8 bytes long (RFC 791 3.2, RFC 8200 4.5).
    if (moreFragments && (length % 8 !== 0 || length === 0)) return 'abandoned';
    if (!moreFragments) {
      if (datagram.total !== undefined && datagram.total !== end) return 'overlap';
      datagram.total = end;
    }
    if (
      datagram.total !== undefined &&
      (end > datagram.total || endOf(datagram.pieces.at(-1)) > datagram.total)
    ) {
      return 'overlap';
    }
    const piece = { offset, data: data.subarray(payload, payload + length) };
    const at = datagram.pieces.findLastIndex((known) => known.offset <= offset);
    const before = datagram.pieces[at];
    // An exact copy may be ignored, any other overlap ends it all (RFC 8200 4.5, RFC 5722).
    if (before?.offset === offset && before.data.length === length) {
      return equalBytes(before.data, piece.data) ? undefined : 'overlap';
    }
    const after = datagram.pieces[at + 1];
    if (endOf(before) > offset || (after !== undefined && after.offset < end)) return 'overlap';
    datagram.received += length;
    // A copy, as the frame's bytes belong to a chunk of the file; the last one is used up at once.
    if (datagram.received !== datagram.total) piece.data = copyOf(piece.data);
    datagram.pieces.splice(at + 1, 0, piece);
    this.#bytes += length;
    if (offset === 0 && datagram.pieces.length > 1) datagram.takeHead(data, header);
    this.#makeRoom(datagram);
    return undefined;
  }

  #makeRoom(keep: Datagram): void {
    if (this.#bytes <= LIMITS.bytes) return;
    for (const [key, datagram] of this.#open) {
      if (this.#bytes <= LIMITS.bytes) return;
      if (datagram !== keep) this.#lose(key, datagram);
    }
  }

  /** Looks once a second of the capture, because finding the oldest entry of a busy map is slow. */
  #expire(now: bigint): void {
    if (now < this.#nextExpiry && now > this.#nextExpiry - 2n * SECOND) return;
    this.#nextExpiry = now + SECOND;
    for (const [key, datagram] of this.#open) {
      if (now - datagram.time < TIMEOUT) return;
      this.#lose(key, datagram);
    }
  }

  #lose(key: string, datagram: Datagram): void {
    const first = datagram.pieces[0];
    const { header, protocol, frames, time, received, total, reason } = datagram;
    this.#onLost({
      header,
      protocol,
      first: first?.offset === 0 ? first.data : undefined,
      frames,
      time,
      received,
      total,
      reason,
    });
    this.#remove(key, datagram);
  }

  #remove(key: string, datagram: Datagram): void {
    this.#open.delete(key);
    for (const piece of datagram.pieces) this.#bytes -= piece.data.length;
  }

  /** Frees the bytes of a datagram that stays only to swallow its other fragments; its first piece tells the ports. */
  #release(datagram: Datagram): void {
    for (const piece of datagram.pieces) this.#bytes -= piece.data.length;
    const first = datagram.pieces[0];
    datagram.pieces = first?.offset === 0 ? [{ offset: 0, data: first.data.slice(0, 8) }] : [];
    for (const piece of datagram.pieces) this.#bytes += piece.data.length;
  }

  #remember(key: string, time: bigint): void {
    if (this.#done.size >= LIMITS.done) {
      this.#doneBefore = this.#done;
      this.#done = new Map();
    }
    this.#done.set(key, time);
  }
}

/** Addresses, identification and, for IPv4, the protocol (RFC 791 3.2, RFC 8200 4.5). */
function keyOf(data: Uint8Array, header: IpHeader): string {
  const parts = [
    header.version === 4 ? header.protocol : 256,
    header.identification >>> 16,
    header.identification & 0xffff,
  ];
  const end = header.source + 2 * header.addressBytes;
  for (let at = header.source; at < end; at += 2) parts.push(u16(data, at));
  return String.fromCharCode(...parts);
}

/** Out of Node's pool of small buffers: an allocation of its own for each would cost more than all the rest. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = emptyPooled(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The caller has to fill it. */
function emptyPooled(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(length);
  return new Uint8Array(buffer, byteOffset, length);
}

function endOf(piece: Piece | undefined): number {
  return piece === undefined ? 0 : piece.offset + piece.data.length;
}

/** The packet as it was before it was cut up. The checksum of an IPv4 header stays that of the first fragment. */
function assemble({ header, fragmentAt, fragmentNextAt, pieces, protocol }: Datagram): Uint8Array {
  const headerBytes = fragmentAt === 0 ? header.length : fragmentAt;
  const packet = emptyPooled(headerBytes + endOf(pieces.at(-1)));
  packet.set(header.subarray(0, headerBytes));
  for (const { offset, data } of pieces) packet.set(data, headerBytes + offset);
  if (fragmentAt === 0) {
    setU16(packet, 2, packet.length);
    setU16(packet, 6, 0);
  } else {
    setU16(packet, 4, packet.length - 40);
    packet[fragmentNextAt] = protocol;
  }
  return packet;
}

function setU16(data: Uint8Array, at: number, value: number): void {
  data[at] = value >> 8;
  data[at + 1] = value & 0xff;
}

/** Source and destination port of the datagram, when its first fragment is there and the protocol has ports. */
export function portsOf({ first, protocol }: LostDatagram): { src: number; dst: number } | undefined {
  const hasPorts = protocol === Protocol.UDP || protocol === Protocol.TCP;
  if (!hasPorts || first === undefined || first.length < 4) return undefined;
  return { src: u16(first, 0), dst: u16(first, 2) };
}
