import { type Entropy, systemEntropy } from '../../../core/environment.js';
import { KitError } from '../../../core/errors.js';
import type { EapAuthenticator } from '../types.js';
import type { AttemptLimiter } from './limiter.js';
import type { TlsCredentials } from './peer.js';
import type { UserStore } from './users.js';

export interface AuthenticatorTlsOptions extends TlsCredentials {
  /** DER certificates of the CAs whose names the client is asked for; none: any. */
  authorities?: readonly Uint8Array[];
  /**
   * Whether the client's certificate is to be believed and covers the name the client gave.
   * @param chain DER, the client's own certificate first
   * @throws KitError: becomes the cause of `E_EAP_CLIENT`
   */
  validateClient(chain: readonly Uint8Array[], identity: string): void | Promise<void>;
}

export interface EapAuthenticatorOptions {
  /** In order of preference, at least one. */
  methods: readonly ('mschapv2' | 'md5' | 'tls')[];
  users: UserStore;
  limiter: AttemptLimiter;
  /** Needed for `tls`. */
  tls?: AuthenticatorTlsOptions;
  /** Our name in MSCHAPv2 and MD5 challenges, which clients may show; default `ipsec-kit`. */
  serverName?: string;
  /** Ask for the Identity first; default true. */
  askIdentity?: boolean;
  /** Who the client said it is in IDi: stands in for the Identity when that is not asked. */
  identity?: string;
  entropy?: Entropy;
}

/**
 * The server's side of one EAP conversation. Failures, which the client cannot tell apart: `E_EAP_PASSWORD`,
 * `E_EAP_UNKNOWN_USER`, `E_EAP_TOO_MANY` wrong passwords before, `E_EAP_METHOD` the client does none of our methods,
 * `E_EAP_CLIENT` its certificate is not believed, `E_EAP_FAILED` the client gave up, `E_EAP_PROTOCOL`.
 * @throws KitError usage `E_EAP_OPTIONS` when a method lacks what it needs
 */
export function createEapAuthenticator(options: EapAuthenticatorOptions): EapAuthenticator {
  const { entropy = systemEntropy } = options;
  void entropy;
  throw new KitError('bug', 'E_EAP_UNFINISHED', 'EAP is not there yet.');
}
