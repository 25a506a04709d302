import { u32 } from './ip.js';

/** What a UDP payload or a message of a TCP stream is. */
export interface Content {
  kind: 'ike' | 'esp' | 'keepalive';
  /** Bytes before it: the non-ESP marker, or nothing. */
  skip: 0 | 4;
}

const IKE_HEADER = 28;
const IKE_PORT = 500;
const NAT_T_PORT = 4500;
const IKE: Content = { kind: 'ike', skip: 0 };
const MARKED_IKE: Content = { kind: 'ike', skip: 4 };
const ESP: Content = { kind: 'esp', skip: 0 };
const KEEPALIVE: Content = { kind: 'keepalive', skip: 0 };

/**
 * Tells what a UDP payload is by its ports: no marker on 500, a marker before IKE on 4500 (RFC 3948 2), either on the
 * ports of the caller or between 500 and 4500.
 * @returns undefined when it concerns neither IKE nor ESP
 */
export function udpContent(
  data: Uint8Array,
  at: number,
  end: number,
  src: number,
  dst: number,
  extra: ReadonlySet<number>,
): Content | undefined {
  const is500 = src === IKE_PORT || dst === IKE_PORT;
  const is4500 = src === NAT_T_PORT || dst === NAT_T_PORT;
  const isExtra = extra.size > 0 && (extra.has(src) || extra.has(dst));
  if (at >= end || (!is500 && !is4500 && !isExtra)) return undefined;
  if (end - at === 1 && data[at] === 0xff) return KEEPALIVE;
  if (isExtra || (is500 && is4500)) return detected(data, at, end);
  return is4500 ? markedContent(data, at, end) : IKE;
}

/** What is behind a non-ESP marker, or has none because it is ESP. @returns undefined for bytes that are neither */
export function markedContent(data: Uint8Array, at: number, end: number): Content | undefined {
  if (end - at === 1 && data[at] === 0xff) return KEEPALIVE;
  if (end - at < 4) return undefined;
  return u32(data, at) === 0 ? MARKED_IKE : ESP;
}

function detected(data: Uint8Array, at: number, end: number): Content | undefined {
  if (looksLikeIke(data, at, end)) return IKE;
  return markedContent(data, at, end);
}

/** A known major version, and the length of the header is that of the bytes. */
function looksLikeIke(data: Uint8Array, at: number, end: number): boolean {
  if (end - at < IKE_HEADER) return false;
  const major = data[at + 17]! >> 4;
  return (major === 1 || major === 2) && u32(data, at + 24) === end - at;
}
