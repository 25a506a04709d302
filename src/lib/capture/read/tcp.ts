import { type IpHeader, u16, u32 } from './ip.js';

/** One message of an RFC 9329 stream, without its length field. */
export interface StreamMessage {
  data: Uint8Array;
  /** All frames it came in, when they are not just the one that completed it. */
  frames: number[] | undefined;
  /** Where it begins in the frame, when it came in that one. */
  offset: number | undefined;
}

const Flag = { SYN: 0x02, RST: 0x04, ACK: 0x10 } as const;
/** What the originator sends first (RFC 9329 4): "IKETCP". */
const PREFIX = [0x49, 0x4b, 0x45, 0x54, 0x43, 0x50] as const;
const LIMITS = { streams: 4096, bytes: 16 << 20, waiting: 256, frames: 1024 };
/** A sequence number farther off than this belongs to another connection with the same ports. */
const FAR = 1 << 24;

interface Segment {
  sequence: number;
  data: Uint8Array;
  frame: number;
}

/** One direction of a connection. */
interface Stream {
  /** Sequence number expected next; undefined before the first segment. */
  next: number | undefined;
  /** Up to where the other side has everything. */
  acknowledged: number | undefined;
  /** Whether the position in the framing is known. */
  inStep: boolean;
  /** It opened the connection, so that it has to begin with the prefix. */
  isOriginator: boolean;
  /** The connection carries something else. */
  isForeign: boolean;
  /** Nothing was read yet, so that the prefix may come. */
  fresh: boolean;
  /** The beginning of a message whose end is still to come. */
  held: Uint8Array;
  heldLength: number;
  frames: number[];
  /** Segments that came too early, in order. */
  waiting: Segment[];
}

/** Reads IKE and ESP from TCP streams: out of order, repeated, or begun before the capture; bounded in memory. */
export class TcpStreams {
  /** Places where bytes of a stream were missing, and the first frame after one. */
  readonly gaps = { count: 0, frame: 0 };
  readonly #streams = new Map<string, Stream>();
  readonly #ports: ReadonlySet<number>;
  #bytes = 0;

  /** @param ports read even when the beginning of a connection was not captured; elsewhere the prefix tells */
  constructor(ports: ReadonlySet<number>) {
    this.#ports = ports;
  }

  /** Takes the segment at `header.payload`. @returns the messages it completes */
  take(data: Uint8Array, header: IpHeader, frame: number): StreamMessage[] {
    const at = header.payload;
    if (at + 20 > header.end) return [];
    const body = at + (data[at + 12]! >> 4) * 4;
    if (body < at + 20 || body > header.end) return [];
    const isOurs = this.#ports.has(u16(data, at)) || this.#ports.has(u16(data, at + 2));
    const opens = beginsWithPrefix(data, body, header.end);
    if (!isOurs && !opens && this.#streams.size === 0) return [];
    const key = keyOf(data, header, false);
    const known = this.#streams.get(key);
    if (known === undefined && !isOurs && !opens) return [];
    const backKey = keyOf(data, header, true);
    const back = this.#streams.get(backKey) ?? this.#open(backKey);
    // Only now, because opening the other direction may have given this one up.
    const stream = this.#streams.get(key) ?? this.#open(key);
    const flags = data[at + 13]!;
    if ((flags & Flag.ACK) !== 0) back.acknowledged = u32(data, at + 8);
    const messages = this.#segment(key, stream, data, header, body, frame);
    if (stream.isForeign) back.isForeign = true;
    return messages;
  }

  #open(key: string): Stream {
    const [oldest] = this.#streams;
    if (this.#streams.size >= LIMITS.streams && oldest !== undefined) this.#close(...oldest);
    const stream: Stream = {
      next: undefined,
      acknowledged: undefined,
      inStep: false,
      isOriginator: false,
      isForeign: false,
      fresh: true,
      held: EMPTY,
      heldLength: 0,
      frames: [],
      waiting: [],
    };
    this.#streams.set(key, stream);
    return stream;
  }

  #close(key: string, stream: Stream): void {
    this.#drop(stream);
    this.#dropWaiting(stream);
    this.#streams.delete(key);
  }

