import type { KeyObject } from 'node:crypto';
import type { Secret } from '../core/secret.js';
import type { UserStore } from '../ike/auth/eap/users.js';
import type { PskProof, RsaScheme } from '../ike/auth/types.js';
import type { Certificate } from '../pki/certificate.js';
import type { Crl } from '../pki/crl.js';

/** EAP methods, as `--auth` names them. */
export const eapMethods = ['eap-mschapv2', 'eap-tls', 'eap-md5'] as const;
export type EapMethod = (typeof eapMethods)[number];

/**
 * How an identity is proved in one round, as `--auth` names it. EAP is how clients prove themselves; `eap-only` is a
 * server that does it inside the client's EAP method alone (RFC 5998).
 */
export type AuthMethod = 'psk' | 'cert' | EapMethod | 'eap-only' | 'null';

/** Our own certificate and what signs for it. */
export interface OwnCertificate {
  key: KeyObject;
  /** Our own first, then the CAs between it and the peer's anchor. */
  certificates: readonly [Certificate, ...Certificate[]];
  /** undefined: as the peer signs, or is likely to know. */
  rsaScheme?: RsaScheme | undefined;
  /** DER, to staple (RFC 4806). */
  ocspResponse?: Uint8Array | undefined;
}

/** Where revocation lists come from; asked at every validation. */
export interface CrlSource {
  /** @param now milliseconds since the epoch: lists that are outdated then may be fetched again */
  lists(now: number): readonly Crl[] | Promise<readonly Crl[]>;
}

/** Whose certificates are believed, and how much is asked of them. */
export interface TrustSettings {
  anchors: readonly Certificate[];
  /** Anchors that came with the system: believed, but too many to name to the peer. */
  unnamedAnchors?: readonly Certificate[];
  crls?: CrlSource | undefined;
  /** `hard`: every certificate needs word about its revocation. */
  crlPolicy?: 'soft' | 'hard' | undefined;
  /** Accept signatures over SHA-1. */
  allowSha1?: boolean | undefined;
  /** Difference between clocks that is forgiven, milliseconds. */
  skewMs?: number | undefined;
}

/** Everything that authentication needs, loaded: who has to prove what, and with what. */
export interface Credentials {
  /** How this side proves itself, one entry a round (RFC 4739). */
  local: readonly AuthMethod[];
  /** What is accepted of the peer: alternatives, each with its rounds in order. */
  remote: readonly (readonly AuthMethod[])[];
  psk?: Secret | undefined;
  /** Is shown what peers offer as their proof of the pre-shared key. */
  onPskProof?: ((proof: PskProof) => void) | undefined;
  own?: OwnCertificate | undefined;
  trust?: TrustSettings | undefined;
  /** Client: its name to EAP, and its password. */
  eapUser?: string | undefined;
  eapPassword?: Secret | undefined;
  /** Server: who may log in with a password. */
  users?: UserStore | undefined;
}

/** A pre-shared key both ways. */
export function pskCredentials(psk: Secret): Credentials {
  return { local: ['psk'], remote: [['psk']], psk };
}
