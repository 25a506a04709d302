import { connect } from 'node:net';
import { ByteWriter } from '../core/bytes.js';
import type { Milliseconds } from '../core/environment.js';
import type { PortState } from './types.js';

/** What the originator sends first (RFC 9329 4): "IKETCP". */
const PREFIX = new TextEncoder().encode('IKETCP');
const NON_ESP_MARKER = 0;
const LENGTH_BYTES = 2;
const MARKER_BYTES = 4;
/** More than this is no answer to one question. */
const MAX_HELD = 65_536;

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

/** Whether IKE answers over TCP (RFC 9329): `closed` when the connection is refused, `silent` when no IKE comes. */
export function askTcp(question: TcpQuestion): Promise<PortState> {
  const { address, port, message, match, timeout, signal } = question;
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal });
    let held: Uint8Array = new Uint8Array(0);
    const end = (state: PortState): void => {
      socket.destroy();
      resolve(state);
    };
    socket.setTimeout(timeout, () => end('silent'));
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
      else if (reply !== undefined || held.length > MAX_HELD) end('silent');
    });
  });
}
