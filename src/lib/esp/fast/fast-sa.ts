import type { Arena } from '../../core/arena.js';
import type { SendingSocket } from '../../net/datagram-io.js';
import type { Entry, SaTable } from '../plane/sa-table.js';
import type { ReplayWindow } from '../replay.js';
import type { EspCipher } from './esp-cipher.js';

/** What a child SA knows of its path. */
export interface PathLimits {
  /** The largest inner packet that fits, bytes: what the device takes, or less when the path was found to take less. */
  largest: number;
  /** The same, unless it is less than an IPv4 sender can be told: what is larger than this leaves in fragments. */
  whole: number;
  /** The path MTU, bytes, and when it was learned; 0 before. */
  pathMtu: number;
  learnedAt: number;
}

/** What packets of one child SA need. */
export interface FastSa {
  readonly seal: EspCipher;
  readonly open: EspCipher;
  readonly window: ReplayWindow;
  /** Shared with the main thread; see `SaCounter`. */
  readonly counters: Float64Array;
  /** The last sequence number that was used, and the last that may be. */
  sequence: number;
  readonly lastSequence: number;
  /** See `byteLifetime`. */
  readonly softBytes: number;
  readonly hardBytes: number;
  /** The rekey was asked for. */
  warned: boolean;
  /** The end was asked for. */
  ended: boolean;
  socket: SendingSocket;
  /** Where the peer's struct sockaddr is in the arena. */
  readonly name: number;
  nameLength: number;
  /** What packets have to fit. */
  readonly path: PathLimits;
}

export type FastEntry = Entry<FastSa>;
export type FastTable = SaTable<FastSa>;

/** Whether two struct sockaddr in an arena name the same endpoint. */
export function sameName({ view }: Arena, a: number, b: number, length: number): boolean {
  // Family and port, then the address; flow label and scope of IPv6 say nothing about who it is.
  if (view.getUint32(a) !== view.getUint32(b)) return false;
  if (length === 16) return view.getUint32(a + 4) === view.getUint32(b + 4);
  for (let i = 8; i < 24; i += 4) if (view.getUint32(a + i) !== view.getUint32(b + i)) return false;
  return true;
}
