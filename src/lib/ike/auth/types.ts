import type { KeyObject } from 'node:crypto';
import type { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { Identity } from '../identity.js';

/** An AUTH payload's method (RFC 7296 3.8) and data. */
export interface AuthValue {
  method: number;
  data: Uint8Array;
}

/** How RSA keys sign under RFC 7427: peers that know only one of the two do not say which. */
export type RsaScheme = 'pss' | 'pkcs1';

/** A private key with its certificates: what signs our AUTH. */
export interface Signer {
  /** DER, our own certificate first, then the CAs between it and the anchor. */
  readonly certificates: readonly Uint8Array[];
  /** DER OCSP response for our own certificate, sent to a peer that asks for it (RFC 4806). */
  readonly ocspResponse?: Uint8Array | undefined;
  /**
   * @param octets what RFC 7296 2.15 says is signed
   * @param peerHashes hash algorithm ids of the peer's SIGNATURE_HASH_ALGORITHMS (RFC 7427 4); undefined: it sent none
   * @param rsaScheme what the peer is thought to know; the signer may have been told better
   * @returns `scheme` in words, e.g. `RSA-PSS with SHA-256`; `sha1`: the peer left no better choice, which is worth a warning
   * @throws KitError refused `E_SIGNATURE_HASH` when the peer knows no hash that fits the key
   */
  sign(
    octets: Uint8Array,
    peerHashes: readonly number[] | undefined,
    rsaScheme?: RsaScheme,
  ): AuthValue & { scheme: string; sha1: boolean };
}

/** What a peer brought to prove whose key it signs with. */
export interface PeerCertificates {
  /** DER, the peer's own certificate first; hash-and-URL ones are not among them (RFC 7296 3.6). */
  certificates: readonly Uint8Array[];
  /** DER OCSP responses (RFC 4806). */
  ocspResponses: readonly Uint8Array[];
  /** Its ID payload: the certificate must cover it. */
  identity: Identity;
  /** The peer's role in IKE_AUTH: extended key usages follow it. */
  role: 'initiator' | 'responder';
}

/** Whose certificates are believed. */
export interface CertificateTrust {
  /** SHA-1 of the SubjectPublicKeyInfo of each anchor, 20 bytes each: what CERTREQ asks for (RFC 7296 3.7). */
  readonly authorities: readonly Uint8Array[];
  /** Accept signatures over SHA-1. */
  readonly allowSha1: boolean;
  /** Ask the peer to staple an OCSP response (RFC 4806). */
  readonly requestOcsp?: boolean;
  /**
   * The peer's public key, once its chain, names, usages, dates and revocation are in order. It may take its time.
   * @throws KitError refused `E_CERT_…`
   */
  validate(peer: PeerCertificates): KeyObject | Promise<KeyObject>;
}

/** What an EAP conversation wants next. Messages are whole EAP packets (RFC 3748 4). */
export type EapStep =
  /** `failed`: how it will end, known before the other side has been told, which may never answer. */
  | { type: 'send'; message: Uint8Array; failed?: KitError }
  /**
   * `message`: what the authenticator sends last (EAP Success); empty on the peer. `method` as `--auth` names it, e.g.
   * `eap-mschapv2`; `msk`: 64 bytes, undefined for methods that make no keys.
   */
  | { type: 'success'; message: Uint8Array; msk: Secret | undefined; identity: string; method: string }
  /** `message`: what is still to be sent (EAP Failure); empty on the peer. */
  | { type: 'failure'; message: Uint8Array; error: KitError };

/** The client's side of one EAP conversation. */
export interface EapPeer {
  /** The method proves who the server is, too (RFC 5998). */
  readonly mutual: boolean;
  /** Answers a request, Success or Failure. Never throws for anything that the server sends. */
  step(message: Uint8Array): EapStep | Promise<EapStep>;
  close(): void;
}

/** The server's side of one EAP conversation. */
export interface EapAuthenticator {
  /**
   * The first request.
   * @param peer who the client is, for the limit on wrong passwords: its address
   * @param identity who it said it is in IDi, for methods without a name of their own and clients without EAP identity
   */
  start(peer: string, identity?: string): EapStep | Promise<EapStep>;
  /** Answers a response. Never throws for anything that the client sends. */
  step(message: Uint8Array): EapStep | Promise<EapStep>;
  close(): void;
}

/** How this side proves its identity in one round. */
export type LocalAuth =
  | { type: 'psk'; secret: Secret }
  | { type: 'signature'; signer: Signer }
  /** Initiators only. */
  | { type: 'eap'; createPeer(): EapPeer }
  /** Responders: nothing beside the client's EAP method, when the client agrees (RFC 5998). */
  | { type: 'eap-only' }
  | { type: 'null' };

/** What a peer offered as its proof of a pre-shared key: enough to try keys against. */
export interface PskProof {
  /** IANA id of the PRF. */
  prf: number;
  /** What RFC 7296 2.15 says is authenticated. */
  octets: Uint8Array;
  /** Data of the AUTH payload. */
  auth: Uint8Array;
  identity: Identity;
}

/** What is accepted of the peer in one round. */
export type RemoteAuth =
  /** `onProof` is shown what the peer offered before that is verified. */
  | { type: 'psk'; secret: Secret; onProof?: ((proof: PskProof) => void) | undefined }
  | { type: 'signature'; trust: CertificateTrust }
  /** Responders: the client authenticates with EAP. */
  | { type: 'eap'; createAuthenticator(): EapAuthenticator }
  /** Initiators: the server proves itself inside our own EAP method alone (RFC 5998). */
  | { type: 'eap-only' }
  | { type: 'null' };

/** Who has to prove what. Each side has its own methods (RFC 7296 2.15). */
export interface AuthPolicy {
  /** One entry a round, at least one; several are RFC 4739. */
  local: readonly LocalAuth[];
  /** Alternatives, each with its rounds in order. */
  remote: readonly (readonly RemoteAuth[])[];
}
