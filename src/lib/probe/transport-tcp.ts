import { connect } from 'node:net';
import { ByteWriter } from '../core/bytes.js';
import type { Milliseconds } from '../core/environment.js';
import type { PortState } from './types.js';

/** What the originator sends first (RFC 9329 4): "IKETCP". */
const PREFIX = new TextEncoder().encode('IKETCP');
const NON_ESP_MARKER = 0;
const LENGTH_BYTES = 2;
const MARKER_BYTES = 4;
/** Frames longer than this are no answer to a question that is hardly more than a header. */
const MAX_FRAME = 2048;

/** A message as RFC 9329 frames it; the length counts itself and the non-ESP marker (3). */
export function tcpFrame(message: Uint8Array): Uint8Array {
  return new ByteWriter()
    .u16(LENGTH_BYTES + MARKER_BYTES + message.length)
    .u32(NON_ESP_MARKER)
    .bytes(message)
    .finish();
}

/** The first whole IKE message in what came. */
export function firstMessage(held: Uint8Array): Uint8Array | undefined {
  if (held.length < LENGTH_BYTES + MARKER_BYTES) return undefined;
  const view = new DataView(held.buffer, held.byteOffset, held.byteLength);
  const length = view.getUint16(0);
  const isIke = length > LENGTH_BYTES + MARKER_BYTES && view.getUint32(LENGTH_BYTES) === NON_ESP_MARKER;
  return isIke && held.length >= length ? held.slice(LENGTH_BYTES + MARKER_BYTES, length) : undefined;
}

export interface TcpQuestion {
  address: string;
  port: number;
  message: Uint8Array;
  match(reply: Uint8Array): boolean;
  timeout: Milliseconds;
  signal: AbortSignal;
  /** The message goes out, after the connection stands. @returns whether it may */
  onSent(): boolean;
  onReceived(reply: Uint8Array): void;
}

/** Whether what came cannot become an IKE message of a length that is to be expected. */
function isHopeless(held: Uint8Array): boolean {
  if (held.length < LENGTH_BYTES) return false;
  const view = new DataView(held.buffer, held.byteOffset, held.byteLength);
  const length = view.getUint16(0);
  if (length > MAX_FRAME || length <= LENGTH_BYTES + MARKER_BYTES) return true;
  return held.length >= LENGTH_BYTES + MARKER_BYTES && view.getUint32(LENGTH_BYTES) !== NON_ESP_MARKER;
}

/**
 * Whether IKE answers over TCP (RFC 9329): `closed` when the connection is refused, `silent` when no IKE comes. It takes
 * no longer than the timeout in all, however many bytes trickle in.
 */
export function askTcp(question: TcpQuestion): Promise<PortState> {
  const { address, port, message, match, timeout, signal } = question;
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal });
    let held: Uint8Array = new Uint8Array(0);
    const end = (state: PortState): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(state);
    };
    const timer = setTimeout(() => end('silent'), timeout);
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? 'closed' : 'silent'),
    );
    socket.on('close', () => end('silent'));
    socket.on('connect', () => {
      if (!question.onSent()) end('not tried');
      else {
        socket.write(PREFIX);
        socket.write(tcpFrame(message));
      }
    });
    socket.on('data', (data) => {
      held = Buffer.concat([held, data]);
      const reply = firstMessage(held);
      if (reply !== undefined) question.onReceived(reply);
      if (reply !== undefined && match(reply)) end('open');
      else if (reply !== undefined || isHopeless(held)) end('silent');
    });
  });
}
