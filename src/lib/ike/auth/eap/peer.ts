import type { KeyObject } from 'node:crypto';
import { type Entropy, systemEntropy } from '../../../core/environment.js';
import { KitError } from '../../../core/errors.js';
import type { Secret } from '../../../core/secret.js';
import type { EapPeer } from '../types.js';

/** TLS protocol versions for EAP-TLS, lowest and highest. */
export interface TlsVersions {
  min: 'TLSv1.2' | 'TLSv1.3';
  max: 'TLSv1.2' | 'TLSv1.3';
}

/** Our side of EAP-TLS. */
export interface TlsCredentials {
  /** DER, our own certificate first, then the CAs between it and the anchor. */
  certificates: readonly Uint8Array[];
  key: KeyObject;
  /** Default: TLS 1.2 and 1.3. */
  versions?: TlsVersions;
  /** Largest EAP packet we send, in bytes; default 1,200. */
  fragmentBytes?: number;
}

export interface PeerTlsOptions extends TlsCredentials {
  /**
   * Whether the server's certificate is to be believed; called before anything secret or binding is sent.
   * @param chain DER, the server's own certificate first
   * @throws KitError: becomes the cause of `E_EAP_SERVER`
   */
  validateServer(chain: readonly Uint8Array[]): void | Promise<void>;
}

export interface EapPeerOptions {
  method: 'mschapv2' | 'md5' | 'tls';
  /** Answers the Identity request, and is the name in MSCHAPv2 and MD5. */
  user: string;
  /** Text in UTF-8; needed for `mschapv2` and `md5`. */
  password?: Secret;
  /** Needed for `tls`. */
  tls?: PeerTlsOptions;
  entropy?: Entropy;
}

/**
 * The client's side of one EAP conversation. Failures: `E_EAP_PASSWORD` wrong password, `E_EAP_ACCOUNT` the account may
 * not log in now, `E_EAP_METHOD` the server offers only what we do not do, `E_EAP_SERVER` the server did not prove who
 * it is, `E_EAP_FAILED` the server said no without a reason, `E_EAP_PROTOCOL` it broke the protocol.
 * @throws KitError usage `E_EAP_OPTIONS` when the method lacks its password or certificate
 */
export function createEapPeer(options: EapPeerOptions): EapPeer {
  const { entropy = systemEntropy } = options;
  void entropy;
  throw new KitError('bug', 'E_EAP_UNFINISHED', `EAP ${options.method} is not there yet.`);
}