  /** Gives up the oldest streams when too much is held. */
  #makeRoom(keep: Stream): void {
    if (this.#bytes <= LIMITS.bytes) return;
    for (const [key, stream] of this.#streams) {
      if (this.#bytes <= LIMITS.bytes) return;
      if (stream !== keep) this.#close(key, stream);
    }
  }

  #segment(
    key: string,
    stream: Stream,
    data: Uint8Array,
    header: IpHeader,
    body: number,
    frame: number,
  ): StreamMessage[] {
    const flags = data[header.payload + 13]!;
    const sequence = u32(data, header.payload + 4);
    if ((flags & Flag.RST) !== 0) {
      this.#close(key, stream);
      return [];
    }
    if ((flags & Flag.SYN) !== 0) {
      this.#startAt(stream, (sequence + 1) >>> 0);
      stream.inStep = true;
      stream.isOriginator = (flags & Flag.ACK) === 0;
      stream.isForeign = false;
      return [];
    }
    const messages: StreamMessage[] = [];
    const length = header.declaredEnd - body;
    if (length === 0 || stream.isForeign) return messages;
    const distance = stream.next === undefined ? 0 : (sequence - stream.next) | 0;
    if (stream.next === undefined || Math.abs(distance) > FAR) this.#startAt(stream, sequence);
    if (distance > 0 && distance <= FAR) {
      this.#wait(stream, { sequence, data: new Uint8Array(data.subarray(body, header.end)), frame });
      this.#makeRoom(stream);
      const isFull = stream.waiting.length > LIMITS.waiting || this.#bytes > LIMITS.bytes;
      const isCut = header.end < header.declaredEnd;
      if (isFull || isCut || isBehind(stream)) this.#jump(stream, messages, frame);
      return messages;
    }
    const known = Math.abs(distance) > FAR ? 0 : -distance;
    if (known >= length) return messages;
    this.#consume(stream, data, body + known, header.end, frame, body + known, messages);
    stream.next = (sequence + length) >>> 0;
    if (header.end < header.declaredEnd) this.#loseStep(stream, frame);
    this.#catchUp(stream, messages);
    this.#makeRoom(stream);
    return messages;
  }

  #startAt(stream: Stream, sequence: number): void {
    this.#drop(stream);
    this.#dropWaiting(stream);
    stream.next = sequence;
    stream.acknowledged = undefined;
    stream.inStep = false;
    stream.isOriginator = false;
    stream.fresh = true;
  }

  #wait(stream: Stream, segment: Segment): void {
    const base = stream.next ?? 0;
    const distance = (segment.sequence - base) | 0;
    const at = stream.waiting.findLastIndex((other) => ((other.sequence - base) | 0) <= distance);
    const before = stream.waiting[at];
    if (before?.sequence === segment.sequence && before.data.length >= segment.data.length) return;
    stream.waiting.splice(at + 1, 0, segment);
    this.#bytes += segment.data.length;
  }

  /** Reads the waiting segments that now are in order. */
  #catchUp(stream: Stream, messages: StreamMessage[]): void {
    for (let first = stream.waiting[0]; first !== undefined; first = stream.waiting[0]) {
      const known = ((stream.next ?? 0) - first.sequence) | 0;
      if (known < 0) return;
      stream.waiting.shift();
      this.#bytes -= first.data.length;
      if (known >= first.data.length) continue;
      this.#consume(stream, first.data, known, first.data.length, first.frame, undefined, messages);
      stream.next = (first.sequence + first.data.length) >>> 0;
    }
  }

  /** Gives the missing bytes up and goes on with the first segment that waits. */
  #jump(stream: Stream, messages: StreamMessage[], frame: number): void {
    this.#loseStep(stream, frame);
    stream.next = stream.waiting[0]?.sequence ?? stream.next;
    this.#catchUp(stream, messages);
  }

  #loseStep(stream: Stream, frame: number): void {
    this.#drop(stream);
    stream.inStep = false;
    stream.fresh = false;
    this.gaps.count += 1;
    if (this.gaps.count === 1) this.gaps.frame = frame;
  }

  /** Reads messages from bytes that follow the ones read before. @param offset of `from` in the frame */
  #consume(
    stream: Stream,
    data: Uint8Array,
    from: number,
    end: number,
    frame: number,
    offset: number | undefined,
    messages: StreamMessage[],
  ): void {
    if (!stream.inStep) {
      if (!looksLikeStart(data, from, end)) return;
      stream.inStep = true;
    }
    if (stream.fresh && stream.isOriginator && stream.heldLength === 0 && !couldBePrefix(data, from, end)) {
      stream.isForeign = true;
      return;
    }
    let at = from;
    while (at < end) {
      if (stream.heldLength > 0) {
        at += this.#fill(stream, data, at, end, frame, messages);
        if (!stream.inStep) return;
        continue;
      }
      const need = needOf(stream, data, at, end);
      if (need < 2) {
        this.#loseStep(stream, frame);
        return;
      }
      if (at + need > end) {
        this.#hold(stream, data.subarray(at, end), frame);
        return;
      }
      if (need > PREFIX.length || !stream.fresh || !beginsWithPrefix(data, at, end)) {
        const bytes = data.subarray(at + 2, at + need);
        if (offset === undefined) messages.push({ data: bytes, frames: [frame], offset });
        else messages.push({ data: bytes, frames: undefined, offset: offset + at - from + 2 });
      }
      stream.fresh = false;
      at += need;
    }
  }

  #hold(stream: Stream, bytes: Uint8Array, frame: number): void {
    stream.held = new Uint8Array(bytes);
    stream.heldLength = bytes.length;
    stream.frames = [frame];
    this.#bytes += bytes.length;
  }

  /** Adds to the held beginning of a message. @returns bytes taken */
  #fill(
    stream: Stream,
    data: Uint8Array,
    at: number,
    end: number,
    frame: number,
    messages: StreamMessage[],
  ): number {
    const need = Math.max(needOf(stream, stream.held, 0, stream.heldLength), 2);
    if (stream.held.length < need) {
      const bigger = new Uint8Array(need);
      bigger.set(stream.held.subarray(0, stream.heldLength));
      this.#bytes += need - stream.held.length;
      stream.held = bigger;
    }
    const count = Math.min(need - stream.heldLength, end - at);
    stream.held.set(data.subarray(at, at + count), stream.heldLength);
    stream.heldLength += count;
    if (stream.frames.at(-1) !== frame && stream.frames.length < LIMITS.frames) stream.frames.push(frame);
    if (stream.heldLength < need) return count;
    const whole = needOf(stream, stream.held, 0, stream.heldLength);
    if (whole < 2) this.#loseStep(stream, frame);
    else if (whole <= stream.heldLength) {
      const isPrefix = stream.fresh && beginsWithPrefix(stream.held, 0, whole);
      if (!isPrefix)
        messages.push({ data: stream.held.subarray(2, whole), frames: stream.frames, offset: undefined });
      stream.fresh = false;
      this.#drop(stream);
    }
    return count;
  }

  #drop(stream: Stream): void {
    this.#bytes -= stream.held.length;
    stream.held = EMPTY;
    stream.heldLength = 0;
    stream.frames = [];
  }

  #dropWaiting(stream: Stream): void {
    for (const segment of stream.waiting) this.#bytes -= segment.data.length;
    stream.waiting = [];
  }
}

