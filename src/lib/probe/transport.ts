import type { Path } from '../core/endpoint.js';

/** Why datagrams do not arrive: the host says that nobody listens, or a router that there is no way. */
export type TransportError = 'closed' | 'unreachable';

/** A way to one port of one target, for IKE messages without framing. */
export interface ProbeTransport {
  /** Where datagrams leave from and go to; `natT` says that they carry the non-ESP marker (RFC 3948). */
  readonly path: Path;
  /** Sends one IKE message. Never throws. */
  send(message: Uint8Array): void;
  /** Takes every datagram that comes from the target, without the marker. One handler; before it is set they are dropped. */
  onReply(handler: (message: Uint8Array) => void): void;
  /** Takes what ICMP reports. */
  onError(handler: (error: TransportError) => void): void;
  close(): Promise<void>;
}
