import type { Endpoint, EspPath } from '../../core/endpoint.js';
import { type ErrorKind, KitError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import { encrTransform, integTransform } from '../../crypto/registry.js';
import type { TrafficSelector } from '../../ike/wire/types.js';
import type { PathPolicy } from '../path-policy.js';
import type { LifetimeReason } from '../plane/plane.js';
import type { ChildSa, EspSaParameters } from '../sa.js';
import type { PathDevice, PathSocket } from './data-path.js';

/*
 * What the main thread and the thread of the data path say to each other. Algorithms go by their number, because the
 * rows of the registry hold functions, which cannot be sent.
 */

interface SaMessage {
  spi: number;
  encr: number;
  encrKey: Uint8Array;
  integ: number | undefined;
  integKey: Uint8Array;
  esn: boolean;
}

export interface ChildSaMessage extends EspPath {
  id: string;
  inbound: SaMessage;
  outbound: SaMessage;
  localSelectors: TrafficSelector[];
  remoteSelectors: TrafficSelector[];
  rekeyBytes?: number | undefined;
}

/** An error, of which only the fields of its class would not survive a message. */
export interface ErrorMessage {
  kind: ErrorKind;
  code: `E_${string}`;
  message: string;
  hint: string | undefined;
}

/** What the thread is started with. */
export interface PathStart {
  device: PathDevice;
  /** For ESP in UDP. */
  sockets: PathSocket[];
  /** Undefined: the defaults. */
  policy: PathPolicy | undefined;
  /** Becomes readable when there are orders. */
  wake: number;
  counters: Float64Array;
  /** One number: IKE messages that the main thread has been sent and has not handled. */
  ikeWaiting: Int32Array;
}

/** To the data path. */
export type PathOrder =
  | { type: 'install'; child: ChildSaMessage; counters: Float64Array }
  | { type: 'replace'; oldId: string; child: ChildSaMessage; sendOn: 'new' | 'old'; counters: Float64Array }
  | { type: 'move'; id: string; path: EspPath }
  | { type: 'remove'; id: string }
  | { type: 'ike'; local: Endpoint; remote: Endpoint; message: Uint8Array }
  /** A raw socket for ESP without UDP from `address`. */
  | { type: 'raw'; fd: number; address: string }
  /** Wants the report `settled` when everything before is done. */
  | { type: 'settle' }
  | { type: 'close' };

/** From the data path. */
export type PathReport =
  /** Packets flow from now on. */
  | { type: 'ready' }
  | { type: 'ike'; local: Endpoint; remote: Endpoint; message: Uint8Array }
  | { type: 'moved'; id: string; remote: Endpoint }
  | { type: 'lifetime'; id: string; reason: LifetimeReason }
  | { type: 'ended'; id: string }
  | { type: 'path-mtu'; id: string; pathMtu: number; innerMtu: number }
  | { type: 'degraded'; reason: string }
  | { type: 'settled' }
  /** An order about a pair could not be done. */
  | { type: 'refused'; id: string; error: ErrorMessage }
  | { type: 'failed'; error: ErrorMessage };

/** An error as it travels; what is no error of ours is a bug. */
export function errorMessage(error: unknown): ErrorMessage {
  if (error instanceof KitError) {
    const { kind, code, message, hint } = error;
    return { kind, code, message, hint };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'bug', code: 'E_INTERNAL', message, hint: undefined };
}

/** The error that travelled. */
export function errorOf({ kind, code, message, hint }: ErrorMessage): KitError {
  return new KitError(kind, code, message, hint === undefined ? {} : { hint });
}

export function toMessage(child: ChildSa): ChildSaMessage {
  return { ...child, inbound: saMessage(child.inbound), outbound: saMessage(child.outbound) };
}

export function fromMessage(message: ChildSaMessage): ChildSa {
  return { ...message, inbound: parameters(message.inbound), outbound: parameters(message.outbound) };
}

function saMessage({ spi, encr, encrKey, integ, integKey, esn }: EspSaParameters): SaMessage {
  return {
    spi,
    encr: encr.id,
    encrKey: encrKey.reveal(),
    integ: integ?.id,
    integKey: integKey.reveal(),
    esn,
  };
}

function parameters({ spi, encr, encrKey, integ, integKey, esn }: SaMessage): EspSaParameters {
  const row = encrTransform(encr);
  if (row === undefined) throw new KitError('bug', 'E_ESP_SUITE', `There is no ENCR transform ${encr}`);
  return {
    spi,
    encr: row,
    encrKey: new Secret(encrKey),
    integ: integ === undefined ? undefined : integTransform(integ),
    integKey: new Secret(integKey),
    esn,
  };
}