const EMPTY = new Uint8Array(0);

/**
 * Bytes that the prefix or the message at `at` has, or at least has. The length counts itself (RFC 9329 3), so that 0
 * and 1 mean that the framing is lost.
 */
function needOf(stream: Stream, data: Uint8Array, at: number, end: number): number {
  if (stream.fresh && couldBePrefix(data, at, end)) return PREFIX.length;
  return end - at < 2 ? 2 : u16(data, at);
}

/** Whether the other side has acknowledged what is missing: then it is the capture that lacks it. */
function isBehind({ next, acknowledged }: Stream): boolean {
  return next !== undefined && acknowledged !== undefined && ((acknowledged - next) | 0) > 0;
}

function couldBePrefix(data: Uint8Array, at: number, end: number): boolean {
  return PREFIX.every((byte, i) => at + i >= end || data[at + i] === byte);
}

function beginsWithPrefix(data: Uint8Array, at: number, end: number): boolean {
  return data[at] === PREFIX[0] && at + PREFIX.length <= end && couldBePrefix(data, at, end);
}

/** Whether a segment in the middle of a stream begins with a message: its messages fill it, or an IKE header says so. */
function looksLikeStart(data: Uint8Array, from: number, end: number): boolean {
  if (beginsWithPrefix(data, from, end)) return true;
  const ikeLength = from + 34 <= end && u32(data, from + 2) === 0 ? u32(data, from + 30) : 0;
  if (ikeLength > 0 && u16(data, from) === ikeLength + 6) return true;
  let at = from;
  while (at + 2 <= end && u16(data, at) > 2) at += u16(data, at);
  return at === end;
}

/** Addresses and ports of one direction. */
function keyOf(data: Uint8Array, header: IpHeader, reverse: boolean): string {
  const { source, addressBytes, payload } = header;
  const codes: number[] = [];
  for (const isSource of reverse ? [false, true] : [true, false]) {
    const start = isSource ? source : source + addressBytes;
    for (let at = start; at < start + addressBytes; at += 2) codes.push(u16(data, at));
    codes.push(u16(data, isSource ? payload : payload + 2));
  }
  return String.fromCharCode(...codes);
}
