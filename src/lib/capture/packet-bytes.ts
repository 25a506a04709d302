import { utf8 } from '../core/bytes.js';
import type { DecodedPacket } from './types.js';

/** Bytes that a line takes besides its strings: names, numbers, punctuation. */
const FRAME = 512;
/** Bytes of UTF-8 that one UTF-16 unit can become. */
const MAX_UTF8 = 3;

/** Most bytes that {@link encodeEsp} writes for a packet. */
export function mostBytes({ src, dst, inner }: DecodedPacket): number {
  return FRAME + src.length + dst.length + (inner === undefined ? 0 : inner.summary.length * MAX_UTF8);
}

/**
 * What `packetJson` says of an ESP packet and a line end, written as bytes without a string in between: of millions of
 * ESP packets in a capture this is what costs most besides opening them.
 * @returns where it ends; -1 when it is no plain ESP packet and nothing counts that was written
 */
export function encodeEsp(packet: DecodedPacket, into: Uint8Array, start: number): number {
  const { esp, inner } = packet;
  if (esp === undefined || packet.error !== undefined || packet.frames !== undefined) return -1;
  if (inner?.packet !== undefined) return -1;
  let at = put(FRAME_NAME, into, start);
  at = decimal(packet.frame, into, at);
  at = put(TIME_NAME, into, at);
  at = ascii(packet.time, into, at);
  at = put(segmentOf(ends, packet.src, packet.dst, endsText), into, at);
  at = decimal(packet.length, into, at);
  at = put(segmentOf(outcomes[packet.decrypted ? 1 : 0], packet.icv, esp.spi, outcomeText), into, at);
  at = decimal(esp.seq, into, at);
  if (esp.seqHigh !== undefined) at = decimal(esp.seqHigh, into, ascii(',"seqHigh":', into, at));
  if (esp.nextHeader !== undefined) at = decimal(esp.nextHeader, into, ascii(',"nextHeader":', into, at));
  if (inner === undefined) return ascii('}}\n', into, at);
  at = plainText(inner.summary, into, put(INNER_NAME, into, at));
  return at < 0 ? -1 : ascii('"}}\n', into, at);
}

const FRAME_NAME = utf8('{"frame":');
const TIME_NAME = utf8(',"time":"');
const INNER_NAME = utf8('},"inner":{"summary":"');

/** A piece of a line that depends on two strings, which many packets in a row share. */
interface Segment {
  first: string;
  second: string;
  bytes: Uint8Array;
}

/** The pieces used last; a handful of flows at a time is what captures have. */
class Segments {
  readonly kept: Segment[] = [];
  next = 0;
  constructor(readonly decrypted: boolean) {}
}

const MAX_SEGMENTS = 16;
const ends = new Segments(false);
const outcomes = [new Segments(false), new Segments(true)] as const;

function segmentOf(
  segments: Segments,
  first: string,
  second: string,
  textOf: (first: string, second: string, decrypted: boolean) => string,
): Uint8Array {
  const { kept } = segments;
  for (let i = 0; i < kept.length; i++) {
    const segment = kept[i]!;
    if (segment.first === first && segment.second === second) return segment.bytes;
  }
  const segment = { first, second, bytes: utf8(textOf(first, second, segments.decrypted)) };
  kept[segments.next] = segment;
  segments.next = (segments.next + 1) % MAX_SEGMENTS;
  return segment.bytes;
}

function endsText(src: string, dst: string): string {
  return `","src":"${src}","dst":"${dst}","protocol":"ESP","length":`;
}

function outcomeText(icv: string, spi: string, decrypted: boolean): string {
  return `,"decrypted":${decrypted},"icv":"${icv}","esp":{"spi":"${spi}","seq":`;
}

function put(bytes: Uint8Array, into: Uint8Array, at: number): number {
  into.set(bytes, at);
  return at + bytes.length;
}

function ascii(text: string, into: Uint8Array, start: number): number {
  const { length } = text;
  for (let i = 0; i < length; i++) into[start + i] = text.charCodeAt(i);
  return start + length;
}

/** A natural number. */
function decimal(value: number, into: Uint8Array, start: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits += 1;
  let rest = value;
  for (let at = start + digits - 1; at >= start; at--) {
    const tenth = Math.floor(rest / 10);
    into[at] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  return start + digits;
}

/** UTF-8 of text that JSON takes as it stands; -1 when it does not. */
function plainText(text: string, into: Uint8Array, start: number): number {
  let at = start;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      if (unit < 0x20 || unit === 0x22 || unit === 0x5c) return -1;
      into[at++] = unit;
    } else if (unit < 0x800) {
      into[at++] = 0xc0 | (unit >> 6);
      into[at++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      into[at++] = 0xe0 | (unit >> 12);
      into[at++] = 0x80 | ((unit >> 6) & 0x3f);
      into[at++] = 0x80 | (unit & 0x3f);
    } else {
      return -1;
    }
  }
  return at;
}
