import type { DecodedIke, DecodedPacket, Icv } from '../types.js';
import type { MessageContent } from './content.js';
import { noteFrame } from './evidence.js';
import { readContent } from './facts.js';
import type { MessageReport, Role } from './types.js';

/** One IKE packet on its way into the conversations. */
export interface SeenMessage {
  packet: DecodedPacket;
  ike: DecodedIke;
  /** Nanoseconds. */
  at: bigint;
  srcAddress: string;
  dstAddress: string;
  /** In the framing of port 4500 or of TCP. */
  encapsulated: boolean;
  /** Of the bytes on the wire; equal for retransmissions. Only where message ids do not tell. */
  digest: number;
}

const SK = 46;
const SKF = 53;

/** A capture on several interfaces sees a packet again at once; nobody retransmits as fast. */
const COPY_NANOSECONDS = 5_000_000n;

/** Fragments of one message whose arrival is remembered. */
const MAX_FRAGMENTS = 256;

/** One message of an exchange with all its transmissions. */
export class MessageRecord {
  readonly from: Role;
  readonly digest: number;
  /** Of the first transmission, and of the newest. */
  readonly firstAt: bigint;
  lastAt: bigint;
  content: MessageContent;
  readable: boolean;
  /** What it deleted has been taken into the child SAs. */
  deletesTaken = false;
  readonly #where: { time: string; src: string; dst: string };
  readonly #frames: number[];
  readonly #firstPart: number | undefined;
  readonly #parts = new Set<number>();
  #totalParts = 0;
  #length: number;
  #icv: Icv;
  retransmissions = 0;
  readonly #retransmissionFrames: number[] = [];

  constructor(seen: SeenMessage, from: Role) {
    const { packet, ike, at } = seen;
    this.from = from;
    this.digest = seen.digest;
    this.firstAt = this.lastAt = at;
    this.content = readContent(ike, from);
    this.readable = isReadable(packet, ike);
    this.#where = { time: packet.time, src: packet.src, dst: packet.dst };
    this.#frames = [...(packet.frames ?? [packet.frame])].slice(0, MAX_FRAGMENTS);
    this.#length = packet.length;
    this.#icv = packet.icv;
    this.#firstPart = ike.fragment?.number;
    if (ike.fragment !== undefined) this.#addPart(ike.fragment);
  }

  /** True when `seen` is a fragment of this message that has not come yet. */
  misses({ ike: { fragment } }: SeenMessage): boolean {
    return (
      fragment !== undefined &&
      this.#parts.size > 0 &&
      this.#parts.size < MAX_FRAGMENTS &&
      !this.#parts.has(fragment.number)
    );
  }

  /** Another transmission, or another fragment of the first one. */
  repeat(seen: SeenMessage): void {
    const { packet, ike, at } = seen;
    const isCopy = at - this.lastAt < COPY_NANOSECONDS;
    this.lastAt = at;
    if (this.misses(seen)) {
      this.#addPart(ike.fragment!);
      this.#length += packet.length;
      noteAll(this.#frames, packet);
    } else if (!isCopy || ike.fragment !== undefined) {
      // Of a fragmented message only one fragment is counted, so that the number is that of the transmissions.
      const counts = ike.fragment === undefined || ike.fragment.number === (this.#firstPart ?? 1);
      if (counts) this.retransmissions++;
      noteFrame(this.#retransmissionFrames, packet.frame);
    }
    if (packet.icv === 'bad' || this.#icv === 'unchecked') this.#icv = packet.icv;
    if (!this.readable && packet.decrypted) {
      this.content = readContent(ike, this.from);
      this.readable = isReadable(packet, ike);
    }
  }

  report(): MessageReport {
    const { natHashes: _, ...content } = this.content;
    return {
      frames: this.#frames.slice(0, MAX_FRAGMENTS),
      ...this.#where,
      length: this.#length,
      readable: this.readable,
      icv: this.#icv,
      retransmissions: this.retransmissions,
      retransmissionFrames: [...this.#retransmissionFrames],
      ...(this.#parts.size > 0 && {
        fragments: { total: this.#totalParts, seen: [...this.#parts].sort((a, b) => a - b) },
      }),
      ...content,
    };
  }

  #addPart({ number, total }: { number: number; total: number }): void {
    this.#parts.add(number);
    this.#totalParts = Math.max(this.#totalParts, total);
  }
}

/** A message counts as read when nothing stays sealed: no encrypted part, or one that was opened. */
function isReadable(packet: DecodedPacket, ike: DecodedIke): boolean {
  if (packet.decrypted) return ike.fragment === undefined || ike.payloads.some((payload) => payload.inside);
  return ike.fragment === undefined && !isSealed(ike);
}

function isSealed({ payloads, version, encrypted }: DecodedIke): boolean {
  if (version === 1) return encrypted !== undefined;
  return payloads.some(({ typeNumber }) => typeNumber === SK || typeNumber === SKF);
}

function noteAll(frames: number[], packet: DecodedPacket): void {
  for (const frame of packet.frames ?? [packet.frame]) {
    if (frames.length < MAX_FRAGMENTS && !frames.includes(frame)) frames.push(frame);
  }
}
