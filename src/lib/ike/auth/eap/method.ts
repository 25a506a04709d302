import type { KitError } from '../../../core/errors.js';
import type { Secret } from '../../../core/secret.js';

/** What a method wants sent; `data` follows the type in the EAP packet. */
export interface MethodMessage {
  data: Uint8Array;
  /** How the conversation will end, if that is known already. */
  failed?: KitError;
}

/** The client's side of one EAP method. What it throws ends the conversation. */
export interface PeerMethod {
  readonly type: number;
  /** As `--auth` has it. */
  readonly name: string;
  /** It proves who the server is well enough for EAP alone (RFC 5998 4). */
  readonly mutual: boolean;
  /** What a refusal without a reason means where the method stands, one sentence. */
  readonly refusalHint?: string | undefined;
  /** Answers one request. @param identifier the EAP packet's */
  answer(data: Uint8Array, identifier: number): MethodMessage | Promise<MethodMessage>;
  /** The server sent EAP Success. @returns the MSK @throws KitError when the method has not come to a good end */
  finish(): Secret | undefined;
  close(): void;
}

/** What the server's side of a method says to a response. */
export type ServerVerdict =
  | ({ type: 'request' } & MethodMessage)
  | { type: 'success'; identity: string; msk: Secret | undefined };

/** The server's side of one EAP method. What it throws ends the conversation. */
export interface ServerMethod {
  readonly type: number;
  readonly name: string;
  /** The first request's data. @param identifier the EAP packet's, which MD5 hashes */
  start(identifier: number): Uint8Array;
  /** Answers one response. */
  answer(data: Uint8Array): ServerVerdict | Promise<ServerVerdict>;
  close(): void;
}
